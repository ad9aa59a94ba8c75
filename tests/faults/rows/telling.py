"""F21, F22: a channel in every kind of trouble, and a daemon killed between an alert's commit and its being told.

Done as the tests of the notifier do it (tests/integration/test_notifier.py), as often as the profile asks.
"""

from collections.abc import Callable, Sequence
from itertools import cycle, islice
from typing import Any

from tests.faults.matrix import Profile, Row, Tally, Trial, added
from tests.integration import test_notifier as promises
from tests.integration.broker import running_broker
from tests.integration.told_daemon import Hub
from tests.integration.webhook import DROP, LATE, REFUSE, SILENT, SLOW, listening

TROUBLES = (REFUSE, SILENT, DROP, SLOW, LATE, "down")


def in_trouble(trial: Trial) -> Tally:
    """Let the channel be down, silent, slow, too slow, refuse, or drop what it took."""
    return _kept(trial, promises.test_a_channel_in_trouble_delivers_when_it_is_well, [(one,) for one in TROUBLES])


def killed(trial: Trial) -> Tally:
    """Kill the daemon at each moment between the alert's commit and the mark of its message."""
    return _kept(trial, promises.test_a_daemon_that_is_killed_loses_no_message, promises.MOMENTS)


def _kept(trial: Trial, promise: Callable[..., None], cases: Sequence[tuple[Any, ...]]) -> Tally:
    """See whether a promise is kept in one case after the other, each in a ward of its own."""
    tallies = []
    for number, case in enumerate(islice(cycle(cases), trial.runs)):
        folder = trial.folder / str(number)
        folder.mkdir()
        with running_broker(folder, more="set_tcp_nodelay true") as broker, listening() as hook:
            hub = Hub(folder, broker.port, hook)
            try:
                promise(hub, broker, hook, *case)
            except AssertionError as not_kept:
                said = str(not_kept).partition("\n")[0]
                tallies.append(Tally(runs=1, broken=(f"{' '.join(case)}: {said}",)))
            else:
                tallies.append(Tally(runs=1))
    return added(tallies)


ROWS = (
    Row(
        id="F21",
        fault="a channel down, silent, slow, too slow, refusing, or dropping what it took",
        do=in_trouble,
        counts=False,
        runs={Profile.SMOKE: 1, Profile.CI: len(TROUBLES), Profile.RELEASE: 1000},
        apart=True,
    ),
    Row(
        id="F22",
        fault="daemon killed between an alert's commit, its sending and its mark",
        do=killed,
        counts=False,
        runs={Profile.SMOKE: 1, Profile.CI: len(promises.MOMENTS), Profile.RELEASE: 200 * len(promises.MOMENTS)},
        apart=True,
    ),
)
