"""What the session needs of a client beyond paho's public calls: messages gathered, not called back."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Literal

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from vwmon.intake.protocol import Packet

Transport = Literal["tcp", "unix"]


class GatheringClient(mqtt.Client):
    """A paho client that gathers messages and acknowledges none by itself. It keeps its session."""

    most_own = 4

    def __init__(self, *, client_id: str, mqtt5: bool, transport: Transport, now_ms: Callable[[], int]) -> None:
        """Make a client that is not connected; `now_ms` stamps what arrives."""
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=None if mqtt5 else False,
            protocol=MQTTProtocolVersion.MQTTv5 if mqtt5 else MQTTProtocolVersion.MQTTv311,
            transport=transport,
            manual_ack=True,
        )
        self.max_inflight_messages_set(self.most_own)
        self.mqtt5 = mqtt5
        self.now_ms = now_ms
        self.gathered: list[Packet] = []
        self.heard: Callable[[int, ReasonCode], None] = lambda mid, code: None  # noqa: ARG005 -- until someone asks
        self.on_publish = self.confirmed
        self.begin()

    def confirmed(self, _client: mqtt.Client, _data: object, mid: int, code: ReasonCode, _more: object) -> None:
        """Pass on that the broker has taken, or refused, what was published under that number."""
        self.heard(mid, code)

    def gather(self) -> list[Packet]:
        """Hand over the messages that wait."""
        packets = self.gathered[:]
        self.gathered.clear()
        return packets

    @abstractmethod
    def begin(self) -> None:
        """Forget everything of the connection before; it is called before each reconnect."""

    @abstractmethod
    def allow(self, receive_maximum: int) -> None:
        """Learn how many messages the broker lets us send unacknowledged."""

    @abstractmethod
    def answer(self, receipts: Sequence[tuple[str, bytes]], mids: Sequence[int]) -> None:
        """Send receipts (topic, payload), as far as the broker lets us, and then acknowledgements."""
