"""`vwmon check-config`: every fault of a configuration at once, before the daemon meets them one by one."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from vwmon import config
from vwmon.cli import render
from vwmon.cli.options import ConfigOption
from vwmon.config import Mqtt, Settings
from vwmon.errors import ConfigError, StoreMissing, VwmonError
from vwmon.store import configured, database
from vwmon.store.configured import Configured
from vwmon.store.sqlite import DatabaseError

PLAIN_PORT, TLS_PORT = 1883, 8883

FileArgument = Annotated[
    Path | None,
    typer.Argument(metavar="[FILE]", help="The file to check; else the one that would be used.", show_default=False),
]


def check_config(file: FileArgument = None, config_file: ConfigOption = None) -> None:
    """Check a configuration file, and the certificates, secrets and calendars that it names.

    Then say which settings are not those that the daemon started with last.

    Exit code 8 when there is any fault; every one is named with its line.
    """
    from vwmon.clock import Clock

    settings, now_ms = config.load(file or config_file), Clock().now_ms()
    faults = faults_of(settings, now_ms)
    if faults:
        raise ConfigError(*faults)
    render.say(f"{settings.path or 'no file, the defaults'}: good")
    for line in (*notes_of(settings, now_ms), *changes_of(settings)):
        render.say(line)


def faults_of(settings: Settings, now_ms: int) -> list[str]:
    """Give everything that is wrong with settings that were read, and with what they name."""
    from vwmon import channels, metrics, outside, rota

    found = config.file_faults(settings)
    named = (*channels.faults(settings), *outside.faults(settings), *metrics.faults(settings), *rota.faults(settings))
    shown = () if found else (*_tls_faults(settings), *_ended(settings, now_ms))
    return list(dict.fromkeys((*found, *shown, *named)))


def notes_of(settings: Settings, now_ms: int) -> Iterator[str]:
    """Yield what is no fault and may not be meant, and when certificates end."""
    from vwmon import certificates

    for ending in certificates.of_files(settings):
        yield certificates.said(ending, now_ms)
    for credential in config.credentials(settings):
        yield f"not looked at, because systemd hands it to the daemon: {credential}"
    if not settings.notify.channels:
        yield "no channel is named under [notify]; the list alone tells of alerts"
    elif not settings.duty:
        yield "nobody is on duty by [[duty]]: every channel is told of every alert, at every tier"
    if settings.monitor.ping_url_file is None:
        yield "nobody outside is pinged ([monitor] ping_url_file): when this machine dies, no one is called"
    if not settings.wards:
        yield "no ward is named; times are shown in UTC"
    yield from _port_notes(settings.mqtt)


def changes_of(settings: Settings) -> Iterator[str]:
    """Yield each setting that is not as the daemon started with last, or why that is not known."""
    from vwmon import config_changes

    try:
        before = _started_with(settings.store.path)
    except (VwmonError, OSError, DatabaseError) as error:
        yield f"what the daemon started with last is not known: {error}"
        return
    if before is None:
        yield f"no daemon has started with {settings.store.path} yet, so that there is nothing to compare with"
        return
    changes, since = config_changes.between(before.settings, config_changes.flat(settings)), render.utc(before.since_ms)
    if not changes:
        yield f"no setting differs from what the daemon has started with since {since}"
        return
    yield f"{_counted(len(changes))} from what the daemon has started with since {since}:"
    for key, was, now in changes:
        yield f"  {key}: {was} -> {now}"


def _started_with(path: Path) -> Configured | None:
    try:
        with closing(database.open_reader(path)) as db:
            return configured.last(db)
    except StoreMissing:
        return None


def _counted(changes: int) -> str:
    return "1 setting differs" if changes == 1 else f"{changes} settings differ"


def _port_notes(mqtt: Mqtt) -> Iterator[str]:
    if mqtt.socket is None and mqtt.tls.ca is None and mqtt.port == TLS_PORT:
        yield f"port {mqtt.port} is that of TLS, and mqtt.tls names no ca: the broker will not understand"
    if mqtt.socket is None and mqtt.tls.ca is not None and mqtt.port == PLAIN_PORT:
        yield f"port {mqtt.port} is that without TLS, and mqtt.tls names a ca: the broker will not understand"


def _tls_faults(settings: Settings) -> Iterator[str]:
    """Yield why the certificates cannot be used; a key that systemd brings is not there to be tried."""
    from vwmon import reaching

    tls = settings.mqtt.tls
    brought = tls.key in config.credentials(settings)
    try:
        reaching.tls_context(replace(tls, cert=None, key=None) if brought else tls)
    except OSError as error:
        names = ", ".join(str(file) for file in (tls.ca, tls.cert, None if brought else tls.key) if file)
        yield f"mqtt.tls: {names} cannot be used together: {reaching.trouble(error)}"


def _ended(settings: Settings, now_ms: int) -> Iterator[str]:
    """Yield which certificates nobody takes any more."""
    from vwmon import certificates

    for one in certificates.of_files(settings):
        if one.ends_ms is not None and one.ends_ms <= now_ms:
            yield f"{certificates.said(one, now_ms)}: make and install another, then restart the daemon"
