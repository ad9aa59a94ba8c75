"""F20: an exception in each thread of a daemon at work: the process ends at once, and says which thread it was.

At its beginning, after some turns or in the middle of what it does, and now and then while another thread waits for
somebody outside who does not answer. The service manager starts it again, and the ward
comes to what it would have come to: nothing that had a receipt is lost, and no alert is another.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from random import Random

from tests.faults.complete import Complete, complete_ward
from tests.faults.daemon import AS_IT_IS, settled
from tests.faults.failpoints import ERROR, FAIL, CarriedOut
from tests.faults.matrix import Profile, Row, Tally, Trial
from tests.integration.broker import wait_until
from tests.integration.webhook import SILENT, TAKE

# Where each thread goes wrong; the names are those of the daemon, and a thread without a place here is found.
FAILING: Mapping[str, Sequence[str]] = {
    "ingest": (
        "vwmon.ingest.Ingest.step",
        "vwmon.store.log.LogWriter.append",
        "vwmon.ingest.receipts",
        "vwmon.intake.session.MqttIntake._answered",
    ),
    "scoring": (
        "vwmon.watch.Watch.turn",
        "vwmon.scorer.Scorer.cycle",
        "vwmon.alerting.Alerting._keep",
        "vwmon.store.monitor.beat",
    ),
    "notifier": ("vwmon.notifier.Notifier._tell_of_canary", "vwmon.store.outbox.due"),
    "publisher": ("vwmon.publisher.Publisher.turn", "vwmon.publisher.Publisher._publish"),
    "asking": ("vwmon.asking.Asker.turn", "vwmon.asking.Asker._send"),
    "canary": ("vwmon.canary.Canary._turn", "vwmon.canary.Canary._round"),
    "outside": ("vwmon.outside.Outside.turn", "vwmon.outside.Outside._note"),
    "metrics": ("vwmon.metrics.WSGIServer.handle_request",),
}
ENDED_S, LIVES_ON_S, AGAIN_S = 5.0, 30, 60
TURNS = (0, 3)
BETWEEN = (5, 60)  # receipts between a start and what goes wrong
AT_START, UNANSWERED = 0.25, 0.25  # of them come before any receipt, and while a ping has no answer


@dataclass(frozen=True, kw_only=True)
class _End:
    """What came of one exception: how long the process took to end, and what did not hold."""

    took_s: float = 0.0
    broken: tuple[str, ...] = ()


def failed(trial: Trial, planted: str = AS_IT_IS) -> Tally:
    """Let one thread after the other raise while readings flow; compare with an undisturbed run."""
    chance, ends = Random(trial.seed), list[_End]()
    with complete_ward(trial, tuple(chain(*FAILING.values())), planted) as one:
        for thread in _threads(trial):
            ends.append(_fails(one, thread, chance))
            one.outside.answer = TAKE
            one.daemon.kill()
            one.daemon.start()
        left = settled(one.flow, one.daemon)
    tally = one.compared(trial.runs)
    broken = (*chain(*(end.broken for end in ends)), *left, *tally.broken)
    longest_s = max(end.took_s for end in ends)
    said = f"{tally.said}; the longest end took {longest_s:.1f} s"
    return replace(tally, broken=tuple(dict.fromkeys(broken)), said=said)


def _threads(trial: Trial) -> Iterator[str]:
    """Name a thread for each run: trials whose chance begins one after the other go on where the last has ended."""
    names = list(FAILING)
    return (names[number % len(names)] for number in range(trial.seed, trial.seed + trial.runs))


def _fails(one: Complete, thread: str, chance: Random) -> _End:
    """Let one thread raise, at one of its places, and see the process end."""
    try:
        _wait_for_it(one, chance)
    except AssertionError as in_vain:
        return _End(broken=(f"before {thread} fails: {in_vain}",))
    said_before, place = len(one.daemon.log()), chance.choice(FAILING[thread])
    one.failpoints.order(place, thread, chance.randint(*TURNS), FAIL)
    failed = one.failpoints.carried_out()
    if failed is None:
        return _End(broken=(f"{thread}: never comes to {place}",))
    return _ended(one, thread, failed, said_before)


def _wait_for_it(one: Complete, chance: Random) -> None:
    """Let it be at its start, or at work; and now and then, let a ping have no answer."""
    if chance.random() >= AT_START:
        one.flow.until_receipts(chance.randint(*BETWEEN), AGAIN_S)
    if chance.random() < UNANSWERED:
        pinged, one.outside.answer = one.outside.tried, SILENT
        wait_until(lambda: one.outside.tried > pinged, "somebody outside is pinged", AGAIN_S)


def _ended(one: Complete, thread: str, failed: CarriedOut, said_before: int) -> _End:
    try:
        wait_until(lambda: not one.daemon.runs, "", LIVES_ON_S)
    except AssertionError:
        return _End(took_s=LIVES_ON_S, broken=(f"{thread}: the process lives on",))
    took_s = time.monotonic() - failed.at_s
    said = one.daemon.log()[said_before:]
    wrong = {
        f"ended {took_s:.0f} s after": took_s > ENDED_S,
        "ended as if all were well": one.daemon.code == 0,
        "the log does not name it": f"thread_died name={thread}\n" not in said,
        "the log does not tell the error": f"RuntimeError: {ERROR}" not in said,
    }
    unknown = tuple(f"{name}: a thread that no row lets fail" for name in failed.threads if name not in FAILING)
    return _End(took_s=took_s, broken=(*(f"{thread}: {what}" for what, is_so in wrong.items() if is_so), *unknown))


ROWS = (
    Row(
        id="F20",
        fault="an exception in each thread of the daemon at work",
        do=failed,
        runs={Profile.SMOKE: 4, Profile.CI: 3 * len(FAILING), Profile.RELEASE: 50 * len(FAILING)},
        apart=True,
    ),
)
