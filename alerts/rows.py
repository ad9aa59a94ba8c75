"""Records as rows of the tables and back: the columns, and how each is stored. No statement runs here."""

import json
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, Final

from alerts.model import Alert, Condition, ConditionState, Event, Gap, Kind, Lane, Level, Outcome, State

ALERT_COLUMNS: Final = tuple(field.name for field in fields(Alert))
EVENT_COLUMNS: Final = tuple(field.name for field in fields(Event))
CONDITION_COLUMNS: Final = ("stay_no", "rule", "state", "since_ms", "clear_ms", "covered_ms", "gaps")


def alert_of(row: Sequence[Any]) -> Alert:
    """Give the record of a row of ALERT_COLUMNS."""
    return Alert(**_read(ALERT_COLUMNS, row))


def alert_row(alert: Alert) -> list[Any]:
    """Give an alert as a row of ALERT_COLUMNS."""
    return _written(ALERT_COLUMNS, alert)


def event_of(row: Sequence[Any]) -> Event:
    """Give the record of a row of EVENT_COLUMNS."""
    return Event(**_read(EVENT_COLUMNS, row))


def event_row(event: Event) -> list[Any]:
    """Give an event as a row of EVENT_COLUMNS."""
    return _written(EVENT_COLUMNS, event)


def condition_of(row: Sequence[Any]) -> Condition:
    """Give the record of a row of CONDITION_COLUMNS without the stay."""
    rule, state, since_ms, clear_ms, covered_ms, text = row
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
    )


def condition_row(stay_no: int, condition: Condition) -> tuple[Any, ...]:
    """Give a condition as a row of CONDITION_COLUMNS."""
    gaps = {part: [gap.due_ms, gap.last_ms, gap.returned_ms] for part, gap in condition.gaps.items()}
    times = (condition.since_ms, condition.clear_ms, condition.covered_ms)
    return (stay_no, condition.rule, condition.state, *times, _text(gaps))


def _read(columns: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    return {
        column: READ[column](value) if value is not None and column in READ else value
        for column, value in zip(columns, row, strict=True)
    }


def _written(columns: Sequence[str], record: Alert | Event) -> list[Any]:
    return [
        WRITE[column](getattr(record, column)) if column in WRITE else getattr(record, column) for column in columns
    ]


def _text(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()


READ: Final[dict[str, Callable[[Any], Any]]] = {
    "lane": Lane,
    "state": State,
    "state_before": State,
    "state_after": State,
    "level": Level,
    "peak": Level,
    "ack_level": Level,
    "level_before": Level,
    "level_after": Level,
    "kind": Kind,
    "late": bool,
    "outcome": Outcome,
    "ack_reds": _names,
    "parts": _names,
    "reds": _names,
    "evidence": json.loads,
}
WRITE: Final[dict[str, Callable[[Any], Any]]] = {
    "ack_reds": ",".join,
    "parts": ",".join,
    "reds": ",".join,
    "evidence": _text,
}
