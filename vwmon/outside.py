"""Telling somebody outside that the ward is watched, again and again: who hears nothing for a while calls for help.

A thread of its own. What is said is what any other program would find in the database: a scored ward, a broker, people
who can be told. A ping that is not answered never stops the daemon. The address is a secret: it is nowhere printed or
logged. Nothing but that all is well, or in one sentence why not, leaves this machine.
"""

import logging
import threading
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit, urlunsplit

from vwmon import config
from vwmon.clock import Clock
from vwmon.config import Settings
from vwmon.errors import ConfigError
from vwmon.store import canary, monitor, outbox, pings
from vwmon.store.database import atomic
from vwmon.store.sqlite import Connection

LOOK_S = 1.0
TIMEOUT_S = 5.0
AGAIN_MS = 10_000  # after a ping that was not answered
FAIL = "/fail"  # as healthchecks has it, below the path
WELL = "monitoring"
NO_BROKER = "no connection to the broker"
NOT_ROUND = "a made-up reading did not come round"
NOBODY_REACHED = "an alert asks, and nobody could be told of it"
STUCK = "the daemon's threads do not move"
LONGEST_REASON = 200

log = logging.getLogger(__name__)


class _NoDetour(urllib.request.HTTPRedirectHandler):
    """Follow nobody elsewhere: the page of a proxy that asks for a password is no answer to a ping."""

    def redirect_request(self, *_: Any) -> None:  # noqa: ANN401 -- as in the library
        """Take the redirection for the error that it is."""


class Outside:
    """Whoever is told outside, and what was told; used by one thread."""

    def __init__(self, db: Connection, settings: Settings, alive: Callable[[], bool], clock: Clock) -> None:
        """Read the address; ConfigError when it cannot be used. `alive` tells whether the daemon's threads move."""
        self._db, self._alive, self._clock = db, alive, clock
        self._url = address(settings)
        self._every_ms, self._tells_fail = settings.monitor.ping_every_ms, settings.monitor.ping_fail
        self._next_ms = self._next_fail_ms = clock.steady_ms()
        self._trouble: str | None = None
        self._opener = urllib.request.build_opener(_NoDetour())
        with atomic(db):
            pings.begin(db)

    def run(self, over: threading.Event) -> None:
        """Tell until it is over. Then nothing is said: silence is what ends in a call."""
        while not over.is_set():
            self.turn()
            over.wait(LOOK_S)

    def turn(self) -> None:
        """Ping when it is time and all is well; while it is not, wait until it is, so that a short trouble is short."""
        steady_ms = self._clock.steady_ms()
        if steady_ms < self._next_ms:
            return
        reason = self._reason()
        if reason is None:
            answer = self._say("", WELL)
            self._next_ms = steady_ms + (self._every_ms if answer is None else min(AGAIN_MS, self._every_ms))
            self._note(answer)
            return
        if self._tells_fail and steady_ms >= self._next_fail_ms:
            self._next_fail_ms = steady_ms + self._every_ms
            self._say(FAIL, reason)
        self._withhold(reason)

    def _reason(self) -> str | None:
        return trouble(self._db, self._clock.now_ms()) if self._alive() else STUCK

    def _say(self, below: str, text: str) -> str | None:
        """Post one line; None when it was answered well, else why not."""
        request = urllib.request.Request(  # noqa: S310 -- http or https, as `address` has seen to
            _below(self._url, below),
            data=text.encode(),
            headers={"Content-Type": "text/plain; charset=utf-8", "User-Agent": "vwmon"},
        )
        try:
            with self._opener.open(request, timeout=TIMEOUT_S):
                return None
        except HTTPError as error:
            error.close()
            return f"answered with {error.code}"
        except (OSError, HTTPException, ValueError) as error:
            return _said(error)

    def _note(self, failed: str | None) -> None:
        now_ms = self._clock.now_ms()
        with atomic(self._db):
            if failed is None:
                pings.answered(self._db, now_ms)
            else:
                pings.failed(self._db, now_ms, failed)
        if failed is not None and failed != self._trouble:
            log.warning("ping_failed why='%s'", failed)
        if failed is None and self._trouble is not None:
            log.info("ping_answered_again")
        self._trouble = failed

    def _withhold(self, reason: str) -> None:
        kept = f"withheld: {reason}"
        if self._trouble is None or not self._trouble.startswith("withheld: "):
            log.warning("ping_withheld why='%s'", reason)
        if kept != self._trouble:
            with atomic(self._db):
                pings.withheld(self._db, kept)
        self._trouble = kept


def trouble(db: Connection, now_ms: int) -> str | None:
    """Say why the ward is not to be taken for watched; None when it is.

    As `vwmon status` has it, without the minute that a broker may be away for, and people must be within reach.
    """
    found = monitor.read(db)
    reason = monitor.distrust(found, now_ms)
    if reason is not None or found is None:
        return reason
    if not found.broker_connected:
        return NO_BROKER
    lost = canary.trouble(canary.read(db), now_ms)
    if lost is not None:
        return f"{NOT_ROUND}; {lost}"
    return NOBODY_REACHED if outbox.unreachable(db, now_ms) is not None else None


def address(settings: Settings) -> str:
    """Read the address to ping from its file.

    ConfigError when there is none that can be used, or the file may be read by everyone on the machine.
    """
    file = settings.monitor.ping_url_file
    if file is None:
        raise ConfigError("monitor.ping_url_file: there is none")
    config.refuse_open_secret(file)
    lines = [line.strip() for line in config.lines_of(file) if line.strip() and not line.startswith("#")]
    if len(lines) != 1 or not _usable(lines[0]):
        raise ConfigError(f"{file}: one address that begins with https:// (or http://) is wanted, and nothing else")
    return lines[0]


def faults(settings: Settings) -> tuple[str, ...]:
    """Say what is wrong with the address to ping; one that systemd brings is not there to be looked at."""
    file = settings.monitor.ping_url_file
    if file is None or file in config.credentials(settings):
        return ()
    try:
        address(settings)
    except ConfigError as error:
        return error.faults
    return ()


def _usable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _below(url: str, path: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=parts.path.rstrip("/") + path)) if path else url


def _said(error: Exception) -> str:
    """Say what went wrong, and nothing of the address: no error of a connection holds its path."""
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    if isinstance(reason, OSError):
        return " ".join(str(reason.strerror or type(reason).__name__).split())[:LONGEST_REASON]
    return type(reason).__name__
