"""What comes after `vwmon init`: the commands that start a ward, each to be copied as it stands."""

import shlex
from collections.abc import Iterator
from pathlib import Path

from vwmon import config
from vwmon.cli.init_questions import CANARY_DEVICE, CREDENTIAL, HERE, Found, mqtt_of

UNIT = Path("/etc/systemd/system/vwmon.service")
UNIT_KEY = Path("/etc/vwmon/vwmon.key")
RULE = ""


def steps(found: Found, file: Path) -> Iterator[str]:
    """Yield what to do next, in order."""
    named = _named(file)
    yield RULE
    yield "Next, in this order:"
    yield f"  vwmon check-config{named}"
    yield from (f"  vwmon notify test {name}{named}" for name in found.get("channel") or {})
    if found.get("people"):
        yield f"  vwmon duty{named}"
    yield from _start(found, file, named)
    yield f"  vwmon doctor{named}"
    yield f"  vwmon status{named}"
    if found["canary"]:
        yield from _try_out(found, named)
    yield from _first_patient(found, named)


def steps_of_a_ward(found: Found, file: Path) -> Iterator[str]:
    """Yield what to do after a ward was added."""
    named = _named(file)
    yield RULE
    yield "Next, in this order:"
    yield f"  vwmon check-config{named}"
    yield "  systemctl restart vwmon"
    yield f"  vwmon status{named}"
    yield f"  vwmon patients admit PATIENT --ward {found['ward']} --born YYYY-MM-DD{named}"


def _named(file: Path) -> str:
    """Name the file where a command would not find it by itself, or would find another."""
    first = config.find()
    return "" if first is not None and first.absolute() == file else f" --config {shlex.quote(str(file))}"


def _start(found: Found, file: Path, named: str) -> Iterator[str]:
    if file != config.SYSTEM_FILE:
        yield f"  vwmon run{named}"
        return
    if not UNIT.exists():
        yield f"  install -m 0644 deploy/vwmon.service {UNIT}"
    for why, lines in _drop_ins(found):
        yield f"  systemctl edit vwmon     # {why}:"
        yield from (f"    {line}" for line in ("[Service]", *lines))
    yield "  systemctl daemon-reload"
    yield "  systemctl enable --now vwmon"


def _drop_ins(found: Found) -> Iterator[tuple[str, list[str]]]:
    """Yield where the unit as it is delivered does not fit, and what makes it fit."""
    key = found.get("key") or ""
    if key != f"{CREDENTIAL}{'key'}" and not UNIT_KEY.exists():
        yield f"there is no {UNIT_KEY} to hand over", ["LoadCredential="]
    secrets = [found.get("password_file") or "", *(found.get("channel") or {}).values()]
    brought = [secret.removeprefix(CREDENTIAL) for secret in secrets if secret.startswith(CREDENTIAL)]
    if brought:
        yield "secrets that it hands over", [f"LoadCredential={name}:/etc/vwmon/{name}" for name in brought]
    mqtt = mqtt_of(found)
    if mqtt.socket is None and mqtt.host not in HERE:
        yield "the broker is on another machine", ["IPAddressAllow=ADDRESS-OF-THE-BROKER"]


def _try_out(found: Found, named: str) -> Iterator[str]:
    """Yield how the made-up patient is measured; with a certificate of its own where the daemon has one."""
    own = ""
    if found.get("cert"):
        own = f" --cert {CANARY_DEVICE}.crt --key {CANARY_DEVICE}.key"
        yield f"  deploy/mosquitto/make-certificates.sh FOLDER device {CANARY_DEVICE}     # then, in that folder:"
    yield f"  vwmon simulate --ward {found['ward']} --patients 1 --courses stable --every 15s --duration 1m{own}{named}"
    yield f"  vwmon readings --patient canary{named}"


def _first_patient(found: Found, named: str) -> Iterator[str]:
    device = found["device"] or "DEVICE"
    yield "Then the first patient:"
    yield f"  vwmon patients admit PATIENT --ward {found['ward']} --born YYYY-MM-DD{named}"
    if not found["device"]:
        yield f"  vwmon devices add {device}{named}"
    yield f"  vwmon devices assign {device} PATIENT{named}"
