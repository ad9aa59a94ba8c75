"""F25: a broker that comes back with nothing of what it knew: its store gone, cut short, or with bits flipped.

On a store that it cannot read mosquitto does not start; who runs it then removes the store, and so does this. However
the session went, the daemon's alert of it must be there within a minute, and what was in the broker is sent again by
the devices. For the alert to be seen each time it ends within seconds here, and not after an hour.

A message has no checksum of its own: a bit that turns in a value while it waits in the broker is taken for the value.
Should chance hit upon one, the readings differ, and the row says so.
"""

import time
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from itertools import cycle
from random import Random

from alerts.model import SYSTEM_STAY
from tests.faults.daemon import AS_IT_IS, Daemon
from tests.faults.matrix import Profile, Row, Tally, Trial
from tests.faults.rows import kills
from tests.faults.rows.kills import Act
from tests.faults.stores import LOST, RUINS
from tests.integration.broker import Broker, wait_until
from vwmon.store import database, findings
from vwmon.surroundings import SESSION

ALARM_S, BACK_S, OVER_S = 60, 60, 60
SOON_OVER = "from vwmon import surroundings; surroundings.HOUR_MS = 5_000"
CONNECTED = "broker.connected"
# Its alert, open; the finding that stands says that it is of this loss.
OPEN = "select 1 from alert where lane = 'system' and current = 1 and cleared_ms is null and instr(reds, ?)"
KEPT, NOTHING = "its session kept all the same", "nothing to lose"


class Forget:
    """Have a broker lose its store, and see that the daemon raises its alert of it."""

    def __init__(self, daemon: Daemon, broker: Broker, chance: Random) -> None:
        """Name the daemon and its broker."""
        self._daemon, self._broker, self._chance = daemon, broker, chance
        self._ways = cycle(RUINS)
        self._said, self._began, self._started_with = 0, 0.0, False
        self.came: Counter[str] = Counter()
        self.alarms_s: list[float] = []
        self.broken: list[str] = []

    def act(self) -> None:
        """Do it once, in one way after the other."""
        wait_until(lambda: not self._stands(), "the alert of the time before is over", OVER_S)
        self._said, way = len(self._daemon.log()), next(self._ways)
        self._broker.kill()
        self._began = time.monotonic()
        if not self._broker.store.exists():
            self.came[NOTHING] += 1
            self._broker.start()
            return
        RUINS[way](self._broker.store, self._chance)
        came = way if self._starts() else f"{way} and refused"
        is_lost = not self._started_with or LOST in self._new()
        self.came[came if is_lost else f"{came}, {KEPT}"] += 1
        if is_lost:
            self._alarmed(came)

    def _starts(self) -> bool:
        """Start the broker; where it does not run on the store that is left, False, and without any."""
        self._started_with = self._broker.store.exists()
        if self._broker.starts() and self._is_back():
            return True
        self._broker.store.unlink()
        self._started_with = False
        self._broker.start()
        assert self._is_back(), "the broker does not run without a store"
        return False

    def _is_back(self) -> bool:
        """Wait until the daemon has its broker again; False when that has ended instead."""
        wait_until(lambda: CONNECTED in self._new() or not self._broker.runs, "the daemon has its broker", BACK_S)
        return self._broker.runs

    def _alarmed(self, came: str) -> None:
        try:
            wait_until(self._stands, "its lost session is an alert", self._began + ALARM_S - time.monotonic())
            self.alarms_s.append(time.monotonic() - self._began)
        except AssertionError:
            self.broken.append(f"{came}: no alert of the lost session within {ALARM_S} s")

    def _stands(self) -> bool:
        """Tell whether a session is found lost, in an open alert."""
        with closing(database.open_reader(self._daemon.path)) as db:
            is_found = (SYSTEM_STAY, SESSION, "") in findings.standing(db)
            return is_found and db.execute(OPEN, [SESSION]).fetchone() is not None

    def _new(self) -> str:
        return self._daemon.log()[self._said :]


def forgotten(trial: Trial, planted: str = AS_IT_IS) -> Tally:
    """Have a broker lose its store so many times while readings flow; then compare with a run that nothing disturbed.

    What is planted in the daemon is a fault to be found.
    """
    acts = []

    def means(daemon: Daemon, broker: Broker) -> Mapping[str, Act]:
        acts.append(Forget(daemon, broker, Random(trial.seed)))
        return {"store": acts[-1]}

    tally = kills.kill(trial, ["store"] * trial.runs, means, f"{SOON_OVER}\n{planted}")
    done = acts[-1]
    came = ", ".join(f"{count} {what}" for what, count in done.came.items())
    said = f"{tally.said}; {came}; alert within {max(done.alarms_s, default=0):.1f} s of the kill"
    lost = trial.runs - done.came[NOTHING]
    broken = (*tally.broken, *done.broken, *(() if lost else ("no store was there to be lost",)))
    return replace(tally, runs=lost or trial.runs, said=said, broken=broken)


ROWS = (
    Row(
        id="F25",
        fault="broker killed, its store gone or damaged when it starts",
        do=forgotten,
        runs={Profile.SMOKE: 3, Profile.CI: 6, Profile.RELEASE: 100},
        apart=True,
    ),
)
