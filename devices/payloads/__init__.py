"""Bytes to messages, one module a format, chosen by the MQTT content type.

Here: the choice of the format and the limit of size. A decoder of somebody else's is an entry point of the group
`vwmon.payloads`, named for its content type. Not here: any format, nor which values are taken (acceptance).
"""

from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Final

from devices.errors import PayloadError
from devices.payloads import fhir, native, senml
from devices.readings import Message

Decoder = Callable[[bytes, str, int], Message]  # payload, device, received_ms

LARGEST: Final = 65536
GROUP: Final = "vwmon.payloads"
DECODERS: Final[Mapping[str, Decoder]] = {
    "application/senml+json": senml.decode,
    "application/fhir+json": fhir.decode,
}
UNREAD_TYPES: Final = frozenset(
    {"application/senml+cbor", "application/sensml+json", "application/fhir+xml", "application/cbor"}
)


def decode(payload: bytes, *, device: str, received_ms: int, content_type: str = "") -> Message:
    """Return the message that `device` sent and that arrived at `received_ms`, Unix milliseconds.

    A content type that nobody reads is the ward's own JSON, unless it is known to be something else. PayloadError when
    nothing of it can be used. A reading that cannot be used is among the message's `refused`.
    """
    decoder = native.decode if not content_type else _decoder(content_type)
    if len(payload) > LARGEST:
        raise PayloadError("too_large", f"{len(payload)} bytes")
    return decoder(payload, device, received_ms)


def _decoder(content_type: str) -> Decoder:
    kind = content_type.partition(";")[0].strip().lower()
    found: Decoder | None = DECODERS.get(kind) or _registered().get(kind)
    if found is None and kind in UNREAD_TYPES:
        raise PayloadError("content_type_not_supported", ascii(content_type)[:80])
    return found or native.decode


@cache
def _registered() -> Mapping[str, Any]:
    """Load the decoders that other packages brought with them; a fault of theirs is seen at the first such message."""
    return {entry.name.lower(): entry.load() for entry in entry_points(group=GROUP)}
