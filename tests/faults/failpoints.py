"""Places in a daemon's code at which a thread can be told to fail, or to wait for ever, while it is at work.

An order is a file: the daemon carries it out once, on the thread that it names, and says so in another file. A daemon
that is started again finds no order.
"""

import json
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from tests.integration.broker import wait_until

CARRIED_OUT_S = 60
ERROR = "planted here"
FAIL, HANG = "fail", "hang"
PLANTED = """\
import json, threading, time
from pathlib import Path
from pkgutil import resolve_name

def with_failpoint(place, well):
    order = Path({folder!r}) / place

    def failing(*arguments, **named):
        if order.exists() and (how := is_due(order)):
            carry_out(order, how)
        return well(*arguments, **named)

    return failing

def is_due(order):
    thread, turns, how = order.read_text().split()
    if threading.current_thread().name != thread:
        return None
    if int(turns):
        order.write_text(f"{{thread}} {{int(turns) - 1}} {{how}}")
        return None
    return how

def carry_out(order, how):
    order.unlink()
    threads = [one.name for one in threading.enumerate() if one is not threading.main_thread()]
    done = order.with_name("done.new")
    done.write_text(json.dumps([time.monotonic(), threads]))
    done.rename(order.with_name("done"))
    if how == {hang!r}:
        threading.Event().wait()
    raise RuntimeError({error!r})

for place in {places!r}:
    owner, _, name = place.rpartition(".")
    setattr(resolve_name(owner), name, with_failpoint(place, getattr(resolve_name(owner), name)))
"""


class CarriedOut(NamedTuple):
    """What the daemon said of an order: when it was carried out, on the machine's steady clock, and its threads."""

    at_s: float
    threads: list[str]


class Failpoints:
    """The places of one daemon, and the folder of its orders."""

    def __init__(self, folder: Path, places: Collection[str]) -> None:
        """Name the places: functions, by module and class."""
        self._folder, self._places = folder / "orders", tuple(places)
        self._folder.mkdir()
        self._ordered = self._folder / "none"

    @property
    def planted(self) -> str:
        """What has to be planted in the daemon."""
        return PLANTED.format(folder=str(self._folder), places=self._places, hang=HANG, error=ERROR)

    def order(self, place: str, thread: str, turns: int, how: str) -> None:
        """Have a thread do it at this place, after so many turns through it."""
        assert place in self._places, f"nothing is planted in {place}"
        (self._folder / "done").unlink(missing_ok=True)
        new = self._folder / "order.new"
        new.write_text(f"{thread} {turns} {how}", encoding="utf-8")
        self._ordered = new.rename(self._folder / place)

    def carried_out(self) -> CarriedOut | None:
        """Wait until the order is carried out; None, and it is taken back, when no thread of that name comes there."""
        done = self._folder / "done"
        try:
            wait_until(done.exists, "", CARRIED_OUT_S)
        except AssertionError:
            self._ordered.unlink(missing_ok=True)
            return None
        return CarriedOut(*json.loads(done.read_text(encoding="utf-8")))
