"""The order of a list that somebody is looking at: it holds still while keys are pressed, and says what has changed.

A row that moves under the eye is acted on by mistake. So while the order is held, rows stay where they are and are
marked, those that have left are kept and marked, and new ones are told of apart. Pure: no terminal, no clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vwmon.cli import work_list
from vwmon.cli.work_list import ADDED, CHANGED, GONE, Row

MARKED_MS = 20_000  # for so long a row is marked after it changed


@dataclass(frozen=True, kw_only=True)
class Arranged:
    """The rows in the order they are shown in, with their marks by id, and the new ones that have no place yet."""

    rows: Sequence[Row]
    marks: Mapping[str, str]
    waiting: Sequence[Row] = ()


class KeptOrder:
    """What was shown last, and since when each row is as it is."""

    def __init__(self) -> None:
        """Begin with nothing shown."""
        self._shown: dict[str, Row] | None = None
        self._seen: dict[str, Any] = {}
        self._marks: dict[str, tuple[str, int]] = {}

    def arrange(self, rows: Sequence[Row], now_ms: int, *, held: bool) -> Arranged:
        """Arrange the rows of a new look: as they come, or in the order shown last while that is `held`."""
        found = {row["id"]: row for row in rows}
        self._mark(found, now_ms)
        kept = self._shown if held and self._shown is not None else {}
        ordered = {id_: found.get(id_) or _gone(row) for id_, row in kept.items()} if kept else found
        self._shown = ordered
        marks = {id_: mark for id_, (mark, _) in self._marks.items() if id_ in found}
        marks |= dict.fromkeys(ordered.keys() - found.keys(), GONE)
        return Arranged(
            rows=list(ordered.values()),
            marks=marks,
            waiting=[row for id_, row in found.items() if id_ not in ordered],
        )

    def _mark(self, found: Mapping[str, Row], now_ms: int) -> None:
        """Mark what is new and what is other than at the look before; a mark ends by itself."""
        self._marks = {id_: mark for id_, mark in self._marks.items() if now_ms < mark[1]}
        for id_, row in found.items():
            was, now = self._seen.get(id_), _signature(row, now_ms)
            if was != now and self._shown is not None:
                self._marks[id_] = (ADDED if was is None else CHANGED, now_ms + MARKED_MS)
        self._seen = {id_: _signature(row, now_ms) for id_, row in found.items()}


def _signature(row: Row, now_ms: int) -> tuple[Any, ...]:
    """Give all of a row that is more than the time that passes."""
    due = work_list.due(row, now_ms).split(" ", 1)[0]
    return (row["level"], row["state"], row["version"], row["owner"], work_list.score(row), tuple(row["flags"]), due)


def _gone(row: Row) -> Row:
    return {**row, "brief": ["no longer on this list"]}
