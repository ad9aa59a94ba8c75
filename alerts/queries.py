"""The work list read: alerts and their history as plain dictionaries, in the words of the public interface.

Read only. Who a stay is and what its score is now are asked of the caller, because alerts know nothing of wards.
Times are UTC strings here and nowhere below.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from alerts import ids, reasons, wording
from alerts.errors import AlertUnknown
from alerts.model import SYSTEM_STAY, Alert, Connection, Event, Kind, Lane, Level, State
from alerts.reasons import AGAIN, NOTHING, Measured, Present
from alerts.rises import flapping
from alerts.rows import ALERT_COLUMNS, EVENT_COLUMNS, alert_of, event_of

Record = dict[str, Any]

# Column names are our own; every value is a parameter.
_ALERTS: Final = f"select {', '.join(ALERT_COLUMNS)} from alert"  # noqa: S608
_EVENTS: Final = f"select {', '.join(EVENT_COLUMNS)}, host from alert_event"  # noqa: S608
_WANTED: Final = "lane in (select value from json_each(?)) and level >= ?"
_OPEN: Final = f"{_ALERTS} indexed by alert_open where state <> 'closed' and {_WANTED} and opened_ms >= ?"
_CLOSED: Final = f"{_ALERTS} where state = 'closed' and {_WANTED} and closed_ms >= ?"
_TOUCHED: Final = f"""{_ALERTS} where (state <> 'closed' or closed_ms >= ?) and {_WANTED} and exists (
    select 1 from alert_event where alert_event.alert_no = alert.alert_no and at_ms >= ?)"""  # noqa: S608
_ONE: Final = f"{_ALERTS} where id = ?"
_NUMBERED: Final = f"{_ALERTS} where alert_no in (select value from json_each(?))"  # noqa: S608
_DELIVERIES: Final = """select n.alert_no, n.cycle, n.tier, n.turn, n.level, n.queued_ms, n.state, n.reason,
    d.recipient, d.channel, d.state, d.attempts, d.due_ms, d.sent_ms, d.error
    from notification n left join delivery d using (notification_no)"""
_IN_ORDER: Final = "order by n.notification_no, d.delivery_no"
_HISTORY: Final = f"{_EVENTS} where at_ms >= ? order by event_no"
_HISTORY_OF_ONE: Final = f"{_EVENTS} where alert_no = ? and at_ms >= ? order by event_no"
_RAISED_AGAIN: Final = """select alert_no, kind, max(event_no) from json_each(?) as wanted cross join alert_event
    on alert_no = wanted.value where kind in (select value from json_each(?)) group by alert_no"""
URGENCY: Final = {State.RERAISED: 0, State.NEW: 0, State.ACKNOWLEDGED: 1, State.SETTLED: 2, State.CLOSED: 3}
BREADTH: Final = {Lane.SYSTEM: 0, Lane.CLINICAL: 1, Lane.TECHNICAL: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """What the caller knows of a stay: where and who it is, when anything was last heard of it, and how long away.

    `person` is what tells the person apart on a shared screen, where the caller may show that. A patient who is away
    has a pause: what does not come is not missed until `away_until_ms`. A `canary` is a made-up patient.
    """

    ward: str
    patient: str
    last_reading_ms: int | None
    person: Record | None = None
    away_until_ms: int | None = None
    canary: bool = False
    pregnant: bool = False


def _to_the_ward(_ward: str, _level: int) -> tuple[str, int | None]:
    return "ward", None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookups:
    """How to ask the caller about stays: whose they are, and their scores now as the interface gives them.

    `present` is asked about those with an open clinical alert, each with when that was last acknowledged or None.
    Without `sentences` a list has the reasons in phrases alone. `route` says of a ward and a level which way an alert
    goes now, and until when it waits if it does.
    """

    whose: Callable[[Collection[int]], Mapping[int, Whose]]
    scores: Callable[[Collection[int]], Mapping[int, Record]]
    present: Callable[[Mapping[int, int | None], Mapping[int, Record]], Mapping[int, Present]] = lambda *_: {}
    sentences: bool = True
    route: Callable[[str, int], tuple[str, int | None]] = _to_the_ward


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which alerts a list shows; an empty collection or text asks for all.

    What its owner has put off is left out, unless `snoozed`, or the list is of one owner or one patient.
    """

    lanes: Collection[str] = ()
    level: int = 1
    states: Collection[str] = ()
    ward: str = ""
    patient: str = ""
    closed: bool = False
    owner: str = ""
    unowned: bool = False
    overdue: bool = False
    snoozed: bool = False


