"""What to send next: each device's messages in order, a window of them in flight, the oldest again without a receipt.

Here: the decision alone, pure, with `now` in seconds of a steady clock given by the caller. Not here: disk or network.
"""

import heapq
import itertools
from dataclasses import dataclass, field
from typing import Final

from devices.spool import Kept

RESEND_MOST: Final = 30.0


@dataclass(slots=True)
class _Lane:
    """One device's messages, oldest first; those `flying` are among the first of the window."""

    delay: float
    waiting: dict[str, Kept] = field(default_factory=dict)
    flying: set[str] = field(default_factory=set)
    due: float = 0.0


class Outbox:
    """The messages without a receipt of many devices.

    With a window of 1 a device's messages reach the ward in order whatever fails. When the oldest in flight has no
    receipt after `resend_after` seconds, all of that device's go again from the oldest, each time after twice as long,
    up to `resend_most`; a receipt brings the first delay back.
    """

    def __init__(self, *, window: int = 1, resend_after: float = 3.0, resend_most: float = RESEND_MOST) -> None:
        """Begin empty; times in seconds."""
        self._window = window
        self._resend_after = resend_after
        self._resend_most = max(resend_most, resend_after)
        self._lanes: dict[str, _Lane] = {}
        self._ready: dict[str, None] = {}
        self._timers: list[tuple[float, str]] = []

    def add(self, kept: Kept) -> None:
        """Take a message; behind all others of its device."""
        lane = self._lanes.setdefault(kept.device, _Lane(self._resend_after))
        lane.waiting[kept.message_id] = kept
        self._ready[kept.device] = None

    def receipted(self, device: str, message_id: str, now: float) -> None:
        """Drop a message that the ward holds; the first delay is back, and the next may go."""
        lane = self._lanes.get(device)
        if lane is None or message_id not in lane.waiting:
            return
        oldest = next(iter(lane.waiting)) == message_id
        del lane.waiting[message_id]
        lane.flying.discard(message_id)
        lane.delay = self._resend_after
        if not lane.waiting:
            del self._lanes[device]
            self._ready.pop(device, None)
            return
        if oldest and lane.flying:
            self._set_timer(device, lane, now)
        self._ready[device] = None

    def refused(self, device: str, now: float) -> None:
        """Put a device off, whose message the broker took for nobody or not at all."""
        lane = self._lanes.get(device)
        if lane is not None:
            self._set_timer(device, lane, now)

    def restart(self) -> None:
        """Let everything go again from the oldest, at once: the connection is new, or the ward is back."""
        self._timers.clear()
        for device, lane in self._lanes.items():
            lane.flying.clear()
            lane.delay = self._resend_after
            self._ready[device] = None

    def take(self, now: float, at_most: int) -> list[Kept]:
        """Return up to `at_most` messages to publish now, a device's in its order; they are in flight from now on."""
        self._wake(now)
        chosen: list[Kept] = []
        for device in list(self._ready):
            room = at_most - len(chosen)
            if room <= 0:
                break
            chosen += self._next(device, now, room)
        return chosen

    def next_due(self) -> float | None:
        """Return when the oldest timer ends; None when nothing is in flight."""
        return self._timers[0][0] if self._timers else None

    def _next(self, device: str, now: float, room: int) -> list[Kept]:
        """Return what one device may send, at most `room`."""
        lane = self._lanes[device]
        idle = not lane.flying
        open_window = [
            kept for kept in itertools.islice(lane.waiting.values(), self._window) if kept.message_id not in lane.flying
        ]
        chosen = open_window[:room]
        lane.flying.update(kept.message_id for kept in chosen)
        if idle and chosen:
            self._set_timer(device, lane, now)
        if len(chosen) == len(open_window):
            del self._ready[device]
        return chosen

    def _set_timer(self, device: str, lane: _Lane, now: float) -> None:
        lane.due = now + lane.delay
        heapq.heappush(self._timers, (lane.due, device))

    def _wake(self, now: float) -> None:
        """Go back to the oldest for every device whose time has come."""
        while self._timers and self._timers[0][0] <= now:
            due, device = heapq.heappop(self._timers)
            lane = self._lanes.get(device)
            if lane is not None and lane.due == due and lane.flying:
                lane.flying.clear()
                lane.delay = min(2 * lane.delay, self._resend_most)
                self._ready[device] = None
