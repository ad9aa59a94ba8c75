"""F12: one device's clock is ahead, behind, running away, or at 1970, beside others that are right.

Every such clock has to be flagged: as a fault of the kit, or by refusing what it says and missing the patient. Who is
ill and whose readings are taken has an alert whatever the clock.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.faults.matrix import Profile, Row, Tally, Trial, added
from tests.faults.rows.clocks import BEGIN_MS, DAY, HOUR, ILL, MINUTE, ROUND_MS, WELL, YEAR, Watched

ROUNDS = 5
WRONG, RIGHT = "ill", "well"  # whose device is wrong, and whose is right
SKEWED = """select 1 from finding join stay using (stay_no) where patient = ?
    and rule in ('clock_skew', 'clock_behind') and since_ms is not null"""
REFUSED = "select 1 from quarantine where device = ? and reason in ('time_future', 'time_past')"
MISSED = """select 1 from alert join stay using (stay_no) where patient = ? and lane = 'technical'
    and state <> 'closed' and evidence like '%"overdue":{"%'"""
RAISED = "select 1 from alert join stay using (stay_no) where patient = ? and lane = 'clinical' and peak = 3"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """How far wrong a clock is after a time, at a size that chance gave; and whether what it says is taken."""

    least_ms: int
    most_ms: int
    wrong_ms: Callable[[int, int], int]
    taken: bool = True


KINDS: Mapping[str, Kind] = {
    "ahead": Kind(least_ms=3 * MINUTE, most_ms=DAY - HOUR, wrong_ms=lambda size, _passed: size),
    "ahead by more than a day": Kind(
        least_ms=DAY + MINUTE, most_ms=YEAR, wrong_ms=lambda size, _passed: size, taken=False
    ),
    "at 1970": Kind(least_ms=0, most_ms=DAY, wrong_ms=lambda size, passed: size - BEGIN_MS - passed, taken=False),
    "running away": Kind(
        least_ms=4 * MINUTE, most_ms=HOUR, wrong_ms=lambda size, passed: size * passed // (ROUNDS * ROUND_MS)
    ),
    "behind": Kind(least_ms=5 * MINUTE, most_ms=DAY, wrong_ms=lambda size, _passed: -size),
}


def wrong(trial: Trial) -> Tally:
    """Let one device be wrong in a way and by a size of chance, in a ward of its own each time."""
    tallies, names, chance = [], list(KINDS), Random(trial.seed)
    for number in range(trial.runs):
        name, folder = names[number % len(names)], trial.folder / f"wrong-{number}"
        folder.mkdir()
        kind = KINDS[name]
        size = chance.randint(kind.least_ms, kind.most_ms)
        broken = tuple(f"a clock {name}: {what}" for what in _unflagged(folder, kind, size))
        tallies.append(Tally(runs=1, broken=broken))
    return added(tallies)


def _unflagged(folder: Path, kind: Kind, size: int) -> Iterator[str]:
    """Measure somebody ill with the device that is wrong, and somebody well with one that is right."""
    with closing(Watched(folder / "ward.db", BEGIN_MS)) as ward:
        for _ in range(ROUNDS):
            passed_ms = ward.clock.true_ms - BEGIN_MS
            ward.hears(WRONG, ILL, kind.wrong_ms(size, passed_ms))
            ward.hears(RIGHT, WELL)
            ward.passes(ROUND_MS)
        if not (ward.found(SKEWED, WRONG) or (ward.found(REFUSED, f"of-{WRONG}") and ward.found(MISSED, WRONG))):
            yield "not flagged"
        if ward.found(SKEWED, RIGHT) or ward.found(REFUSED, f"of-{RIGHT}"):
            yield "the device beside it is flagged"
        if kind.taken and not ward.found(RAISED, WRONG):
            yield "the emergency has no alert"


ROWS = (
    Row(
        id="F12",
        fault="a device's clock ahead, behind, running away, at 1970",
        do=wrong,
        counts=False,
        runs={Profile.SMOKE: 5, Profile.CI: 50, Profile.RELEASE: 2000},
        apart=True,
    ),
)
