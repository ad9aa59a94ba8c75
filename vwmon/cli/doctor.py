"""`vwmon doctor`: is what is installed what was released, and is what it needs there.

Here: one function for each thing looked at, each returning what it found. Nothing is mended.
"""

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata, util
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from vwmon import config_duty
from vwmon.cli import context, render
from vwmon.cli.context import resolve
from vwmon.cli.options import ConfigOption, DbOption, FormatOption, JsonOption
from vwmon.cli.render import Column, Format
from vwmon.config import Settings
from vwmon.errors import ConfigError, StoreError, StoreMissing

if TYPE_CHECKING:
    from vwmon.certificates import Ending

PACKAGES = ("vwmon", "devices", "alerts")
MB = 1_000_000
WRITABLE_BY_ALL = 0o002


class Verdict(StrEnum):
    """What was found: as it should be, worth knowing, or wrong."""

    GOOD = "good"
    NOTE = "note"
    FAULT = "fault"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing looked at."""

    looked_at: str
    verdict: Verdict
    detail: str


COLUMNS = (
    Column(key="verdict", title="", style=lambda row: "bold red" if row["verdict"] == Verdict.FAULT else ""),
    Column(key="looked_at", title="LOOKED AT", no_wrap=True),
    Column(key="detail", title="FOUND"),
)


def doctor(
    config_file: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
) -> None:
    """Look the installation over: its files, its libraries, the configuration, the database and the broker.

    Exit code 1 when anything is wrong. A note is worth knowing and not wrong.
    """
    findings = list(_findings(config_file, db))
    rows = [
        {"verdict": found.verdict.value, "looked_at": found.looked_at, "detail": found.detail} for found in findings
    ]
    render.emit(rows, COLUMNS, render.chosen(form, as_json))
    if any(found.verdict is Verdict.FAULT for found in findings):
        raise typer.Exit(1)


def _findings(config_file: Path | None, db: Path | None) -> Iterator[Finding]:
    for look in (_python, _files, _neighbours, _libraries, _sqlite, _time_zones, _mosquitto):
        yield look()
    try:
        settings = resolve(config_file, db)
    except ConfigError as error:
        yield _found("configuration", Verdict.FAULT, "; ".join(error.faults))
        return
    looks: tuple[Callable[[Settings], Finding], ...] = (
        _configuration,
        _database,
        _seal,
        _modes,
        _roles,
        _room,
        _daemon,
        _canary,
        _certificates,
        _broker,
    )
    for look_at in looks:
        yield look_at(settings)


def _found(looked_at: str, verdict: Verdict, detail: str) -> Finding:
    return Finding(looked_at=looked_at, verdict=verdict, detail=detail)


def _python() -> Finding:
    return _found("python", Verdict.GOOD, f"{sys.version.split()[0]} in {sys.prefix}")


def _files() -> Finding:
    """Compare the installed files with the list that the wheel brought."""
    installed = metadata.distribution("vwmon")
    if _is_editable(installed):
        return _found("files", Verdict.NOTE, f"vwmon {installed.version}, an editable install: nothing to compare with")
    listed = [file for file in installed.files or [] if file.hash is not None]
    wrong = [str(file) for file in listed if not _is_as_released(file)]
    if wrong or not listed:
        return _found(
            "files", Verdict.FAULT, f"not as released: {', '.join(wrong) or 'nothing is listed'}; install anew"
        )
    return _found("files", Verdict.GOOD, f"vwmon {installed.version}, {len(listed)} files as released")


def _is_editable(installed: metadata.Distribution) -> bool:
    origin = json.loads(installed.read_text("direct_url.json") or "{}")
    return bool(origin.get("dir_info", {}).get("editable"))


def _is_as_released(file: metadata.PackagePath) -> bool:
    from base64 import urlsafe_b64encode
    from hashlib import new

    assert file.hash is not None  # noqa: S101 -- the caller has chosen those that have one
    try:
        digest = new(file.hash.mode, file.read_binary()).digest()
    except OSError:
        return False
    return urlsafe_b64encode(digest).decode().rstrip("=") == file.hash.value


def _neighbours() -> Finding:
    """Find a stranger's package named devices or alerts, which would be imported in place of ours."""
    homes = {name: _home(name) for name in PACKAGES}
    if len(set(homes.values())) == 1:
        return _found("packages", Verdict.GOOD, f"{', '.join(PACKAGES)} in {homes['vwmon']}")
    places = "; ".join(f"{name} in {home}" for name, home in homes.items())
    return _found("packages", Verdict.FAULT, f"{places}: install vwmon into an environment of its own")


