"""When certificates end: which of a file counts, and what nobody can tell."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from vwmon import certificates, config
from vwmon.certificates import Held

NOW = datetime(2026, 11, 27, tzinfo=UTC)
BEFORE = NOW - timedelta(days=400)
TLS = "[mqtt]\ntls = { ca = 'ca.pem', cert = 'own.pem', key = 'own.key' }\n"


def ends(days: float) -> int:
    """Give a moment so many days from now."""
    return round((NOW + timedelta(days=days)).timestamp()) * 1000


def issued(authority: trustme.CA, days: float) -> trustme.LeafCert:
    """Sign a certificate that ends in so many days."""
    return authority.issue_cert("localhost", not_before=BEFORE, not_after=NOW + timedelta(days=days))


def shown(certificate: trustme.LeafCert) -> bytes:
    """Give it as a handshake does, DER."""
    return ssl.PEM_cert_to_DER_cert(certificate.cert_chain_pems[0].bytes().decode())


def authorities(folder: Path, *several: trustme.CA) -> None:
    """Put what is trusted into one file."""
    (folder / "ca.pem").write_bytes(b"".join(one.cert_pem.bytes() for one in several))


def held(folder: Path, content: str = TLS) -> Held:
    """Read the files of a configuration as the daemon does when it starts."""
    return Held(config.parse(content, folder / "vwmon.toml"))


def known(endings: tuple[certificates.Ending, ...]) -> dict[str, int | None]:
    """Give when each ends."""
    return {one.whose: one.ends_ms for one in endings}


class ShortCA(trustme.CA):
    """An authority that ends in so many days, where trustme's last for decades."""

    def __init__(self, days: float) -> None:
        """Sign its own certificate anew."""
        super().__init__()
        self.renew(days)

    def renew(self, days: float) -> None:
        """Put another certificate of the same key in the place of its own."""
        own = self._certificate
        self._certificate = x509.CertificateBuilder(
            issuer_name=own.issuer,
            subject_name=own.subject,
            public_key=own.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=BEFORE,
            not_valid_after=NOW + timedelta(days=days),
            extensions=list(own.extensions),
        ).sign(self._private_key, hashes.SHA256())


def test_without_tls_nothing_ends(tmp_path: Path) -> None:
    """A broker on this machine shows nothing, and nothing is waited for."""
    assert held(tmp_path, "").endings(None) == ()


@pytest.mark.hazard("H2")
def test_each_certificate_has_its_own_end(tmp_path: Path) -> None:
    """The daemon's by its file, the broker's by what it showed, and not known before it showed any."""
    authority = ShortCA(300)
    authorities(tmp_path, authority)
    issued(authority, 20).cert_chain_pems[0].write_to_path(str(tmp_path / "own.pem"))
    found = held(tmp_path)
    of_files = {"own": ends(20), "authority": ends(300)}
    assert known(found.endings(None)) == of_files | {"broker": None}
    assert known(found.endings(shown(issued(authority, 10)))) == of_files | {"broker": ends(10)}
    assert known(found.endings(shown(issued(authority, 700)))) == of_files | {"broker": ends(700)}


def test_what_the_daemon_began_with_counts_whatever_its_file_says_later(tmp_path: Path) -> None:
    """It shows the old one until it is started again, so the new one in its place makes nothing good yet."""
    authority = trustme.CA()
    authorities(tmp_path, authority)
    issued(authority, 20).cert_chain_pems[0].write_to_path(str(tmp_path / "own.pem"))
    found = held(tmp_path)
    issued(authority, 700).cert_chain_pems[0].write_to_path(str(tmp_path / "own.pem"))
    assert known(found.endings(None))["own"] == ends(20)
    assert known(held(tmp_path).endings(None))["own"] == ends(700)


def test_of_many_authorities_the_one_that_signed_counts(tmp_path: Path) -> None:
    """A file of the whole world's authorities always has one that ends soon, and means nobody here."""
    stranger, ours = ShortCA(3), ShortCA(300)
    authorities(tmp_path, stranger, ours)
    issued(ours, 20).cert_chain_pems[0].write_to_path(str(tmp_path / "own.pem"))
    assert known(held(tmp_path).endings(shown(issued(ours, 10))))["authority"] == ends(300)
    assert known(held(tmp_path).endings(shown(issued(stranger, 10))))["authority"] == ends(3)


def test_of_two_that_signed_the_same_the_later_one_suffices(tmp_path: Path) -> None:
    """An authority that was renewed with its key stands in the file beside what it was."""
    ours = ShortCA(3)
    issued(ours, 20).cert_chain_pems[0].write_to_path(str(tmp_path / "own.pem"))
    before = ours.cert_pem.bytes()
    ours.renew(300)
    (tmp_path / "ca.pem").write_bytes(before + ours.cert_pem.bytes())
    assert known(held(tmp_path).endings(None))["authority"] == ends(300)


def test_of_authorities_that_signed_nothing_shown_the_last_to_end_counts(tmp_path: Path) -> None:
    """What stands between is not in the file: nobody can say which of them matters."""
    authorities(tmp_path, ShortCA(3), ShortCA(300))
    assert known(held(tmp_path, "[mqtt]\ntls = { ca = 'ca.pem' }\n").endings(None))["authority"] == ends(300)


@pytest.mark.parametrize("content", ["no certificate", None])
def test_a_file_that_cannot_be_read_is_said_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: str | None
) -> None:
    """The daemon goes on: what cannot be used ends it elsewhere."""
    if content is not None:
        (tmp_path / "ca.pem").write_text(content, encoding="ascii")
    (authority, broker) = held(tmp_path, "[mqtt]\ntls = { ca = 'ca.pem' }\n").endings(b"no certificate")
    assert (authority.ends_ms, broker.ends_ms) == (None, None)
    assert authority.trouble
    assert caplog.text.count("certificate_unread") == 2  # the file, and the broker's


@pytest.mark.parametrize(
    ("days", "sentence"),
    [
        (300, "/etc/ca.crt ends on 2027-09-23, in 300 d"),
        (0.5, "/etc/ca.crt ends on 2026-11-27, in 12 h"),
        (0, "/etc/ca.crt ended on 2026-11-27, 0 s ago"),
        (-2, "/etc/ca.crt ended on 2026-11-25, 2 d ago"),
    ],
)
def test_when_a_certificate_ends_is_a_sentence(days: float, sentence: str) -> None:
    """With the day, and how long that is."""
    one = certificates.Ending(whose="authority", file=Path("/etc/ca.crt"), ends_ms=ends(days))
    assert certificates.said(one, ends(0)) == sentence
