"""The canary: a made-up reading that goes round as a device's does, and the first link at which it does not.

A thread of its own, with a connection of its own that is made anew each time, so that a certificate that has ended and
an access list that has changed are found. Nothing goes out unless the device is with a made-up patient at that moment.
"""

import logging
import os
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import msgspec

from devices import topics
from devices.connection import Broker, Connection
from vwmon import config, reaching
from vwmon.clock import Clock
from vwmon.config import Settings
from vwmon.durations import DAY_MS, HOUR_MS
from vwmon.errors import ConfigError
from vwmon.store import canary
from vwmon.store.canary import Whose
from vwmon.store.database import atomic
from vwmon.store.sqlite import Connection as Database

LOOK_S: Final = 0.25
RETRY_MS: Final = 2_000  # within one round: a broker that is started anew is no fault
AGAIN_MS: Final = 10_000  # after a round in which none came
KEPT_MS: Final = DAY_MS
KEY: Final = "canary-"
STEADY: Final[Mapping[str, float | str]] = {
    "spo2": 97,
    "oxygen": "air",
    "systolic_bp": 125,
    "temperature": 36.8,
    "consciousness": "A",
}
# One after the other, so that each changes the score, which is stored when it changes, and no rate looks frozen.
TURNS: Final[tuple[Mapping[str, float], ...]] = (
    {"heart_rate": 72, "respiratory_rate": 15},  # NEWS2 of 0
    {"heart_rate": 95, "respiratory_rate": 16},  # NEWS2 of 1
)
NOBODYS: Final = "register: {} is with nobody on the pathway canary, so nothing was sent"
UNSPOKEN: Final = "broker: no answer in time"
REFUSED: Final = "access: the broker refused it, or the daemon does not listen there; see the broker's access list"
UNSTORED: Final = "log: it was not stored"
UNRECEIPTED: Final = "receipt: it was stored, and no receipt came back"
UNSCORED: Final = "score: it was stored and not scored"
MISSCORED: Final = "score: it was scored, and not as it should be"
UNTOLD: Final = "outbox: what followed from it was not taken up to be told"

log = logging.getLogger(__name__)


class _Round:
    """One message on its way to the broker and its receipt back; a devices.connection.Listener."""

    def __init__(self, topic: str, key: str, payload: bytes, over: Callable[[], bool]) -> None:
        self._topic, self._key, self._payload, self._over = topic, key, payload, over
        self._out = self.greeted = self.sent_away = self.receipted = False

    def stopping(self) -> bool:
        return self.receipted or self.sent_away or self._over()

    def ready(self) -> None:
        self.greeted = True

    def arrived(self, topic: str, payload: bytes) -> None:  # noqa: ARG002 -- one topic only is listened to
        self.receipted = self.receipted or self._key in msgspec.json.decode(payload)["ids"]

    def refused(self, device: str) -> None:  # noqa: ARG002 -- one device only
        self.sent_away = True

    def pump(self, connection: Connection, room: int) -> float:
        if not self._out and room:
            self._out = True
            connection.publish(self._topic, self._payload, self._topic)
        return LOOK_S


