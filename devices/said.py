"""What the ward says to a device, read from bytes: receipts, whether it is monitored, and what it asks for."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

REPEAT: Final = "repeat"


class Receipts(msgspec.Struct):
    """The ids of messages that are stored for good."""

    ids: list[str]


class Status(msgspec.Struct):
    """Whether the ward is monitored: "online" or "offline"."""

    status: str


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What the ward asks of a device: `request` is "repeat" for measuring `vitals` again, by the time `due`."""

    id: str
    request: str
    vitals: Sequence[str] = ()
    due: str = ""


OnRequest = Callable[[str, Request], None]  # the device that is asked, and for what

receipts: Final = msgspec.json.Decoder(Receipts).decode
status: Final = msgspec.json.Decoder(Status).decode
request: Final = msgspec.json.Decoder(Request).decode
