"""What of [canary] contradicts the rest: a made-up reading is sent by a device, never under the daemon's own name."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from vwmon.toml_records import Where

SECTION = "canary"


class Files(Protocol):
    """Who signed, and what one shows."""

    @property
    def ca(self) -> Path | None: ...  # noqa: D102
    @property
    def cert(self) -> Path | None: ...  # noqa: D102
    @property
    def key(self) -> Path | None: ...  # noqa: D102


class Known(Protocol):
    """Somebody as the broker knows them."""

    @property
    def username(self) -> str: ...  # noqa: D102
    @property
    def password_file(self) -> Path | None: ...  # noqa: D102
    @property
    def tls(self) -> Files: ...  # noqa: D102


class Sender(Known, Protocol):
    """The canary, as far as its settings can contradict others."""

    @property
    def device(self) -> str: ...  # noqa: D102
    @property
    def every_ms(self) -> int: ...  # noqa: D102
    @property
    def limit_ms(self) -> int: ...  # noqa: D102


class Daemon(Known, Protocol):
    """The daemon at the broker."""

    @property
    def client_id(self) -> str: ...  # noqa: D102


def contradictions(canary: Sender, daemon: Daemon) -> Iterator[tuple[Where, str]]:
    """Yield what is wrong with the canary beside the daemon's own name; nothing where there is none."""
    if not canary.device:
        return
    if canary.device == daemon.client_id:
        yield (SECTION, "device"), "the daemon's own client_id would take its session from it: name another device"
    if canary.limit_ms > canary.every_ms:
        yield (SECTION, "limit"), "it is longer than the time from one reading to the next"
    if (canary.tls.cert is None) != (canary.tls.key is None):
        yield (SECTION, "tls"), "cert and key are given together or not at all"
    if canary.password_file is not None and not canary.username:
        yield (SECTION, "password_file"), "a password needs a username"
    if daemon.tls.cert is not None and canary.tls.cert is None:
        yield (SECTION, "device"), "the daemon shows a certificate, so the canary needs its own: tls = { cert, key }"
    if canary.tls.cert is not None and canary.tls.cert == daemon.tls.cert:
        yield (SECTION, "tls"), "the daemon's own certificate would take its session from it: make one for the device"
    if canary.username and canary.username == daemon.username:
        yield (SECTION, "username"), "the daemon's own user may not send readings: give the device one of its own"
