"""F19: a daemon that stands still, and one whose scoring waits for ever: nobody may take either for watching.

Stopped, its watchdog is not fed and nobody outside is pinged; so it is with one that lives, takes readings and does not
score, but for pings until its last score is too old to be trusted. That is told within a minute by `vwmon status`, and
by the silence to whoever waits for a ping a minute, and a minute longer, within three. Afterwards it is as if nothing
had been.
"""

import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random
from threading import Event

from tests.conftest import Command
from tests.faults.complete import Complete, complete_ward
from tests.faults.daemon import AS_IT_IS, settled
from tests.faults.failpoints import HANG
from tests.faults.matrix import Profile, Row, Tally, Trial
from tests.integration.broker import wait_until

NOTICED_S, NOT_TRUSTED, MONITORED = 60, 4, 0
MOMENT_S = (3.0, 6.0)  # of pings each second and a watchdog that is fed four times a second
UNDER_WAY = 1  # a ping that had been sent, or a look that was due, when it came to a stand
CYCLE, TURNS = "vwmon.scorer.Scorer.cycle", (0, 5)
BETWEEN = (5, 60)  # receipts between two


@dataclass(frozen=True, kw_only=True)
class _Heard:
    """How often the watchdog was fed and somebody outside was pinged, up to a moment."""

    fed: int
    pinged: int

    @classmethod
    def of(cls, one: Complete) -> "_Heard":
        """Count up to now."""
        return cls(fed=one.manager.fed, pinged=len(one.outside.posted))


def stands_still(trial: Trial, planted: str = AS_IT_IS) -> Tally:
    """Bring a daemon to a stand in one way after the other while readings flow; compare with an undisturbed run."""
    chance, broken = Random(trial.seed), list[str]()
    with complete_ward(trial, (CYCLE,), planted) as one:
        broken += _is_watched(one, "before anything")
        for kind in _kinds(trial):
            broken += [f"{kind}: {what}" for what in KINDS[kind](one, chance)]
            broken += _is_watched(one, f"after it {kind}")
        broken += settled(one.flow, one.daemon)
    tally = one.compared(trial.runs)
    said = f"{tally.said}; somebody outside is pinged each second"
    return replace(tally, broken=tuple(dict.fromkeys((*broken, *tally.broken))), said=said)


def _kinds(trial: Trial) -> Iterator[str]:
    """Name what is done: trials whose chance begins one after the other go on where the last has ended."""
    return (ORDER[number % len(ORDER)] for number in range(trial.seed, trial.seed + trial.runs))


def _stops(one: Complete, chance: Random, *, is_told: bool = False) -> list[str]:
    """Stop it for a moment, or until `vwmon status` says so, and let it go on."""
    one.flow.until_receipts(chance.randint(*BETWEEN))
    one.daemon.signal(signal.SIGSTOP)
    wait_until(partial(_is_stopped, one.daemon.pid), "the daemon is stopped")
    before = _Heard.of(one)
    Event().wait(chance.uniform(*MOMENT_S))
    broken = _said(one, NOT_TRUSTED) if is_told else []
    broken += _heard(one, before, fed=0)
    one.daemon.signal(signal.SIGCONT)
    return broken + (_said(one, MONITORED) if is_told else [])


def _waits_for_ever(one: Complete, chance: Random) -> list[str]:
    """Let its scoring wait for ever while it takes readings; then end it as the service manager does, and start it."""
    one.flow.until_receipts(chance.randint(*BETWEEN))
    one.failpoints.order(CYCLE, "scoring", chance.randint(*TURNS), HANG)
    if one.failpoints.carried_out() is None:
        return ["its scoring comes to no cycle"]
    before = _Heard.of(one)
    one.flow.until_receipts(chance.randint(*BETWEEN))
    broken = _said(one, NOT_TRUSTED)
    since = replace(_Heard.of(one), fed=before.fed)
    Event().wait(chance.uniform(*MOMENT_S))
    broken += _heard(one, since, fed=UNDER_WAY)
    broken += [] if one.daemon.runs else ["the daemon has ended"]
    one.daemon.kill(signal.SIGABRT)
    one.daemon.start()
    return broken


KINDS: Mapping[str, Callable[[Complete, Random], list[str]]] = {
    "stops": _stops,
    "stops until it is told": partial(_stops, is_told=True),
    "scores no more": _waits_for_ever,
}
ORDER = ("stops until it is told", "scores no more", "stops", "stops", "stops")  # the first two take half a minute


def _heard(one: Complete, since: _Heard, fed: int) -> list[str]:
    """Name who was told that it lives since it came to a stand."""
    now = _Heard.of(one)
    more_fed, more_pinged = now.fed - since.fed, now.pinged - since.pinged
    broken = [f"its watchdog is fed {more_fed} times more"] if more_fed > fed else []
    return [*broken, *([f"the outside is pinged {more_pinged} times more"] if more_pinged > UNDER_WAY else [])]


def _is_watched(one: Complete, when: str) -> list[str]:
    """Name who is not told that it works, or what does not work, within a minute."""
    before = _Heard.of(one)
    wanted: Mapping[str, Callable[[], object]] = {
        "nothing is receipted": lambda: one.flow.until_receipts(BETWEEN[0], NOTICED_S),
        "its watchdog is not fed": lambda: _comes(lambda: one.manager.fed > before.fed + UNDER_WAY),
        "the outside is not pinged": lambda: _comes(lambda: len(one.outside.posted) > before.pinged + UNDER_WAY),
    }
    return [f"{when} {what}" for what, comes in wanted.items() if not _holds(comes)]


def _holds(comes: Callable[[], object]) -> bool:
    try:
        comes()
    except AssertionError:
        return False
    return True


def _comes(is_so: Callable[[], bool]) -> None:
    wait_until(is_so, "it is so", NOTICED_S)


def _said(one: Complete, code: int) -> list[str]:
    """Wait until `vwmon status` ends with this code; name it when it does not."""
    if _holds(lambda: _comes(lambda: _status(one.daemon.path) == code)):
        return []
    return [f"vwmon status does not say {code} within {NOTICED_S} s"]


def _status(path: Path) -> int:
    return Command()("status", "--config", path.with_name("vwmon.toml")).exit_code


def _is_stopped(pid: int) -> bool:
    """Tell whether the kernel has stopped all threads of a process."""
    threads = Path(f"/proc/{pid}/task").glob("*/stat")
    return all(thread.read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "T" for thread in threads)


ROWS = (
    Row(
        id="F19",
        fault="daemon stopped (SIGSTOP), then let go on; its scoring waits for ever",
        do=stands_still,
        runs={Profile.SMOKE: 1, Profile.CI: 10, Profile.RELEASE: 100},
        apart=True,
    ),
)
