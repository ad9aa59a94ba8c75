"""docs/alert-burden.md says what its script prints, and what it counts is what the brute force counts."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from shutil import copyfile

import pytest

from tests.conftest import ROOT
from tests.golden.oracle import HALF_HOUR, HOUR
from tests.golden.test_every_breach import level
from tests.golden.wards import Ward

SCRIPT, PAGE = "scripts/alert_burden.py", "docs/alert-burden.md"
NAMES = ("mimic4demo", "tihm_home", "mimic2_numerics")

each = pytest.mark.parametrize("name", NAMES)


def figures(name: str) -> str:
    """Give what the page has of a recording."""
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    found = re.search(rf"<!-- {name}: written by {SCRIPT} -->\n(.*?)<!-- end of {name} -->\n", page, re.DOTALL)
    assert found is not None
    return found[1]


def counts(name: str, row: str) -> list[int]:
    """Give the counts of a row of a recording's first table: of level 3, 2 and 1, and of all."""
    (cells,) = re.findall(rf"^\| {row} \|(.*)\|$", figures(name), re.MULTILINE)
    return [int(cell.split()[0]) for cell in cells.split("|")]


def ran(script: Path, *arguments: object) -> str:
    """Run the script; give what it printed."""
    command = [sys.executable, str(script), *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout


@each
def test_the_page_has_what_the_script_prints(recordings: Path, name: str) -> None:
    """Every figure; after a change of the rules the page is to be written again."""
    assert figures(name) == ran(ROOT / SCRIPT, recordings / name).removesuffix("\n")


def test_the_script_writes_the_figures_into_the_page(recordings: Path, tmp_path: Path) -> None:
    """Those of the recordings named, in their place; the rest of the page stays as it is."""
    for file in (SCRIPT, PAGE):
        (tmp_path / file).parent.mkdir()
        copyfile(ROOT / file, tmp_path / file)
    page = tmp_path / PAGE
    whole = page.read_text(encoding="utf-8")
    page.write_text(whole.replace(figures("mimic2_numerics"), "something old\n"), encoding="utf-8")
    assert ran(tmp_path / SCRIPT, "--write", recordings / "mimic2_numerics") == ""
    assert page.read_text(encoding="utf-8") == whole


@each
def test_the_breaches_of_the_page_are_the_brute_forces(built: Callable[[str], Ward], name: str) -> None:
    """Moments, breaches by level, runs of them and days, counted from the readings without the product's code."""
    truth = built(name).truth
    levels = Counter(level(score) for found in truth.values() for score in found.moments)
    assert counts(name, "every breach") == [*(levels[n] for n in (3, 2, 1)), levels.total() - levels[0]]
    runs = [
        max(part)
        for found in truth.values()
        for breaches, group in groupby(map(level, found.moments), key=bool)
        if breaches and (part := list(group))
    ]
    assert counts(name, "every run of breaches") == [*(runs.count(n) for n in (3, 2, 1)), len(runs)]
    days = {
        (patient, (score.at_ms - found.admitted_ms) // (24 * HOUR))
        for patient, found in truth.items()
        for score in found.moments
    }
    patients = "1 patient" if len(truth) == 1 else f"{len(truth)} patients"
    assert f"{patients}, {len(days)} patient-days with a reading, {levels.total()} scored" in figures(name)


@each
def test_there_are_five_times_fewer_calls_than_breaches(name: str) -> None:
    """The target of the list, with what the technical lane adds; and confirming never adds to what is called."""
    (breaches, plain, shipped, technical) = (
        counts(name, row)[-1]
        for row in (
            "every breach",
            "one item a patient: calls",
            "as shipped: calls",
            "technical, as shipped: calls",
        )
    )
    assert breaches >= 5 * (shipped + technical)
    assert shipped <= plain


def test_no_breach_of_level_3_that_lasts_is_missed(built: Callable[[str], Ward]) -> None:
    """As many as the brute force finds, and each in an alert of level 3 from its first moment to its last."""
    lasting = [
        part
        for found in built("mimic4demo").truth.values()
        for worst, group in groupby(found.moments, key=lambda score: level(score) == 3)
        if worst and (part := list(group))[-1].at_ms - part[0].at_ms >= HALF_HOUR
    ]
    found = re.search(r"at least 30 min lies in an alert of level 3: (\d+) of (\d+);", figures("mimic4demo"))
    assert found is not None
    assert found.groups() == (str(len(lasting)), str(len(lasting)))
    assert len(lasting) > 100
