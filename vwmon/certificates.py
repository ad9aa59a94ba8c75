"""When the certificates end that the way to the broker stands on: in files of the settings, and shown by the broker.

Not here: how long before its end somebody is told, which is vwmon.surroundings'.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509 import Certificate

from alerts.wording import ago
from vwmon.config import Settings

OWN: Final = "own"
CANARY: Final = "canary"
AUTHORITY: Final = "authority"
BROKER: Final = "broker"
NOT_SHOWN: Final = "the broker has not shown it"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Whose certificate ends, and when: None, with the `trouble`, when nobody can tell. The broker's has no `file`."""

    whose: str
    file: Path | None = None
    ends_ms: int | None
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What is in a file, or was shown, the holder's first; nothing, with the reason, when it cannot be read."""

    file: Path | None = None
    chain: Sequence[Certificate] = ()
    trouble: str = ""


class Held:
    """The certificates that the daemon began with: it goes on with them, whatever is in their files later."""

    def __init__(self, settings: Settings) -> None:
        """Read the files. Of one that cannot be read no end is known: a ward must not go unwatched for that."""
        self._read = _of_files(settings)
        for one in self._read.values():
            if one.trouble:
                log.warning("certificate_unread file=%s error='%s'", one.file, one.trouble)
        self._shown: bytes | None = None
        self._endings = self._reckoned(None)

    def endings(self, shown: bytes | None) -> tuple[Ending, ...]:
        """Say when each of them ends, and the broker's, DER as it was `shown`; nothing without TLS."""
        if shown != self._shown:
            self._shown, self._endings = shown, self._reckoned(shown)
        return self._endings

    def _reckoned(self, shown: bytes | None) -> tuple[Ending, ...]:
        return tuple(_endings(self._read | {BROKER: _of_broker(shown)})) if AUTHORITY in self._read else ()


def of_files(settings: Settings) -> tuple[Ending, ...]:
    """Say when each certificate ends that the settings name, as its file is now."""
    return tuple(_endings(_of_files(settings)))


def of_broker(shown: bytes | None) -> Ending:
    """Say when the certificate ends that a broker has shown, DER."""
    (ending,) = _endings({BROKER: _of_broker(shown)})
    return ending


def said(one: Ending, now_ms: int) -> str:
    """Say in words which it is and when it ends: "/etc/vwmon/ca.crt ends on 2036-11-24, in 3649 d"."""
    lead = "its certificate" if one.file is None else str(one.file)
    if one.ends_ms is None:
        return f"{lead}: when it ends is not known: {one.trouble}"
    day, left_ms = datetime.fromtimestamp(one.ends_ms / 1000, UTC).date(), one.ends_ms - now_ms
    return f"{lead} ends on {day}, in {ago(left_ms)}" if left_ms > 0 else f"{lead} ended on {day}, {ago(-left_ms)} ago"


def _of_files(settings: Settings) -> dict[str, _Read]:
    mqtt, canary = settings.mqtt.tls, settings.canary.tls
    named = {OWN: mqtt.cert, CANARY: canary.cert, AUTHORITY: mqtt.ca}
    return {whose: _of_file(file) for whose, file in named.items() if file is not None}


def _of_file(file: Path) -> _Read:
    try:
        return _Read(file=file, chain=x509.load_pem_x509_certificates(file.read_bytes()))
    except OSError as error:
        return _Read(file=file, trouble=str(error.strerror))
    except ValueError as error:
        return _Read(file=file, trouble=str(error))


def _of_broker(shown: bytes | None) -> _Read:
    if shown is None:
        return _Read(trouble=NOT_SHOWN)
    try:
        return _Read(chain=(x509.load_der_x509_certificate(shown),))
    except ValueError as error:
        log.warning("certificate_unread broker error='%s'", error)
        return _Read(trouble=str(error))


def _endings(found: Mapping[str, _Read]) -> Iterator[Ending]:
    shown = [read.chain[0] for whose, read in found.items() if whose != AUTHORITY and read.chain]
    for whose, read in found.items():
        ends_ms = _end_of_trust(read.chain, shown) if whose == AUTHORITY else min(map(_end, read.chain), default=None)
        yield Ending(whose=whose, file=read.file, ends_ms=ends_ms, trouble=read.trouble)


def _end_of_trust(trusted: Sequence[Certificate], shown: Sequence[Certificate]) -> int | None:
    """Give when an authority's file is no longer enough for what is shown.

    It may hold many that never matter; of two that signed the same, the later one suffices. Where none of it signed
    what is shown, because an authority between them did, nobody can say which matters, and the last to end counts.
    """
    signers = [[_end(one) for one in trusted if _signed(one, certificate)] for certificate in shown]
    ends = [max(those) for those in signers if those]
    return min(ends) if ends else max(map(_end, trusted), default=None)


def _signed(authority: Certificate, certificate: Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (InvalidSignature, TypeError, ValueError):
        return False
    return True


def _end(certificate: Certificate) -> int:
    return int(certificate.not_valid_after_utc.timestamp()) * 1000
