"""Bytes to messages, one module a format, chosen by the MQTT content type.

Here: the choice of the format and the limit of size. Not here: any format, nor which values are taken (acceptance).
"""

from typing import Final

from devices.errors import PayloadError
from devices.payloads import native
from devices.readings import Message

LARGEST: Final = 65536

UNREAD_TYPES: Final = frozenset(
    {
        "application/senml+json",
        "application/senml+cbor",
        "application/sensml+json",
        "application/fhir+json",
        "application/fhir+xml",
        "application/cbor",
    }
)


def decode(payload: bytes, *, device: str, received_ms: int, content_type: str = "") -> Message:
    """Return the message that `device` sent and that arrived at `received_ms`, Unix milliseconds.

    PayloadError when nothing of it can be used. A reading that cannot be used is among the message's `refused`.
    """
    if content_type and content_type.partition(";")[0].strip().lower() in UNREAD_TYPES:
        raise PayloadError("content_type_not_supported", ascii(content_type)[:80])
    if len(payload) > LARGEST:
        raise PayloadError("too_large", f"{len(payload)} bytes")
    return native.decode(payload, device, received_ms)
