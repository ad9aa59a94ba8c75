"""What the page says that mutants came to: of every module that is mutated enough is killed, and the rest explained."""

import re

import pytest

from tests.conftest import ROOT
from tests.mutants.modules import MODULES

PAGE = (ROOT / "docs/safety/mutation.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (?P<module>\S+) \| (?P<mutants>\d+) \| (?P<killed>\d+) \| \d+ \| (?P<left>\d+) \|", re.MULTILINE)
ROWS = {found["module"]: found for found in ROW.finditer(PAGE)}
ENOUGH = 0.95


@pytest.mark.hazard("H9")
@pytest.mark.parametrize("module", MODULES)
def test_nineteen_of_twenty_mutants_are_killed_and_each_survivor_is_explained(module: str) -> None:
    """Whoever changes such a module runs scripts/mutate for it."""
    row = ROWS[module]
    assert int(row["killed"]) >= ENOUGH * int(row["mutants"]) > 0
    assert int(row["left"]) == 0
