"""Words to the service manager: ready, how things stand, alive, stopping. Nothing here decides when to say them.

The protocol of sd_notify(3): a datagram to the socket that the environment names. Without one, nothing is said.
"""

import os
import socket
from collections.abc import Mapping

US_PER_S = 1_000_000


class Service:
    """The service manager, as far as there is one; a message that it does not take is lost, not raised."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        """Find out from the environment whom to tell and how often."""
        name = environment.get("NOTIFY_SOCKET", "")
        self._address = f"\0{name[1:]}" if name.startswith("@") else name
        self.watchdog_s = _watchdog_s(environment)

    def ready(self, status: str) -> None:
        """Say that the service does its work now."""
        self._tell(f"READY=1\nSTATUS={_one_line(status)}")

    def status(self, status: str) -> None:
        """Say in one line how things stand."""
        self._tell(f"STATUS={_one_line(status)}")

    def alive(self) -> None:
        """Say that the work goes on; only a completed scoring cycle may."""
        self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """Say that the service ends on purpose."""
        self._tell("STOPPING=1")

    def _tell(self, text: str) -> None:
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as channel:
            try:
                channel.sendto(text.encode(), self._address)
            except OSError:
                return


def _watchdog_s(environment: Mapping[str, str]) -> float | None:
    """Read how often the manager wants to hear that we live; None when it does not, or not from this process."""
    span, pid = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if not span.isdigit() or int(span) == 0 or (pid and pid != str(os.getpid())):
        return None
    return int(span) / US_PER_S


def _one_line(text: str) -> str:
    return " ".join(text.split())
