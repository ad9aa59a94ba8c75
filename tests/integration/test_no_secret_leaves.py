"""What a daemon with real secrets and people shows of them: its command line, environment and log, and the topics.

The daemon is a process, with a password file, a TLS key and addresses of channels, one of which does not answer.
"""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
import trustme

from tests.conftest import Command
from tests.integration.broker import Broker, free_port, running_broker, wait_until
from tests.integration.told_daemon import BETTER, READINGS, SECRETS, SICK, Hub, device
from tests.integration.webhook import Webhook, listening

PASSWORD, DEVICE_PASSWORD = "correct-horse-battery-7731", "oximeter-staple-9002"
PING = "ping-check-uuid-3306"
DEAD = "dead-channel-token-5519"  # in the address of a channel that does not answer
NOTE = "daughter rang from 020 7946 0018, door code 4711x"
PEOPLE = (
    ("mrn-880017", "Ottoline Fotheringay", "9434765870", "020 7946 0101", "Peregrine Fotheringay 020 7946 0102"),
    ("mrn-880018", "Zbigniew Przybylowicz", "4010232137", "07700 900201", "Halina Przybylowicz 07700 900202"),
    ("=cmd|'880019", "Siobhan O'Dwyer-Quill", "4857773457", "01632 960301", "Cormac Quill 01632 960302"),
    ("mrn-880020", "Anwuli Nwachukwu", "6123456784", "0113 496 0401", "Obinna Nwachukwu 0113 496 0402"),
)
IDENTIFIERS = tuple(text for person in PEOPLE for text in person)
TOLD = "select state from notification where state = 'told'"
CONFIG = """\
[store]
path = "ward.db"
[mqtt]
host = "localhost"
port = {port}
username = "vwmon"
password_file = "vwmon.password"
tls = {{ ca = "ca.pem", cert = "vwmon.pem", key = "vwmon.key" }}
[monitor]
ping_url_file = "ping.url"
[commands]
allow_as = true
[notify]
from_level = 3
[notify.channels.pager]
urls_file = "pager.urls"
[notify.channels.dead]
urls_file = "dead.urls"
[[wards]]
id = "resp"
name = "Respiratory"
"""
# One listener: TLS with client certificates, and a password on top.
SECURED = """\
cafile {folder}/ca.pem
certfile {folder}/broker.pem
keyfile {folder}/broker.key
require_certificate true
password_file {folder}/passwords
"""


@dataclass(frozen=True, kw_only=True)
class Site:
    """A hub whose daemon has secrets, and its broker."""

    hub: Hub
    broker: Broker
    folder: Path

    def prepare(self, client: mqtt.Client) -> None:
        """Let a device connect with its own certificate and password."""
        authority, certificate, key = (str(self.folder / name) for name in ("ca.pem", "oximeter.pem", "oximeter.key"))
        client.tls_set(authority, certificate, key)
        client.username_pw_set("oximeter", DEVICE_PASSWORD)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Give all that must be seen nowhere: passwords, tokens, lines of the key, and who anyone is."""
        key = (self.folder / "vwmon.key").read_text(encoding="utf-8").splitlines()[1:3]
        return (PASSWORD, DEVICE_PASSWORD, DEAD, PING, *key, NOTE, *IDENTIFIERS, *SECRETS)


def secret(file: Path, content: str) -> None:
    """Write a file that only its owner may read."""
    file.write_text(content, encoding="utf-8")
    file.chmod(0o600)


def certify(folder: Path) -> None:
    """Make an authority, and certificates of the broker, the daemon and a device."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    for name, identity in {"broker": "localhost", "vwmon": "vwmon.example", "oximeter": "oximeter.example"}.items():
        issued = authority.issue_cert(identity, *(["127.0.0.1"] if name == "broker" else []))
        secret(folder / f"{name}.key", issued.private_key_pem.bytes().decode())
        issued.cert_chain_pems[0].write_to_path(str(folder / f"{name}.pem"))


@pytest.fixture
def hook() -> Iterator[Webhook]:
    """A webhook."""
    with listening() as running:
        yield running


