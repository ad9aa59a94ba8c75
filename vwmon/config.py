"""The settings: where they are looked for, what each may be, and the frozen records that hold them.

The records are the schema, as vwmon.toml_records says. Relative paths start at the file's own folder. Every fault is
told at once. Not here: what a setting does.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from vwmon import config_canary, config_duty, toml_records
from vwmon.config_duty import Duty, Person, Ward
from vwmon.durations import DAY_MS
from vwmon.errors import ConfigError
from vwmon.patients import limits
from vwmon.toml_records import Where, aside, file_path, flag, matching, named, setting, span, table, tables, text, whole

SYSTEM_FILE = Path("/etc/vwmon/config.toml")
CREDENTIALS = Path("/run/credentials/vwmon.service")  # where systemd puts them when the environment does not say
PREFIX = re.compile(r"[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*")
CLIENT_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
LAST_PORT = 65_535
OF_IPV4 = 4
LAST_WINDOW = 65_535  # MQTT 5, 3.1.2.11.3
NO_DEVICE = re.compile(r"|[a-z0-9][a-z0-9-]{0,62}")
READABLE_BY_ALL = 0o004
ROLES = ("view", "act", "plan", "admin")  # each may do what those before it may


def required_path(value: object) -> Path:
    """Read a path; it may not be empty."""
    found = optional_path(value)
    if found is None:
        raise ValueError("a path may not be empty")
    return found


def optional_path(value: object) -> Path | None:
    """Read a path; empty means none, "credential:NAME" a credential that systemd hands to the daemon."""
    name = text(value)
    if name.startswith("credential:"):
        return Path(os.environ.get("CREDENTIALS_DIRECTORY", CREDENTIALS)) / name.removeprefix("credential:")
    return file_path(name)


def names(value: object) -> tuple[str, ...]:
    """Read a list of names; it may be empty."""
    if not isinstance(value, list):
        raise ValueError(f'{value!r} is not a list of names such as ["wristband"]')
    return tuple(text(name) for name in value)


def own_address(value: object) -> tuple[str, int] | None:
    """Read an address and a port of this machine alone; empty means none."""
    from ipaddress import ip_address  # noqa: PLC0415 -- only when there is one

    name = text(value)
    host, _, port = name.rpartition(":")
    if not name:
        return None
    try:
        own = ip_address(host).is_loopback and ip_address(host).version == OF_IPV4
        number = whole(1, LAST_PORT)(int(port))
    except ValueError:
        own, number = False, 0
    if not own:
        raise ValueError(f'"{name}" is not an address of this machine alone and a port, such as "127.0.0.1:9464"')
    return host, number


@dataclass(frozen=True, kw_only=True)
class Store:
    """[store]: where the database is."""

    path: Path = setting(required_path, Path("/var/lib/vwmon/vwmon.db"))


@dataclass(frozen=True, kw_only=True)
class Tls:
    """mqtt.tls: the authority that signed the broker's certificate, and the daemon's own certificate and key."""

    ca: Path | None = setting(optional_path, None)
    cert: Path | None = setting(optional_path, None)
    key: Path | None = setting(optional_path, None)


@dataclass(frozen=True, kw_only=True)
class Mqtt:
    """[mqtt]: the broker. A `socket`, where there is one, is used instead of host and port."""

    host: str = setting(text, "localhost")
    port: int = setting(whole(1, LAST_PORT), 1883)
    socket: Path | None = setting(optional_path, None)
    prefix: str = setting(matching(PREFIX, "a topic without wildcards"), "vwmon")
    client_id: str = setting(matching(CLIENT_ID, "1 to 64 letters, digits, '-', '_' or '.'"), "vwmon")
    username: str = setting(text, "")
    password_file: Path | None = setting(optional_path, None)
    tls: Tls = table(Tls)


@dataclass(frozen=True, kw_only=True)
class Canary:
    """[canary]: the device whose made-up readings the daemon sends round, and who that is to the broker."""

    device: str = setting(matching(NO_DEVICE, "a device's name"), "")
    every_ms: int = setting(span("10s", "10m"), 60_000)
    limit_ms: int = setting(span("5s", "10m"), 30_000)
    username: str = setting(text, "")
    password_file: Path | None = setting(optional_path, None)
    tls: Tls = table(Tls)


@dataclass(frozen=True, kw_only=True)
class Ingest:
    """[ingest]: how much is taken at once, and how often the log is merged."""

    receive_maximum: int = setting(whole(1, LAST_WINDOW), 4000)
    batch: int = setting(whole(1, 100_000), 2000)
    merge_every_ms: int = setting(span("1s", "1d"), 600_000)


@dataclass(frozen=True, kw_only=True)
class Monitor:
    """[monitor]: from when on something is wrong with the whole service, or with a device.

    `sleeping_profiles` are the profiles of devices that leave without a goodbye between readings. `ping_url_file` has
    the address at which somebody outside is told that the ward is watched.
    """

    silent_after_ms: int = setting(span("1m", "1d"), 900_000)
    lag_after_ms: int = setting(span("5s", "1h"), 60_000)
    clock_jump_ms: int = setting(span("5s", "1h"), 60_000)
    unwatched_after_ms: int = setting(span("1m", "1d"), 300_000)
    disk_free_mb: int = setting(whole(1, 1_000_000), 1000)
    quarantined_per_hour: int = setting(whole(1, 1_000_000), 100)
    certificate_warns_ms: int = setting(span("1d", "365d"), 30 * DAY_MS)
    sleeping_profiles: tuple[str, ...] = setting(names, ())
    ping_url_file: Path | None = aside(optional_path, None)
    ping_every_ms: int = aside(span("10s", "1h"), 60_000)
    ping_fail: bool = aside(flag, default=False)
    metrics: tuple[str, int] | None = aside(own_address, None)


@dataclass(frozen=True, kw_only=True)
class Roles:
    """commands.roles: who may do what with the commands; where nobody is named, everyone may do everything.

    With nobody under `view`, whoever can read the database may look. `shared` are logins of several people, who say who
    they are before they change anything.
    """

    view: tuple[str, ...] = setting(names, ())
    act: tuple[str, ...] = setting(names, ())
    plan: tuple[str, ...] = setting(names, ())
    admin: tuple[str, ...] = setting(names, ())
    shared: tuple[str, ...] = setting(names, ())

    @property
    def named(self) -> Mapping[str, tuple[str, ...]]:
        """Give who is named, role by role."""
        return {role: getattr(self, role) for role in ROLES}

    @property
    def given(self) -> bool:
        """Say whether anyone is named, and so whether roles hold at all."""
        return any(self.named.values())

    def of(self, name: str) -> str:
        """Give someone's role; empty when they have none."""
        unnamed = "" if self.view else ROLES[0]
        return next((role for role, those in self.named.items() if name in those), unnamed)


