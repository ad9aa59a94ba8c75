"""TLS of the shipped broker: a certificate that has ended, and a protocol of before 1.2, are not let in."""

import ssl
import threading
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from tests.integration import test_deploy_mosquitto as shared
from tests.integration.broker import wait_until
from tests.integration.test_deploy_mosquitto import Site, refused, trusting
from vwmon import config
from vwmon.clock import Clock
from vwmon.daemon import Daemon
from vwmon.patients import plans
from vwmon.patients.admission import Admission
from vwmon.patients.records import By
from vwmon.store import canary, database, registers

authority, site = shared.authority, shared.site


def lasting(authority: Path, name: str, days: float, folder: Path) -> Path:
    """Sign a device's certificate anew, as its authority would, with another last day; return its file."""
    own = x509.load_pem_x509_certificate((authority / f"{name}.crt").read_bytes())
    ca = x509.load_pem_x509_certificate((authority / "ca.crt").read_bytes())
    key = load_pem_private_key((authority / "ca.key").read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
    now = datetime.fromtimestamp(Clock().now_ms() / 1000, UTC)
    anew = x509.CertificateBuilder(
        issuer_name=ca.subject,
        subject_name=own.subject,
        public_key=own.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now - timedelta(days=30),
        not_valid_after=now + timedelta(days=days),
        extensions=list(own.extensions),
    ).sign(key, hashes.SHA256())
    path = folder / f"{name}.crt"
    path.write_bytes(anew.public_bytes(Encoding.PEM))
    return path


@pytest.mark.hazard("H2")
def test_a_canary_goes_round_under_a_device_s_certificate(site: Site, tmp_path: Path) -> None:
    """By the shipped access list: what may send it is the certificate of its own, and no other device's."""
    with closing(database.create(tmp_path / "ward.db")) as db:
        by = By(actor="test", at_ms=Clock().now_ms())
        plan = plans.load(plans.CANARY)
        wanted = Admission(patient="canary", ward="resp", plan=plan, admitted_ms=by.at_ms, born="1950-01-01")
        registers.admit(db, wanted, by)
        registers.add_device(db, "cuff-3", by)
        registers.assign(db, "cuff-3", "canary", by.at_ms, by)
    for device, link in (("cuff-3", None), ("spo2-17", "access")):
        shown = {name: str(site.authority / f"{name}.{end}") for name in ("vwmon", device) for end in ("crt",)}
        settings = config.parse(
            f"""
            store.path = "{tmp_path}/ward.db"
            mqtt.port = {site.port}
            mqtt.tls = {{ ca = "{site.authority}/ca.crt", cert = "{shown["vwmon"]}", key = "{shown["vwmon"][:-3]}key" }}
            [canary]
            device = "cuff-3"
            every = "10s"
            limit = "10s"
            tls = {{ cert = "{shown[device]}", key = "{shown[device][:-3]}key" }}
            """,
            tmp_path / "vwmon.toml",
        )
        over = threading.Event()
        daemon = threading.Thread(target=Daemon(settings, Clock()).run, args=(over,))
        daemon.start()
        try:
            wait_until(partial(_gone_round, tmp_path / "ward.db", link), f"it came round, or was lost at {link}")
        finally:
            over.set()
            daemon.join()
        with closing(database.open_reader(tmp_path / "ward.db")) as db:
            state = canary.read(db)
        assert state is not None
        assert (state.trouble or "").partition(":")[0] == (link or "")


def _gone_round(path: Path, link: str | None) -> bool:
    with closing(database.open_reader(path)) as db:
        state = canary.read(db)
    if state is None or link is None:
        return state is not None and state.came_ms is not None
    return (state.trouble or "").startswith(link)


@pytest.mark.hazard("T1")
@pytest.mark.parametrize(("days", "let_in"), [(1, True), (-1, False)])
def test_a_certificate_that_has_ended_is_not_let_in(site: Site, tmp_path: Path, days: int, *, let_in: bool) -> None:
    """Nothing else of it is different."""
    context = trusting(site.authority, None)
    made = lasting(site.authority, "spo2-17", days, tmp_path)
    context.load_cert_chain(made, site.authority / "spo2-17.key")
    assert refused(site, context) is not let_in


def old(context: ssl.SSLContext) -> ssl.SSLContext:
    """Let a context speak TLS 1.1 and nothing later."""
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match=r"TLSv1 is"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match=r"TLSv1_1 is"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def spoken(client: ssl.SSLContext, server: ssl.SSLContext) -> str | None:
    """Let two contexts greet each other, and return what they have agreed to speak."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    calling = client.wrap_bio(back, there, server_hostname="localhost")
    called = server.wrap_bio(there, back, server_side=True)
    for side in (calling, called) * 4:
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()
    return calling.version()


@pytest.mark.hazard("T19")
def test_nothing_older_than_tls_1_2_is_let_in(site: Site) -> None:
    """By a client that could speak it, and with a certificate that is good."""
    willing = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    willing.load_cert_chain(site.authority / "broker.crt", site.authority / "broker.key")
    assert spoken(old(trusting(site.authority, "cuff-3")), old(willing)) == "TLSv1.1"
    assert refused(site, old(trusting(site.authority, "cuff-3")))
    assert not refused(site, trusting(site.authority, "cuff-3"))
