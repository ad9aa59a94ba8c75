"""What `vwmon init` asks, as one table: each question, its default, how an answer is read, and what is tried at once.

An answer that cannot stand is a ValueError with the reason; one that can, and may be a slip, is a warning. Not here:
how people are asked, or what is done with the answers.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from vwmon import config, reaching
from vwmon.cli.check_config import PLAIN_PORT, TLS_PORT
from vwmon.config import Mqtt, Tls
from vwmon.config_duty import NAME, PERSON, Ward
from vwmon.config_limits import said
from vwmon.errors import ConfigError, StoreError
from vwmon.patients.plans import CANARY
from vwmon.toml_records import text as text_of

Found = Mapping[str, Any]  # the answers so far, read, by the name of their question

CREDENTIAL = "credential:"
HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]/\s]+)(?::([0-9]{1,5}))?")
HERE: Final = ("localhost", "127.0.0.1", "::1")
DAEMON: Final = "vwmon"  # the user that deploy/vwmon.service runs it as
CANARY_DEVICE: Final = "sim-001"  # as the first device of vwmon simulate is called


def _anything(_: Found) -> bool:
    return True


def _nothing_amiss(_value: Any, _found: Found) -> Iterator[str]:  # noqa: ANN401 -- an answer of any kind
    yield from ()


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question: `read` gives the value of an answer, `amiss` says what may be a slip, `wanted` whether it is asked.

    Without a `default` it must be answered; one that is empty means none.
    """

    name: str
    asks: str
    read: Callable[[str], Any]
    default: str | Callable[[Found], str] | None = ""
    wanted: Callable[[Found], bool] = _anything
    amiss: Callable[[Any, Found], Iterator[str]] = _nothing_amiss

    @property
    def option(self) -> str:
        """Name the option that answers it."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def needed(self) -> bool:
        """Tell whether nothing can stand in for its answer."""
        return self.default is None

    def otherwise(self, found: Found) -> str:
        """Give the answer of somebody who gives none."""
        return self.default(found) if callable(self.default) else self.default or ""


def mqtt_of(found: Found) -> Mqtt:
    """Put what is known of the broker together."""
    tls = Tls(ca=found.get("ca"), cert=found.get("cert"), key=_outside(found.get("key")))
    where: Mapping[str, Any] = found.get("broker") or {}
    usual = TLS_PORT if tls.ca is not None else PLAIN_PORT
    return replace(Mqtt(tls=tls), **({"port": usual} | {key: one for key, one in where.items() if one is not None}))


def _outside(secret: str | None) -> Path | None:
    """Give the path of a secret that is a file; None for one that systemd brings."""
    return Path(secret) if secret and not secret.startswith(CREDENTIAL) else None


def _field(record: type, name: str) -> Callable[[str], Any]:
    """Read an answer as the configuration's own key is read."""
    read: Callable[[str], Any] = record.__dataclass_fields__[name].metadata["read"]  # type: ignore[attr-defined]
    return read


def _path(text: str) -> Path | None:
    """Read a path as the shell means it, from the folder one is in; what is written is whole."""
    return Path(text_of(text)).expanduser().absolute() if text else None


def _certificate(text: str) -> Path | None:
    file = _path(text)
    if file is None:
        return None
    try:
        begun = "-----BEGIN" in file.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise ValueError(f"{file}: {error.strerror}") from error
    if not begun:
        raise ValueError(f"{file} holds no certificate in PEM form")
    return file


def _secret(text: str) -> str:
    """Read the place of a secret, which has to be closed to others; what systemd brings cannot be looked at."""
    if not text or text.startswith(CREDENTIAL):
        return text_of(text)
    file = _path(text)
    assert file is not None  # noqa: S101 -- the text is not empty
    try:
        config.refuse_open_secret(file)
        if not any(line.strip() for line in config.lines_of(file)):
            raise ValueError(f"{file} is empty")
    except ConfigError as error:
        raise ValueError("; ".join(error.faults)) from error
    return str(file)


