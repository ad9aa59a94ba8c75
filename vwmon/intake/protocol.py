"""The seam between a message broker and the ingest: a batch taken, a batch done.

Only records and the protocol live here. Nothing here names MQTT's client library, so that another
transport, or a test's fake, fits the same seam.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec


class Packet(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One message as it came from the broker.

    `mid` is the broker's number for the acknowledgement, 0 when none is wanted (QoS 0).
    `oversize` says that the payload is only the beginning of a larger one.
    """

    topic: str
    payload: bytes
    received_ms: int
    content_type: str
    retain: bool
    mid: int
    oversize: bool = False


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Messages taken together, and the connection they came by.

    A batch of an older connection acknowledges nothing: its numbers mean other messages by then.
    """

    packets: Sequence[Packet]
    connection: int


class LinkState(msgspec.Struct, frozen=True, kw_only=True):
    """What the daemon tells of its broker: connected means subscribed, with the broker's agreement.

    `sessions_lost` counts the connections at which the broker should have known us and did not: what came in between
    may be gone. `lost_ms` is when that was last. `session_was_kept` tells the same of the latest connection.
    `certificate` is what the broker showed at the latest handshake, DER; None without TLS or before the first.
    """

    connected: bool
    since_ms: int
    connections: int
    session_was_kept: bool
    sessions_lost: int
    trouble: str
    lost_ms: int | None = None
    certificate: bytes | None = None


class Ticket:
    """One message of ours on its way: whether the broker took it (None: no answer yet), and had anyone to give it to.

    A broker that speaks MQTT 3.1.1 does not tell either.
    """

    def __init__(self) -> None:
        """Begin with no answer."""
        self.taken: bool | None = None
        self.heard = False


class Intake(Protocol):
    """A source of messages that gives them again unless they are done."""

    @property
    def connected(self) -> bool:
        """Say whether the broker has agreed to send us the readings."""

    def state(self) -> LinkState:
        """Tell about the connection; may be called from any thread."""

    def take(self, timeout_s: float) -> Batch:
        """Wait at most `timeout_s` for messages; give what there is, bounded, perhaps nothing."""

    def done(self, batch: Batch, receipts: Sequence[tuple[str, bytes]]) -> None:
        """Send `receipts` (topic, payload), then acknowledge the batch, in the order received."""

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int = 0) -> None:
        """Have a message sent with the next take or done; may be called from any thread."""

    def abandon(self) -> None:
        """Drop the connection without a farewell, so that the broker keeps all and tells of our end."""

    def close(self) -> None:
        """Send what waits, say that nobody watches any more, and disconnect."""
