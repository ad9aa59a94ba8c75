"""What the service manager hears."""

import os
import socket
from pathlib import Path

import pytest

from vwmon.service import Service


@pytest.mark.parametrize("abstract", [True, False])
def test_every_word_reaches_the_service_manager(tmp_path: Path, abstract: bool) -> None:
    """Ready, status, alive and stopping, by either kind of address."""
    name = f"@vwmon-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(5)
        manager.bind(f"\0{name[1:]}" if abstract else name)
        service = Service({"NOTIFY_SOCKET": name})
        service.ready("12 stays\nREADY=0")
        service.status("3 readings")
        service.alive()
        service.stopping()
        heard = [manager.recv(1000) for _ in range(4)]
    assert heard == [b"READY=1\nSTATUS=12 stays READY=0", b"STATUS=3 readings", b"WATCHDOG=1", b"STOPPING=1"]


@pytest.mark.parametrize("name", ["", "/nowhere/at/all"])
def test_without_a_service_manager_nothing_is_raised(name: str) -> None:
    """In a terminal, or with a manager that went away, the daemon does its work all the same."""
    service = Service({"NOTIFY_SOCKET": name} if name else {})
    service.ready("ready")
    service.alive()


def test_a_manager_that_does_not_listen_holds_nobody_up(tmp_path: Path) -> None:
    """A full socket drops the message; the scoring goes on."""
    name = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(name)
        service = Service({"NOTIFY_SOCKET": name})
        for _ in range(2000):
            service.alive()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_served_when_it_is_ours(environment: dict[str, str], expected: float | None) -> None:
    """The manager names the process that must answer; a child of the daemon must not."""
    assert Service(environment).watchdog_s == expected
