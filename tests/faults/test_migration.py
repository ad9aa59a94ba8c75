"""A migration that is killed, tested: one whose steps are not whole is found, and where it was killed is a run."""

from pathlib import Path

import pytest

from tests.faults.matrix import CannotHereError, Tally, Trial
from tests.faults.rows import migration

FEW = 8  # runs: each twelfth statement, and one call of each kind


def piecemeal(path: Path, left: int) -> None:
    """Migrate with a commit after each statement, and be killed before one."""
    migration.until(path, left, after="commit;begin")


def done(folder: Path, do: migration.Until) -> Tally:
    """Kill a migration at a few places; skip where nothing may be traced."""
    try:
        return migration.migrated(Trial(folder=folder, runs=FEW, seed=7), do)
    except CannotHereError as reason:
        pytest.skip(str(reason))


@pytest.mark.hazard("H18")
@pytest.mark.slow
def test_a_migration_that_was_killed_comes_to_what_an_undisturbed_one_does(tmp_path: Path) -> None:
    """Of a ward at work under the release before, row by row."""
    tally = done(tmp_path, migration.until)
    assert (tally.lost, tally.doubled, tally.broken) == (0, 0, ())
    assert tally.runs > FEW


@pytest.mark.hazard("H18")
@pytest.mark.slow
def test_steps_of_a_migration_that_are_not_whole_are_found(tmp_path: Path) -> None:
    """A half of one step stays, and the next try cannot go on."""
    assert any("cannot go on" in what for what in done(tmp_path, piecemeal).broken)
