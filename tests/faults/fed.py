"""Readings that never stop: a thread gives the devices more whenever few wait, whatever is done to the ward."""

from threading import Event, Thread
from types import TracebackType
from typing import Self

from devices.client import Hub
from tests.faults.daemon import Flow
from tests.faults.ward import Load
from tests.integration.broker import wait_until

LOOK_S = 0.1


class Fed(Flow):
    """A flow that is fed from when it is entered until it ends."""

    def __init__(self, hub: Hub, load: Load, *, at_once: int, waiting: int) -> None:
        """Give `at_once` messages whenever fewer than `waiting` wait."""
        super().__init__(hub, load, at_once=at_once, waiting=waiting)
        self._given, self._over = 0, Event()
        self._feeding = Thread(target=self._feed, name="feeding", daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._feeding.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give no more."""
        self._over.set()
        self._feeding.join()

    @property
    def under_way(self) -> int:
        """How many messages have been given and have no receipt."""
        return self._hub.pending()

    def until_receipts(self, count: int, deadline_s: float = 60) -> None:
        """Wait until so many more messages have their receipt."""
        enough = self._receipted() + count
        wait_until(lambda: self._receipted() >= enough, "readings are receipted again", deadline_s)

    def end(self) -> None:
        """Give no more, and wait until every message has its receipt."""
        self._over.set()
        self._feeding.join()
        super().end()

    def _receipted(self) -> int:
        return self._given - self._hub.pending()

    def _feed(self) -> None:
        while not self._over.is_set():
            if self._hub.pending() < self._waiting:
                self.give(self._at_once)
                self._given += self._at_once
            self._over.wait(LOOK_S)
