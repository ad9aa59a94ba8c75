"""A service manager that only listens: what a daemon tells it, and how often its watchdog was fed."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Final

from tests.integration.broker import wait_until

ALIVE: Final = b"WATCHDOG=1"
MARK, OVER = b"MARK=", b"OVER"
LONGEST = 4096


class Manager:
    """The socket at which it listens, and how often it was fed; one thread of its own reads."""

    def __init__(self, folder: Path) -> None:
        """Listen."""
        self.address = str(folder / "notify")
        self._fed, self._marks, self._mark = 0, 0, b""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address)
        self._thread = Thread(target=self._listen, name="manager", daemon=True)
        self._thread.start()

    @property
    def fed(self) -> int:
        """Count how often it was fed, with all that was said before now."""
        self._marks += 1
        mark = MARK + str(self._marks).encode()
        self._say(mark)
        wait_until(lambda: self._mark == mark, "the service manager has heard all that was said")
        return self._fed

    def close(self) -> None:
        """Listen no longer."""
        self._say(OVER)
        self._thread.join()
        self._socket.close()

    def _say(self, word: bytes) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
            own.sendto(word, self.address)

    def _listen(self) -> None:
        while (word := self._socket.recv(LONGEST)) != OVER:
            self._fed += word == ALIVE
            self._mark = word if word.startswith(MARK) else self._mark


@contextmanager
def listening_manager(folder: Path) -> Iterator[Manager]:
    """Let one listen; nothing of it is left."""
    manager = Manager(folder)
    try:
        yield manager
    finally:
        manager.close()
