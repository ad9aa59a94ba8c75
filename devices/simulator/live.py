"""Simulated messages sent at their own times, as fast as the caller's clock runs, and those that the ward asks for.

Here: the wait between messages. Not here: the clock, the connection, and what the messages say.
"""

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final, Protocol

from devices.client import message_id
from devices.errors import ClientError
from devices.said import REPEAT, Request
from devices.simulator.fleet import Fleet, Timed

AT_ONCE: Final = 500


class Outlet(Protocol):
    """Where messages are sent: devices.client.Hub is one."""

    def enqueue_all(self, messages: Iterable[tuple[str, bytes, str]]) -> None:
        """Keep messages, (device, payload, id) each, and send them in their turn."""


class Repeats:
    """Simulated devices that measure again when the ward asks; `outlet` is where they send, once there is one."""

    def __init__(self, fleet: Fleet, start_ms: int, now_ms: Callable[[], int]) -> None:
        """Take the fleet as it plays since `start_ms`."""
        self._fleet, self._start_ms, self._now_ms = fleet, start_ms, now_ms
        self.outlet: Outlet | None = None

    def __call__(self, device: str, asked: Request) -> None:
        """Answer one request to one device; one that the fleet does not have is somebody else's."""
        now_ms = self._now_ms()
        if self.outlet is None or asked.request != REPEAT or not self._fleet.answers(device, self._start_ms, now_ms):
            return
        name = f"{self._start_ms:x}-asked-{asked.id}"
        answer = self._fleet.again(device, self._start_ms, now_ms, name, asked.vitals)
        with suppress(ClientError):  # the fleet is being switched off
            self.outlet.enqueue_all([(device, answer.payload, name)])


def play(  # noqa: PLR0913 -- all that the wait depends on is given
    messages: Iterable[Timed],
    outlet: Outlet,
    now_ms: Callable[[], int],
    speed: float,
    *,
    stop: threading.Event,
    told: Callable[[int], None],
) -> int:
    """Send each message when `now_ms()`, a clock at `speed`, has reached its time; return how many were sent.

    Those due together go together; `told` hears the number sent so far. Ends with the messages, or when `stop` is set.
    """
    sent = 0
    due: list[tuple[str, bytes, str]] = []
    for timed in messages:
        if due and (timed.at_ms > now_ms() or len(due) >= AT_ONCE):
            outlet.enqueue_all(due)
            sent += len(due)
            told(sent)
            due = []
        while not stop.is_set() and (ahead_ms := timed.at_ms - now_ms()) > 0:
            stop.wait(ahead_ms / 1000 / speed)
        if stop.is_set():
            break
        due.append((timed.device, timed.payload, message_id(timed.payload)))
    outlet.enqueue_all(due)
    told(sent + len(due))
    return sent + len(due)