EVERY_OPEN: Final = Wanted()


def work_list(
    db: Connection, lookups: Lookups, now_ms: int, wanted: Wanted = EVERY_OPEN, since_ms: int = 0
) -> list[Record]:
    """Give the alerts that are wanted, the most urgent first: open ones, or closed ones when those are wanted.

    `since_ms` leaves out what was opened (of closed ones: closed) before then.
    """
    lanes = json.dumps(list(wanted.lanes or Lane))
    rows = map(alert_of, db.execute(_CLOSED if wanted.closed else _OPEN, [lanes, wanted.level, since_ms]))
    found = sorted((alert for alert in rows if _fits(alert, wanted, now_ms)), key=_rank)
    listed = _records(lookups, found, now_ms, _raised_again(db, found))
    return [row for row in listed if wanted.ward in {"", row["ward"]} and wanted.patient in {"", row["patient"]}]


def catch_up(
    db: Connection, lookups: Lookups, now_ms: int, since_ms: Mapping[str, int], wanted: Wanted = EVERY_OPEN
) -> list[Record]:
    """Give the alerts to which anything happened since their ward last closed, open or closed, with what happened.

    `since_ms` says when which ward did; those of other wards are left out, and the service's own count from the first.
    """
    first_ms, lanes = min(since_ms.values()), json.dumps(list(wanted.lanes or Lane))
    rows = map(alert_of, db.execute(_TOUCHED, [first_ms, lanes, wanted.level, first_ms]))
    found = sorted((alert for alert in rows if _fits(alert, wanted, now_ms)), key=_rank)
    told = []
    for row in _records(lookups, found, now_ms):
        from_ms = first_ms if row["ward"] is None else since_ms.get(row["ward"])
        happened = [] if from_ms is None else history(db, row["id"], from_ms)
        if happened and wanted.ward in {"", row["ward"]} and wanted.patient in {"", row["patient"]}:
            told.append(row | {"ward_closed_at": utc(from_ms), "happened": happened})
    return told


def one(db: Connection, lookups: Lookups, now_ms: int, alert_id: str) -> Record:
    """Give one alert with its history, by its id as a person may have typed it; AlertUnknown if there is none."""
    alert = _found(db, alert_id)
    (record,) = _records(lookups, [alert], now_ms, _raised_again(db, [alert]))
    told = {"notifications": deliveries(db, alert.alert_no), "events": history(db, alert.id)}
    return record | {"evidence": alert.evidence, "covers": wording.coverage(alert)} | told


def deliveries(db: Connection, alert_no: int) -> list[Record]:
    """Give who was or is to be told of an alert, by what channel, and what came of it, in the order it was asked for.

    A notification that goes to nobody has one row, without a recipient.
    """
    return [_delivery(row) for row in db.execute(f"{_DELIVERIES} where n.alert_no = ? {_IN_ORDER}", [alert_no])]


def by_number(db: Connection, lookups: Lookups, now_ms: int, alert_nos: Collection[int]) -> list[tuple[Alert, Record]]:
    """Give the alerts of some numbers, open or closed, each as it is stored and as a list shows it."""
    found = [alert_of(row) for row in db.execute(_NUMBERED, [json.dumps(list(alert_nos))])]
    return list(zip(found, _records(lookups, found, now_ms), strict=True))


def deliveries_since(db: Connection, since_ms: int) -> list[Record]:
    """Give the same for every alert, of what was asked for since a time."""
    return [_delivery(row) for row in db.execute(f"{_DELIVERIES} where n.queued_ms >= ? {_IN_ORDER}", [since_ms])]


def history(db: Connection, alert_id: str = "", since_ms: int = 0) -> list[Record]:
    """Give what happened to one alert, or to all since a time, in the order it happened; AlertUnknown if none."""
    if alert_id:
        rows = db.execute(_HISTORY_OF_ONE, [_found(db, alert_id).alert_no, since_ms])
    else:
        rows = db.execute(_HISTORY, [since_ms])
    return [_event(event_of(row[:-1])) | {"host": row[-1]} for row in rows]