@pytest.fixture
def site(tmp_path: Path, hook: Webhook) -> Iterator[Site]:
    """Secrets in their files, a broker that asks for them, and a ward of people with names."""
    certify(tmp_path)
    secret(tmp_path / "passwords", f"vwmon:{PASSWORD}\noximeter:{DEVICE_PASSWORD}\n")
    subprocess.run(["mosquitto_passwd", "-U", str(tmp_path / "passwords")], check=True, capture_output=True)
    with running_broker(tmp_path, more=SECURED.format(folder=tmp_path)) as broker:
        hub = Hub(tmp_path, broker.port, hook)
        hub.config.write_text(CONFIG.format(port=broker.port), encoding="utf-8")
        secret(tmp_path / "vwmon.password", PASSWORD + "\n")
        secret(tmp_path / "ping.url", f"http://127.0.0.1:{free_port()}/{PING}\n")
        secret(tmp_path / "dead.urls", f"json://ward:{DEAD}@127.0.0.1:{free_port()}/?cto=1.0&rto=1.0\n")
        for patient, name, nhs_number, contact, kin in PEOPLE:
            admission = ("--ward", "resp", "--born", "1950-01-01", "--name", name, "--nhs-number", nhs_number)
            told = ("--contact", contact, "--next-of-kin", kin, "--config", hub.config)
            done = Command()("patients", "admit", patient, *admission, *told)
            assert done.exit_code == 0, done.output
        yield Site(hub=hub, broker=broker, folder=tmp_path)


def shown_by(process: "subprocess.Popen[bytes]") -> str:
    """Give what every user of the machine may see of a process, and what its owner may."""
    return "".join(
        (Path("/proc") / str(process.pid) / name).read_bytes().decode(errors="replace")
        for name in ("cmdline", "environ")
    )


def found_in(text: str, secrets: tuple[str, ...]) -> list[str]:
    """Name the secrets that a text has in it, as they are or as JSON writes them."""
    return [one for one in secrets if one in text or json.dumps(one)[1:-1] in text]


@pytest.mark.hazard("H22", "T13")
def test_no_secret_and_no_person_is_in_the_process_the_log_or_a_topic(site: Site, hook: Webhook) -> None:
    """Through a day of work: readings, garbage that names people, an alert, acts with notes, a channel that is down."""
    hub, secrets = site.hub, site.secrets
    with hub.running() as daemon, device(site.broker.port, site.prepare) as oximeter:
        wait_until(hub.connected, "the daemon has its broker")
        for number, person in enumerate(PEOPLE):
            garbage = {"v": 1, "id": f"g{number}", "readings": [{"vital": person[1], "value": person[2]}]}
            oximeter.client.publish(READINGS, json.dumps(garbage), qos=1)
            oximeter.client.publish(READINGS, " ".join(person), qos=1)
        oximeter.sends(*SICK)
        wait_until(lambda: bool(hub.rows(TOLD)), "someone is told")
        wait_until(lambda: bool(hub.rows("select 1 from delivery where attempts > 1")), "the other channel was tried")
        wait_until(lambda: len(hub.rows("select 1 from quarantine")) >= len(PEOPLE), "garbage is kept")
        hub.acts("ack", hub.listed()[0]["id"], "-m", NOTE)
        oximeter.sends(*BETTER)
        wait_until(
            lambda: any(body["state"] == "acknowledged" for _, body, _ in oximeter.alert_topics() if body), "acked"
        )
        shown = shown_by(daemon)
        seen = [(topic, body.decode(errors="replace")) for topic, body, _ in oximeter.seen if topic != READINGS]
    assert (hub.folder / "daemon.log").stat().st_size > 0
    assert found_in(shown, secrets) == []
    assert found_in(hub.log(), secrets) == []
    assert found_in(json.dumps(seen), secrets) == []
    assert found_in(json.dumps(hook.posted), secrets) == []
    assert len(IDENTIFIERS) == 20
    assert any(topic.endswith("/receipts") for topic, _ in seen)


@pytest.mark.hazard("H22")
def test_a_database_that_everyone_may_read_is_said_in_the_log_and_watched(site: Site) -> None:
    """A ward is not left unwatched for the mode of a file; `vwmon doctor` finds it too."""
    site.hub.db.chmod(0o664)
    with site.hub.running():
        wait_until(site.hub.connected, "the daemon has its broker")
    assert f"open_to_everyone file={site.hub.db}: chmod o-rwx it" in site.hub.log()


@pytest.mark.parametrize("name", ["vwmon.password", "vwmon.key", "pager.urls", "ping.url"])
def test_a_secret_that_everyone_may_read_is_refused(site: Site, name: str) -> None:
    """The daemon does not start with it, and the log names the file and not what is in it."""
    (site.folder / name).chmod(0o644)
    with site.hub.running() as daemon:
        assert daemon.wait(20) == 8
    assert f"{site.folder / name}: everyone on this machine may read this secret" in site.hub.log()
    assert found_in(site.hub.log(), site.secrets) == []
