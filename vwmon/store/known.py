"""What the log's writer remembers between batches: numbers of devices and vitals, and the keys that tell repeats.

Keys of readings that have not been merged are held in memory, the rest is looked up in the database. Registering a
device or a vital on first sight is the only writing done here.
"""

import json
from collections.abc import Iterable

from vwmon.store import sequences
from vwmon.store.sqlite import Connection

OWN_KEY = "\x01"  # begins the key of a reading without a message id; no message id has a control character

MERGED = """select message.device_no, message.key from json_each(?) as asked
    cross join message on message.device_no = asked.value ->> 0 and message.key = asked.value ->> 1"""
GREATEST = """select coalesce((select max(key) from message where device_no = ?1 and key >= char(2)), ''),
    coalesce((select max(key) from message where device_no = ?1 and key < char(2)), '')"""

Key = tuple[int, str]


class KnownDevice:
    """One device: its number, its count of messages, the keys not merged yet and the greatest of those that are.

    A key above the greatest needs no look-up. Ids mostly rise with time, and keys of readings without one do too.
    """

    __slots__ = ("battery_percent", "count", "device_no", "greatest_id", "greatest_own", "tail")

    def __init__(self, db: Connection, device_no: int, tail: set[str], last: int | None) -> None:
        """Take the keys of the tail and the last number of the count; the rest is read."""
        self.device_no = device_no
        self.tail = tail
        self.battery_percent: float | None = None
        self.count = sequences.load(db, device_no, last)
        self.greatest_id: str
        self.greatest_own: str
        self.greatest_id, self.greatest_own = db.execute(GREATEST, [device_no]).fetchone()

    def forget(self, key: str) -> None:
        """Drop a key from memory that the database's index now has."""
        self.tail.discard(key)
        if key.startswith(OWN_KEY):
            self.greatest_own = max(self.greatest_own, key)
        else:
            self.greatest_id = max(self.greatest_id, key)

    def greatest(self, key: str) -> str:
        """Give the greatest merged key of the kind that `key` is."""
        return self.greatest_own if key.startswith(OWN_KEY) else self.greatest_id


class Known:
    """Everything the writer remembers, as the database has it at the time of making."""

    def __init__(self, db: Connection) -> None:
        """Read the tail's keys; devices are met one by one, when they are first heard."""
        self._db = db
        self.last_seq: int
        self.merged_seq: int
        self.last_seq, self.merged_seq = db.execute("select last_seq, merged_seq from log").fetchone()
        self.devices: dict[str, KnownDevice] = {}
        self._by_number: dict[int, KnownDevice] = {}
        self.vitals: dict[str, int] = dict(db.execute("select name, vital_no from vital"))
        self._lasts = sequences.counted(db, self.last_seq)
        self._tails: dict[int, set[str]] = {}
        tail = db.execute("select device_no, message_key from reading_log where message_key is not null")
        for device_no, key in tail:
            self._tails.setdefault(device_no, set()).add(key)

    def meet(self, device: str, at_ms: int) -> KnownDevice:
        """Take in a device for the first time since start; one that no register knows is registered as unknown."""
        device_no = device_number(self._db, device, at_ms)
        tail = self._tails.pop(device_no, set())
        known = KnownDevice(self._db, device_no, tail, self._lasts.get(device_no))
        self.devices[device] = known
        self._by_number[device_no] = known
        return known

    def forget(self, keys: Iterable[Key]) -> None:
        """Drop from memory keys that the database's index has, or will have with the caller's commit."""
        for device_no, key in keys:
            device = self._by_number.get(device_no)
            if device is None:
                self._tails[device_no].discard(key)
            else:
                device.forget(key)

    def meet_vital(self, name: str) -> int:
        """Give a vital its number on first sight."""
        row = self._db.execute("insert into vital (name) values (?) returning vital_no", [name]).fetchone()
        self.vitals[name] = row[0]
        return int(row[0])

    def merged(self, keys: Iterable[Key]) -> set[Key]:
        """Give those of `keys` that the database's index has, with one statement."""
        return set(self._db.execute(MERGED, [json.dumps(list(keys))]))


def device_number(db: Connection, device: str, at_ms: int) -> int:
    """Give the number of a device, registering it as unknown on first sight, so that nothing it says is lost."""
    row = db.execute("select device_no from device where device = ?", [device]).fetchone()
    if row is None:
        row = db.execute(
            "insert into device (device, added_ms, registered) values (?, ?, 0) returning device_no", (device, at_ms)
        ).fetchone()
    return int(row[0])