def flags(alert: Alert, now_ms: int) -> list[str]:
    """Name what is to be known of an alert beside its state."""
    marks = {
        "blind": alert.blind_ms is not None,
        "late": alert.late,
        "recurrence": alert.recurrence_of is not None,
        "flapping": alert.open and flapping(alert.rises, now_ms),
        "offered": alert.offered_to is not None,
        "snoozed": _put_off(alert, now_ms),
    }
    return [name for name, holds in marks.items() if holds]


def utc(ms: int | None) -> str | None:
    """Give a time as the interface writes it, "2026-11-22T09:15:00Z"; with milliseconds only when there are some."""
    if ms is None:
        return None
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds" if ms % 1000 else "seconds").replace("+00:00", "Z")


def _found(db: Connection, alert_id: str) -> Alert:
    row = db.execute(_ONE, [ids.spelt(alert_id)]).fetchone()
    if row is None:
        raise AlertUnknown(f"there is no alert {alert_id}; see: vwmon alerts")
    return alert_of(row)


def _fits(alert: Alert, wanted: Wanted, now_ms: int) -> bool:
    if wanted.overdue and not _overdue(alert, now_ms):
        return False
    if _put_off(alert, now_ms) and not (wanted.snoozed or wanted.owner or wanted.patient):
        return False
    if wanted.states and alert.state not in wanted.states:
        return False
    if wanted.unowned and alert.state not in {State.NEW, State.RERAISED}:
        return False
    return not wanted.owner or alert.owner == wanted.owner


def _overdue(alert: Alert, now_ms: int) -> bool:
    """Tell whether an answer is owed and has not come, whatever tier it was put to since."""
    return alert.owed_ms is not None and alert.owed_ms <= now_ms


def _put_off(alert: Alert, now_ms: int) -> bool:
    return alert.state is State.ACKNOWLEDGED and alert.snooze_ms is not None and alert.snooze_ms > now_ms


def _rank(alert: Alert) -> tuple[int, ...]:
    asked_ms = alert.due_ms if alert.owed_ms is None else alert.owed_ms  # the next tier's time is no later urgency
    when_ms = asked_ms if asked_ms is not None else -(alert.closed_ms or 0)
    return (-alert.level, URGENCY[alert.state], BREADTH[alert.lane], when_ms, alert.alert_no)


def _records(
    lookups: Lookups, alerts: Sequence[Alert], now_ms: int, again: Mapping[int, Kind] = MappingProxyType({})
) -> list[Record]:
    stays = {alert.stay_no for alert in alerts} - {SYSTEM_STAY}
    whose = lookups.whose(stays) if stays else {}
    scores = lookups.scores(stays) if stays else {}
    ill = {alert.stay_no: alert.ack_ms for alert in alerts if alert.open and alert.lane is Lane.CLINICAL}
    present = lookups.present(ill, scores) if ill else {}
    return [
        _record(alert, whose.get(alert.stay_no), scores.get(alert.stay_no), now_ms)
        | _told(alert, present.get(alert.stay_no, NOTHING), again.get(alert.alert_no), now_ms, full=lookups.sentences)
        | _way(alert, lookups, whose.get(alert.stay_no))
        for alert in alerts
    ]


def _raised_again(db: Connection, alerts: Sequence[Alert]) -> dict[int, Kind]:
    """Give what last raised each of those alerts again that wait for a second answer."""
    alert_nos = [alert.alert_no for alert in alerts if alert.state is State.RERAISED]
    if not alert_nos:
        return {}
    rows = db.execute(_RAISED_AGAIN, [json.dumps(alert_nos), json.dumps(list(AGAIN))])
    return {alert_no: Kind(kind) for alert_no, kind, _ in rows}


def _told(alert: Alert, present: Present, again: Kind | None, now_ms: int, *, full: bool) -> Record:
    """Give what the list says of an alert beside its fields: the reasons as of now, and how the score has moved."""
    return {
        "why": reasons.why(alert, present, again, now_ms) if full else None,
        "brief": reasons.brief(alert, present, again, now_ms),
        "change": _moved(present),
        "measured": [_measured(one) for one in present.measured] if full else None,
        "raised_again_by": again.value if again is not None else None,
    }


