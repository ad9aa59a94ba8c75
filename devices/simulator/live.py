"""Simulated messages sent at their own times, as fast as the caller's clock runs.

Here: the wait between messages. Not here: the clock, the connection, and what the messages say.
"""

import threading
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from devices.client import message_id
from devices.simulator.fleet import Timed

AT_ONCE: Final = 500


class Outlet(Protocol):
    """Where messages are sent: devices.client.Hub is one."""

    def enqueue_all(self, messages: Iterable[tuple[str, bytes, str]]) -> None:
        """Keep messages, (device, payload, id) each, and send them in their turn."""


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
