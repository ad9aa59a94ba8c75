"""The limits of single stays: a part of the registers, with a line of their journal for every change.

Of one rule a stay has one limit at most that nobody has ended; setting another ends it. What a limit may be, and what
rules come of all layers, is vwmon.patients.limits'.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from vwmon.errors import NotFoundError, RefusedError, UsageError
from vwmon.patients import limits
from vwmon.patients.records import By, Entry, StayLimit
from vwmon.store import registers
from vwmon.store.sqlite import Connection

COLUMNS = ", ".join(StayLimit.__slots__)
SET, ENDED = "limit", "end-limit"  # as the journal's lines begin, with the number of the limit after
REPLACED = "another took its place"
BY_STAY = f"select {COLUMNS} from stay_limit where stay_no in (select value from json_each(?)) order by limit_no"
ALL = f"select {COLUMNS} from stay_limit order by limit_no"
INSERT = f"""insert into stay_limit (stay_no, rule, changes, author, reason, from_ms, to_ms)
    values (?, ?, ?, ?, ?, ?, ?) returning {COLUMNS}"""
END = f"""update stay_limit set ended_ms = max(from_ms, ?), ended_by = ?, ended_reason = ?
    where stay_no = ? and rule = ? and ended_ms is null returning {COLUMNS}"""


def by_stay(db: Connection) -> dict[int, list[StayLimit]]:
    """Give every limit of every stay, those that are over among them."""
    return _by_stay(db.execute(ALL))


def of_stay(db: Connection, stay_no: int) -> list[StayLimit]:
    """Give every limit that one stay ever had, in the order in which they were set."""
    return _by_stay(db.execute(BY_STAY, [json.dumps([stay_no])])).get(stay_no, [])


def put(  # noqa: PLR0913, PLR0917 -- what a limit is, field by field
    db: Connection,
    patient: str,
    rule: str,
    changes: Mapping[str, Any],
    reason: str,
    by: By,
    *,
    to_ms: int | None = None,
) -> StayLimit:
    """Set a limit for the stay that a patient is on, from now on; it takes the place of one on the same rule.

    Raises NotFoundError when the patient is on no ward, UsageError for what can be no limit, RefusedError for one that
    takes a rule of the highest level off, or down.
    """
    with registers.change(db):
        stay = registers.open_stay(db, patient)
        stay_no = stay.stay_no
        row = (stay_no, rule, json.dumps(dict(changes), sort_keys=True), by.actor, reason.strip(), by.at_ms, to_ms)
        _check(_limit((0, *row, None, None, None)), stay.chart)
        for earlier in _ended(db, stay_no, rule, by, REPLACED):
            registers.journal(db, by, f"{ENDED} {earlier.limit_no}", stay_no)
        found = _limit(db.execute(INSERT, row).fetchone())
        registers.journal(db, by, f"{SET} {found.limit_no}", stay_no)
    return found


def end(db: Connection, patient: str, rule: str, reason: str, by: By) -> StayLimit:
    """End a stay's own limit on a rule now; NotFoundError when there is none, or when it is over already."""
    with registers.change(db):
        stay_no = registers.open_stay(db, patient).stay_no
        ended = _ended(db, stay_no, rule, by, reason.strip())
        if not ended or (ended[0].to_ms is not None and ended[0].to_ms <= by.at_ms):
            raise NotFoundError(f"patient {patient!a} has no limit on {rule!a} of their own that is in force")
        registers.journal(db, by, f"{ENDED} {ended[0].limit_no}", stay_no)
    return ended[0]


def numbered(entry: Entry) -> int:
    """Give the number of the limit that a line of the journal is about; 0 for a line that is about none."""
    verb, _, number = entry.what.partition(" ")
    return int(number) if verb in {SET, ENDED} else 0


def _ended(db: Connection, stay_no: int, rule: str, by: By, reason: str) -> list[StayLimit]:
    return [_limit(row) for row in db.execute(END, (by.at_ms, by.actor, reason, stay_no, rule)).fetchall()]


def _check(wanted: StayLimit, chart: str) -> None:
    try:
        limits.rule_name(wanted.rule)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if other := limits.other_chart(wanted.rule, chart):
        raise UsageError(other)
    if limits.lessens(wanted.limit):
        raise RefusedError(
            f"{wanted.rule} is a rule of level 3: a limit can move it, not switch it off or take it down"
        )
    if wrong := limits.faults(wanted.limit):
        raise UsageError("; ".join(wrong))


def _by_stay(rows: Iterable[tuple[Any, ...]]) -> dict[int, list[StayLimit]]:
    found: dict[int, list[StayLimit]] = {}
    for one in map(_limit, rows):
        found.setdefault(one.stay_no, []).append(one)
    return found


def _limit(row: tuple[Any, ...]) -> StayLimit:
    fields = dict(zip(StayLimit.__slots__, row, strict=True))
    return StayLimit(**fields | {"changes": json.loads(fields["changes"])})
