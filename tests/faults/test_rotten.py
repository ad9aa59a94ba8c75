"""Files that rot, tested: each damage is one, and what a check does not find is told."""

from pathlib import Path
from random import Random

import pytest

from tests.faults.matrix import Trial
from tests.faults.rows import rotten
from vwmon.store import database

KEY = b"0123456789abcdef" * 4 + b"\n"


def test_every_damage_changes_its_file(tmp_path: Path) -> None:
    """Also of one that has no second page whose place another could take."""
    file, chance, names = tmp_path / "key", Random(7), set()
    for _ in range(100):
        file.write_bytes(KEY)
        name, _ = rotten._damaged(file, chance)
        assert file.read_bytes() != KEY
        names.add(name)
    assert names == {name for name, damage in rotten.DAMAGES if damage is not rotten._old_page}


def test_damage_that_a_check_does_not_find_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether something else is read, or nothing can be."""
    opened = database.open_writer
    monkeypatch.setattr(database, "open_writer", lambda path: opened(path, checked=True))
    monkeypatch.setattr(rotten, "verify", lambda _path: [])
    tally = rotten.rotten(Trial(folder=tmp_path, runs=25, seed=7))
    assert any("of a sealed database: told as sound, and cannot be read" in what for what in tally.broken)
    assert any(what.endswith(f"of a database that is not sealed: {rotten.SILENT}") for what in tally.broken)


def test_rot_is_found(tmp_path: Path) -> None:
    """In every kind of file, a few times."""
    tally = rotten.rotten(Trial(folder=tmp_path, runs=5, seed=7))
    assert (tally.runs, tally.lost, tally.broken) == (5, 0, ())
