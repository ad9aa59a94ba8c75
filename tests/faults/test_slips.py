"""Slips in the configuration, tested: a daemon that minds what is in its file by now is found, and each is counted."""

from pathlib import Path

import pytest

from tests.faults.matrix import Trial
from tests.faults.rows import slips

MINDS_ITS_FILE = """\
from pathlib import Path
from vwmon import config
from vwmon.watch import Watch
turn = Watch.turn
def anxious(self):
    config.load(Path(sys.argv[-1]))
    return turn(self)
Watch.turn = anxious
"""


@pytest.mark.slow
def test_a_daemon_that_ends_of_a_slip_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the slip is there, though what comes after it may be right again; and what each comes to is counted."""
    monkeypatch.setattr(slips, "UNTIL_TURNED", 1)
    tally = slips.slipped(Trial(folder=tmp_path, runs=20, seed=7), MINDS_ITS_FILE)
    assert any(what.endswith("the daemon has ended") for what in tally.broken)
    counts = [int(part.split()[0]) for part in tally.said.split(", ")]
    assert sum(counts) == 20
    assert [part.split(" ", 1)[1] for part in tally.said.split(", ")] == list(slips.CAME_TO)
