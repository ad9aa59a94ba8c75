"""Handing over what one has in hand at the end of a shift. Pure; a refusal is an answer, not an exception.

Until it is accepted, whoever gives it stays its owner, and every clock runs on.
"""

from collections.abc import Mapping
from typing import Any

from alerts import acts
from alerts.acts import Act, Answer
from alerts.errors import AlertConflict, AlertError, AlertRefused
from alerts.model import Alert, Case, Kind, State


def offer(case: Case, alert: Alert, act: Act, handover_no: int) -> Answer:
    """Put on record that its owner hands an alert over; nothing else changes. Refused if it is not in their hands."""
    if alert.state is not State.ACKNOWLEDGED or alert.owner != act.actor:
        return Answer(case=case, refusal=AlertConflict(f"{alert.id} is not in your hands"))
    return Answer(case=acts.done(case, alert, Kind.OFFERED, act, because={"handover": handover_no}))


def accept(case: Case, alert: Alert, act: Act, giver: str, handover_no: int) -> Answer:
    """Take over an alert that its owner hands over: the acknowledgement goes on, for as long and as far as it did.

    Refused to the giver, and where the alert is no longer theirs to give: someone was first, or it asks again.
    """
    refusal = _own(alert, act, giver) or _gone(alert, giver)
    if refusal is not None:
        return Answer(case=case, refusal=refusal)
    because = {"handover": handover_no, "from": giver}
    return Answer(case=acts.done(case, alert, Kind.TAKEN, act, because=because, owner=act.actor, offered_to=None))


def theirs(alert: Alert, giver: str) -> bool:
    """Tell whether an alert is still in the hands of whoever hands it over."""
    return alert.state is State.ACKNOWLEDGED and alert.owner == giver


def snapshot(alert: Alert) -> Mapping[str, Any]:
    """Give how an alert stood when it was handed over, to be shown beside how it stands when it is accepted."""
    return {
        "level": alert.level.value,
        "state": alert.state.value,
        "due_ms": alert.due_ms,
        "acknowledged_until_ms": alert.ack_until_ms,
        "snoozed_until_ms": alert.snooze_ms,
        "blind_since_ms": alert.blind_ms,
        "version": alert.version,
    }


def _own(alert: Alert, act: Act, giver: str) -> AlertError | None:
    if act.actor != giver:
        return None
    return AlertRefused(f"{alert.id} is yours already: another person accepts what you hand over")


def _gone(alert: Alert, giver: str) -> AlertError | None:
    if theirs(alert, giver):
        return None
    if alert.state is State.ACKNOWLEDGED:
        return AlertConflict(f"{alert.id} is owned by {alert.owner} since; see: vwmon alerts show {alert.id}")
    if alert.state is State.RERAISED:
        return AlertConflict(f"{alert.id} asks again, and {giver} has it no longer: vwmon alerts ack {alert.id}")
    return AlertConflict(f"{alert.id} is {alert.state} meanwhile; see: vwmon alerts show {alert.id}")
