"""Certificates that end soon, real ones: the daemon says so, and no longer once both sides have others."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from alerts import queries
from tests.faults.line import Line, running_line
from tests.faults.rows.certificates import TLS, YEAR, Authority
from tests.integration.broker import running_broker, wait_until
from vwmon import config
from vwmon.cli import stay_lookups
from vwmon.clock import Clock
from vwmon.daemon import Daemon
from vwmon.service import Service
from vwmon.store import database, findings

SOON, SOONER = timedelta(days=20), timedelta(days=10)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Who signs; everybody has a certificate for a year to begin with."""
    database.create(tmp_path / "ward.db").close()
    return Authority(tmp_path)


@contextmanager
def watching(folder: Path, line: Line) -> Iterator[None]:
    """Run the daemon over TLS."""
    content = f"""
        store.path = "ward.db"
        mqtt.host = "127.0.0.1"
        mqtt.port = {line.port}
        mqtt.tls = {{ ca = "ca.pem", cert = "daemon.pem", key = "daemon.key" }}
        """
    settings, over = config.parse(content, folder / "vwmon.toml"), threading.Event()
    daemon = threading.Thread(target=Daemon(settings, Clock(), Service({})).run, args=(over,))
    daemon.start()
    try:
        yield
    finally:
        over.set()
        daemon.join()


def found(folder: Path) -> set[str]:
    """Name whose certificate is said to end."""
    with closing(database.open_reader(folder / "ward.db")) as db:
        return {one.figures["whose"] for one in findings.standing(db).values() if one.rule == "certificate"}


def listed(folder: Path) -> list[tuple[str, str]]:
    """Give the alerts on the list, each with its state and what it says first."""
    with closing(database.open_reader(folder / "ward.db")) as db:
        now_ms = Clock().now_ms()
        rows = queries.work_list(db, stay_lookups.lookups(db, now_ms), now_ms)
        return [(row["state"], row["why"][0]) for row in rows]


@pytest.mark.hazard("H2")
def test_certificates_that_end_soon_are_an_alert_until_both_are_renewed(tmp_path: Path, authority: Authority) -> None:
    """The broker's is known from the connection, its own from the file: one alert, which ends with the last of them."""
    authority.issue("broker", SOON)
    authority.issue("daemon", SOONER)
    with ExitStack() as stack:
        broker = stack.enter_context(running_broker(tmp_path, more=TLS.format(folder=tmp_path)))
        line = stack.enter_context(running_line(broker.port))
        with watching(tmp_path, line):
            wait_until(lambda: found(tmp_path) == {"broker", "own"}, "both are said to end")
            told = f"a certificate ends: the daemon's ({tmp_path}/daemon.pem) in 9 d; the broker's in 19 d"
            wait_until(lambda: listed(tmp_path) == [("new", told)], "it is on the list")
        authority.issue("daemon", YEAR)
        with watching(tmp_path, line):
            wait_until(lambda: found(tmp_path) == {"broker"}, "the daemon's own is renewed")
            assert listed(tmp_path) == [("new", "a certificate ends: the broker's in 19 d")]
            authority.issue("broker", YEAR)
            os.kill(broker.pid, signal.SIGHUP)
            line.reset()
            wait_until(partial(_nothing_found, tmp_path), "the broker's is renewed")
            wait_until(lambda: [state for state, _ in listed(tmp_path)] == ["settled"], "it waits for its review")


def _nothing_found(folder: Path) -> bool:
    return found(folder) == set()