class Canary:
    """One daemon's canary; used by one thread."""

    def __init__(self, db: Database, settings: Settings, clock: Clock, ready: Callable[[], bool]) -> None:
        """Read who the device is to the broker; ConfigError when that cannot be used. Nothing is sent before ready."""
        self._db, self._clock, self._ready = db, clock, ready
        self._own, self._prefix = settings.canary, settings.mqtt.prefix
        self._broker = _broker(settings)
        self._began_ms = clock.steady_ms()
        self._next_ms = self._forget_ms = self._began_ms
        self._trouble: str | None = None
        with atomic(db):
            canary.begin(db, self._own.device, self._own.every_ms, self._own.limit_ms, clock.now_ms())

    def run(self, over: threading.Event) -> None:
        """Send one after the other until it is over."""
        wake, far = os.pipe()
        try:
            while not over.is_set():
                self._turn(over, wake)
                over.wait(LOOK_S)
        finally:
            os.close(wake)
            os.close(far)

    def _turn(self, over: threading.Event, wake: int) -> None:
        """Send one round when it is time to, and note what came of it."""
        steady_ms = self._clock.steady_ms()
        waiting = not self._ready() and steady_ms < self._began_ms + self._own.limit_ms
        if waiting or steady_ms < self._next_ms:
            return
        self._began_ms = steady_ms - self._own.limit_ms  # the daemon has had its time to begin
        trouble = self._round(over, wake, steady_ms + self._own.limit_ms)
        if over.is_set():
            return
        self._next_ms = steady_ms + (self._own.every_ms if trouble is None else min(AGAIN_MS, self._own.every_ms))
        self._note(trouble)
        if trouble is None and steady_ms >= self._forget_ms:
            self._forget_ms = steady_ms + HOUR_MS
            self._forget()

    def _round(self, over: threading.Event, wake: int, until_ms: int) -> str | None:
        """Send readings until one came all the way round or the time is over; None, else the link that failed."""

        def late() -> bool:
            return over.is_set() or self._clock.steady_ms() >= until_ms

        trouble = self._one(over, wake, late)
        while trouble is not None:
            self._rest(over, late)
            if late():
                break
            trouble = self._one(over, wake, late)
        return trouble

    def _rest(self, over: threading.Event, late: Callable[[], bool]) -> None:
        again_ms = self._clock.steady_ms() + RETRY_MS
        while self._clock.steady_ms() < again_ms and not late():
            over.wait(LOOK_S)

    def _one(self, over: threading.Event, wake: int, late: Callable[[], bool]) -> str | None:
        """Send one reading and follow it; None when it came all the way round, else the first link that failed."""
        now_ms = self._clock.now_ms()
        of = canary.whose(self._db, self._own.device, now_ms)
        if of is None:
            return NOBODYS.format(self._own.device)
        expected = int(canary.last_total(self._db, of.stay_no, now_ms) != 1)
        with atomic(self._db):
            canary.sent(self._db, of.stay_no, now_ms)
        key = _key(now_ms)
        sending = _Round(
            topics.readings_topic(self._prefix, of.ward, self._own.device), key, _message(key, now_ms, expected), late
        )
        trouble = self._send(sending, of, key, wake)
        while trouble is None and (trouble := self._behind(of, now_ms, expected)) is not None and not late():
            over.wait(LOOK_S)
            trouble = None
        return trouble

    def _send(self, sending: _Round, of: Whose, key: str, wake: int) -> str | None:
        """Take the message to the broker, and wait there for its receipt."""
        listens = topics.receipts_topic(self._prefix, of.ward, self._own.device)
        connection = Connection(replace(self._broker, subscriptions=(listens,)), sending)
        try:
            why = connection.live(wake)
        except OSError as error:
            return f"broker: {reaching.trouble(error)}"
        finally:
            connection.drop()
        if sending.receipted:
            return None
        if sending.sent_away:
            return REFUSED
        if not sending.stopping() or not sending.greeted:
            return UNSPOKEN if sending.stopping() else f"broker: {why}"
        return UNRECEIPTED if canary.stored(self._db, self._own.device, key) else UNSTORED

    def _behind(self, of: Whose, at_ms: int, expected: int) -> str | None:
        """Say which link behind the receipt it has not passed yet."""
        scored = canary.total(self._db, of.stay_no, at_ms)
        if scored is None:
            return UNSCORED
        if scored != (expected, expected):
            return MISSCORED
        if not canary.was_told(self._db, at_ms):
            return UNTOLD
        with atomic(self._db):
            canary.came(self._db, at_ms)
        return None

    def _note(self, trouble: str | None) -> None:
        if trouble is not None:
            with atomic(self._db):
                canary.failed(self._db, trouble)
            if trouble != self._trouble:
                log.warning("canary_lost link='%s'", trouble)
        elif self._trouble is not None:
            log.info("canary_came_round_again")
        self._trouble = trouble

    def _forget(self) -> None:
        """Take away what it left behind a day and more ago."""
        now_ms = self._clock.now_ms()
        of = canary.whose(self._db, self._own.device, now_ms)
        if of is not None:
            with atomic(self._db):
                keys = (_key(0), _key(now_ms - KEPT_MS))
                canary.forget(self._db, self._own.device, of, keys, now_ms - KEPT_MS)


def _broker(settings: Settings) -> Broker:
    """Say where the broker is, and who the device is to it; ConfigError when its files cannot be used."""
    own, mqtt = settings.canary, settings.mqtt
    try:
        tls = reaching.tls_context(replace(own.tls, ca=own.tls.ca or mqtt.tls.ca))
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"canary.tls: {reaching.trouble(error)}") from error
    return Broker(
        host=mqtt.host,
        port=mqtt.port,
        socket=str(mqtt.socket or ""),
        client_id=own.device,
        username=own.username or None,
        password=config.read_password(own),
        tls=tls,
    )


def _key(at_ms: int) -> str:
    """Give the message's id, of one width, so that the ids rise with the time."""
    return f"{KEY}{at_ms:015d}"


def _message(key: str, at_ms: int, expected: int) -> bytes:
    """Write the message whose NEWS2 is `expected`."""
    values = {**STEADY, **TURNS[expected]}
    time = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
    readings = [{"vital": vital, "value": value} for vital, value in values.items()]
    return msgspec.json.encode({"v": 1, "id": key, "time": time, "readings": readings})
