"""One batch of messages on its way into the log: repeats left out, rows gathered, then written.

The loops here run for every reading that ever comes; the shapes are chosen for that. No transaction is begun here.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

from devices.readings import MARK_CLOCK_AHEAD, MARK_RECEIPT_TIME, Attempt, Message, Reading
from vwmon.store import attempts, sequences
from vwmon.store.arrivals import Arrival, Quarantined
from vwmon.store.known import OWN_KEY, Key, Known, KnownDevice
from vwmon.store.sqlite import Connection

KEPT_PAYLOAD_BYTES = 65_536  # the largest message the interface allows; of a larger one the beginning is kept
UNDATED = MARK_RECEIPT_TIME | MARK_CLOCK_AHEAD

# sqlite3 takes a microsecond to bind None, and nothing to bind an exact type: these stand for it in the statements.
NO_KEY = ""
NO_NUMBER = -1
NOTHING = bytearray()
NO_EXTRAS = (NOTHING, NOTHING, NOTHING)

COLUMNS = """seq, device_no, vital_no, observed_ms, value, marks, received_ms, recorded_ms, unit,
    message_key, message_seq"""
ONE = f"(?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, ''), nullif(?, {NO_NUMBER}))"
PLAIN = f"insert into reading_log ({COLUMNS}) values {ONE}"
# A statement of many rows gives the interpreter back once, not once a row: the scoring thread then need not take turns
# with every row that is stored.
AT_ONCE = 200
MANY = f"insert into reading_log ({COLUMNS}) values {', '.join([ONE] * AT_ONCE)}"
WITH_EXTRAS = f"""insert into reading_log ({COLUMNS}, text, raw_value, raw_unit)
    values (?, ?, ?, ?, nullif(?, x''), ?, ?, ?, ?, nullif(?, ''), nullif(?, {NO_NUMBER}),
    nullif(?, x''), nullif(?, x''), nullif(?, x''))"""
QUARANTINE = """insert into quarantine (quarantine_no, received_ms, recorded_ms, topic, device, vital, reason, detail,
    message_id, payload, payload_bytes, payload_no) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""

Row = tuple[Any, ...]
Origin = tuple[int, str, str | None, str | None]  # received_ms, topic, device, message id
Reason = tuple[str | None, str, str]  # vital, reason, detail


