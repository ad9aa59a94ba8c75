"""F18: a daemon that gets no more memory, at random moments under load, and in amounts that last for a while or not.

The limit of its address space is drawn in around what it has. It then ends by itself, or goes on storing and scoring:
what it may not do is to live on and do nothing. Without the limit it is started again, as a service manager does.
"""

import os
import random
import resource
import signal
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest.mock import patch

from tests.faults.daemon import AS_IT_IS, Daemon
from tests.faults.matrix import Profile, Row, Tally, Trial
from tests.faults.rows import kills
from tests.faults.rows.kills import Act
from tests.integration.broker import Broker, wait_until
from vwmon.store import database, scores

SPARE_KIB = (0, 0, 0, 256, 1024, 4096)  # beyond what the process has; none: the next that it asks for is refused
# Nothing is kept for later, and what is larger is asked of the system each time: then the limit is felt at any moment.
NOTHING_IN_RESERVE = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_TRIM_THRESHOLD_": "0",
    "MALLOC_TOP_PAD_": "0",
    "MALLOC_MMAP_THRESHOLD_": "32768",
}
TRIED_S, MORE = 30, 2_000  # it has ended, or scored so many readings more
FELT_BY = 5  # of so many limits one at least ends it, or they would be none


class Starve:
    """Draw in the limit of a daemon, see that it ends or works on, and start it again without."""

    def __init__(self, daemon: Daemon, path: Path, chance: random.Random) -> None:
        """Name the daemon and its database."""
        self._daemon, self._path, self._chance = daemon, path, chance
        self.ended = self.went_on = 0

    def act(self) -> None:
        """Starve it once; AssertionError when it lives on, and stores or scores nothing."""
        wait_until(partial(_has, self._daemon.pid), "the daemon is there")
        spare = self._chance.choice(SPARE_KIB) * 1024
        limit = _address_space(self._daemon.pid) + spare
        scored = _scored(self._path)
        resource.prlimit(self._daemon.pid, resource.RLIMIT_AS, (limit, limit))
        wait_until(lambda: self._is_decided(scored), f"it ends, or works on, with {spare} bytes to spare", TRIED_S)
        if not self._daemon.runs:
            self.ended += 1
        else:
            self.went_on += 1
            self._daemon.end(signal.SIGKILL)
        self._daemon.start()

    def _is_decided(self, scored: int) -> bool:
        return not self._daemon.runs or _scored(self._path) >= scored + MORE


def starved(trial: Trial, planted: str = AS_IT_IS) -> Tally:
    """Starve a daemon so many times while readings flow; then compare with a run that nothing disturbed.

    What is planted in the daemon is a fault to be found.
    """
    chance, acts = random.Random(trial.seed), []

    def means(daemon: Daemon, _broker: Broker) -> Mapping[str, Act]:
        acts.append(Starve(daemon, trial.folder / "vwmon.db", chance))
        return {"memory": acts[-1]}

    with patch.dict(os.environ, NOTHING_IN_RESERVE):
        tally = kills.kill(trial, ["memory"] * trial.runs, means, planted, kills.ANYWHERE)
    said = f"{tally.said}; {acts[-1].ended} ended, {acts[-1].went_on} worked on"
    felt = acts[-1].ended > 0 or trial.runs < FELT_BY
    return replace(tally, said=said, broken=tally.broken + ("no limit was felt",) * (not felt))


def _has(pid: int) -> bool:
    return _address_space(pid) > 0


def _address_space(pid: int) -> int:
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[0]
    return int(pages) * resource.getpagesize()


def _scored(path: Path) -> int:
    with closing(database.open_reader(path)) as db:
        return scores.cursor(db)


ROWS = (
    Row(
        id="F18",
        fault="no more memory (RLIMIT_AS) at random under load",
        do=starved,
        runs={Profile.SMOKE: 1, Profile.CI: 10, Profile.RELEASE: 100},
        apart=True,
    ),
)
