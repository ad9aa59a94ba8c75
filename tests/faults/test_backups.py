"""Backups under load, tested: what a copy lacks, a load that is none, and a restore that takes too long are found."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.faults import ward
from tests.faults.matrix import Tally, Trial
from tests.faults.rows import backups
from vwmon.scorer import Scorer
from vwmon.store import backup, database
from vwmon.store.log import LogWriter


def done(folder: Path) -> Tally:
    """Make two backups."""
    return backups.backed_up(Trial(folder=folder, runs=2, seed=7))


def test_a_copy_without_scores_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As lost, and by name."""
    restore = backup.restore

    def forgetful(copy: Path, path: Path, now_ms: int) -> None:
        restore(copy, path, now_ms)
        with closing(database.open_writer(path)) as db:
            db.execute("delete from score")

    monkeypatch.setattr(backup, "restore", forgetful)
    tally = done(tmp_path)
    assert tally.lost > 0
    assert tally.broken == ("the restored database holds something else than its copy", "no scores in a copy")


def test_a_load_of_readings_that_nobody_scores_is_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of it would show nothing of scores and alerts."""
    monkeypatch.setattr(backups, "ILL_S", 2)
    monkeypatch.setattr(Scorer, "cycle", lambda _self, _now_ms: 0)
    tally = done(tmp_path)
    assert (tally.runs, tally.broken) == (0, ("waited 2 s in vain until there is some of everything",))


def test_a_load_that_ends_by_itself_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or the rest would be backups of a ward at rest."""
    append, batches = LogWriter.append, []

    def tired(self: LogWriter, *given: Any) -> Any:  # noqa: ANN401 -- as the log's
        batches.append(given)
        if len(batches) > 5:
            raise OSError("no more")
        return append(self, *given)

    monkeypatch.setattr(LogWriter, "append", tired)
    assert "the traffic ended: OSError('no more')" in done(tmp_path).broken


def test_a_restore_of_many_rows_that_takes_too_long_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a ward at work that has so many rows more, which are sound."""
    devices, start_ms = ward.brief(7), ward.start_of(4_000)
    sent = ward.Load(devices, start_ms, 400).more(400)
    ward.undisturbed(tmp_path / "ward.db", start_ms, devices, sent).close()
    before = backups._held(tmp_path / "ward.db")
    tally = backups._large(tmp_path / "ward.db", tmp_path / "large.db", 5_000)
    assert tally.broken == ("no gaps in a copy",)
    assert backups._held(tmp_path / "large.db")["merged readings"] == before["readings"] + 5_000
    assert (tally.runs, tally.lost) == (0, 0)
    assert tally.said.startswith("5,000 rows restored in")
    monkeypatch.setattr(backups, "RESTORED_S", 0)
    tally = backups._large(tmp_path / "ward.db", tmp_path / "again.db", 10)
    assert "restoring takes more than 0 s" in tally.broken
