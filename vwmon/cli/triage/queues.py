"""The queue that a person works through: which alerts, in which order, under which cursor, and what changed unseen.

Pure: records in, records out. The cursor stays on its alert whatever moves, and while the queue is held nothing moves.
An alert that leaves the list stays under the cursor, marked, until the cursor moves on: no key meets another patient.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from alerts import wording
from alerts.model import Lane
from vwmon.cli import work_list
from vwmon.cli.triage.filters import EVERYTHING, Filter

Record = Mapping[str, Any]

FADES_MS: Final = 10 * 60_000  # how long a mark stays on a screen where nobody moves a cursor
ASKING: Final = frozenset({"new", "reraised"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One alert of the queue: as it is, and as the person last saw it (None: not yet). `gone` is off the list."""

    record: Record
    seen: Record | None
    gone: bool = False

    @property
    def id(self) -> str:
        """Give the alert's id."""
        return str(self.record["id"])

    @property
    def mark(self) -> str:
        """Say what changed since the person last saw it; nothing when nothing did."""
        if self.gone:
            return "LEFT THE LIST"
        return "new here" if self.seen is None else change(self.seen, self.record)


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """The alerts in the order of the screen, the id of the one under the cursor, and what is filtered out."""

    items: tuple[Item, ...] = ()
    selected: str = ""
    filter: Filter = EVERYTHING
    begun: bool = False

    @property
    def shown(self) -> tuple[Item, ...]:
        """Give what is on the screen: what the filter lets through, and what is under the cursor anyway."""
        return tuple(item for item in self.items if item.id == self.selected or self.filter.fits(item.record))

    @property
    def hidden(self) -> tuple[Item, ...]:
        """Give what the filter keeps off the screen."""
        shown = {item.id for item in self.shown}
        return tuple(item for item in self.items if item.id not in shown)

    @property
    def current(self) -> Item | None:
        """Give what is under the cursor."""
        return next((item for item in self.items if item.id == self.selected), None)

    @property
    def unseen(self) -> tuple[Item, ...]:
        """Give what has come or got worse since the person saw it, whether the filter shows it or not."""
        return tuple(item for item in self.items if _asks(item))


def refreshed(queue: Queue, records: Sequence[Record], *, held: bool = False) -> Queue:
    """Give the queue as the list is now; held, everything stays in its place and what is new comes last."""
    fresh = {str(record["id"]): record for record in records}
    known = {item.id: item for item in queue.items}
    kept = _kept(queue, fresh, held=held)
    items = []
    for id_ in _order(queue, fresh, kept, held=held):
        was = known.get(id_)
        if was is None:
            items.append(Item(record=fresh[id_], seen=None if queue.begun else fresh[id_]))
        else:
            items.append(replace(was, record=fresh.get(id_, was.record), gone=id_ not in fresh))
    return _with_cursor(replace(queue, items=tuple(items), begun=True))


def news(before: Queue, after: Queue) -> list[Item]:
    """Give what came or asks anew between two looks, for the bell; nothing at the first look."""
    if not before.begun:
        return []
    old = {item.id: item.record for item in before.items if not item.gone}
    return [item for item in after.items if not item.gone and (item.id not in old or worse(old[item.id], item.record))]


def moved(queue: Queue, step: int) -> Queue:
    """Move the cursor so many rows on, no further than the first and the last; what it leaves has been seen."""
    ids = [item.id for item in queue.shown]
    if not ids:
        return queue
    place = ids.index(queue.selected) if queue.selected in ids else 0
    return chosen(queue, ids[min(max(place + step, 0), len(ids) - 1)])


def chosen(queue: Queue, id_: str) -> Queue:
    """Put the cursor on an alert; what it leaves has been seen, and goes if it has left the list."""
    if id_ == queue.selected:
        return queue
    left = seen(queue, queue.selected)
    return replace(left, items=tuple(item for item in left.items if item.id == id_ or not item.gone), selected=id_)


def rested(queue: Queue, marked_ms: Mapping[str, int], now_ms: int) -> Queue:
    """Give the queue of a screen that nobody is at: the cursor on the most urgent, and old marks taken for seen.

    `marked_ms` says since when each marked alert has been so.
    """
    for id_, since_ms in marked_ms.items():
        queue = seen(queue, id_) if now_ms - since_ms >= FADES_MS else queue
    first = next((item.id for item in queue.shown if not item.gone and queue.filter.fits(item.record)), "")
    return chosen(queue, first)


def seen(queue: Queue, id_: str) -> Queue:
    """Take note that the person has seen an alert as it is."""
    items = tuple(replace(item, seen=item.record) if item.id == id_ else item for item in queue.items)
    return replace(queue, items=items)


def filtered(queue: Queue, by: Filter) -> Queue:
    """Show what a filter lets through. What was under the cursor stays there only if it fits."""
    item = queue.current
    keep = queue.selected if item is not None and by.fits(item.record) else ""
    return _with_cursor(replace(queue, filter=by, selected=keep))


def change(before: Record, after: Record) -> str:
    """Say in a few words what changed between two looks at one alert: what matters most, first."""
    return ", ".join(_changes(before, after))


def worse(before: Record, after: Record) -> bool:
    """Tell whether an alert asks for someone anew: it rose, or came back."""
    return after["level"] > before["level"] or (after["state"] in ASKING and before["state"] not in ASKING)


def level(record: Record) -> str:
    """Give lane and level as people read them."""
    return wording.mark(Lane(record["lane"]), record["level"])


def bounds(record: Record) -> str:
    """Give the score of an alert as it is now, "9-12"; "-" without one that holds."""
    return "-" if record["score"] is None else work_list.bounds(record["score"])


def _changes(before: Record, after: Record) -> Iterable[str]:
    if before["level"] != after["level"]:
        yield f"{level(before)} -> {level(after)}"
    if before["state"] != after["state"]:
        yield f"was {before['state']}"
    if bounds(before) != bounds(after):
        yield f"score {bounds(before)} -> {bounds(after)}"
    if before["owner"] != after["owner"]:
        yield f"owner was {before['owner'] or 'nobody'}"
    if set(before["flags"]) != set(after["flags"]):
        yield ", ".join(sorted(set(after["flags"]) - set(before["flags"]))) or "flag gone"


def _asks(item: Item) -> bool:
    if item.gone:
        return False
    return item.seen is None or worse(item.seen, item.record)


def _kept(queue: Queue, fresh: Mapping[str, Record], *, held: bool) -> list[str]:
    """Name the alerts that have left the list and stay on the screen: all while it is held, else the cursor's."""
    return [item.id for item in queue.items if item.id not in fresh and (held or item.id == queue.selected)]


def _order(queue: Queue, fresh: Mapping[str, Record], kept: Sequence[str], *, held: bool) -> list[str]:
    old = [item.id for item in queue.items]
    if held:
        return [*old, *(id_ for id_ in fresh if id_ not in old)]
    order = list(fresh)
    for id_ in kept:
        order.insert(min(old.index(id_), len(order)), id_)
    return order


def _with_cursor(queue: Queue) -> Queue:
    """Put the cursor on the first alert when it is on none."""
    ids = [item.id for item in queue.shown]
    return queue if queue.selected in ids else replace(queue, selected=ids[0] if ids else "")
