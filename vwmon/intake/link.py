"""What the daemon must know to reach its broker. No connection is made here."""

import ssl
from dataclasses import dataclass

from devices import topics
from vwmon.intake.client import Transport

KEEPALIVE_S, SESSION_S = 30, 7 * 86_400
WINDOW, BATCH = 4000, 2000


@dataclass(frozen=True, kw_only=True)
class Link:
    """One broker and how to speak to it.

    `socket` is a path and wins over host and port. `wards` are those whose monitor status this daemon
    publishes; MQTT has room for one Will, which is the first ward's.
    `known` says that a daemon of this database was connected before, so that the broker keeps what came since.
    `window` is how many messages the broker may send unacknowledged, `batch` how many are taken at once.
    """

    host: str = "localhost"
    port: int = 1883
    socket: str = ""
    prefix: str = "vwmon"
    client_id: str = "vwmon"
    username: str = ""
    password: str | None = None
    tls: ssl.SSLContext | None = None
    mqtt5: bool = True
    wards: tuple[str, ...] = ()
    known: bool = False
    window: int = WINDOW
    batch: int = BATCH

    @property
    def transport(self) -> Transport:
        """Name the way to the broker, in paho's words."""
        return "unix" if self.socket else "tcp"

    @property
    def readings_filter(self) -> str:
        """Say which topics carry readings."""
        return f"{self.prefix}/+/+/readings"

    @property
    def answers_filter(self) -> str:
        """Say which topics carry the answers of patients."""
        return f"{self.prefix}/+/+/answers"

    @property
    def status_filter(self) -> str:
        """Say which topics carry the devices' own status."""
        return f"{self.prefix}/+/+/status"

    @property
    def will_topic(self) -> str:
        """Say where the broker tells of our end; empty without a ward."""
        return topics.monitor_status_topic(self.prefix, self.wards[0]) if self.wards else ""
