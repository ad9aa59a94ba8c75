"""A ward at work as the release of schema 1 left it, for what has to migrate it and go on with it."""

from contextlib import closing
from pathlib import Path

from vwmon.store.sqlite import module

WARD = Path(__file__).with_name("ward_v1.sql")
DAY = "2026-11-23"  # it was at work from 06:00 to 11:00 UTC


def make(path: Path) -> Path:
    """Put the ward's database at a path."""
    with closing(module.connect(path)) as db:
        db.executescript(WARD.read_text(encoding="utf-8"))
    return path