def _home(name: str) -> str:
    found = util.find_spec(name)
    return str(Path(found.origin).parent.parent) if found is not None and found.origin is not None else "nowhere"


def _libraries() -> Finding:
    required = [line for line in metadata.requires("vwmon") or [] if "extra ==" not in line]
    names = [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in required if not line.startswith("sqlcipher3")]
    versions = {name: _version(name) for name in names}
    missing = [name for name, version in versions.items() if not version]
    if missing:
        return _found("libraries", Verdict.FAULT, f"not installed: {', '.join(missing)}")
    return _found("libraries", Verdict.GOOD, ", ".join(f"{name} {version}" for name, version in versions.items()))


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _sqlite() -> Finding:
    from vwmon.store import sqlite

    version = ".".join(map(str, sqlite.version))
    if sqlite.wal_is_safe():
        return _found("sqlite", Verdict.GOOD, f"{version} ({sqlite.module.__name__})")
    return _found(
        "sqlite", Verdict.NOTE, f"{version} can lose commits in WAL mode; databases open in a slower, safe mode"
    )


def _time_zones() -> Finding:
    try:
        config_duty.time_zone("Europe/London")
    except ValueError:
        return _found("time zones", Verdict.FAULT, "there is no table of time zones; install tzdata")
    return _found("time zones", Verdict.GOOD, "the table of time zones is there")


def _mosquitto() -> Finding:
    from vwmon.broker import find_mosquitto

    program = find_mosquitto()
    if program:
        return _found("mosquitto", Verdict.GOOD, program)
    if util.find_spec("iotcore"):
        return _found("mosquitto", Verdict.NOTE, "not on this machine; vwmon demo uses the embedded broker")
    return _found("mosquitto", Verdict.NOTE, "not on this machine; vwmon demo needs it, or pip install 'vwmon[demo]'")


def _configuration(settings: Settings) -> Finding:
    from vwmon.cli.check_config import faults_of
    from vwmon.clock import Clock

    faults = faults_of(settings, Clock().now_ms())
    if faults:
        return _found("configuration", Verdict.FAULT, "; ".join(faults))
    if settings.path is None:
        return _found("configuration", Verdict.NOTE, "no file is found; the defaults hold; make one: vwmon init")
    if not settings.wards:
        return _found("configuration", Verdict.NOTE, f"{settings.path}: no ward; add one: vwmon init --add-ward")
    return _found("configuration", Verdict.GOOD, str(settings.path))


def _database(settings: Settings) -> Finding:
    from vwmon.store.database import open_reader

    path = settings.store.path
    try:
        with closing(open_reader(path)):
            return _writable(path)
    except StoreMissing as error:
        return _found("database", Verdict.NOTE, str(error))
    except (StoreError, OSError) as error:
        return _found("database", Verdict.FAULT, str(error))


def _writable(path: Path) -> Finding:
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        return _found("database", Verdict.GOOD, str(path))
    return _found(
        "database", Verdict.NOTE, f"{path}: you may read it and not act; who acts is a member of the file's group"
    )


def _seal(settings: Settings) -> Finding:
    """Say whether the database is sealed, and what it lacks where it is not."""
    from vwmon.store import keys
    from vwmon.store.database import open_reader

    path = settings.store.path
    try:
        open_reader(path).close()
        plain = keys.is_plain(path)
    except (StoreError, OSError):
        return _found("seal", Verdict.NOTE, "nothing is known of it without a database")
    if plain:
        lacks = "a flipped bit in a value is not found, and who has the file can read it"
        return _found("seal", Verdict.NOTE, f"not sealed: {lacks}; to seal it: vwmon db seal")
    return _found("seal", Verdict.GOOD, f"sealed, by {keys.beside(path)}")


def _modes(settings: Settings) -> Finding:
    """Look whether everyone on this machine may read or write the database, a copy of it, or what gives roles."""
    from vwmon.store.database import open_to_everyone

    try:
        found = [str(file) for file in open_to_everyone(settings.store.path)]
    except OSError as error:
        return _found("file modes", Verdict.NOTE, f"you may not look: {error}")
    if settings.path is not None and settings.path.stat().st_mode & WRITABLE_BY_ALL:
        found.append(f"{settings.path} (may be written)")
    if found:
        return _found("file modes", Verdict.FAULT, f"open to everyone on this machine; chmod o-rwx {', '.join(found)}")
    return _found("file modes", Verdict.GOOD, "neither the database nor a copy beside it is open to everyone")


