"""The limits of single stays: a part of the registers, with a line of their journal for every change.

Of one rule a stay has one limit at most that nobody has ended; setting another ends it. What a limit may be, and what
rules come of all layers, is vwmon.patients.limits'.
"""

from collections.abc import Mapping
from typing import Any, Final

from vwmon.errors import NotFoundError, RefusedError, UsageError
from vwmon.patients import limits
from vwmon.patients.records import By, StayLimit
from vwmon.store import registers
from vwmon.store.decisions import Decisions
from vwmon.store.sqlite import Connection

KEPT: Final = Decisions(StayLimit, "stay_limit", "limit")
by_stay, of_stay, numbered = KEPT.by_stay, KEPT.of_stay, KEPT.numbered


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
        wanted = StayLimit(
            limit_no=0,
            stay_no=stay.stay_no,
            rule=rule,
            changes=changes,
            author=by.actor,
            reason=reason.strip(),
            from_ms=by.at_ms,
            to_ms=to_ms,
        )
        _check(wanted, stay.chart)
        found, earlier = KEPT.put(db, wanted)
        if earlier is not None:
            registers.journal(db, by, KEPT.end_line(earlier), stay.stay_no)
        registers.journal(db, by, KEPT.line(found), stay.stay_no)
    return found


def end(db: Connection, patient: str, rule: str, reason: str, by: By) -> StayLimit:
    """End a stay's own limit on a rule now; NotFoundError when there is none, or when it is over already."""
    with registers.change(db):
        stay_no = registers.open_stay(db, patient).stay_no
        ended = KEPT.end(db, stay_no, rule, reason.strip(), by)
        if ended is None or ended.lapsed(by.at_ms):
            raise NotFoundError(f"patient {patient!a} has no limit on {rule!a} of their own that is in force")
        registers.journal(db, by, KEPT.end_line(ended), stay_no)
    return ended


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