@dataclass(frozen=True, kw_only=True)
class Commands:
    """[commands]: whether --as may name who acts, on a machine that several people share one login of.

    A screen there asks again who acts when nobody has touched a key for `ask_who_after_ms`.
    """

    allow_as: bool = setting(flag, default=False)
    ask_who_after_ms: int = setting(span("10s", "1d"), 300_000)
    roles: Roles = table(Roles)


@dataclass(frozen=True, kw_only=True)
class Channel:
    """notify.channels.NAME: a file with the addresses of one way to tell people, an Apprise URL on each line."""

    name: str = ""
    urls_file: Path = setting(required_path)


@dataclass(frozen=True, kw_only=True)
class Notify:
    """[notify]: how people are told of alerts, and from which level on. Without a channel nobody is."""

    from_level: int = setting(whole(1, 3), 2)
    channels: tuple[Channel, ...] = named(Channel)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every setting, and the file they came from (None: the defaults alone)."""

    store: Store = table(Store)
    mqtt: Mqtt = table(Mqtt)
    canary: Canary = table(Canary)
    ingest: Ingest = table(Ingest)
    monitor: Monitor = table(Monitor)
    commands: Commands = table(Commands)
    notify: Notify = table(Notify)
    wards: tuple[Ward, ...] = tables(Ward)
    people: tuple[Person, ...] = tables(Person)
    duty: tuple[Duty, ...] = tables(Duty)
    path: Path | None = None

    @property
    def hash(self) -> str:
        """Sixteen hex digits over the settings that can change a score or an alert; every alert stores them.

        Where the database and the broker are is left out: the same readings make the same alerts anywhere.
        """
        from hashlib import sha256  # noqa: PLC0415 -- reading a list does not need it

        return sha256(repr((self.ingest, self.monitor, self.wards)).encode()).hexdigest()[:16]


def load(explicit: Path | None = None) -> Settings:
    """Load the settings from `explicit`, else from the first file there is, else the defaults.

    ConfigError holds one sentence for every fault, each beginning with file and line.
    """
    chosen = explicit or find()
    if chosen is None:
        return Settings()
    return parse(_read(chosen), chosen)


def find() -> Path | None:
    """Give the file that is used where none is named; None when there is none."""
    named = os.environ.get("VWMON_CONFIG")
    if named:
        return Path(named)
    return next((file for file in (Path("vwmon.toml"), user_file(), SYSTEM_FILE) if file.is_file()), None)


def user_file() -> Path:
    """Name the file in the user's own folder."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "vwmon" / "config.toml"


def parse(content: str, file: Path) -> Settings:
    """Read settings from TOML text; `file` is what faults are said to be in and relative paths start at."""
    settings, faults = toml_records.read(Settings, content, file)
    if settings is None:
        raise ConfigError(*faults)
    contradictions = toml_records.told(_contradictions(settings), content, file)
    if contradictions:
        raise ConfigError(*contradictions)
    return replace(settings, path=file)


