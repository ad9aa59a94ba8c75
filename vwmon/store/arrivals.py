"""What ingest hands to the log, and what the log answers: records only.

Cheap to build, because one is built for every message. No SQL and no judgement of readings lives here.
"""

import msgspec

from devices.readings import Message


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """One decoded message as it came: from which topic, when, and its bytes.

    The topic's `device` says whose it is; `received_ms` is int milliseconds since the epoch.
    """

    ward: str
    device: str
    topic: str
    message: Message
    received_ms: int
    payload: bytes


class Quarantined(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One message of which nothing could be used: why (a reason's code and a sentence), and its bytes."""

    topic: str
    device: str | None
    reason: str
    detail: str
    payload: bytes
    received_ms: int
    message_id: str | None = None


class Appended(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What became of a batch: readings stored, repeated and refused, whole messages quarantined.

    Every reading delivered is in exactly one of the first three. `last_seq` is the log's last number after it.
    """

    stored: int
    duplicates: int
    refused: int
    quarantined: int
    last_seq: int
