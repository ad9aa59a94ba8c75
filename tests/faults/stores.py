"""What a broker finds of its store when it starts again: what it wrote, nothing, or what it cannot read."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random

from tests.faults.daemon import Daemon
from tests.faults.lives import LEAST
from tests.integration.broker import Broker

LOST = "broker.session_lost"
FLIPPED = (1, 40)  # bits


class Store:
    """A broker killed and started again on its own store, as old as that is, and whether it knew the daemon then."""

    def __init__(self, broker: Broker, daemon: Daemon) -> None:
        """Name the broker, and the daemon that has a session with it."""
        self._broker, self._daemon = broker, daemon
        self.kills = self.there = 0

    def start(self) -> None:
        """Start the broker on what is there."""
        self._broker.start()

    def kill(self) -> None:
        """Kill the broker, and look whether it leaves a store."""
        self._broker.kill()
        self.kills += 1
        self.there += self._broker.store.exists()

    def said(self) -> str:
        """Tell how often there was a store, and how often the broker still knew the daemon by it."""
        if not self.kills:
            return ""
        return f"a store at {self.there} of {self.kills} kills, {self._kept()} sessions kept"

    def broken(self) -> Sequence[str]:
        """Say that there was never a store, or never a session in it: then no broker came back with anything."""
        if self.kills and not self.there:
            return ["no broker left a store"]
        return ["no session was kept"] if self.kills >= LEAST and not self._kept() else []

    def _kept(self) -> int:
        return self.kills - self._daemon.log().count(LOST)


def gone(store: Path, _chance: Random) -> None:
    """Remove a store."""
    store.unlink()


def cut(store: Path, chance: Random) -> None:
    """Cut a store short."""
    whole = store.read_bytes()
    store.write_bytes(whole[: chance.randrange(len(whole))])


def flip(store: Path, chance: Random) -> None:
    """Flip a few bits of a store."""
    damaged = bytearray(store.read_bytes())
    for _ in range(chance.randint(*FLIPPED)):
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    store.write_bytes(damaged)


RUINS: Mapping[str, Callable[[Path, Random], None]] = {"gone": gone, "cut short": cut, "bits flipped": flip}
