"""What ingest hands to the log, what the log answers, and what became of all of it so far: records only.

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


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What became of all that was taken since the daemon began. `turns` moves as long as the loop lives.

    Every message is usable, quarantined, what a device says of itself (its status, or that it showed what it was sent),
    or passed over (our own status, one that was cleared).
    Every reading in a usable message is stored, a repeat, or refused. `last_received_ms` is of the last message that
    could be read: a ward from which only rubbish comes is silent.
    """

    turns: int = 0
    messages: int = 0
    usable: int = 0
    quarantined: int = 0
    statuses: int = 0
    passed_over: int = 0
    readings: int = 0
    stored: int = 0
    duplicates: int = 0
    refused: int = 0
    last_received_ms: int | None = None

    @property
    def astray(self) -> int:
        """Count the messages and readings of which nothing became, or more than one thing."""
        messages = self.messages - self.usable - self.quarantined - self.statuses - self.passed_over
        readings = self.readings - self.stored - self.duplicates - self.refused
        return abs(messages) + abs(readings)
