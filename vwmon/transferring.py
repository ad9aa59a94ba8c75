"""A patient goes to another ward: the stay with everything of it, in one transaction, so that no ward has none of it.

The stay stays the same one, and so its readings, devices, alerts, pauses and limits stay its own. Of its open alerts
the other ward's people are told; what somebody of the ward before has in hand asks anew, with the name in its history.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from alerts import handovers, ids
from alerts import store as cases
from alerts.acts import Act
from alerts.model import Alert, State
from vwmon.patients.records import By, Stay
from vwmon.store import outbox, scores, transfers
from vwmon.store.database import atomic
from vwmon.store.sqlite import Connection
from vwmon.store.transfers import Wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Transferred:
    """The stay before and after, and its alerts that were open, as they were before."""

    before: Stay
    after: Stay
    alerts: tuple[Alert, ...]


def transfer(db: Connection, wanted: Wanted, by: By, act: Act) -> Transferred:
    """Put a patient's stay on another ward, and put it to the people there.

    `act` is who does it, under which terms; what is written beside each alert is said here. Raises as
    vwmon.store.transfers does.
    """
    with atomic(db):
        before, after = transfers.move(db, wanted, by)
        open_before = [one for one in cases.load(db, [before.stay_no])[before.stay_no].alerts.values() if one.open]
        outbox.tell_again(db, before.stay_no, by.at_ms)
        here = replace(act, cursor=scores.cursor(db))
        for alert in open_before:
            _put(db, alert, _words(here, alert, before, wanted))
        handovers.end(db, by.at_ms)
    return Transferred(before=before, after=after, alerts=tuple(open_before))


def _put(db: Connection, alert: Alert, act: Act) -> None:
    """Let an alert ask anew that someone has in hand, and leave a word beside any other."""
    verb: Callable[[Connection, str, Act], cases.Acted] = (
        cases.unacknowledge if alert.state is State.ACKNOWLEDGED else cases.note
    )
    acted = verb(db, alert.id, act)
    if acted.refusal is not None:  # its time had run out meanwhile, so that it asks already
        cases.note(db, alert.id, replace(act, op_id=f"{act.op_id}.note"))


def _words(act: Act, alert: Alert, before: Stay, wanted: Wanted) -> Act:
    owner = f", was in the hands of {alert.owner}" if alert.state is State.ACKNOWLEDGED else ""
    return replace(
        act,
        note=f"transferred from {before.ward} to {wanted.to}: {wanted.reason.strip()}{owner}",
        op_id=f"{act.op_id}.{ids.name(alert.alert_no)}",
    )
