"""What a device said, as records: readings, readings that could not be used, and the message that carried them.

Here: the shapes only, cheap to build and never changed. Not here: judging values (acceptance), or bytes (payloads).
"""

from typing import Final

import msgspec

MARK_RECEIPT_TIME: Final = 1
MARK_CLOCK_AHEAD: Final = 2
MARK_QUESTIONED: Final = 4
MARK_UNKNOWN_VITAL: Final = 8

MESSAGE_LEVEL: Final = -1


class Reading(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One value of one vital at `observed_ms`, milliseconds since the Unix epoch, UTC.

    `value` is in the vital's canonical unit; None, with `text` set, where a vital that no table knows came as words.
    `raw_value` and `raw_unit` keep what was sent where that was not a number in the canonical unit, else None.
    `marks` are MARK_ bits: RECEIPT_TIME no time was sent, so it is the time of receipt; CLOCK_AHEAD the device's clock
    was more than 2 minutes and at most 24 hours ahead, so it is too; QUESTIONED possible, but outside the home range;
    UNKNOWN_VITAL stored and never scored.
    """

    vital: str
    value: float | None
    text: str | None
    observed_ms: int
    raw_value: float | str | None
    raw_unit: str | None
    marks: int


class Attempt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A measurement that was made, and whose value could not be used: of which vital, at `observed_ms`.

    `observed_ms` is as sent or, where no time was sent or the clock was ahead, that of receipt, as a reading's is.
    `sent` is what came in place of a value, plain ASCII, for people: "120 %".
    """

    vital: str
    observed_ms: int
    sent: str


class Refused(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One reading that could not be used, at `index` of its message; MESSAGE_LEVEL for a field of the message itself.

    `vital` is the name as sent where that was readable; `reason` a key of devices.errors.REASONS; `detail` plain ASCII.
    `attempt` is set where the refusal says that a vital of the table was measured, and when.
    """

    vital: str | None
    reason: str
    detail: str
    index: int
    attempt: Attempt | None = None


class Message(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One message of one device: what can be used of it and what cannot, both in the message's order."""

    id: str | None
    seq: int | None
    battery_percent: float | None
    readings: tuple[Reading, ...]
    refused: tuple[Refused, ...]
