"""The only writer of the work list: cases in and out of the database, and the acts of people as verbs.

The caller opens the transaction, and must have loaded what it saves inside it. No rule lives here.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from alerts import acts, chain, handover, ids, outbox, rows
from alerts.acts import Act, Answer
from alerts.errors import AlertConflict, AlertError, AlertUnknown
from alerts.model import Alert, Asked, Case, Condition, Connection, Lane, Level, Outcome
from alerts.rows import ALERT_COLUMNS, CHANGING, CONDITION_COLUMNS, EVENT_COLUMNS

# Column names are our own; every value is a parameter.
_ALERTS: Final = ", ".join(ALERT_COLUMNS)
_LATEST: Final = "from alert where current = 1 and stay_no in (select value from json_each(?))"
_LOAD_ALERTS: Final = f"select {_ALERTS} {_LATEST}"
_LOAD_CONDITIONS: Final = f"""select {", ".join(CONDITION_COLUMNS)} from condition
    where stay_no in (select value from json_each(?))"""  # noqa: S608
_FIND: Final = f"select {_ALERTS} from alert where id = ?"  # noqa: S608
_INSERT_ALERT: Final = f"insert into alert ({_ALERTS}, current) values ({'?, ' * len(ALERT_COLUMNS)}?)"  # noqa: S608
_UPDATE_ALERT: Final = f"""update alert set {", ".join(f"{column} = ?" for column in CHANGING)}
    where alert_no = ? and version = ?"""  # noqa: S608
_REPLACED: Final = "update alert set current = 0 where stay_no = ? and lane = ? and current = 1"
_CONDITION: Final = f"""insert or replace into condition ({", ".join(CONDITION_COLUMNS)})
    values ({", ".join("?" * len(CONDITION_COLUMNS))})"""  # noqa: S608
_SEALED: Final = ("event_no", *EVENT_COLUMNS, "provenance_no", "host")
_EVENT: Final = f"""insert into alert_event ({", ".join(_SEALED)}, previous, hash)
    values ({"?, " * len(_SEALED)}?, ?)"""  # noqa: S608
# What was taken away on purpose, and what tells so, have their numbers in the same history: none is given twice.
_LAST_OF: Final = " union all ".join(
    f"select * from (select event_no, hash from {table} order by event_no desc limit 1)"  # noqa: S608
    for table in ("alert_event", "removal", "alert_event_gone")
)
_LAST_EVENT: Final = f"select event_no, hash from ({_LAST_OF}) order by event_no desc limit 1"  # noqa: S608
_ASK: Final = """insert into request (stay_no, rule, asked_ms, vitals, due_ms, state) values (?, ?, ?, ?, ?, 'queued')
    on conflict do update set vitals = excluded.vitals, due_ms = excluded.due_ms, state = 'queued'"""
_ASKED: Final = "update request set state = ? where stay_no = ? and rule = ? and asked_ms = ?"
# A database that a sender works for says so; nobody is told of a recording, or of a stay that is told again.
SENDER: Final = "notifier"
_SOMEONE_IS_TOLD: Final = f"select 1 from follower where follower = '{SENDER}'"  # noqa: S608
_UNSENT: Final = """update delivery set state = 'superseded' where state = 'queued' and notification_no in
    (select notification_no from notification where alert_no = ? and cycle <= ?)"""
_SUPERSEDED: Final = """update notification set state = 'superseded', reason = ? || coalesce('; before: ' || reason, '')
    where alert_no = ? and cycle <= ? and state in ('queued', 'failed')"""
_UNSENT_TURN: Final = """update delivery set state = 'superseded' where state = 'queued' and notification_no in
    (select notification_no from notification where alert_no = ? and cycle = ? and tier = ?)"""
# One that has failed stays on record as such: what its repeat comes to says whether anyone can be reached.
_REPEATED: Final = f"""update notification set state = 'superseded', reason = '{outbox.REPEATED}'
    where alert_no = ? and cycle = ? and tier = ? and state = 'queued'"""  # noqa: S608
_TELL: Final = """insert into notification (alert_no, cycle, tier, turn, level, queued_ms)
    select ?1, ?2, ?3, 1 + coalesce(max(turn), 0), ?4, ?5 from notification
    where alert_no = ?1 and cycle = ?2 and tier = ?3"""
_STAMP: Final = "select coalesce(max(event_no), 0) from alert_event"
# By kind of deadline: a column of the times that fall due, and the rows of a table in which they do.
_DEADLINES: Final = (
    ("ack_until_ms", "alert where state = 'acknowledged'"),
    ("due_ms", "condition where state = 'pending'"),
    ("snooze_ms", "alert where state = 'acknowledged' and snooze_ms is not null"),
)
# What nobody has answered falls due only where someone is told of it.
_UNANSWERED: Final = (("due_ms", "alert where state <> 'closed' and state <> 'acknowledged'"),)
_DUE: Final = "select stay_no from {1} and {0} <= ?"
_TO_COME: Final = "select {0} from {1} and {0} > ?"
_SEEN: Final = "select level_after from alert_event where alert_no = ? and version <= ? order by event_no desc limit 1"
_SEEN_EVIDENCE: Final = """select evidence from alert_event where alert_no = ? and version <= ?
    and kind in ('raised', 'worsened', 'grew', 'outgrew', 'relapsed', 'held', 'revived')
    order by event_no desc limit 1"""
_STOOD: Final = "select evidence from alert_event where alert_no = ? and kind = 'closed' order by event_no desc limit 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acted:
    """What became of an act: the alert as it is now, why it was refused if it was, and whether it is a repeat."""

    alert: Alert
    refusal: AlertError | None = None
    repeated: bool = False


def load(db: Connection, stay_nos: Sequence[int]) -> dict[int, Case]:
    """Give the case of every stay named; one of which nothing is known has an empty case. Two statements in all."""
    wanted = [json.dumps(list(stay_nos))]
    alerts: dict[int, dict[Lane, Alert]] = {}
    for row in db.execute(_LOAD_ALERTS, wanted):
        found = rows.alert_of(row)
        alerts.setdefault(found.stay_no, {})[found.lane] = found
    conditions: dict[int, dict[str, Condition]] = {}
    for stay_no, *row in db.execute(_LOAD_CONDITIONS, wanted):
        conditions.setdefault(stay_no, {})[row[0]] = rows.condition_of(row)
    return {
        stay_no: Case(stay_no=stay_no, conditions=conditions.get(stay_no, {}), alerts=alerts.get(stay_no, {}))
        for stay_no in stay_nos
    }


def stamp(db: Connection) -> int:
    """Number the state of all alerts: it moves with whatever happens to any of them, whoever does it."""
    return int(db.execute(_STAMP).fetchone()[0])


def save(db: Connection, before: Case, after: Case, provenance_no: int | None, host: str | None = None) -> None:
    """Write what changed between two states of a case; nothing when nothing did.

    AlertConflict when a row is not as `before` says: the caller loaded it outside its transaction.
    """
    if after is not before:
        save_all(db, [(before, after)], provenance_no, host)


def save_all(
    db: Connection, changes: Iterable[tuple[Case, Case]], provenance_no: int | None, host: str | None = None
) -> None:
    """Write what changed in several cases, with as many statements as for one; `host` is the machine that does."""
    changed = [(before, after) for before, after in changes if after is not before]
    new, old = _alerts_to_write(changed, provenance_no)
    _update(db, old)
    if new:
        db.executemany(_REPLACED, [(alert.stay_no, alert.lane) for alert, _ in new])
        db.executemany(_INSERT_ALERT, [(*rows.alert_row(alert), current) for alert, current in new])
    conditions = [
        rows.condition_row(after.stay_no, c) for before, after in changed for c in _changed_conditions(before, after)
    ]
    if conditions:
        db.executemany(_CONDITION, conditions)
    events = [(*rows.event_row(event), provenance_no, host) for _, after in changed for event in after.events]
    if events:
        db.executemany(_EVENT, _sealed(events, *head(db)))
        _notify(db, changed)
    _ask(db, changed)


def head(db: Connection) -> tuple[int, str]:
    """Give how many events there are, and the hash of the last: what an anchor keeps."""
    row = db.execute(_LAST_EVENT).fetchone()
    return (0, chain.START) if row is None else (row[0], row[1] or chain.START)


def due(db: Connection, now_ms: int, *, told: bool = False) -> list[int]:
    """Name the stays with a stored deadline that has passed, for deadlines.tick where someone is told or nobody is."""
    return sorted({row[0] for statement in _each(_DUE, told=told) for row in db.execute(statement, [now_ms])})


def expiries(db: Connection, after_ms: int, *, told: bool = False) -> list[int]:
    """Give the stored deadlines after a time at which deadlines.tick will have something to do."""
    return [row[0] for statement in _each(_TO_COME, told=told) for row in db.execute(statement, [after_ms])]


def _each(statement: str, *, told: bool) -> list[str]:
    return [statement.format(*kind) for kind in (*_DEADLINES, *(_UNANSWERED if told else ()))]


def find(db: Connection, alert_id: str) -> Alert:
    """Give one alert, open or closed, by its id as a person may have typed it; AlertUnknown if there is none."""
    row = db.execute(_FIND, [ids.spelt(alert_id)]).fetchone()
    if row is None:
        raise AlertUnknown(f"there is no alert {alert_id}; see: vwmon alerts")
    return rows.alert_of(row)


def acknowledge(db: Connection, alert_id: str, act: Act, *, for_ms: int | None = None, take: bool = False) -> Acted:
    """Take an alert in hand (see acts.acknowledge). AlertUnknown if there is none of that id."""
    return _do(
        db, alert_id, act, lambda case, alert, seen: acts.acknowledge(case, alert, seen, for_ms=for_ms, take=take)
    )


def note(db: Connection, alert_id: str, act: Act) -> Acted:
    """Put words on record beside an alert (see acts.note)."""
    return _do(db, alert_id, act, acts.note)


def offer(db: Connection, alert_id: str, act: Act, to: str | None) -> Acted:
    """Ask someone to take an alert over, or nobody any more (see acts.offer)."""
    return _do(db, alert_id, act, lambda case, alert, seen: acts.offer(case, alert, seen, to))


def snooze(db: Connection, alert_id: str, act: Act, for_ms: int) -> Acted:
    """Put an alert off the list for a time (see acts.snooze)."""
    return _do(db, alert_id, act, lambda case, alert, seen: acts.snooze(case, alert, seen, for_ms))


def wake(db: Connection, alert_id: str, act: Act) -> Acted:
    """Put an alert on the list again (see acts.wake)."""
    return _do(db, alert_id, act, acts.wake)


def unacknowledge(db: Connection, alert_id: str, act: Act) -> Acted:
    """Undo an acknowledgement (see acts.unacknowledge)."""
    return _do(db, alert_id, act, acts.unacknowledge)


def reopen(db: Connection, alert_id: str, act: Act) -> Acted:
    """Undo a close (see acts.reopen)."""
    return _do(db, alert_id, act, lambda case, alert, seen: acts.reopen(case, alert, seen, _stood(db, alert)))


def close(db: Connection, alert_id: str, act: Act, outcome: Outcome) -> Acted:
    """Close an alert with what came of it (see acts.close)."""
    return _do(db, alert_id, act, lambda case, alert, seen: acts.close(case, alert, seen, outcome))


def hand_over(db: Connection, alert_id: str, act: Act, handover_no: int) -> Acted:
    """Put on record that an alert is handed over (see handover.offer)."""
    return _do(db, alert_id, act, lambda case, alert, seen: handover.offer(case, alert, seen, handover_no))


def take_over(db: Connection, alert_id: str, act: Act, giver: str, handover_no: int) -> Acted:
    """Take over an alert that is handed over (see handover.accept)."""
    return _do(db, alert_id, act, lambda case, alert, seen: handover.accept(case, alert, seen, giver, handover_no))


def _do(db: Connection, alert_id: str, act: Act, verb: Callable[[Case, Alert, Act], Answer]) -> Acted:
    """Do one act on the case as it is at that moment: deadlines that have passed act first, also when it is refused."""
    found = find(db, alert_id)
    if act.op_id is not None and db.execute("select 1 from alert_event where op_id = ?", [act.op_id]).fetchone():
        return Acted(alert=found, repeated=True)
    before = load(db, [found.stay_no])[found.stay_no]
    case = act.terms_of(found.stay_no).tick(before, act.now_ms)
    latest = case.alerts.get(found.lane)
    alert = latest if latest is not None and latest.alert_no == found.alert_no else found
    answer = verb(case, alert, _with_what_was_seen(db, alert, act))
    save(db, before, answer.case, None, act.host)
    return Acted(alert=find(db, found.id), refusal=answer.refusal)


def _with_what_was_seen(db: Connection, alert: Alert, act: Act) -> Act:
    if act.seen_version is None:
        return act
    if act.seen_version > alert.version:
        raise AlertUnknown(
            f"{alert.id} has no revision {act.seen_version}; it is at {alert.version}: vwmon alerts show {alert.id}"
        )
    seen = [alert.alert_no, act.seen_version]
    row, evidence = db.execute(_SEEN, seen).fetchone(), db.execute(_SEEN_EVIDENCE, seen).fetchone()
    return replace(
        act,
        seen_level=Level(row[0]) if row is not None else Level.WATCH,
        seen_evidence=json.loads(evidence[0]) if evidence is not None else None,
    )


def _stood(db: Connection, alert: Alert) -> list[str]:
    """Name the rules that stood when an alert was last closed; of what settled before, those that made it."""
    row = db.execute(_STOOD, [alert.alert_no]).fetchone()
    stood: list[str] = json.loads(row[0]).get("stood", []) if row is not None else []
    return stood or list(alert.evidence.get("rules", ()))


def _sealed(events: Iterable[Sequence[Any]], number: int, previous: str) -> Iterator[Sequence[Any]]:
    """Give events as rows of the history: numbered on, and each sealed together with the one before."""
    for number_, event in enumerate(events, start=number + 1):
        row = (number_, *event)
        hash_ = chain.link(previous, dict(zip(_SEALED, row, strict=True)))
        yield (*row, previous, hash_)
        previous = hash_


def _alerts_to_write(
    changed: Sequence[tuple[Case, Case]], provenance_no: int | None
) -> tuple[list[tuple[Alert, int]], list[tuple[Alert, int]]]:
    """Give the new alerts, each with whether it is its lane's latest, and the changed ones with the version before."""
    new: list[tuple[Alert, int]] = []
    old: list[tuple[Alert, int]] = []
    for before, after in changed:
        stored = {alert.alert_no: alert for alert in before.alerts.values()}
        for current, alert in [*((0, a) for a in after.past), *((1, a) for a in after.alerts.values())]:
            was = stored.get(alert.alert_no)
            if was is None:
                new.append((replace(alert, provenance_no=provenance_no), current))
            elif was is not alert:
                old.append((alert, was.version))
    return new, old


