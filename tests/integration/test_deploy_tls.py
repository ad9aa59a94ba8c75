"""TLS of the shipped broker: a certificate that has ended, and a protocol of before 1.2, are not let in."""

import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from tests.integration import test_deploy_mosquitto as shared
from tests.integration.test_deploy_mosquitto import Site, refused, trusting
from vwmon.clock import Clock

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
