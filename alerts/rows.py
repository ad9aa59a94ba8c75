"""Records as rows of the tables and back: the columns, and how each is stored. No statement runs here."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from enum import Enum
from typing import Any, Final

from alerts.model import Alert, Condition, ConditionState, Event, Gap, Kind, Lane, Level, Outcome, State

Readers = tuple[tuple[str, Callable[[Any], Any]], ...]

ALERT_COLUMNS: Final = tuple(field.name for field in fields(Alert))
EVENT_COLUMNS: Final = tuple(field.name for field in fields(Event))
CONDITION_COLUMNS: Final = (
    "stay_no",
    "rule",
    "state",
    "since_ms",
    "clear_ms",
    "covered_ms",
    "gaps",
    "seen_ms",
    "due_ms",
    "evidence",
)
# What an alert keeps from its raise on; leaving it out of an update spares its indexes and references.
FIXED: Final = frozenset(
    {"alert_no", "id", "stay_no", "ordinal", "lane", "opened_ms", "since_ms", "recurrence_of", "provenance_no"}
)
CHANGING: Final = tuple(column for column in ALERT_COLUMNS if column not in FIXED)


def alert_of(row: Sequence[Any]) -> Alert:
    """Give the record of a row of ALERT_COLUMNS."""
    return Alert(**_read(ALERT_COLUMNS, ALERT_READERS, row))


def alert_row(alert: Alert, columns: Sequence[str] = ALERT_COLUMNS) -> list[Any]:
    """Give an alert as a row of these columns."""
    return _written(columns, alert)


def event_of(row: Sequence[Any]) -> Event:
    """Give the record of a row of EVENT_COLUMNS."""
    return Event(**_read(EVENT_COLUMNS, EVENT_READERS, row))


def event_row(event: Event) -> list[Any]:
    """Give an event as a row of EVENT_COLUMNS."""
    return _written(EVENT_COLUMNS, event)


def condition_of(row: Sequence[Any]) -> Condition:
    """Give the record of a row of CONDITION_COLUMNS without the stay."""
    rule, state, since_ms, clear_ms, covered_ms, text, seen_ms, due_ms, evidence = row
    gaps = {
        part: Gap(due_ms=due, last_ms=last, returned_ms=back) for part, (due, last, back) in json.loads(text).items()
    }
    return Condition(
        rule=rule,
        state=ConditionState(state),
        since_ms=since_ms,
        clear_ms=clear_ms,
        covered_ms=covered_ms,
        gaps=gaps,
        seen_ms=seen_ms,
        due_ms=due_ms,
        evidence=json.loads(evidence),
    )


def condition_row(stay_no: int, condition: Condition) -> tuple[Any, ...]:
    """Give a condition as a row of CONDITION_COLUMNS."""
    gaps = {part: [gap.due_ms, gap.last_ms, gap.returned_ms] for part, gap in condition.gaps.items()}
    times = (condition.since_ms, condition.clear_ms, condition.covered_ms)
    waiting = (condition.seen_ms, condition.due_ms, _text(condition.evidence))
    return (stay_no, condition.rule, condition.state, *times, _text(gaps), *waiting)


def _read(columns: Sequence[str], readers: Readers, row: Sequence[Any]) -> dict[str, Any]:
    values = dict(zip(columns, row, strict=True))
    for column, read in readers:
        value = values[column]
        if value is not None:
            values[column] = read(value)
    return values


def _written(columns: Sequence[str], record: Alert | Event) -> list[Any]:
    return [
        WRITE[column](getattr(record, column)) if column in WRITE else getattr(record, column) for column in columns
    ]


def _text(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()


def _among(members: Iterable[Enum]) -> Callable[[Any], Any]:
    # A look-up is several times as fast as calling the enumeration, and a case has many.
    return {member.value: member for member in members}.__getitem__


READ: Final[dict[str, Callable[[Any], Any]]] = {
    "lane": _among(Lane),
    "state": _among(State),
    "state_before": _among(State),
    "state_after": _among(State),
    "level": _among(Level),
    "peak": _among(Level),
    "ack_level": _among(Level),
    "level_before": _among(Level),
    "level_after": _among(Level),
    "kind": _among(Kind),
    "late": bool,
    "outcome": _among(Outcome),
    "ack_reds": _names,
    "parts": _names,
    "reds": _names,
    "evidence": json.loads,
    "rises": lambda text: tuple(json.loads(text)),
    "changes": json.loads,
}
WRITE: Final[dict[str, Callable[[Any], Any]]] = {
    "ack_reds": ",".join,
    "parts": ",".join,
    "reds": ",".join,
    "evidence": _text,
    "rises": _text,
    "changes": lambda changes: None if changes is None else _text(changes),
}
ALERT_READERS: Final[Readers] = tuple((column, READ[column]) for column in ALERT_COLUMNS if column in READ)
EVENT_READERS: Final[Readers] = tuple((column, READ[column]) for column in EVENT_COLUMNS if column in READ)
