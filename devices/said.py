"""What the ward says to a device, read from bytes: receipts, whether it is monitored, and what it asks or tells."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from devices.questions import Questions

REPEAT: Final = "repeat"
QUESTIONS: Final = "questions"
MESSAGE: Final = "message"


class Receipts(msgspec.Struct):
    """The ids of messages that are stored for good."""

    ids: list[str]


class Status(msgspec.Struct):
    """Whether the ward is monitored: "online" or "offline"."""

    status: str


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What the ward asks of a device, by the time `due`. The same id is the same request.

    `request` is "repeat" for measuring `vitals` again, "questions" for putting these to the patient, "message" for
    showing `text`.
    """

    id: str
    request: str
    vitals: Sequence[str] = ()
    due: str = ""
    questions: Questions | None = None
    text: str = ""


# What a device passes over: bytes that are not UTF-8, not JSON, not of the form, or nested to exhaust the parser.
UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

OnRequest = Callable[[str, Request], None]  # the device that is asked, and for what

receipts: Final = msgspec.json.Decoder(Receipts).decode
status: Final = msgspec.json.Decoder(Status).decode
request: Final = msgspec.json.Decoder(Request).decode
