"""paho's client as it comes, behind the same few calls as the fast one. Slower, and free of private names."""

from collections.abc import Sequence

from paho.mqtt import client as mqtt
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from vwmon.intake.client import GatheringClient
from vwmon.intake.protocol import Packet

AT_ONCE = 1000
UNSENT_MOST = 20_000


class StockClient(GatheringClient):
    """The client that lets paho read and parse."""

    most_own = 20

    def begin(self) -> None:
        """Forget the messages of the connection before; paho keeps what we have published."""
        self.gathered.clear()
        self._unconfirmed = 0
        self.on_message = self._arrived

    def allow(self, receive_maximum: int) -> None:
        """Learn nothing: paho keeps to its own, smaller, number of messages under way."""

    def answer(self, receipts: Sequence[tuple[str, bytes]], mids: Sequence[int]) -> None:
        """Send receipts, unless very many wait already, and then acknowledgements."""
        for topic, payload in receipts[: max(0, UNSENT_MOST - self._unconfirmed)]:
            self._unconfirmed += 1
            self.publish(topic, payload, qos=1)
        for mid in mids:
            if mid:
                self.ack(mid, 1)

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Read message after message until none is there; paho reads one for each call."""
        begun = len(self.gathered)
        before, trouble = begun - 1, MQTTErrorCode.MQTT_ERR_SUCCESS
        while not trouble and before < len(self.gathered) < begun + AT_ONCE:
            before = len(self.gathered)
            trouble = super().loop_read(max_packets)
        return trouble

    def confirmed(self, client: mqtt.Client, data: object, mid: int, code: ReasonCode, more: object) -> None:
        """Count one of ours as under way no more."""
        self._unconfirmed = max(0, self._unconfirmed - 1)
        super().confirmed(client, data, mid, code, more)

    def _arrived(self, _client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        self.gathered.append(
            Packet(
                topic=_text(message),
                payload=bytes(message.payload),
                received_ms=self.now_ms(),
                content_type=str(getattr(message.properties, "ContentType", "")),
                retain=message.retain,
                mid=message.mid,
            )
        )


def _text(message: mqtt.MQTTMessage) -> str:
    """Read the topic; one that is not UTF-8 must not raise in paho's loop."""
    try:
        return message.topic
    except UnicodeDecodeError:
        return ""
