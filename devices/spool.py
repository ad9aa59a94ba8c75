"""A device's messages on disk until the ward has receipted them: an append-only journal that survives a kill.

Here: one journal file per folder, a line a record, each with its checksum; a torn or damaged line is set aside and
counted, never taken for a message and never the end of those after it. A journal that was cut between two lines is
found by its length, which stands in the lock file. Not here: order, resending, or the network.
"""

import binascii
import fcntl
import os
import re
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

import msgspec

from devices.errors import SpoolError

LOCK: Final = "lock"
JOURNAL: Final = "journal"
DAMAGED: Final = "damaged"
READINGS: Final = "readings"
COMPACT_BYTES: Final = 4 * 1024 * 1024

_CHECK_CHARS: Final = 9
_LENGTH_CHARS: Final = 17


class Letter(NamedTuple):
    """One message to send, on the device's topic of its `kind`."""

    device: str
    message_id: str
    payload: bytes
    kind: str = READINGS


class Kept(NamedTuple):
    """One message in the journal: `start` and `length` are its line's place in the file."""

    device: str
    message_id: str
    start: int
    length: int
    kind: str = READINGS


class _Record(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One line: a message, or with no payload the word that it has been receipted; readings do not say their kind."""

    device: str
    message_id: str
    payload: bytes | None
    kind: str = READINGS


_LENGTH: Final = re.compile(rb"[0-9a-f]{16}\n")
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(_Record).decode


def _line(device: str, message_id: str, payload: bytes | None, kind: str = READINGS) -> bytes:
    fields = (device, message_id, payload)
    body = _encode(fields if kind == READINGS else (*fields, kind))
    return b"%08x %s\n" % (binascii.crc32(body), body)


def _read(line: bytes) -> _Record | None:
    """Return a journal's line as a record; None where it is torn or damaged."""
    body = line[_CHECK_CHARS:-1]
    if not line.endswith(b"\n") or line[:_CHECK_CHARS] != b"%08x " % binascii.crc32(body):
        return None
    try:
        return _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


class Spool:
    """The journal of one folder, held by one process at a time; safe to use from several threads.

    A message is on disk, synced, when `keep` returns. That a message was receipted is written without a sync: a lost
    line only sends that message again, which the ward takes for what it is.
    """

    def __init__(self, folder: Path) -> None:
        """Open or begin the journal in `folder`; SpoolError when another process holds it or it cannot be written."""
        self._folder = folder
        self._guard = threading.Lock()
        self._live: dict[tuple[str, str], Kept] = {}
        self._live_bytes = 0
        self._size = 0
        self._file = self._held = -1
        self.damaged = 0
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._held = _opened(folder / LOCK, os.O_RDWR)
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._recover()
        except BlockingIOError:
            self.close()
            raise SpoolError(f"the spool {folder} is in use by another process") from None
        except OSError as error:
            self.close()
            raise SpoolError(f"the spool {folder} cannot be opened: {error.strerror}") from error

    def __enter__(self) -> Self:
        """Return the open spool."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the journal."""
        self.close()

    def __len__(self) -> int:
        """Return how many messages wait for their receipt."""
        return len(self._live)

    def __contains__(self, kept: Kept) -> bool:
        """Tell whether a message still waits for its receipt."""
        return (kept.device, kept.message_id) in self._live

    def waiting(self) -> list[Kept]:
        """Return the messages without a receipt, oldest first."""
        with self._guard:
            return list(self._live.values())

    def keep(self, letters: Iterable[Letter]) -> list[Kept]:
        """Write messages with one sync; return those new here, in order. SpoolError when the disk refuses."""
        with self._guard:
            fresh = {(one.device, one.message_id): one for one in letters}
            lines = [(one, _line(*one)) for key, one in fresh.items() if key not in self._live]
            if not lines:
                return []
            start = self._size
            self._write(b"".join(line for _, line in lines), sync=True)
            return [self._remember(one.device, one.message_id, place, one.kind) for one, place in _places(lines, start)]

    def payload(self, kept: Kept) -> bytes:
        """Return a waiting message's bytes; SpoolError when the disk no longer gives what was written."""
        with self._guard:
            place = self._live[kept.device, kept.message_id]
            record = _read(os.pread(self._file, place.length, place.start))
        if record is None or record.payload is None:
            raise SpoolError(f"the spool {self._folder} no longer holds what was written to it")
        return record.payload

    def forget(self, device: str, message_id: str) -> bool:
        """Drop a receipted message; return whether it was here."""
        with self._guard:
            place = self._live.pop((device, message_id), None)
            if place is None:
                return False
            self._live_bytes -= place.length
            self._write(_line(device, message_id, None), sync=False)
            if self._size > COMPACT_BYTES and self._size > 2 * self._live_bytes:
                self._compact()
            return True

    def close(self) -> None:
        """Release the journal; the messages stay."""
        with self._guard:
            for descriptor in (self._file, self._held):
                if descriptor >= 0:
                    os.close(descriptor)
            self._file = self._held = -1

    def _remember(self, device: str, message_id: str, place: tuple[int, int], kind: str) -> Kept:
        kept = Kept(device, message_id, *place, kind)
        self._live[device, message_id] = kept
        self._live_bytes += kept.length
        return kept

    def _write(self, text: bytes, *, sync: bool) -> None:
        """Append all of `text`; when the disk refuses take back what was written of it, and raise SpoolError."""
        try:
            left = memoryview(text)
            while left:
                left = left[os.write(self._file, left) :]
            if sync:
                os.fdatasync(self._file)
                self._note(self._size + len(text))
        except OSError as error:
            os.ftruncate(self._file, self._size)
            raise SpoolError(f"the spool {self._folder} cannot be written: {error.strerror}") from error
        self._size += len(text)

    def _note(self, length: int) -> None:
        """Write down how much of the journal is on disk; less than there is does no harm, and a lost note is that."""
        os.pwrite(self._held, b"%016x\n" % length, 0)

    def _noted(self) -> int:
        """Give what was written down; 0 when nothing can be read there."""
        noted = os.pread(self._held, _LENGTH_CHARS, 0)
        return int(noted, 16) if _LENGTH.fullmatch(noted) else 0

    def _recover(self) -> None:
        """Read the journal again, set what is damaged aside, and leave a journal of whole lines."""
        self._open()
        broken = []
        for start, line in self._lines():
            record = _read(line)
            if record is None:
                broken.append(line)
            elif record.payload is None:
                self._live.pop((record.device, record.message_id), None)
            else:
                self._remember(record.device, record.message_id, (start, len(line)), record.kind)
        self.damaged = len(broken) or int(self._size < self._noted())
        if broken:
            with os.fdopen(_opened(self._folder / DAMAGED, os.O_WRONLY | os.O_APPEND), "ab") as aside:
                aside.writelines(line.rstrip(b"\n") + b"\n" for line in broken)
        self._compact()

    def _open(self) -> None:
        """Open the journal at its end."""
        self._file = _opened(self._folder / JOURNAL, os.O_RDWR | os.O_APPEND)
        self._size = os.fstat(self._file).st_size

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield each line of the journal with its place."""
        with (self._folder / JOURNAL).open("rb") as journal:
            start = 0
            for line in journal:
                yield start, line
                start += len(line)

    def _compact(self) -> None:
        """Replace the journal by one of the waiting messages alone; a crash leaves the old one or the new one."""
        waiting = list(self._live.values())
        fresh = self._folder / f"{JOURNAL}.new"
        with os.fdopen(_opened(fresh, os.O_WRONLY | os.O_TRUNC), "wb") as journal:
            journal.writelines(os.pread(self._file, kept.length, kept.start) for kept in waiting)
            journal.flush()
            os.fsync(journal.fileno())
        self._note(sum(kept.length for kept in waiting))
        os.fdatasync(self._held)
        fresh.replace(self._folder / JOURNAL)
        _sync_folder(self._folder)
        os.close(self._file)
        self._open()
        self._live_bytes = start = 0
        for kept in waiting:
            self._remember(kept.device, kept.message_id, (start, kept.length), kept.kind)
            start += kept.length


def _places(lines: Iterable[tuple[Letter, bytes]], start: int) -> Iterator[tuple[Letter, tuple[int, int]]]:
    """Yield each letter with its line's place and length, when the first line stands at `start`."""
    for letter, line in lines:
        yield letter, (start, len(line))
        start += len(line)


def _opened(path: Path, flags: int) -> int:
    """Open or make a file that is its owner's only: readings are a patient's."""
    return os.open(path, flags | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _sync_folder(folder: Path) -> None:
    """Make a rename in `folder` last."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