def _needed_secret(text: str) -> str:
    if not text:
        raise ValueError("a certificate is of no use without its key")
    return _secret(text)


def _broker(text: str) -> dict[str, Any]:
    """Read host, host:port, [v6]:port or the path of a socket."""
    if text.startswith(("/", "~")):
        return {"socket": _path(text)}
    found = HOST_PORT.fullmatch(text)
    if found is None or not 0 < int(found[2] or 1) <= config.LAST_PORT:
        raise ValueError(f"{text!a} is neither host, host:port nor the path of a socket")
    return {"host": text_of(found[1].strip("[]")), "port": int(found[2]) if found[2] else None}


def _database(text: str) -> Path:
    from vwmon.store import database

    file = config.required_path(text_of(text)).expanduser().absolute()
    if file.is_dir():
        raise ValueError(f"{file} is a folder; name a file in it")
    folder = next(folder for folder in file.parents if folder.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise ValueError(f"{folder} cannot be written to by you")
    try:
        if file.exists():
            database.check_ours(file)
    except StoreError as error:
        raise ValueError(str(error)) from error
    return file


def _channels(text: str) -> dict[str, str]:
    """Read NAME=FILE, several with commas between."""
    pairs = [part.partition("=") for part in _parts(text)]
    for name, equals, file in pairs:
        if not equals or not NAME.fullmatch(name) or not file:
            raise ValueError(f"{name + equals + file!a} is not NAME=FILE, such as pager={CREDENTIAL}pager")
    return {name: _secret(file) for name, _, file in pairs}


def _people(text: str) -> dict[str, str]:
    """Read login names, each with a role behind a colon or without."""
    pairs = [part.partition(":") for part in _parts(text)]
    for name, _, role in pairs:
        if not PERSON.fullmatch(name) or (role and not NAME.fullmatch(role)):
            raise ValueError(f"{name + ':' + role!a} is not a login name with its role, such as n.shah:nurse")
    return {name: role for name, _, role in pairs}


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _user(text: str) -> str:
    import pwd

    try:
        return pwd.getpwnam(text).pw_name
    except KeyError:
        raise ValueError(
            f"there is no user {text!a}; make one: "
            f"useradd --system --home-dir /var/lib/vwmon --shell /usr/sbin/nologin {DAEMON}"
        ) from None


def _yes(text: str) -> bool:
    if text.lower() not in {"y", "yes", "n", "no"}:
        raise ValueError(f"{text!a} is neither yes nor no")
    return text.lower().startswith("y")


def _device(text: str) -> str:
    from devices import topics
    from devices.errors import TopicError

    try:
        return topics.device_name(text) if text else ""
    except TopicError as error:
        raise ValueError(str(error)) from error


def _profile(text: str) -> str:
    from devices.profiles import PROFILES

    if text and text not in PROFILES:
        raise ValueError(f"{text!a} is none of {', '.join(PROFILES)}")
    return text


def _not_a_pair(value: str, found: Found) -> Iterator[str]:
    """Refuse a key that is not the certificate's; one that systemd brings is not there to be tried."""
    if not value.startswith(CREDENTIAL):
        from ssl import SSLError

        try:
            reaching.tls_context(Tls(ca=found["ca"], cert=found["cert"], key=Path(value)))
        except SSLError as error:
            raise ValueError(f"{found['cert']} and {value} do not belong together: {error.reason}") from error
    yield from ()


def _unreached(_value: object, found: Found) -> Iterator[str]:
    """Say when the broker does not answer, once everything is known that it takes to ask it."""
    mqtt = mqtt_of(found)
    try:
        reaching.reach(mqtt, unseen=mqtt.tls.key is None)
    except (OSError, ConfigError) as error:
        why = reaching.trouble(error) if isinstance(error, OSError) else str(error)
        yield f"the broker at {reaching.place(mqtt)} is not reached: {why}"


def _never_open(value: str, _found: Found) -> Iterator[str]:
    start, _, end = value.partition("-")
    if start == end:
        yield "these hours begin and end at once; always staffed is 00:00-24:00"


def _unknown_duty(value: list[str], found: Found) -> Iterator[str]:
    """Say whom nobody knows: what is written would be refused."""
    people = found.get("people") or {}
    for name in value:
        if name not in {*people, *people.values()}:
            raise ValueError(f"{name!a} is neither one of the people nor a role of one")
    yield from ()


def _taken_device(value: bool, found: Found) -> Iterator[str]:
    """Refuse a made-up patient whose device is somebody's."""
    if value and found.get("device") == CANARY_DEVICE:
        raise ValueError(f"the device {CANARY_DEVICE} is the made-up patient's; give the first device another name")
    yield from ()


def _is_root(_: Found) -> bool:
    return os.geteuid() == 0


def _their_user(_: Found) -> str:
    try:
        return _user(DAEMON)
    except ValueError:
        return "root"


def _has(name: str) -> Callable[[Found], bool]:
    return lambda found: bool(found.get(name))


def _tier(number: int, when: str) -> Question:
    asks = f"Whom are they told to at tier {number}, {when} (people or roles)"
    return Question(name=f"tier_{number}", asks=asks, read=_parts, wanted=_has("people"), amiss=_unknown_duty)


QUESTIONS: Final = (
    Question(name="ward", asks="Ward id, as in the topics of its devices", read=_field(Ward, "id"), default=None),
    Question(name="name", asks="Its name, for people", read=said, default=None),
    Question(name="time_zone", asks="Its time zone", read=_field(Ward, "time_zone"), default="Europe/London"),
    Question(
        name="hours",
        asks="When it is staffed (00:00-24:00: always)",
        read=_field(Ward, "hours"),
        default="00:00-24:00",
        amiss=_never_open,
    ),
    Question(
        name="ca", asks="File of the authority that signed the broker's certificate (empty: no TLS)", read=_certificate
    ),
    Question(
        name="cert", asks="File of the daemon's own certificate (empty: none)", read=_certificate, wanted=_has("ca")
    ),
    Question(
        name="key",
        asks="File of its key (credential:key: systemd hands it over)",
        read=_needed_secret,
        default=f"{CREDENTIAL}key",
        wanted=_has("cert"),
        amiss=_not_a_pair,
    ),
    Question(
        name="broker",
        asks="Broker: host, host:port or the path of a socket",
        read=_broker,
        default="localhost",
        amiss=_unreached,
    ),
    Question(name="username", asks="User name at the broker (empty: none)", read=text_of),
    Question(
        name="password_file",
        asks="File that holds the password (empty: none)",
        read=_secret,
        wanted=_has("username"),
    ),
    Question(
        name="store",
        asks="Database file, on a local disk",
        read=_database,
        default=lambda found: str(found["store_default"]),
    ),
    Question(
        name="channel",
        asks="Ways to tell people, as NAME=FILE of Apprise URLs, with commas (empty: the list alone tells)",
        read=_channels,
    ),
    Question(
        name="people",
        asks="Who can be told, as login or login:role, with commas (empty: every channel of everything)",
        read=_people,
        wanted=_has("channel"),
    ),
    _tier(1, "at once"),
    _tier(2, "when the first answer is overdue"),
    _tier(3, "after that, again and again"),
    Question(
        name="allow_as",
        asks="Do several people share one login, so that --as NAME may say who acts (yes or no)",
        read=_yes,
        default="no",
    ),
    Question(name="user", asks="The user that the daemon runs as", read=_user, default=_their_user, wanted=_is_root),
    Question(name="device", asks="A first device to register, by its name (empty: none)", read=_device),
    Question(
        name="profile",
        asks="What kind it is, one of vwmon devices profiles (empty: not said)",
        read=_profile,
        wanted=_has("device"),
    ),
    Question(
        name="canary",
        asks=f"Admit a made-up patient, {CANARY}, with the simulated device {CANARY_DEVICE}, to try it out (yes or no)",
        read=_yes,
        default="no",
        amiss=_taken_device,
    ),
)
OF_A_WARD: Final = QUESTIONS[:4]