def read_password(mqtt: Mqtt | Canary) -> str | None:
    """Read the broker's password from its file; None when none is configured.

    ConfigError when the file cannot be read, is empty, or may be read by everyone on the machine.
    """
    if mqtt.password_file is None:
        return None
    refuse_open_secret(mqtt.password_file)
    password = _read(mqtt.password_file).rstrip("\r\n")
    if not password:
        raise ConfigError(f"{mqtt.password_file}: the password file is empty")
    return password


def refuse_open_secret(file: Path) -> None:
    """Raise ConfigError when a file that holds a secret is missing or may be read by everyone on the machine."""
    try:
        mode = file.stat().st_mode
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    if mode & READABLE_BY_ALL:
        raise ConfigError(f"{file}: everyone on this machine may read this secret; chmod o-rwx it")


def lines_of(file: Path) -> list[str]:
    """Read the lines of a file that the settings name; ConfigError when it cannot be read."""
    return _read(file).splitlines()


def file_faults(settings: Settings) -> list[str]:
    """Say what is wrong with the certificates and secrets that the settings name; those systemd brings are left out."""
    brought = credentials(settings)
    shown = [file for tls in (settings.mqtt.tls, settings.canary.tls) for file in (tls.ca, tls.cert)]
    faults = [f"{file}: there is no such file" for file in shown if file is not None and not file.is_file()]
    for secret in _secrets(settings):
        if secret not in brought:
            faults += _secret_faults(secret)
    return faults


def credentials(settings: Settings) -> tuple[Path, ...]:
    """Return the secrets that systemd hands to the daemon only."""
    return tuple(secret for secret in _secrets(settings) if secret.parent == CREDENTIALS)


def _secrets(settings: Settings) -> tuple[Path, ...]:
    to_the_broker = [file for who in (settings.mqtt, settings.canary) for file in (who.tls.key, who.password_file)]
    named_here = (
        *to_the_broker,
        settings.monitor.ping_url_file,
        *(channel.urls_file for channel in settings.notify.channels),
    )
    return tuple(secret for secret in named_here if secret is not None)


def _secret_faults(secret: Path) -> tuple[str, ...]:
    try:
        refuse_open_secret(secret)
    except ConfigError as error:
        return error.faults
    return ()


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: not UTF-8 text") from error


def _contradictions(settings: Settings) -> Iterator[tuple[Where, str]]:
    """Yield the faults that only several keys together can have."""
    mqtt, ids = settings.mqtt, [ward.id for ward in settings.wards]
    if (mqtt.tls.cert is None) != (mqtt.tls.key is None):
        yield ("mqtt", "tls"), "cert and key are given together or not at all"
    if mqtt.tls.cert is not None and mqtt.tls.ca is None:
        yield ("mqtt", "tls"), "a certificate needs the ca that signed the broker's"
    if mqtt.password_file is not None and not mqtt.username:
        yield ("mqtt", "password_file"), "a password needs a username"
    if not mqtt.host and mqtt.socket is None:
        yield ("mqtt", "host"), "neither a host nor a socket is given"
    yield from config_canary.contradictions(settings.canary, mqtt)
    for number, ward in enumerate(ids):
        if ward in ids[:number]:
            yield ("wards", number, "id"), f'there is a ward "{ward}" already'
    for number, known in enumerate(settings.wards):
        for place, limit in enumerate(known.limits):
            for fault in limits.faults(limit.of(known.id)):
                yield ("wards", number, "limits", place), fault
    yield from config_duty.contradictions(settings.people, settings.duty, ids)
    yield from _unknown_channels(settings)
    yield from _contradicting_roles(settings.commands)


def _unknown_channels(settings: Settings) -> Iterator[tuple[Where, str]]:
    """Yield channels that cannot be named so, and those of people that are not there."""
    for channel in settings.notify.channels:
        if not config_duty.NAME.fullmatch(channel.name):
            yield ("notify", "channels", channel.name), "a name is 1 to 63 lower-case letters, digits or '-'"
    there = [channel.name for channel in settings.notify.channels]
    for number, person in enumerate(settings.people):
        for name in person.channels:
            if name not in there:
                yield ("people", number, "channels"), f"there is no [notify.channels.{name}]"


def _contradicting_roles(commands: Commands) -> Iterator[tuple[Where, str]]:
    """Yield who is named under two roles, and logins that are shared and cannot be."""
    roles, where = commands.roles, ("commands", "roles")
    held: dict[str, str] = {}
    for role, those in roles.named.items():
        for name in those:
            if held.setdefault(name, role) != role:
                yield (*where, role), f'"{name}" is named under {held[name]} already'
    for login in roles.shared:
        if not commands.allow_as:
            yield (*where, "shared"), f'"{login}" can say who acts only with [commands] allow_as = true'
        if held.get(login) == "admin":
            yield (
                (*where, "shared"),
                f"\"{login}\" is shared, and a login that is nobody's own is not an administrator's",
            )