class Batch:
    """What one append gathers. `seq` is the last sequence number given out."""

    def __init__(self, db: Connection, known: Known, recorded_ms: int) -> None:
        """Begin after the last reading that `known` knows of."""
        self._db = db
        self._known = known
        self._recorded_ms = recorded_ms
        self._merged: set[Key] | None = None
        self._extras: dict[int, Row] = {}
        self._battery: dict[int, tuple[float, int]] = {}
        self._keys_without_readings: list[tuple[int, str, int]] = []
        self._quarantined: list[Row] = []
        self._attempts: list[Row] = []
        self._tried: list[Row] = []
        self._arrivals: Sequence[Arrival] = ()
        self.seq = known.last_seq
        self.rows: list[Row] = []
        self.duplicates = 0
        self.refused = 0

    def gather(self, arrivals: Sequence[Arrival]) -> None:
        """Take in the messages that are new, in their order; a repeat of (device, id) is only counted."""
        self._arrivals = arrivals
        devices = self._known.devices
        for arrival in arrivals:
            message = arrival.message
            device = devices.get(arrival.device) or self._device(arrival)
            key = message.id
            if key is None:
                self._gather_without_id(arrival, device)
            elif key in device.tail or (key <= device.greatest_id and self._is_merged(device, key)):
                self.duplicates += len(message.readings) + len(message.refused)
            else:
                device.tail.add(key)
                self._take(arrival, device, message.readings, key)

    def set_aside(self, quarantined: Iterable[Quarantined]) -> None:
        """Take in messages of which nothing could be used."""
        for item in quarantined:
            origin = (item.received_ms, item.topic, item.device, item.message_id)
            self._keep(origin, item.payload, [(None, item.reason, item.detail)])

    @property
    def appended(self) -> Sequence[Row]:
        """Give what follows in the log: the rows of the readings, and among them those of attempts, without a value."""
        return sorted([*self.rows, *self._tried], key=itemgetter(0)) if self._tried else self.rows

    @property
    def indexed(self) -> Iterator[Key]:
        """Give the keys that go to the database's index at once, because no reading carries them."""
        return ((device_no, key) for device_no, key, _ in self._keys_without_readings)

    def write(self) -> None:
        """Write everything gathered, inside the caller's transaction."""
        db = self._db
        if self._extras:
            db.executemany(WITH_EXTRAS, [self._widened(row) for row in self.rows])
        else:
            self._write_plain()
        db.executemany("insert or ignore into message values (?, ?, ?)", self._keys_without_readings)
        db.executemany(QUARANTINE, self._quarantined)
        if self._attempts:
            attempts.write(db, self._attempts)
        db.executemany(
            "update device set battery_percent = ?, battery_ms = ? where device_no = ?",
            [(*battery, device_no) for device_no, battery in self._battery.items()],
        )
        db.execute("update log set last_seq = ?", [self.seq])

    def _write_plain(self) -> None:
        whole = len(self.rows) // AT_ONCE * AT_ONCE
        for start in range(0, whole, AT_ONCE):
            self._db.execute(MANY, list(chain.from_iterable(self.rows[start : start + AT_ONCE])))
        self._db.executemany(PLAIN, self.rows[whole:])

    def _is_merged(self, device: KnownDevice, key: str) -> bool:
        if self._merged is None:
            self._merged = self._known.merged(self._doubtful())
        return (device.device_no, key) in self._merged

    def _doubtful(self) -> Iterator[Key]:
        """Yield the keys of the batch that may have been merged: those not above the greatest that has."""
        for arrival in self._arrivals:
            device = self._device(arrival)
            for key in self._keys(arrival.message):
                if key <= device.greatest(key):
                    yield device.device_no, key

    def _keys(self, message: Message) -> Iterable[str]:
        if message.id is not None:
            return (message.id,)
        return (self._own_key(reading) for reading in message.readings)

    def _own_key(self, reading: Reading) -> str:
        """Build the key of a reading without a message id; a time of receipt tells nothing, so then there is none.

        The time leads, with a fixed width, so that the keys of a device rise.
        """
        if reading.marks & UNDATED:
            return NO_KEY
        content = f"={reading.value!r}" if reading.text is None else f'"{reading.text}'
        return f"{OWN_KEY}{reading.observed_ms:015d}|{self._vital_no(reading.vital)}{content}"

    def _vital_no(self, name: str) -> int:
        return self._known.vitals.get(name) or self._known.meet_vital(name)

    def _device(self, arrival: Arrival) -> KnownDevice:
        return self._known.devices.get(arrival.device) or self._known.meet(arrival.device, arrival.received_ms)

    def _gather_without_id(self, arrival: Arrival, device: KnownDevice) -> None:
        """Take in the readings that are new, one by one."""
        keyed = [(reading, self._new_key(device, reading)) for reading in arrival.message.readings]
        fresh = [(reading, key) for reading, key in keyed if key is not None]
        self.duplicates += len(keyed) - len(fresh)
        if not fresh and not arrival.message.refused:
            return
        first_row = len(self.rows)
        self._take(arrival, device, [reading for reading, _ in fresh], NO_KEY)
        for at, (_, key) in enumerate(fresh, start=first_row):
            self.rows[at] = (*self.rows[at][:-2], key, self.rows[at][-1])

    def _new_key(self, device: KnownDevice, reading: Reading) -> str | None:
        """Give the own key of a reading that is not stored yet, NO_KEY when it has none, None when it is a repeat."""
        key = self._own_key(reading)
        if key == NO_KEY:
            return key
        if key in device.tail or (key <= device.greatest_own and self._is_merged(device, key)):
            return None
        device.tail.add(key)
        return key

    def _take(self, arrival: Arrival, device: KnownDevice, readings: Sequence[Reading], key: str) -> None:
        """Gather the rows of a message that is new. Its key goes with its first reading, as its number does."""
        message, number, unit = arrival.message, NO_NUMBER, self.seq + 1
        if message.seq is not None or message.battery_percent is not None or message.refused or not readings:
            number = self._take_rest(arrival, device, key, carried=bool(readings))
        seq = self.seq
        device_no, received_ms, recorded_ms = device.device_no, arrival.received_ms, self._recorded_ms
        vitals, add = self._known.vitals, self.rows.append
        for reading in readings:
            seq += 1
            vital_no = vitals.get(reading.vital) or self._known.meet_vital(reading.vital)
            if reading.raw_value is not None or reading.text is not None or reading.raw_unit is not None:
                self._extras[seq] = (_bound(reading.text), _bound(reading.raw_value), _bound(reading.raw_unit))
            at_ms, value, marks = reading.observed_ms, reading.value, reading.marks
            add((seq, device_no, vital_no, at_ms, value, marks, received_ms, recorded_ms, unit, key, number))
            key, number = NO_KEY, NO_NUMBER
        self.seq = seq

    def _take_rest(self, arrival: Arrival, device: KnownDevice, key: str, *, carried: bool) -> int:
        """Take what a message says beside its readings; give the number for its first row, if one carries it."""
        message = arrival.message
        if message.battery_percent is not None and message.battery_percent != device.battery_percent:
            device.battery_percent = message.battery_percent
            self._battery[device.device_no] = (message.battery_percent, arrival.received_ms)
        if message.refused:
            self._refuse(arrival, device)
        if key and not carried:
            self._keys_without_readings.append((device.device_no, key, self.seq))
        if message.seq is None:
            return NO_NUMBER
        self._count(device.count, arrival, message.seq, carried=carried)
        return message.seq

    def _count(self, count: sequences.Count, arrival: Arrival, number: int, *, carried: bool) -> None:
        """Count on in memory where the number follows and a row carries it, else through the database."""
        if carried and count.last is not None and number == count.last + 1:
            count.last = number
        else:
            observed_ms = max((reading.observed_ms for reading in arrival.message.readings), default=None)
            one = sequences.Numbered(number, self.seq + carried, arrival.received_ms, observed_ms)
            sequences.note(self._db, count, one)

    def _refuse(self, arrival: Arrival, device: KnownDevice) -> None:
        message, unit = arrival.message, self.seq + 1
        self.refused += len(message.refused)
        holder = self._keep(
            (arrival.received_ms, arrival.topic, arrival.device, message.id),
            arrival.payload,
            [(refused.vital, refused.reason, refused.detail) for refused in message.refused],
        )
        for quarantine_no, refused in enumerate(message.refused, start=holder):
            if refused.attempt is not None:
                self._try(refused.attempt, device.device_no, arrival.received_ms, unit, quarantine_no)

    def _try(self, attempt: Attempt, device_no: int, received_ms: int, unit: int, quarantine_no: int) -> None:
        """Give an attempt its place in the log, before the readings of its message."""
        self.seq += 1
        series = (self.seq, device_no, self._vital_no(attempt.vital), attempt.observed_ms)
        self._attempts.append((*series, attempt.sent, received_ms, self._recorded_ms, unit, quarantine_no))
        self._tried.append((*series, None, 0, received_ms, self._recorded_ms, unit, NO_KEY, NO_NUMBER))

    def _keep(self, origin: Origin, payload: bytes, reasons: Sequence[Reason]) -> int:
        """Gather one quarantine row a reason; the first of them, whose number is given, holds the payload for all."""
        holder = self._next_quarantine_no()
        received_ms, topic, device, message_id = origin
        for at, (vital, reason, detail) in enumerate(reasons):
            kept = payload[:KEPT_PAYLOAD_BYTES] if at == 0 else None
            row = (received_ms, self._recorded_ms, topic, device, vital, reason, detail, message_id)
            self._quarantined.append((holder + at, *row, kept, len(payload), holder))
        return holder

    def _next_quarantine_no(self) -> int:
        if self._quarantined:
            return int(self._quarantined[-1][0]) + 1
        (last,) = self._db.execute("select coalesce(max(quarantine_no), 0) from quarantine").fetchone()
        return int(last) + 1

    def _widened(self, row: Row) -> Row:
        """Give a row for the statement that takes everything, with what stands for None in place of it."""
        seq, device_no, vital_no, observed_ms, value, *rest = row
        return (seq, device_no, vital_no, observed_ms, _bound(value), *rest, *self._extras.get(seq, NO_EXTRAS))


def _bound(value: object) -> object:
    return NOTHING if value is None else value
