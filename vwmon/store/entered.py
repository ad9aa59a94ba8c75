"""Readings that people entered: into the same log as a device's, with who entered them and how they came.

They belong to a device of the stay's own, "hand-nurse-7", which is registered when it is first needed; so whose they
are is answered as for every reading. What may be entered is vwmon.by_hand's.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from devices.readings import Message
from vwmon.patients.records import By, Stay
from vwmon.store import registers
from vwmon.store.arrivals import Appended, Arrival
from vwmon.store.database import atomic
from vwmon.store.kit_out import BY_HAND
from vwmon.store.log import LogWriter
from vwmon.store.sqlite import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """Who entered readings, how they came ("phone"), and what was said with them."""

    way: str
    actor: str
    note: str


def device_of(stay: Stay, way: str) -> str:
    """Name the device that stands for one way in which readings of a stay are entered."""
    return f"hand-{way}-{stay.stay_no}"


def enter(db: Connection, stay: Stay, said: Message, entered: Entered, at_ms: int) -> Appended:
    """Store readings of a stay that somebody entered, all of them, with who it was in the same transaction."""
    device = device_of(stay, entered.way)
    _register(db, device, stay, By(actor=entered.actor, at_ms=at_ms))

    def note_who(appended: Appended) -> None:
        if appended.stored:
            db.execute(
                "insert into entered values (?, ?, ?, ?, ?, ?)",
                (appended.last_seq, appended.stored, entered.way, entered.actor, entered.note, at_ms),
            )

    arrival = Arrival(stay.ward, device, "by hand", said, at_ms, b"")
    return LogWriter(db).append([arrival], (), at_ms, within=note_who)


def of(db: Connection, seqs: Collection[int]) -> Mapping[int, Entered]:
    """Give who entered readings, by their numbers in the log; those of devices are left out."""
    found: dict[int, Entered] = {}
    for last, count, way, actor, note in db.execute(
        "select last_seq, readings, way, actor, note from entered where last_seq >= ?", [min(seqs, default=0)]
    ):
        one = Entered(way=way, actor=actor, note=note)
        found |= {seq: one for seq in range(last - count + 1, last + 1) if seq in seqs}
    return found


def _register(db: Connection, device: str, stay: Stay, by: By) -> None:
    """Register the device for the whole of the stay, once."""
    with atomic(db):
        if db.execute("select 1 from device where device = ? and registered = 1", [device]).fetchone() is None:
            registers.add_device(db, device, by, profile=BY_HAND)
            registers.assign(db, device, stay.patient, stay.admitted_ms, by)
