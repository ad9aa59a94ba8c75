"""What single stays are asked of their own: a part of the registers, with a line of their journal for every change.

Of one vital or questionnaire a stay has one schedule at most that nobody has ended; setting another ends it, in one
line of the journal, so that nobody looks at a time when neither holds. What one may be, and what comes of it, is
vwmon.patients.schedules'.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from alerts.evidence import WHOLE
from vwmon.errors import NotFoundError, RefusedError, UsageError
from vwmon.patients import plans, schedules
from vwmon.patients.records import By, Stay
from vwmon.patients.schedules import OwnSchedule
from vwmon.store import limits, registers
from vwmon.store.decisions import REPLACED, Decisions
from vwmon.store.sqlite import Connection

KEPT: Final = Decisions(OwnSchedule, "stay_schedule", "schedule")
by_stay, of_stay, numbered = KEPT.by_stay, KEPT.of_stay, KEPT.numbered
SWITCHED_ON = {"enabled": True}

Refusal = Callable[[Stay, OwnSchedule], str]  # why a safety rule refuses a schedule of a stay; nothing where none does


def put(  # noqa: PLR0913, PLR0917 -- what a schedule is, field by field
    db: Connection,
    patient: str,
    what: str,
    asked: Mapping[str, Any],
    reason: str,
    by: By,
    *,
    to_ms: int | None = None,
    refusal: Refusal = lambda _stay, _wanted: "",
) -> OwnSchedule:
    """Ask the stay that a patient is on something of its own from now on, or, with nothing `asked`, no more.

    The rules that look at the answers to a questionnaire hold as long as it is asked, unless the stay has a limit on
    them already. Raises NotFoundError when the patient is on no ward, UsageError for what can be no schedule,
    RefusedError for what a safety rule refuses.
    """
    with registers.change(db):
        stay = registers.open_stay(db, patient)
        wanted = OwnSchedule(
            schedule_no=0,
            stay_no=stay.stay_no,
            what=what,
            asked=asked,
            author=by.actor,
            reason=reason.strip(),
            from_ms=by.at_ms,
            to_ms=to_ms,
        )
        _check(wanted, stay)
        if refused := schedules.beyond(wanted) or refusal(stay, wanted):
            raise RefusedError(refused)
        found, earlier = KEPT.put(db, wanted)
        if earlier is not None:
            _quiet(db, patient, earlier, REPLACED, by)
        registers.journal(db, by, KEPT.line(found), stay.stay_no)
        _listen(db, stay, found, by)
    return found


def end(db: Connection, patient: str, what: str, reason: str, by: By) -> OwnSchedule:
    """End a stay's own schedule of something now: its pathway's holds again. NotFoundError when there is none."""
    with registers.change(db):
        stay = registers.open_stay(db, patient)
        ended = KEPT.end(db, stay.stay_no, what, reason.strip(), by)
        if ended is None or ended.lapsed(by.at_ms):
            name = what.removeprefix(WHOLE)
            raise NotFoundError(f"patient {patient!a} has no schedule of {name!a} of their own that is in force")
        registers.journal(db, by, KEPT.end_line(ended), stay.stay_no)
        _quiet(db, patient, ended, reason.strip(), by)
    return ended


def _listen(db: Connection, stay: Stay, found: OwnSchedule, by: By) -> None:
    """Have the rules hold that look at the answers; what somebody decided about one of them stays."""
    if not found.questionnaire or not found.asked:
        return
    decided = {one.rule for one in limits.of_stay(db, stay.stay_no) if one.limit.in_force(by.at_ms)}
    for rule in schedules.rules_of(found.questionnaire):
        if rule not in decided:
            said = f"{found.questionnaire} is asked of this patient: {found.reason}"
            limits.put(db, stay.patient, rule, SWITCHED_ON, said, by, to_ms=found.to_ms)


def _quiet(db: Connection, patient: str, ended: OwnSchedule, reason: str, by: By) -> None:
    """End with a questionnaire what was switched on with it, and nothing that was decided since."""
    came = [
        one.rule
        for one in limits.of_stay(db, ended.stay_no)
        if (one.from_ms, one.author, one.changes) == (ended.from_ms, ended.author, SWITCHED_ON)
        and one.limit.in_force(by.at_ms)
    ]
    for rule in schedules.rules_of(ended.questionnaire) if ended.questionnaire else ():
        if rule in came:
            limits.end(db, patient, rule, reason, by)


def _check(wanted: OwnSchedule, stay: Stay) -> None:
    """Raise UsageError for what cannot be asked, or need not be taken away."""
    _check_name(wanted)
    try:
        wanted.read()
    except KeyError as error:
        raise UsageError(f"{wanted.what} is asked with {error.args[0]}") from error
    except (TypeError, ValueError) as error:
        raise UsageError(str(error)) from error
    if wanted.to_ms is not None and wanted.to_ms <= wanted.from_ms:
        raise UsageError("it ends before it begins")
    plan = plans.load(stay.pathway)
    there = {*plan.expected, *(f"{WHOLE}{one.questionnaire}" for one in plan.questionnaires)}
    if not wanted.asked and wanted.what not in there:
        name = wanted.questionnaire or wanted.what
        raise UsageError(
            f"{name} is not asked on pathway {stay.pathway}; what is the patient's own is ended with --end"
        )


def _check_name(wanted: OwnSchedule) -> None:
    from devices.vitals import VITALS

    if wanted.questionnaire and wanted.questionnaire not in plans.QUESTIONNAIRES:
        raise UsageError(
            f"there is no questionnaire {wanted.questionnaire!a}; there are {', '.join(plans.QUESTIONNAIRES)}"
        )
    if not wanted.questionnaire and wanted.what not in VITALS:
        raise UsageError(f"{wanted.what!a} is in no table of vitals")
