"""A fleet as a recording: a CSV of readings, as any other recording has them, instead of messages to a broker.

Here: the rows, and the file, the same bytes for the same fleet. Not here: replaying it.
"""

import csv
import gzip
import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

from devices import vitals
from devices.simulator.faults import MINUTE_MS, REPEAT_MINUTES
from devices.simulator.fleet import PREFIX, Said, time_text

# The first five are a recording's; whoever replays it passes over the others.
COLUMNS: Final = (
    "patient",
    "time",
    "vital",
    "value",
    "unit",
    "device",
    "sent",
    "seq",
    "battery_percent",
    "measured",
)

AGAIN_MS: Final = REPEAT_MINUTES[1] * MINUTE_MS

Row = tuple[str | float, ...]


def patient_of(device: str) -> str:
    """Return the patient who, for all that the ward knows, has a device."""
    return f"{PREFIX}patient-{device.removeprefix(PREFIX)}"


def rows(said: Iterable[Said]) -> Iterator[Row]:
    """Yield the readings in the order of sending; a message that was sent again stands once, as it is stored once.

    `patient` is whom the ward takes a reading for, `measured` whose it is; `time` is the device's, `sent` the true time
    of sending.
    """
    for at_ms, device, draft in _once(said):
        for name, value in draft.values:
            yield (
                patient_of(device),
                time_text(draft.observed_ms),
                name,
                value,
                vitals.VITALS[name].unit if vitals.VITALS[name].numeric else "",
                device,
                time_text(at_ms),
                draft.seq,
                draft.battery_percent,
                patient_of(draft.of or device),
            )


def _once(said: Iterable[Said]) -> Iterator[Said]:
    """Leave out what was said before; only as much is remembered as can still come again."""
    before, now, turned_ms = set[tuple[str, int]](), set[tuple[str, int]](), 0
    for one in said:
        if one.at_ms - turned_ms > AGAIN_MS:
            before, now, turned_ms = now, set(), one.at_ms
        key = one.device, one.draft.seq
        if key not in before and key not in now:
            now.add(key)
            yield one


def write(path: Path, said: Iterable[Said]) -> int:
    """Write a recording, compressed where the name ends in `.gz`; return how many readings it has.

    FileExistsError rather than a recording lost.
    """
    try:
        with _opened(path) as lines:
            return _write(lines, said)
    except FileExistsError:
        raise
    except BaseException:
        path.unlink(missing_ok=True)  # half a recording would pass for a whole one
        raise


def _write(lines: TextIO, said: Iterable[Said]) -> int:
    table, count = csv.writer(lines, lineterminator="\n"), 0
    table.writerow(COLUMNS)
    for row in rows(said):
        table.writerow(row)
        count += 1
    return count


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    """Open a new file; compressed ones without their name and time, so that the same rows are the same bytes."""
    with path.open("xb") as raw:
        if path.suffix != ".gz":
            with io.TextIOWrapper(raw, encoding="utf-8", newline="") as lines:
                yield lines
            return
        with (
            gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed,
            io.TextIOWrapper(packed, encoding="utf-8", newline="") as lines,
        ):
            yield lines
