"""What the page of mutants says is what was tried, and every module and test that it rests on is there."""

import shutil
from pathlib import Path

import msgspec
import pytest

from tests.conftest import ROOT
from tests.mutants import __main__ as mutate
from tests.mutants import report, trial
from tests.mutants.modules import MODULES
from tests.mutants.trial import Outcome, Survivor


@pytest.mark.parametrize("module", MODULES)
def test_a_module_and_its_tests_are_there(module: str) -> None:
    """A test that was moved would leave its module without one, and each of its mutants alive."""
    assert (ROOT / f"{module}.py").is_file()
    assert [test for test in MODULES[module] if not (ROOT / test).is_file()] == []


def test_the_page_has_a_row_for_every_module_and_the_figures_that_are_kept() -> None:
    """Also for one that was never tried, so that nobody takes silence for a result."""
    assert mutate.PAGE.read_text(encoding="utf-8") == report.page(list(MODULES), report.kept(mutate.FIGURES))
    assert report.page(list(MODULES), {}).count(report.UNDONE) == len(MODULES)


def test_every_explanation_is_of_a_line_that_is_still_there() -> None:
    """One of code that has gone would one day excuse something else."""
    gone = [
        (module, was)
        for module, known in report.explained().items()
        for was, _ in known
        if was not in [line.strip() for line in (ROOT / f"{module}.py").read_text(encoding="utf-8").splitlines()]
    ]
    assert gone == []
    assert set(report.explained()) <= set(MODULES)


def test_a_survivor_that_nothing_excuses_is_counted_and_named() -> None:
    """And one that is explained is neither killed nor held against the module."""
    module, known = next(iter(report.explained().items()))
    was, becomes = next(iter(known))
    outcome = Outcome(mutants=10, survivors=[Survivor(was=was, becomes=becomes), Survivor(was="a", becomes="b")])
    assert report.cells(module, outcome) == [module, "10", "8", "1", "1", "90.0 %"]
    assert "`a` became `b`" in report.page([module], {module: outcome})


def test_the_first_line_that_differs_says_what_a_mutant_is() -> None:
    """As mutmut shows it."""
    shown = "# m\n--- a.py\n+++ a.py\n@@ -1 +1 @@\n def f():\n-    return 1\n+    return 2\n"
    assert trial._changed(shown) == Survivor(was="return 1", becomes="return 2")
    assert trial._changed("") == Survivor(was="", becomes="")


def test_what_survived_is_tried_again_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What was killed stays killed; a module that has changed since is tried whole."""
    module, asked = "devices/strict_json", []

    def mutmut(folder: Path, *arguments: str) -> str:
        asked.append(arguments)
        meta = {"exit_code_by_key": {"a": None, "b": 1, "c": 0}}
        (folder / "mutants" / f"{module}.py.meta").write_bytes(msgspec.json.encode(meta))
        return "-    return 1\n+    return 2\n"

    monkeypatch.setattr(trial, "WORK", tmp_path)
    monkeypatch.setattr(trial, "_copy", lambda *_: None)
    monkeypatch.setattr(trial, "_mutmut", mutmut)
    folder = tmp_path / module.replace("/", ".")
    was, kept = folder / f"{module}.py", folder / trial.KEPT
    for place in (was, folder / "mutants" / f"{module}.py"):
        place.parent.mkdir(parents=True)
    shutil.copy(ROOT / f"{module}.py", was)
    kept.write_bytes(msgspec.json.encode({"a": 1, "b": 0, "c": 0}))
    found = trial.tried(module, [], again=True)
    assert (found.mutants, found.survivors) == (3, [Survivor(was="return 1", becomes="return 2")])
    assert asked == [("run", "--max-children", "1", "b", "c"), ("show", "c")]
    was.write_text("# changed\n")
    with pytest.raises(trial.TrialError, match="without --again"):
        trial.tried(module, [], again=True)
