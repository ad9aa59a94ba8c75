"""The intake where something is wrong with the broker, or with paho: refusals, strangers, certificates."""

import logging
import socket
import ssl
from pathlib import Path

import pytest
import trustme
from paho.mqtt import publish as paho_publish

from tests.faults.line import running_line
from tests.integration.broker import running_broker, wait_until
from tests.integration.test_intake_session import TOPIC, payloads, publish, take
from vwmon.clock import Clock
from vwmon.intake import fast, session
from vwmon.intake.client import GatheringClient
from vwmon.intake.fast import FastClient
from vwmon.intake.link import Link
from vwmon.intake.session import MqttIntake
from vwmon.intake.stock import StockClient

BOTH = pytest.mark.parametrize("kind", [FastClient, StockClient])


@BOTH
def test_a_refusal_says_why(tmp_path: Path, kind: type[GatheringClient], caplog: pytest.LogCaptureFixture) -> None:
    """A wrong password is not a silent one."""
    with running_broker(tmp_path, more="allow_anonymous false") as broker:
        intake = MqttIntake(Link(host=broker.host, port=broker.port), Clock().now_ms, kind)
        wait_until(lambda: not intake.take(0.05).packets and "refused us" in intake.state().trouble, "refused")
        assert not intake.connected
        assert "Not authorized" in intake.state().trouble
    assert "broker.lost" in caplog.text


@BOTH
def test_no_broker_is_no_reason_to_raise(kind: type[GatheringClient]) -> None:
    """The daemon waits for its broker, and says so."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        intake = MqttIntake(Link(host="127.0.0.1", port=port), Clock().now_ms, kind)
        assert not intake.take(0.01).packets
        assert not intake.take(0.01).packets
    assert "cannot reach the broker" in intake.state().trouble


@BOTH
@pytest.mark.parametrize(
    "said", [b"HTTP/1.1 400 Bad Request\r\n\r\n" + b"\xff" * 100, b"\x52\x01\x22", b"\x50\x01\x22"]
)
def test_what_is_not_mqtt_ends_the_connection_and_no_more(kind: type[GatheringClient], said: bytes) -> None:
    """Some other service on that port, or a broker whose packets are cut short, cannot bring the daemon down."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        intake = MqttIntake(Link(host="127.0.0.1", port=other.getsockname()[1]), Clock().now_ms, kind)
        intake.take(0.0)
        peer, _ = other.accept()
        peer.sendall(said)
        wait_until(lambda: not intake.take(0.05).packets and "ended" in intake.state().trouble, "it is dropped")
        assert (intake.connected, intake.state().connections) == (False, 0)
        peer.close()


@BOTH
def test_tls_carries_everything(tmp_path: Path, kind: type[GatheringClient]) -> None:
    """Large reads under TLS leave nothing behind in the library's own buffer; what the broker showed is known."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate = authority.issue_cert("localhost")
    certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / "key.pem")
    files = f"certfile {tmp_path}/key.pem\nkeyfile {tmp_path}/key.pem"
    with running_broker(tmp_path, more=files) as broker:
        trusted = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
        link = Link(host="localhost", port=broker.port, tls=trusted)
        intake = MqttIntake(link, Clock().now_ms, kind)
        assert intake.state().certificate is None
        wait_until(lambda: not intake.take(0.05).packets and intake.connected, "connected")
        shown = certificate.cert_chain_pems[0].bytes().decode()
        assert intake.state().certificate == ssl.PEM_cert_to_DER_cert(shown)
        sent = [str(number) * 50 for number in range(3000)]
        messages = [{"topic": TOPIC, "payload": payload, "qos": 1} for payload in sent]
        paho_publish.multiple(
            messages,  # type: ignore[arg-type]
            hostname="localhost",
            port=broker.port,
            tls={"ca_certs": str(tmp_path / "ca.pem")},
        )
        got: list[str] = []

        def all_came() -> bool:
            batch = intake.take(0.1)
            intake.done(batch, [(TOPIC.replace("readings", "receipts"), b"{}")] * len(batch.packets))
            got.extend(payloads([batch]))
            return len(got) >= len(sent)

        wait_until(all_came, "all came")
        assert got == sent
        intake.close()


@pytest.mark.hazard("H2")
def test_refused_receipts_are_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An access list that forgets the receipts would have every device resend for ever."""
    access = tmp_path / "access"
    access.write_text("topic read vwmon/#\ntopic write vwmon/resp/dev-1/readings\n", encoding="utf-8")
    with running_broker(tmp_path, more=f"acl_file {access}") as broker, caplog.at_level(logging.ERROR):
        intake = MqttIntake(Link(host=broker.host, port=broker.port), Clock().now_ms, FastClient)
        wait_until(lambda: not intake.take(0.05).packets and intake.connected, "connected")
        publish(broker, ["a", "b"])
        for batch in take(intake, 2):
            intake.done(batch, [("vwmon/resp/dev-1/receipts", b"{}")] * 2)
        wait_until(lambda: not intake.take(0.05).packets and "receipt_refused" in caplog.text, "it is told")
        intake.abandon()
    assert caplog.text.count("receipt_refused") == 1


def test_this_paho_has_what_the_fast_client_needs() -> None:
    """The contract with paho's private names; without one of them the stock client serves."""
    assert fast.usable()
    assert fast.missing(object()) == list(fast.PRIVATE)


def test_without_those_names_the_stock_client_serves(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A new paho slows the daemon down; it does not stop it."""
    monkeypatch.setattr(fast, "PRIVATE", (*fast.PRIVATE, "_gone_with_paho_3"))
    intake = MqttIntake(Link(), Clock().now_ms)
    assert isinstance(intake._client, StockClient)
    assert "broker.stock_client" in caplog.text


@BOTH
def test_a_broker_that_has_vanished_without_a_word_is_given_up_and_called_again(
    tmp_path: Path, kind: type[GatheringClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the silence alone, whatever paho makes of its pings; messages of the new connection are taken."""
    monkeypatch.setattr(session, "KEEPALIVE_S", 1)
    monkeypatch.setattr(kind, "loop_misc", lambda _client: None)
    with running_broker(tmp_path) as broker, running_line(broker.port) as line:
        intake = MqttIntake(Link(host=line.host, port=line.port), Clock().now_ms, kind)
        wait_until(lambda: not intake.take(0.05).packets and intake.connected, "it is subscribed")
        line.half_open()
        wait_until(lambda: not intake.take(0.05).packets and not intake.connected, "it is given up")
        assert intake.state().trouble == "the broker does not answer any more"
        wait_until(lambda: not intake.take(0.05).packets and intake.connected, "it is subscribed again")
        publish(broker, ["later"])
        assert payloads(take(intake, 1)) == ["later"]
        intake.abandon()
