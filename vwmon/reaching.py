"""Whether the broker is there, as far as that can be told without speaking MQTT to it.

A connection under the daemon's own name would take its session from it, so none is made here: the way is opened, with
TLS both sides show their certificates, and it is closed again. What the broker lets whom do is not known by that.
"""

import socket
import ssl
from contextlib import suppress
from dataclasses import replace

from vwmon import config
from vwmon.config import Mqtt, Tls

REACH_S = 2.0
OBJECTION_S = 0.3  # with TLS 1.3 a broker that does not take our certificate says so after the handshake


def place(mqtt: Mqtt) -> str:
    """Name the broker as a person would."""
    return str(mqtt.socket) if mqtt.socket is not None else f"{mqtt.host}:{mqtt.port}"


def reach(mqtt: Mqtt, *, unseen: bool = False) -> bytes | None:
    """Open the way to the broker and close it again; give the certificate that it showed, DER, None where it did not.

    With `unseen` our own certificate is not shown, because whoever asks may not read its key; that the broker then
    sends us away says that it is there. OSError, of which ssl.SSLError is one, when there is no way; ConfigError when
    the key may be read by everyone.
    """
    if mqtt.socket is not None:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(REACH_S)
            probe.connect(str(mqtt.socket))
        return None
    with socket.create_connection((mqtt.host, mqtt.port), timeout=REACH_S) as probe:
        if mqtt.tls.ca is None:
            return None
        try:
            if unseen:
                return _shake(probe, mqtt.host, replace(mqtt.tls, cert=None, key=None), ssl.SSLError)
            return _shake(probe, mqtt.host, mqtt.tls)
        except ssl.SSLCertVerificationError:
            raise
        except ssl.SSLError:
            if not unseen:
                raise
            return None


def _shake(probe: socket.socket, host: str, tls: Tls, *expected: type[OSError]) -> bytes | None:
    """Greet the broker and give its certificate, whatever of what is `expected` it then objects."""
    context = tls_context(tls)
    assert context is not None  # noqa: S101 -- the caller has looked
    with context.wrap_socket(probe, server_hostname=host) as both:
        shown = both.getpeercert(binary_form=True)
        both.settimeout(OBJECTION_S)
        with suppress(TimeoutError, *expected):
            both.recv(1)
    return shown


def tls_context(tls: Tls) -> ssl.SSLContext | None:
    """Trust only the authority named, and show our certificate where there is one; None without an authority."""
    if tls.ca is None:
        return None
    context = ssl.create_default_context(cafile=str(tls.ca))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.cert is not None and tls.key is not None:
        config.refuse_open_secret(tls.key)
        context.load_cert_chain(str(tls.cert), str(tls.key))
    return context


def trouble(error: OSError) -> str:
    """Say in words why the broker was not reached."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not to be trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or error}"
    return str(error.strerror or error)
