"""The load: devices of a large ward, their messages, and a publisher that costs next to nothing.

The publisher speaks MQTT 5 on a bare socket in blocks of prebuilt packets, keeps within the broker's
receive maximum and counts the acknowledgements; no client library, so that what is measured is not it.
"""

import random
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

WARD = "bench"
ILL_SHARE = 0.04
BLOCK = 250
CONNACK, PUBACK, MORE = 0x20, 0x40, 0x80
WELL: dict[str, tuple[float, float]] = {
    "respiratory_rate": (14, 19),
    "spo2": (96, 99),
    "oxygen": (0, 0),
    "systolic_bp": (115, 140),
    "heart_rate": (60, 88),
    "temperature": (36.3, 37.6),
}
ILL: dict[str, tuple[float, float]] = {
    "respiratory_rate": (22, 27),
    "spo2": (89, 93),
    "oxygen": (2, 4),
    "systolic_bp": (95, 108),
    "heart_rate": (105, 128),
    "temperature": (38.2, 39.4),
}
UNITS = {
    "respiratory_rate": "/min",
    "spo2": "%",
    "oxygen": "L/min",
    "systolic_bp": "mm[Hg]",
    "heart_rate": "/min",
    "temperature": "Cel",
}


@dataclass(frozen=True, kw_only=True)
class Load:
    """So many devices, each with a message a minute, until `end_ms`; some of their wearers are ill."""

    devices: int
    messages: int
    readings: int
    end_ms: int
    seed: int = 1

    def names(self) -> list[str]:
        """Name the devices."""
        return [f"dev-{number:05d}" for number in range(self.devices)]

    def rounds(self) -> int:
        """Count the messages of the device that sends most."""
        return -(-self.messages // self.devices)

    def begin_ms(self) -> int:
        """Tell the time of the first message."""
        return self.end_ms - self.rounds() * 60_000

    def stream(self) -> Iterator[tuple[str, bytes]]:
        """Give (device, payload) in the order of time, round after round of all devices."""
        dice = random.Random(self.seed)
        ill = {name for name in self.names() if dice.random() < ILL_SHARE}
        names, vitals = self.names(), list(WELL)
        for number in range(self.messages):
            turn, place = divmod(number, self.devices)
            at_ms = self.begin_ms() + turn * 60_000 + place * 60_000 // self.devices
            said = vitals if self.readings > 1 else [vitals[(turn + place) % len(vitals)]]
            yield names[place], message(number, at_ms, said, ILL if names[place] in ill else WELL, dice)


def message(
    number: int, at_ms: int, vitals: list[str], ranges: dict[str, tuple[float, float]], dice: random.Random
) -> bytes:
    """Write one message of the native format, with an id, about 150 to 450 bytes."""
    readings = ",".join(
        f'{{"vital":"{vital}","value":{_value(ranges[vital], dice)},"unit":"{UNITS[vital]}"}}' for vital in vitals
    )
    text = f'{{"v":1,"id":"{number:026d}","time":"{utc(at_ms)}","battery_percent":81,"readings":[{readings}]}}'
    return text.encode()


def _value(limits: tuple[float, float], dice: random.Random) -> float:
    low, high = limits
    drawn = low + dice.random() * (high - low)
    return round(drawn, 1) if low != int(low) else round(drawn)


def utc(at_ms: int) -> str:
    """Write a time as the interface has it, to the millisecond."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def text16(text: bytes) -> bytes:
    """Write a text as MQTT has it."""
    return len(text).to_bytes(2, "big") + text


def packet(head: int, body: bytes) -> bytes:
    """Write a packet with its length."""
    length, written = len(body), bytearray([head])
    while length >= MORE:
        written.append(length & 127 | MORE)
        length >>= 7
    written.append(length)
    return bytes(written) + body


def publish(device: str, payload: bytes, mid: int, prefix: str = "vwmon") -> bytes:
    """Write a QoS 1 PUBLISH of MQTT 5."""
    topic = f"{prefix}/{WARD}/{device}/readings".encode()
    return packet(0x32, text16(topic) + mid.to_bytes(2, "big") + b"\0" + payload)


class Publisher:
    """A connection that publishes blocks and counts what is acknowledged."""

    def __init__(self, host: str, port: int, name: str = "load", window: int = 2000) -> None:
        """Connect, MQTT 5, clean start, no keepalive."""
        self._socket = socket.create_connection((host, port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        body = text16(b"MQTT") + b"\x05\x02\0\0" + b"\0" + text16(name.encode())
        self._socket.sendall(packet(0x10, body))
        self._window = window
        self._sent = self.confirmed = 0
        self._tail = self._socket.recv(1024)
        if self._tail[0] != CONNACK or self._tail[3]:
            raise ConnectionError(f"refused: {self._tail.hex()}")
        self._tail = b""

    def send(self, messages: list[tuple[str, bytes]]) -> None:
        """Publish a block; wait first until the window has room for it."""
        self.settle(self._window - len(messages))
        written = [
            publish(device, payload, (self._sent + place) % 65_535 + 1)
            for place, (device, payload) in enumerate(messages)
        ]
        self._sent += len(messages)
        self._socket.sendall(b"".join(written))

    def settle(self, most: int = 0) -> None:
        """Wait until at most so many are unacknowledged."""
        while self._sent - self.confirmed > most:
            chunk = self._tail + self._socket.recv(65_536)
            at = 0
            while at + 1 < len(chunk) and at + 2 + chunk[at + 1] <= len(chunk):
                self.confirmed += chunk[at] == PUBACK
                at += 2 + chunk[at + 1]
            self._tail = chunk[at:]

    def close(self) -> None:
        """Say farewell."""
        self._socket.sendall(b"\xe0\0")
        self._socket.close()


def preload(host: str, port: int, load: Load) -> None:
    """Publish the whole load as fast as the broker takes it."""
    publisher = Publisher(host, port)
    block: list[tuple[str, bytes]] = []
    for item in load.stream():
        block.append(item)
        if len(block) == BLOCK:
            publisher.send(block)
            block = []
    publisher.send(block)
    publisher.settle()
    publisher.close()