def _update(db: Connection, old: Sequence[tuple[Alert, int]]) -> None:
    if not old:
        return
    updates = [(*rows.alert_row(alert, CHANGING), alert.alert_no, version) for alert, version in old]
    if db.executemany(_UPDATE_ALERT, updates).rowcount != len(updates):
        raise AlertConflict("an alert changed while it was being worked on; read it again")


def _ask(db: Connection, changed: Sequence[tuple[Case, Case]]) -> None:
    """Ask for repeats, and note what became of those that were asked for, also just now."""
    asks = [(after.stay_no, ask) for _, after in changed for ask in after.asks]
    if not asks:
        return
    queued = [(n, a.rule, a.asked_ms, ",".join(a.vitals), a.due_ms) for n, a in asks if a.state is Asked.QUEUED]
    became = {(stay_no, ask.rule, ask.asked_ms): ask.state for stay_no, ask in asks}
    db.executemany(_ASK, queued)
    db.executemany(_ASKED, [(state, *which) for which, state in became.items() if state is not Asked.QUEUED])


def _notify(db: Connection, changed: Sequence[tuple[Case, Case]]) -> None:
    """Write what people are to be told of what happened, and end what they need not be told any more."""
    if db.execute(_SOMEONE_IS_TOLD).fetchone() is None:
        return
    over = [one for before, after in changed for one in outbox.over(before, after)]
    db.executemany(_UNSENT, [(one.alert_no, one.cycle) for one in over])
    db.executemany(_SUPERSEDED, [(one.reason, one.alert_no, one.cycle) for one in over])
    asked = [one for before, after in changed for one in outbox.asked(before, after)]
    places = [(one.alert_no, one.cycle, one.tier) for one in asked]
    db.executemany(_UNSENT_TURN, places)
    db.executemany(_REPEATED, places)
    db.executemany(_TELL, [(one.alert_no, one.cycle, one.tier, one.level, one.queued_ms) for one in asked])


def _changed_conditions(before: Case, after: Case) -> list[Condition]:
    return [c for name, c in after.conditions.items() if c is not before.conditions.get(name)]
