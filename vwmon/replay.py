"""Recordings through the engine: into a database as if they had been lived through, or to a broker as devices would.

The recording's own time is the only time here: a reading is received when it was observed.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby, islice
from operator import attrgetter
from pathlib import Path
from typing import Protocol

from devices.payloads import decode
from devices.topics import spoken_topic
from vwmon import recorded_people
from vwmon.errors import RefusedError
from vwmon.patients import asked
from vwmon.patients.admission import Admission
from vwmon.patients.records import By
from vwmon.provenance import Provenance
from vwmon.recordings import Sending
from vwmon.scorer import Scorer
from vwmon.store import database, monitor, registers
from vwmon.store.arrivals import Arrival
from vwmon.store.log import LogWriter
from vwmon.store.monitor import Monitor
from vwmon.store.sqlite import Connection

ACTOR = "replay"
AT_ONCE = 2000  # messages to one transaction
MERGED_AT = 200_000  # readings

Progress = Callable[[int, int], None]


class Outlet(Protocol):
    """Where messages are published: devices.client.Hub is one."""

    def enqueue_all(self, messages: Iterable[tuple[str, bytes, str]], kind: str = "readings") -> None:
        """Keep messages of a kind, (device, payload, id) each, and send them in their turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What a replay did: `end_ms` is the recording's last moment, at which its lists stand."""

    patients: int
    messages: int
    stored: int
    duplicates: int
    refused: int
    end_ms: int


def into(path: Path, sendings: Sequence[Sending], ward: str, versions: Provenance, progress: Progress) -> Replayed:
    """Replay messages into the database at `path`, made when there is none; what it holds already changes nothing.

    `progress` is told (messages done, of how many). RefusedError when a daemon has used the database: a recording
    must not be mixed into a ward's own readings.
    """
    with closing(_opened(path)) as db:
        before = monitor.read(db)
        patients = admit(db, sendings, ward, zone=versions.zone(ward))
        scorer = Scorer(db, versions, sendings[0].at_ms)
        log = LogWriter(db)
        totals = _feed(log, scorer, sendings, ward, progress)
        while log.tail_size and log.merge(scorer.cursor, MERGED_AT):
            pass
        end_ms = max(sendings[-1].at_ms, (before.recording_end_ms or 0) if before else 0)
        scorer.settle(end_ms)
        _sign(db, scorer, versions, end_ms)
    return Replayed(patients=patients, messages=len(sendings), **totals, end_ms=end_ms)


def admit(db: Connection, sendings: Sequence[Sending], ward: str, now_ms: int | None = None, zone: str = "UTC") -> int:
    """Admit each patient of a recording, with a device of its own, as of the first message; return how many are new.

    A patient who is on the ward already stays as admitted. `now_ms` is when the register is written, the time of
    that message when None. Raises as recorded_people.admissions does, with nobody admitted.
    """
    device = {sending.patient: sending.device for sending in sendings}
    known = {stay.patient for stay in registers.stays(db, open_only=True)}
    new = [one for one in recorded_people.admissions(sendings, ward, zone) if one.patient not in known]
    with database.atomic(db):
        for wanted in new:
            _admit(db, wanted, device[wanted.patient], wanted.admitted_ms if now_ms is None else now_ms)
    return len(new)


def publish(
    outlet: Outlet, sendings: Sequence[Sending], speed: float | None, stop: threading.Event, progress: Progress
) -> None:
    """Hand messages to an outlet in the recording's order: at `speed` times its pace, or all at once for None."""
    done = 0
    for batch in _paced(sendings, speed, stop):
        for kind, several in groupby(batch, key=attrgetter("kind")):
            outlet.enqueue_all(((sending.device, sending.payload, sending.id) for sending in several), kind)
        done += len(batch)
        progress(done, len(sendings))


def _opened(path: Path) -> Connection:
    if not path.exists():
        return database.create(path)
    db = database.open_writer(path)
    found = monitor.read(db)
    if found is not None and found.mode == "live":
        db.close()
        raise RefusedError(f"{path} is a ward's own database; replay into another one, or use --publish")
    return db


def _admit(db: Connection, wanted: Admission, device: str, written_ms: int) -> None:
    by = By(actor=ACTOR, at_ms=written_ms)
    registers.admit(db, wanted, by)
    registers.add_device(db, device, by, profile="recording")
    registers.assign(db, device, wanted.patient, wanted.admitted_ms, by)


def _feed(log: LogWriter, scorer: Scorer, sendings: Sequence[Sending], ward: str, progress: Progress) -> dict[str, int]:
    """Store and score the messages, batch by batch; return the counts."""
    totals = {"stored": 0, "duplicates": 0, "refused": 0}
    for first in range(0, len(sendings), AT_ONCE):
        batch = sendings[first : first + AT_ONCE]
        done = log.append([_arrival(sending, ward) for sending in batch], (), batch[-1].at_ms)
        for name in totals:
            totals[name] += getattr(done, name)
        while scorer.cycle(batch[-1].at_ms):
            pass
        if log.tail_size >= MERGED_AT:
            log.merge(scorer.cursor, MERGED_AT)
        progress(first + len(batch), len(sendings))
    return totals


def _arrival(sending: Sending, ward: str) -> Arrival:
    topic = spoken_topic("vwmon", ward, sending.device, sending.kind)
    message = (
        asked.message(sending.payload, sending.device, sending.at_ms)
        if sending.kind == "answers"
        else decode(sending.payload, device=sending.device, received_ms=sending.at_ms)
    )
    return Arrival(ward, sending.device, topic, message, sending.at_ms, sending.payload)


def _sign(db: Connection, scorer: Scorer, versions: Provenance, end_ms: int) -> None:
    """Mark the database as a recording that stands at its last moment."""
    with database.atomic(db):
        monitor.beat(
            db,
            Monitor(
                mode="recording",
                started_ms=end_ms,
                cycle_ms=end_ms,
                broker_connected=False,
                broker_since_ms=None,
                last_received_ms=end_ms,
                last_observed_ms=end_ms,
                readings=scorer.readings,
                lag_seconds=0.0,
                software=versions.software,
                config_hash=versions.config_hash,
                recording_end_ms=end_ms,
            ),
        )


def _paced(sendings: Sequence[Sending], speed: float | None, stop: threading.Event) -> Iterator[list[Sending]]:
    """Give the messages in the batches in which they are due, until `stop` is set."""
    if speed is None:
        waiting = iter(sendings)
        while not stop.is_set() and (batch := list(islice(waiting, AT_ONCE))):
            yield batch
        return
    before_ms = sendings[0].at_ms
    for at_ms, together in groupby(sendings, key=lambda sending: sending.at_ms):
        if stop.wait((at_ms - before_ms) / 1000 / speed):
            return
        before_ms = at_ms
        yield list(together)