def _roles(settings: Settings) -> Finding:
    roles = settings.commands.roles
    if not roles.given:
        return _found("roles", Verdict.NOTE, "none are given: whoever can write the database may do everything")
    counts = ", ".join(f"{role} {len(those)}" for role, those in roles.named.items() if those)
    login = context.login_name()
    yours = "admin" if os.getuid() == 0 else roles.of(login) or "none"
    if roles.view:
        return _found("roles", Verdict.GOOD, f"{counts}; {login} has: {yours}")
    return _found("roles", Verdict.GOOD, f"{counts}; whoever can read the database may look; {login} has: {yours}")


def _room(settings: Settings) -> Finding:
    """Compare the room where the database is with what the monitor asks for; without any nothing is stored."""
    folder = next(folder for folder in settings.store.path.absolute().parents if folder.exists())
    free_mb, least_mb = shutil.disk_usage(folder).free // MB, settings.monitor.disk_free_mb
    verdict = Verdict.GOOD if free_mb >= least_mb else Verdict.FAULT
    return _found("room", verdict, f"{free_mb} MB free in {folder}; an alert below {least_mb}")


def _daemon(settings: Settings) -> Finding:
    """Say whether a daemon watches; that it does not is a fault of the day and not of the installation."""
    from vwmon.clock import Clock
    from vwmon.store import monitor, trust
    from vwmon.store.database import open_reader

    try:
        with closing(open_reader(settings.store.path)) as db:
            state = monitor.read(db)
            reason = trust.doubt(db, state, monitor.ward_ms(state, Clock().now_ms()))
    except (StoreError, OSError):
        return _found("daemon", Verdict.NOTE, "nothing is known of one without a database")
    if state is not None and state.mode == "recording":
        reason = "the database is a recording, which nothing watches"
    return _found("daemon", Verdict.NOTE if reason else Verdict.GOOD, reason or "it watches")


def _canary(settings: Settings) -> Finding:
    """Say whether made-up readings are sent round; that they come is the daemon's to say."""
    device = settings.canary.device
    if device:
        return _found(
            "canary",
            Verdict.GOOD,
            f"{device} goes round every {settings.canary.every_ms // 1000} s, while the daemon runs",
        )
    return _found("canary", Verdict.NOTE, "none is sent round; docs/operator.md, 'who watches the monitor', says how")


def _certificates(settings: Settings) -> Finding:
    """Say when each certificate ends that the settings name; the broker's own is looked at with the broker."""
    from vwmon import certificates

    verdict, said = _judged(certificates.of_files(settings), settings)
    return _found("certificates", verdict, said or "none are named: mqtt.tls")


def _judged(endings: "Sequence[Ending]", settings: Settings) -> tuple[Verdict, str]:
    """Judge when certificates end: one that has ended is a fault, one that soon does or cannot be read is a note."""
    from vwmon import certificates
    from vwmon.clock import Clock

    now_ms = Clock().now_ms()
    said = "; ".join(certificates.said(one, now_ms) for one in endings)
    known = [one.ends_ms for one in endings if one.ends_ms is not None]
    if any(ends_ms <= now_ms for ends_ms in known):
        return Verdict.FAULT, said
    soon_ms = now_ms + settings.monitor.certificate_warns_ms
    good = len(known) == len(endings) and all(ends_ms > soon_ms for ends_ms in known)
    return Verdict.GOOD if good else Verdict.NOTE, said


def _broker(settings: Settings) -> Finding:
    from vwmon import certificates, reaching

    mqtt = settings.mqtt
    where, key = reaching.place(mqtt), mqtt.tls.key
    unseen = key is not None and not os.access(key, os.R_OK)
    try:
        shown = reaching.reach(mqtt, unseen=unseen)
    except (OSError, ConfigError) as error:
        verdict = Verdict.NOTE if settings.path is None else Verdict.FAULT
        why = reaching.trouble(error) if isinstance(error, OSError) else str(error)
        return _found("broker", verdict, f"{where} does not answer as it should: {why}")
    tried = "; whether it takes our certificate was not tried: you may not read the key" if unseen else ""
    if mqtt.tls.ca is None or mqtt.socket is not None:
        return _found("broker", Verdict.GOOD, f"{where} answers{tried}")
    verdict, said = _judged([certificates.of_broker(shown)], settings)
    return _found("broker", verdict, f"{where} answers; {said}{tried}")
