"""Every fault that is planted on purpose turns some test red, and without a fault the same tests are green."""

from pathlib import Path

import pytest

from tests.faults.seeded import FAULTS, Fault, is_found, planted

SOUND = Fault(name="none", edits=(), found_by=tuple(sorted({test for fault in FAULTS for test in fault.found_by})))


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_planted_fault_turns_a_test_red(fault: Fault, tmp_path: Path) -> None:
    """Each in a copy of the tree, by every single test that is said to find it."""
    at = planted(fault, tmp_path)
    for test in fault.found_by:
        found, told = is_found(fault, at, [test])
        assert found, f"{test}\n{told[-2000:]}"


@pytest.mark.slow(40)
def test_without_a_fault_the_same_tests_are_green(tmp_path: Path) -> None:
    """Or they would find whatever is planted."""
    found, told = is_found(SOUND, planted(SOUND, tmp_path), SOUND.found_by)
    assert not found, told[-2000:]


def test_every_fault_still_fits_the_text_that_it_is_planted_in() -> None:
    """Each text stands there once; a change of the code moves the fault with it."""
    root = Path(__file__).parents[2]
    for fault in FAULTS:
        for edit in fault.edits:
            assert (root / edit.file).read_text(encoding="utf-8").count(edit.before) == 1, f"{fault.name}: {edit.file}"
