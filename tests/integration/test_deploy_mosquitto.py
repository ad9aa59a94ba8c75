"""The broker's configuration as it is shipped: a real mosquitto loads it, and it lets each do its own part only."""

import os
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme
from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from tests.conftest import ROOT
from tests.integration.broker import LOOPBACK, free_port, mosquitto, wait_until

SHIPPED = ROOT / "deploy" / "mosquitto"
DEADLINE_S = 20
ALLOWED, REFUSED = 0, 135  # MQTT 5: success, not authorized
DEVICES = ("spo2-17", "cuff-3")

# What Debian's package brings, beside which ours is put.
MAIN = """\
{user}
pid_file {folder}/mosquitto.pid
persistence true
persistence_location {folder}/
log_dest none
include_dir {folder}/conf.d
"""


def certify(folder: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the shipped script that makes certificates."""
    script = [str(SHIPPED / "make-certificates.sh"), str(folder), *arguments]
    return subprocess.run(script, check=check, capture_output=True, text=True, timeout=60)


@dataclass(frozen=True, kw_only=True)
class Site:
    """A broker that runs on the shipped configuration, and the folder of its authority."""

    port: int
    authority: Path


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates for the broker, the daemon and three devices, of which one is revoked."""
    folder = tmp_path_factory.mktemp("authority") / "ca"
    certify(folder, "authority")
    certify(folder, "broker", "ward.example")
    certify(folder, "daemon")
    for device in (*DEVICES, "lost-1"):
        certify(folder, "device", device)
    shutil.copy(folder / "lost-1.crt", folder / "lost-1.kept.crt")
    shutil.copy(folder / "lost-1.key", folder / "lost-1.kept.key")
    certify(folder, "revoke", "lost-1")
    return folder


@pytest.fixture(scope="module")
def site(authority: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run mosquitto on the shipped files, with only port and paths changed."""
    program = mosquitto()
    assert program is not None, "install mosquitto: apt-get install mosquitto"
    folder, port = tmp_path_factory.mktemp("mosquitto"), free_port()
    install(folder, authority, port)
    running = subprocess.Popen([program, "-c", str(folder / "mosquitto.conf")])
    try:
        wait_until(lambda: answers(port), "the broker answers on its TLS port")
        yield Site(port=port, authority=authority)
    finally:
        running.terminate()
        running.wait(DEADLINE_S)


def install(folder: Path, authority: Path, port: int) -> None:
    """Put the shipped files where a machine has them, below a folder."""
    (folder / "conf.d").mkdir()
    user = "user root" if os.getuid() == 0 else ""  # pytest's folders are closed to the user mosquitto
    (folder / "mosquitto.conf").write_text(MAIN.format(folder=folder, user=user), encoding="utf-8")
    settings = (SHIPPED / "vwmon.conf").read_text(encoding="utf-8")
    for shipped, here in {
        "listener 8883": f"listener {port} {LOOPBACK}",
        "/etc/mosquitto/certs": str(authority),
        "/etc/mosquitto/vwmon.acl": str(SHIPPED / "vwmon.acl"),
    }.items():
        assert shipped in settings
        settings = settings.replace(shipped, here)
    (folder / "conf.d" / "vwmon.conf").write_text(settings, encoding="utf-8")


def answers(port: int) -> bool:
    """Say whether somebody listens."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True


def trusting(authority: Path, name: str | None) -> ssl.SSLContext:
    """Return what a client trusts and, with a name, shows."""
    context = ssl.create_default_context(cafile=str(authority / "ca.crt"))
    if name is not None:
        context.load_cert_chain(str(authority / f"{name}.crt"), str(authority / f"{name}.key"))
    return context


@dataclass
class Speaker:
    """One MQTT 5 client: what it is told, and what it has received."""

    client: Client
    told: dict[int, int] = field(default_factory=dict)
    heard: list[tuple[str, bytes]] = field(default_factory=list)
    news: threading.Condition = field(default_factory=threading.Condition)

    def publish(self, topic: str, payload: bytes = b"{}", *, retain: bool = False) -> int:
        """Publish with QoS 1 and return the broker's reason code."""
        sent = self.client.publish(topic, payload, qos=1, retain=retain)
        return self._answer(sent.mid)

    def subscribe(self, topic: str) -> None:
        """Subscribe and wait for the answer."""
        _, mid = self.client.subscribe(topic, qos=1)
        assert mid is not None
        self._answer(mid)

    def _answer(self, mid: int) -> int:
        with self.news:
            assert self.news.wait_for(lambda: mid in self.told, DEADLINE_S), "the broker did not answer"
            return self.told.pop(mid)

    def hears(self, topic: str) -> bool:
        """Wait until a message of a topic came."""
        with self.news:
            return self.news.wait_for(lambda: any(topic == heard for heard, _ in self.heard), DEADLINE_S)

    def note(self, mid: int, code: int) -> None:
        """Take the broker's answer to one packet."""
        with self.news:
            self.told[mid] = code
            self.news.notify_all()

    def listen(self, message: MQTTMessage) -> None:
        """Take a message."""
        with self.news:
            self.heard.append((message.topic, bytes(message.payload)))
            self.news.notify_all()


@contextmanager
def connected(site: Site, name: str, will: str = "") -> Iterator[Speaker]:
    """Connect with the certificate of that name."""
    client = Client(CallbackAPIVersion.VERSION2, client_id="ignored", protocol=MQTTProtocolVersion.MQTTv5)
    client.tls_set_context(trusting(site.authority, name))
    if will:
        client.will_set(will, b"{}", qos=1, retain=True)
    speaker, up = Speaker(client), threading.Event()

    def on_connect(
        _client: Client, _data: object, _flags: ConnectFlags, code: ReasonCode, _properties: Properties | None
    ) -> None:
        assert not code.is_failure, code
        up.set()

    client.on_connect = on_connect
    client.on_publish = lambda _client, _data, mid, code, _properties: speaker.note(mid, code.value)
    client.on_subscribe = lambda _client, _data, mid, codes, _properties: speaker.note(mid, codes[0].value)
    client.on_message = lambda _client, _data, message: speaker.listen(message)
    client.connect(LOOPBACK, site.port)
    client.loop_start()
    try:
        assert up.wait(DEADLINE_S), f"{name} was not let in"
        yield speaker
    finally:
        client.disconnect()
        client.loop_stop()


@pytest.mark.hazard("H4", "T2", "T4")
@pytest.mark.parametrize(
    ("who", "topic", "code"),
    [
        ("spo2-17", "vwmon/resp/spo2-17/readings", ALLOWED),
        ("spo2-17", "vwmon/resp/spo2-17/status", ALLOWED),
        ("spo2-17", "vwmon/resp/spo2-17/answers", ALLOWED),
        ("spo2-17", "vwmon/resp/cuff-3/readings", REFUSED),
        ("spo2-17", "vwmon/resp/cuff-3/status", REFUSED),
        ("spo2-17", "vwmon/resp/spo2-17/receipts", REFUSED),
        ("spo2-17", "vwmon/resp/spo2-17/requests", REFUSED),
        ("spo2-17", "vwmon/resp/spo2-17/readings/more", REFUSED),
        ("spo2-17", "vwmon/resp/alerts/ABCD", REFUSED),
        ("spo2-17", "vwmon/resp/monitor/status", REFUSED),
        ("spo2-17", "other/resp/spo2-17/readings", REFUSED),
        ("vwmon", "vwmon/resp/spo2-17/receipts", ALLOWED),
        ("vwmon", "vwmon/resp/spo2-17/requests", ALLOWED),
        ("vwmon", "vwmon/resp/alerts/ABCD", ALLOWED),
        ("vwmon", "vwmon/resp/monitor/status", ALLOWED),
        ("vwmon", "vwmon/resp/spo2-17/readings", REFUSED),
        ("vwmon", "vwmon/resp/spo2-17/answers", REFUSED),
        ("vwmon", "other/resp/spo2-17/receipts", REFUSED),
    ],
)
def test_each_may_write_its_own_topics_and_no_others(site: Site, who: str, topic: str, code: int) -> None:
    """A device writes under its own name only, and the daemon cannot write readings."""
    with connected(site, who) as speaker:
        # 16 (no subscriber) is the broker's word for a message that was taken and that nobody waits for.
        assert {16: ALLOWED}.get(found := speaker.publish(topic), found) == code


@pytest.mark.hazard("T4")
def test_the_daemon_hears_every_device_and_a_device_hears_only_what_is_for_it(site: Site) -> None:
    """Even one that asks for everything is sent nothing of another's."""
    with connected(site, "vwmon") as daemon, connected(site, "spo2-17") as device, connected(site, "cuff-3") as other:
        daemon.subscribe("vwmon/+/+/readings")
        other.subscribe("vwmon/#")
        device.publish("vwmon/resp/spo2-17/readings")
        assert daemon.hears("vwmon/resp/spo2-17/readings")
        daemon.publish("vwmon/resp/spo2-17/receipts")
        daemon.publish("vwmon/resp/cuff-3/receipts")
        assert other.hears("vwmon/resp/cuff-3/receipts")
        assert {topic for topic, _ in other.heard} == {"vwmon/resp/cuff-3/receipts"}


def test_the_daemon_s_will_and_its_retained_status_are_taken(site: Site) -> None:
    """Whoever looks later sees whether the ward is monitored."""
    with connected(site, "vwmon", will="vwmon/resp/monitor/status") as daemon:
        daemon.publish("vwmon/resp/monitor/status", b"online", retain=True)
        daemon.subscribe("vwmon/+/+/status")
        assert daemon.hears("vwmon/resp/monitor/status")


@pytest.mark.hazard("T3")
def test_a_second_client_cannot_take_another_name(site: Site) -> None:
    """The name in the certificate is the client's, whatever it calls itself: nobody can push the daemon out."""
    with connected(site, "vwmon") as daemon, connected(site, "spo2-17") as device:
        device.subscribe("vwmon/resp/spo2-17/receipts")
        daemon.publish("vwmon/resp/spo2-17/receipts")
        assert device.hears("vwmon/resp/spo2-17/receipts")
        assert daemon.client.is_connected()


def test_a_message_of_the_largest_size_passes(site: Site) -> None:
    """And one somewhat larger, so that it is seen in quarantine and not lost on the way."""
    with connected(site, "vwmon") as daemon, connected(site, "spo2-17") as device:
        daemon.subscribe("vwmon/+/+/readings")
        device.publish("vwmon/resp/spo2-17/readings", b"x" * 100_000)
        assert daemon.hears("vwmon/resp/spo2-17/readings")
        assert len(daemon.heard[-1][1]) == 100_000


def refused(site: Site, context: ssl.SSLContext) -> bool:
    """Say whether the broker ends a connection before it takes an MQTT packet; TLS 1.3 tells only on reading."""
    connect = b"\x10\x10\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x03abc"
    try:
        with (
            socket.create_connection((LOOPBACK, site.port), timeout=DEADLINE_S) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secure,
        ):
            secure.sendall(connect)
            return secure.recv(64) == b""
    except (ssl.SSLError, ConnectionResetError):
        return True


def test_who_shows_a_certificate_of_ours_is_let_in(site: Site) -> None:
    """So that the refusals below are for the right reason."""
    assert not refused(site, trusting(site.authority, "cuff-3"))


@pytest.mark.hazard("T1")
def test_without_a_certificate_nobody_is_let_in(site: Site) -> None:
    """There is no anonymous device."""
    assert refused(site, trusting(site.authority, None))


@pytest.mark.hazard("T1")
def test_a_revoked_certificate_is_not_let_in(site: Site) -> None:
    """A lost device is out once the list is at the broker."""
    assert refused(site, trusting(site.authority, "lost-1.kept"))


@pytest.mark.hazard("T1")
def test_a_certificate_of_another_authority_is_not_let_in(site: Site) -> None:
    """Whatever name it carries."""
    stranger = trustme.CA().issue_cert(common_name="spo2-17")
    context = trusting(site.authority, None)
    stranger.configure_cert(context)
    assert refused(site, context)


@pytest.mark.hazard("T2")
@pytest.mark.parametrize("name", ["", "A", "a/b", "+", "#", "monitor", "alerts", "vwmon", "x" * 64, "-a", "a b", "é"])
def test_a_name_that_would_be_more_than_a_device_gets_no_certificate(authority: Path, name: str) -> None:
    """A certificate's name becomes part of the topics it may write."""
    made = certify(authority, "device", name, check=False)
    assert made.returncode == 2
    assert made.stderr.startswith("error: ")


def test_an_authority_and_a_key_are_never_overwritten(authority: Path) -> None:
    """Doing it twice by mistake would shut every device out."""
    before = {file: file.read_bytes() for file in authority.glob("*.key")}
    assert certify(authority, "authority", check=False).returncode == 2
    assert certify(authority, "device", DEVICES[0], check=False).returncode == 2
    assert {file: file.read_bytes() for file in authority.glob("*.key")} == before


def test_a_device_can_have_a_new_certificate_after_the_old_was_revoked(authority: Path) -> None:
    """A lost one is found, or replaced under its name."""
    certify(authority, "device", "again")
    certify(authority, "revoke", "again")
    assert certify(authority, "device", "again").returncode == 0


@pytest.mark.hazard("H22")
def test_keys_are_for_their_owner_only(authority: Path) -> None:
    """Nobody else on the machine can read one."""
    assert {file.stat().st_mode & 0o077 for file in authority.glob("*.key")} == {0}