def _moved(present: Present) -> Record | None:
    """Give how the score stands to the one of before; `by` is null where that cannot be told."""
    earlier = present.earlier
    if earlier is None or present.score is None:
        return None
    return {
        "by": reasons.change(present),
        "since": utc(earlier.since_ms),
        "acknowledged": earlier.acknowledged,
        "total_min": earlier.total_min,
        "total_max": earlier.total_max,
    }


def _measured(one: Measured) -> Record:
    return {
        "part": one.part,
        "vital": one.vital,
        "value": one.value,
        "at": utc(one.at_ms),
        "before": one.before,
        "before_at": utc(one.before_ms),
    }


def _way(alert: Alert, lookups: Lookups, whose: Whose | None) -> Record:
    """Say which way an alert goes while it waits for an answer; of one that does not, nothing."""
    asks = alert.state in {State.NEW, State.RERAISED, State.SETTLED}
    level = Level.WATCH if alert.state is State.SETTLED else alert.level
    way, until_ms = lookups.route(whose.ward if whose is not None else "", level) if asks else (None, None)
    return {"route": way, "waits_until": utc(until_ms)}


def _record(alert: Alert, whose: Whose | None, score: Record | None, now_ms: int) -> Record:
    return {
        "id": alert.id,
        "lane": alert.lane.value,
        "level": alert.level.value,
        "state": alert.state.value,
        "flags": [*flags(alert, now_ms), *_of_stay(whose)],
        "ward": whose.ward if whose is not None else None,
        "stay": alert.stay_no if alert.stay_no != SYSTEM_STAY else None,
        "patient": whose.patient if whose is not None else None,
        "person": whose.person if whose is not None else None,
        "opened_at": utc(alert.opened_ms),
        "since": utc(alert.since_ms),
        "last_reading_at": utc(whose.last_reading_ms) if whose is not None else None,
        "score": score,
        "owner": alert.owner,
        "offered_to": alert.offered_to,
        "snoozed_until": utc(alert.snooze_ms) if _put_off(alert, now_ms) else None,
        "acknowledged_at": utc(alert.ack_ms),
        "acknowledged_until": utc(alert.ack_until_ms),
        "acknowledged_level": alert.ack_level.value if alert.ack_level is not None else None,
        "note": alert.ack_note,
        "due_at": utc(alert.due_ms),
        "owed_at": utc(alert.owed_ms),
        "tier": alert.tier,
        "peak": alert.peak.value,
        "cleared_at": utc(alert.cleared_ms),
        "blind_since": utc(alert.blind_ms),
        "away_until": utc(whose.away_until_ms) if whose is not None else None,
        "recurrence_of": ids.name(alert.recurrence_of) if alert.recurrence_of is not None else None,
        "outcome": alert.outcome.value if alert.outcome is not None else None,
        "closed_at": utc(alert.closed_ms),
        "version": alert.version,
    }


def _delivery(row: Sequence[Any]) -> Record:
    (
        alert_no,
        cycle,
        tier,
        turn,
        level,
        queued_ms,
        state,
        reason,
        recipient,
        channel,
        how,
        attempts,
        due,
        sent,
        error,
    ) = row
    return {
        "alert": ids.name(alert_no),
        "cycle": cycle,
        "tier": tier,
        "turn": turn,
        "level": level,
        "asked_at": utc(queued_ms),
        "state": state,
        "reason": reason,
        "recipient": recipient,
        "channel": channel,
        "delivery": how,
        "attempts": attempts or 0,
        "next_at": utc(due) if how == "queued" else None,
        "sent_at": utc(sent),
        "error": error,
    }


def _of_stay(whose: Whose | None) -> list[str]:
    """Name what is to be known of the stay beside the alert."""
    marks = {
        "away": whose is not None and whose.away_until_ms is not None,
        "canary": whose is not None and whose.canary,
        "pregnant": whose is not None and whose.pregnant,
    }
    return [name for name, holds in marks.items() if holds]


def _event(event: Event) -> Record:
    return {
        "alert": ids.name(event.alert_no),
        "at": utc(event.at_ms),
        "kind": event.kind.value,
        "actor": event.actor,
        "state_before": event.state_before.value if event.state_before is not None else None,
        "state_after": event.state_after.value,
        "level_before": event.level_before.value if event.level_before is not None else None,
        "level_after": event.level_after.value,
        "version": event.version,
        "note": event.note,
        "evidence": event.evidence,
        "changes": event.changes,
        "op": event.op_id,
    }
