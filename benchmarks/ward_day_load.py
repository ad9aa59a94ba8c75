"""A simulated day of people at home as a file made ahead, and its publication: as fast as it is taken, or paced.

Made ahead, so that the maker's time is not counted with the daemon's; once for the largest ward, since a patient does
not change when the ward grows. The file keeps the day's own times; whoever publishes it shifts them, so that the day
ends now.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ingest_load import BLOCK, Publisher

from devices.simulator.courses import COURSES
from devices.simulator.fleet import Fleet, time_text
from vwmon.durations import HOUR_MS

ENDS_MS = 978_469_200_000  # Tuesday 2 January 2001, 21:00 UTC: after the round of eight in the evening
ONSET_HOURS = 336.0  # as `vwmon simulate --home` has it
READING = b'"vital"'
TIME = b'"time":"'
REPEATED = 500  # each so many-th message is sent twice, as by a hub whose receipt was lost
SAMPLES = 5_000


class Kept(NamedTuple):
    """One message of the file: its time on the day's own clock, its device, its payload."""

    at_ms: int
    device: str
    payload: bytes

    def readings(self) -> int:
        """Count its readings."""
        return self.payload.count(READING)

    def shifted(self, shift_ms: int) -> bytes:
        """Give its payload as measured at another time."""
        at = self.payload.index(TIME) + len(TIME)
        said = time_text(self.at_ms + shift_ms).encode()
        return self.payload[:at] + said + self.payload[at + len(said) :]


class Sample(NamedTuple):
    """A message whose way is timed: its device, its shifted time, and when it was sent on the monotonic clock."""

    device: str
    observed_ms: int
    sent_s: float


@dataclass(kw_only=True)
class Sent:
    """What was published so far, in readings; `repeated` of them a second time."""

    messages: int = 0
    readings: int = 0
    repeated: int = 0
    samples: list[Sample] = field(default_factory=list)

    @property
    def new(self) -> int:
        """Count the readings without the repeats."""
        return self.readings - self.repeated


def fleet(patients: int) -> Fleet:
    """Give people at home with the shares of the tables, and without faults."""
    return Fleet(patients=patients, courses=tuple(COURSES), home=True, onset_hours=ONSET_HOURS)


def make(path: Path, patients: int, hours: float) -> None:
    """Write the messages of the last `hours` of the day, a line each; a file that is there is used again."""
    if path.exists():
        return
    begun = path.with_suffix(".part")
    with begun.open("wb") as lines:
        for one in fleet(patients).messages(ENDS_MS - round(hours * HOUR_MS), until_ms=ENDS_MS):
            lines.write(b"%d\t%s\t%s\n" % (one.at_ms, one.device.encode(), one.payload))
    begun.rename(path)


def read(path: Path, patients: int, from_ms: int, until_ms: int) -> Iterator[Kept]:
    """Read the messages of the first so many patients, of a part of the day."""
    ours = set(fleet(patients).devices())
    with path.open("rb") as lines:
        for line in lines:
            at, name, payload = line.rstrip(b"\n").split(b"\t", 2)
            if from_ms <= int(at) < until_ms and (device := name.decode()) in ours:
                yield Kept(int(at), device, payload)


def publish_all(
    messages: Iterable[Kept], publisher: Publisher, shift_ms: int, room: Callable[[], None], sent: Sent
) -> None:
    """Publish as fast as the daemon takes them, noting in `sent` what was; `room` waits until more may be."""
    for block in _blocks(messages, BLOCK):
        room()
        _send(block, publisher, shift_ms, sent)
    publisher.settle()


def publish_paced(messages: list[Kept], publisher: Publisher, shift_ms: int, from_ms: int, speed: float) -> Sent:
    """Publish each message in its time since `from_ms`, the clock of the day running at `speed` from now on.

    Every so many-th is timed.
    """
    sent, every = Sent(), max(1, len(messages) // SAMPLES)
    begun, at = time.monotonic(), 0
    while at < len(messages):
        due_ms = from_ms + (time.monotonic() - begun) * 1000 * speed
        end = at
        while end < len(messages) and end - at < BLOCK and messages[end].at_ms <= due_ms:
            end += 1
        if end == at:
            time.sleep((messages[at].at_ms - due_ms) / 1000 / speed)
            continue
        now_s = time.monotonic()
        sent.samples += [
            Sample(one.device, (one.at_ms + shift_ms) // 1000 * 1000, now_s)
            for number, one in enumerate(messages[at:end], at)
            if number % every == 0
        ]
        _send(messages[at:end], publisher, shift_ms, sent)
        at = end
    publisher.settle()
    return sent


def _send(block: list[Kept], publisher: Publisher, shift_ms: int, sent: Sent) -> None:
    wanted = []
    for one in block:
        message, readings = (one.device, one.shifted(shift_ms)), one.readings()
        times = 2 if sent.messages % REPEATED == 0 else 1
        wanted += [message] * times
        sent.messages += 1
        sent.readings += readings * times
        sent.repeated += readings * (times - 1)
    publisher.send(wanted)


def _blocks(messages: Iterable[Kept], size: int) -> Iterator[list[Kept]]:
    block: list[Kept] = []
    for one in messages:
        block.append(one)
        if len(block) == size:
            yield block
            block = []
    if block:
        yield block
