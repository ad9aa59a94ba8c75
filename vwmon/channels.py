"""The ways to tell people: addresses read from files that hold them, and one message sent to one of them.

Sending is Apprise's, which is an extra and imported only here. An address holds secrets: none is printed or
logged.
"""

import importlib.util
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from vwmon import config
from vwmon.config import Channel, Settings
from vwmon.errors import ConfigError

APPRISE = "apprise"
NOT_INSTALLED = "notify.channels: telling people needs Apprise, which is not installed: pip install 'vwmon[notify]'"
LONGEST_REASON = 200


class Address(Protocol):
    """One way to tell someone."""

    def send(self, subject: str, text: str) -> str | None:
        """Send one message; None when it was taken, else in words why not."""


@dataclass(frozen=True, slots=True)
class AppriseAddress:
    """One Apprise URL."""

    plugin: Any

    def send(self, subject: str, text: str) -> str | None:
        """Send one message; None when it was taken, else in words why not.

        Whatever a plugin raises is a failure of this message, and neither of the sender nor of the daemon.
        """
        with _overheard() as said:
            try:
                taken = self.plugin.notify(title=subject, body=text)
            except Exception as error:  # noqa: BLE001 -- as above
                return f"{type(error).__name__}"
        return None if taken else _reason(said)


def load(settings: Settings) -> dict[str, Address]:
    """Give every address by name: that of its channel, and "#2" and so on behind it for further lines of the file.

    ConfigError names every fault: the extra is not installed, a file cannot be read or may be read by everyone, a
    line is no address of Apprise's.
    """
    channels = settings.notify.channels
    faults = [] if installed() or not channels else [NOT_INSTALLED]
    found: dict[str, Address] = {}
    for channel in channels:
        try:
            found |= _addresses(channel) if installed() else {}
        except ConfigError as error:
            faults += error.faults
    if faults:
        raise ConfigError(*faults)
    return found


def faults(settings: Settings) -> tuple[str, ...]:
    """Say what is wrong with the channels whose files can be looked at; those that systemd brings are left out."""
    brought = config.credentials(settings)
    if settings.notify.channels and not installed():
        return (NOT_INSTALLED,)
    found: list[str] = []
    for channel in settings.notify.channels:
        if channel.urls_file in brought:
            continue
        try:
            _addresses(channel)
        except ConfigError as error:
            found += error.faults
    return tuple(found)


def installed() -> bool:
    """Tell whether Apprise is there."""
    return importlib.util.find_spec(APPRISE) is not None


def of_channel(addresses: Mapping[str, Address], channel: str) -> list[str]:
    """Name the addresses of a channel."""
    return [name for name in addresses if name.partition("#")[0] == channel]


def _addresses(channel: Channel) -> dict[str, Address]:
    config.refuse_open_secret(channel.urls_file)
    lines = [(number, line.strip()) for number, line in enumerate(config.lines_of(channel.urls_file), 1)]
    written = [(number, line) for number, line in lines if line and not line.startswith("#")]
    if not written:
        raise ConfigError(f"{channel.urls_file}: there is no address in it")
    names = [channel.name if place == 1 else f"{channel.name}#{place}" for place in range(1, len(written) + 1)]
    plugins = [_plugin(line) for _, line in written]
    bad = [number for (number, _), plugin in zip(written, plugins, strict=True) if plugin is None]
    if bad:
        raise ConfigError(*(f"{channel.urls_file}:{number}: not an address that Apprise knows" for number in bad))
    return {name: AppriseAddress(plugin) for name, plugin in zip(names, plugins, strict=True)}


def _plugin(url: str) -> Any:  # noqa: ANN401 -- Apprise ships no types
    with warnings.catch_warnings(), _overheard():
        warnings.simplefilter("ignore", DeprecationWarning)  # Apprise loads a module that Python 3.13 no longer has
        import apprise  # noqa: PLC0415 -- an extra, and slow

        return apprise.Apprise.instantiate(url, asset=apprise.AppriseAsset(app_id="vwmon", app_desc="vwmon"))


@contextmanager
def _overheard() -> Iterator[list[str]]:
    """Keep what Apprise says to itself: it names addresses in full, and the journal is read by many."""
    log, heard = logging.getLogger(APPRISE), _Ear()
    kept = log.propagate
    log.propagate = False
    log.addHandler(heard)
    try:
        yield heard.said
    finally:
        log.removeHandler(heard)
        log.propagate = kept


class _Ear(logging.Handler):
    """A handler that keeps warnings in a list."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what was said."""
        self.said.append(record.getMessage())


def _reason(said: list[str]) -> str:
    return " ".join("; ".join(said).split())[:LONGEST_REASON] or "it was not taken, and no reason was given"
