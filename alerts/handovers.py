"""Handovers in the database: begun, accepted alert by alert, and over once nothing of them is left.

The caller opens the transaction. What a handover does to an alert is alerts.handover's.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from alerts import rows, store
from alerts.acts import Act
from alerts.errors import AlertConflict, AlertUnknown
from alerts.handover import snapshot, theirs
from alerts.model import Alert, Connection
from alerts.policy import POLICY
from alerts.rows import ALERT_COLUMNS
from alerts.store import Acted
from alerts.wording import ago

_MINE: Final = "select id from alert where state = 'acknowledged' and owner = ? order by level desc, due_ms"
_BEGIN: Final = "insert into handover (giver, started_ms, due_ms, note) values (?, ?, ?, ?) returning handover_no"
_FORMER: Final = "select min(due_ms) from handover where giver = ? and ended_ms is null"
_REPLACED: Final = "update handover set ended_ms = ? where giver = ? and ended_ms is null"
_NEVER: Final = "delete from handover where handover_no = ?"
_ITEM: Final = "insert into handover_item (handover_no, alert_no, owner, was) values (?, ?, ?, ?)"
_OPEN: Final = """select handover_no, giver, ended_ms, taker, accepted_ms
    from handover_item join handover using (handover_no)
    where alert_no = ? order by accepted_ms is null and ended_ms is null desc, handover_no desc limit 1"""
_ACCEPTED: Final = "update handover_item set taker = ?, accepted_ms = ? where handover_no = ? and alert_no = ?"
_OVER: Final = """update handover set ended_ms = ? where ended_ms is null and not exists (
    select 1 from handover_item as item join alert using (alert_no) where item.handover_no = handover.handover_no
    and accepted_ms is null and alert.state = 'acknowledged' and alert.owner = item.owner)"""
_CURRENT: Final = "select handover_no, giver, started_ms, due_ms, note from handover where ended_ms is null order by 1"
# Column names are our own; every value is a parameter.
_ITEMS: Final = f"""select {", ".join(f"alert.{column}" for column in ALERT_COLUMNS)}, taker, accepted_ms, was
    from handover_item join alert using (alert_no) where handover_no = ?
    order by alert.level desc, alert.due_ms, alert.alert_no"""  # noqa: S608


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One alert of a handover: as it is, as it was when it was handed over, and who accepted it when."""

    alert: Alert
    was: Mapping[str, Any]
    taker: str | None
    accepted_ms: int | None
    waiting: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """One handover that is under way: who gives, since when, and by when all of it should be accepted."""

    handover_no: int
    giver: str
    started_ms: int
    due_ms: int
    note: str | None
    items: tuple[Item, ...]

    @property
    def waiting(self) -> list[str]:
        """Name the alerts that nobody has accepted yet, and that are still the giver's."""
        return [item.alert.id for item in self.items if item.waiting]


def start(db: Connection, act: Act) -> int | None:
    """Begin to hand over all that someone has in hand, and give its number; None if that is nothing.

    What they had begun to hand over before goes on in this one, and is to be accepted no later.
    """
    mine = [row[0] for row in db.execute(_MINE, [act.actor])]
    due_ms = act.now_ms + POLICY.handover_ms
    former_ms = db.execute(_FORMER, [act.actor]).fetchone()[0]
    if former_ms is not None:
        due_ms = min(due_ms, former_ms)
        db.execute(_REPLACED, [act.now_ms, act.actor])
    (handover_no,) = db.execute(_BEGIN, [act.actor, act.now_ms, due_ms, act.note or None]).fetchone()
    offered = [store.hand_over(db, alert_id, act, handover_no) for alert_id in mine]
    items = [acted.alert for acted in offered if acted.refusal is None]
    if not items:
        db.execute(_NEVER, [handover_no])
        return None
    written = [(handover_no, alert.alert_no, act.actor, json.dumps(snapshot(alert))) for alert in items]
    db.executemany(_ITEM, written)
    return int(handover_no)


def accept(db: Connection, alert_id: str, act: Act) -> Acted:
    """Take over an alert that is handed over; the first to accept has it.

    AlertUnknown if it is in no handover, AlertConflict for who comes second.
    """
    alert = store.find(db, alert_id)
    row = db.execute(_OPEN, [alert.alert_no]).fetchone()
    handover_no, giver, ended_ms, taker, accepted_ms = row or (0, "", act.now_ms, None, None)
    if row is None or (accepted_ms is None and ended_ms is not None and theirs(alert, giver)):
        raise AlertUnknown(f"{alert.id} is in no handover; see: vwmon handover show")
    if accepted_ms is not None:
        raise AlertConflict(f"{alert.id} was accepted by {taker} {ago(act.now_ms - accepted_ms)} ago")
    acted = store.take_over(db, alert.id, act, giver, handover_no)
    if acted.refusal is None:
        db.execute(_ACCEPTED, [act.actor, act.now_ms, handover_no, alert.alert_no])
    end(db, act.now_ms)
    return acted


def end(db: Connection, now_ms: int) -> None:
    """End every handover of which nothing is left to accept: all was, or is no longer in the giver's hands."""
    db.execute(_OVER, [now_ms])


def current(db: Connection) -> Iterator[Handover]:
    """Give the handovers that are under way, the earliest first."""
    for handover_no, giver, started_ms, due_ms, note in db.execute(_CURRENT).fetchall():
        items = tuple(_item(row, giver) for row in db.execute(_ITEMS, [handover_no]))
        yield Handover(
            handover_no=handover_no, giver=giver, started_ms=started_ms, due_ms=due_ms, note=note, items=items
        )


def _item(row: Any, giver: str) -> Item:  # noqa: ANN401 -- a row of whichever sqlite3 module
    *columns, taker, accepted_ms, was = row
    alert = rows.alert_of(columns)
    waiting = accepted_ms is None and theirs(alert, giver)
    return Item(alert=alert, was=json.loads(was), taker=taker, accepted_ms=accepted_ms, waiting=waiting)


def given(db: Connection, giver: str = "") -> dict[str, list[str]]:
    """Name by giver the alerts that wait to be accepted, of one giver or of all."""
    found: dict[str, list[str]] = {}
    for one in current(db):
        if giver in {"", one.giver} and one.waiting:
            found.setdefault(one.giver, []).extend(one.waiting)
    return found
