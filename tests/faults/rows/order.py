"""F14: messages that come twice, in another order, hours late, or not at all, against a run in which none did.

In one process, on a real database. Repeats and batches change nothing at all. What is late changes no reading and no
score; of the alerts it may move the time, but whoever had an emergency still has one, every one that stands is borne
out by a score, and the same log in other batches comes to the same. What does not come is a gap in its device's count.
"""

import shutil
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from random import Random
from typing import NamedTuple

import msgspec

from devices.payloads import decode
from devices.simulator.fleet import Fleet, Timed
from tests.faults import ward
from tests.faults.matrix import Profile, Row, Tally, Trial, added
from vwmon.kit import Kit
from vwmon.patients import plans
from vwmon.provenance import Provenance
from vwmon.scorer import Scorer
from vwmon.store import database
from vwmon.store.arrivals import Arrival
from vwmon.store.log import LogWriter
from vwmon.store.sqlite import Connection

HOUR_MS = 3_600_000
PATIENTS, EVERY_MIN, ROUNDS = 8, 30.0, 48
FEWEST, SHORTEST = 2, 12  # of those, in a run
LATEST_H = 72
REPEATED, LATE, LOST = 0.2, 0.2, 0.05
LARGEST_BATCH = 200
EMERGENCY = 7  # NEWS2 (Royal College of Physicians, 2017): the emergency response
ILL = "select distinct patient from score join stay using (stay_no) where total_min >= ? order by 1"
RAISED = """select distinct patient from alert join stay using (stay_no)
    where lane = 'clinical' and peak = 3 order by 1"""
# A score counts until the next that differs. What is late can be of a time before the alert's own beginning.
BASELESS = """with counted as (
        select stay_no, at_ms, total_min, lead(at_ms, 1, 1 << 62) over (partition by stay_no order by at_ms) as until_ms
        from score),
    seen as (
        select alert_no, min(json_extract(evidence, '$.at_ms')) as first_ms,
            max(json_extract(evidence, '$.at_ms')) as last_ms
        from alert_event where level_after = 3 group by alert_no)
    select id from alert left join seen using (alert_no) where lane = 'clinical' and peak = 3 and not exists (
        select 1 from counted where counted.stay_no = alert.stay_no and total_min >= ?
            and at_ms <= last_ms and until_ms > min(since_ms, first_ms))"""
NOT_RECEIVED = {"the same readings": ward.READINGS, "the same scores": ward.SCORES}


class Coming(NamedTuple):
    """A message and when it is received."""

    received_ms: int
    message: Timed


Disorder = Callable[[Sequence[Timed], Random], Sequence[Coming]]


class Engine:
    """The log and the scorer of one database, in this process."""

    def __init__(self, db: Connection, start_ms: int) -> None:
        """Begin."""
        self.db, self._log = db, LogWriter(db)
        self.scorer = Scorer(db, Provenance(config_hash="test", plans=plans.load_all()), start_ms)

    def takes(self, coming: Sequence[Coming]) -> None:
        """Store and score a batch."""
        now_ms = coming[-1].received_ms
        self._log.append([_arrival(one) for one in coming], (), now_ms)
        while self.scorer.cycle(now_ms):
            pass

    def takes_all(self, coming: Iterable[Coming], chance: Random) -> None:
        """Store and score all, in batches of chance sizes."""
        waiting = list(coming)
        while waiting:
            size = chance.randint(1, LARGEST_BATCH)
            self.takes(waiting[:size])
            del waiting[:size]


def _arrival(one: Coming) -> Arrival:
    message = decode(one.message.payload, device=one.message.device, received_ms=one.received_ms)
    topic = f"vwmon/{ward.WARD}/{one.message.device}/readings"
    return Arrival(ward.WARD, one.message.device, topic, message, one.received_ms, one.message.payload)


def repeated(sent: Sequence[Timed], chance: Random) -> Sequence[Coming]:
    """Let some come again, at any time after."""
    last_ms = sent[-1].at_ms
    again = [Coming(chance.randint(one.at_ms, last_ms), one) for one in sent if chance.random() < REPEATED]
    return _in_order([*_on_time(sent), *again])


def late(sent: Sequence[Timed], chance: Random) -> Sequence[Coming]:
    """Let some come late, up to three days, and some of those twice: so their order is lost too."""
    coming = []
    for one in sent:
        delay_ms = round(chance.random() ** 3 * LATEST_H * HOUR_MS) if chance.random() < LATE else 0
        coming += [Coming(one.at_ms + delay_ms, one)] * (1 + (chance.random() < REPEATED))
    return _in_order(coming)


def _on_time(sent: Sequence[Timed]) -> Sequence[Coming]:
    return [Coming(one.at_ms, one) for one in sent]


def _in_order(coming: Sequence[Coming]) -> Sequence[Coming]:
    return sorted(coming, key=lambda one: one.received_ms)


def fleet(seed: int) -> Fleet:
    """Give devices of people some of whom fall ill within a day."""
    return Fleet(patients=PATIENTS, seed=seed, spot_minutes=EVERY_MIN, pace=4.0, onset_hours=4.0)


class Bench:
    """A folder in which runs begin with the same ward, and what its devices have to say."""

    def __init__(self, trial: Trial) -> None:
        """Make the ward once."""
        self._folder, self.start_ms = trial.folder, ward.start_of(0) - round((LATEST_H + ROUNDS) * HOUR_MS)
        ward.make(trial.folder / "fresh.db", self.start_ms, fleet(trial.seed))

    def sent(self, seed: int) -> Sequence[Timed]:
        """Give what some of the devices say, in order: of how many people and for how long is chance."""
        chance, devices = Random(f"{seed} ward"), fleet(seed)
        some = set(devices.devices()[: chance.randint(FEWEST, PATIENTS)])
        until_ms = self.start_ms + round(chance.randint(SHORTEST, ROUNDS) * EVERY_MIN * ward.MINUTE_MS)
        return [one for one in devices.messages(self.start_ms, until_ms=until_ms) if one.device in some]

    @contextmanager
    def taking(self, name: str, coming: Iterable[Coming], chance: Random) -> Iterator[Engine]:
        """Give an engine that has taken all of it."""
        path = self._folder / f"{name}.db"
        database.remove(path)
        shutil.copy(self._folder / "fresh.db", path)
        with closing(database.open_writer(path)) as db:
            engine = Engine(db, self.start_ms)
            engine.takes_all(coming, chance)
            yield engine


def _disordered(bench: Bench, seed: int, disorder: Disorder) -> Tally:
    """Take the same messages in order, in disorder, and in the same disorder cut otherwise; and compare."""
    chance, sent = Random(seed), bench.sent(seed)
    coming = disorder(sent, chance)
    with (
        bench.taking("in-order", _on_time(sent), chance) as should_be,
        bench.taking("disordered", coming, chance) as found,
        bench.taking("again", coming, chance) as again,
    ):
        broken = [*_broken(should_be, found, ward.SAME if disorder is repeated else NOT_RECEIVED)]
        broken += [f"in other batches, {what}" for what in _broken(found, again, ward.SAME)]
        counts = [count for *_, count in found.db.execute(ward.STORED)]
    return Tally(
        runs=1,
        lost=len(sent) - len(counts),
        doubled=sum(count > 1 for count in counts),
        broken=tuple(f"{disorder.__name__}: {what}" for what in broken),
    )


def _broken(should_be: Engine, found: Engine, same: Mapping[str, str]) -> Iterator[str]:
    """Name what differs of what has to be the `same`, and what cannot be of any alert."""
    for what, sql in same.items():
        if _rows(found, sql) != _rows(should_be, sql):
            yield f"not {what} as undisturbed"
    if _rows(found, RAISED) != _rows(found, ILL, EMERGENCY):
        yield "somebody's emergency has no alert of its level"
    if _rows(found, BASELESS, EMERGENCY):
        yield "an alert that no score bears out"


def _rows(engine: Engine, sql: str, *values: int) -> list[tuple[object, ...]]:
    return list(engine.db.execute(sql, values).fetchall())


def losing(bench: Bench, seed: int) -> Tally:
    """Let some never come, look what is said to be missing, and let them come after all."""
    chance, sent = Random(seed), bench.sent(seed)
    after_ms = sent[-1].at_ms + HOUR_MS
    gone = {one for one in sent if chance.random() < LOST}
    came = [one for one in sent if one not in gone]
    with (
        bench.taking("in-order", _on_time(sent), chance) as should_be,
        bench.taking("gaps", _on_time(came), chance) as found,
    ):
        broken = list(_gaps(found, sent, gone, after_ms))
        found.takes_all([Coming(after_ms, one) for one in sent if one in gone], chance)
        broken += [f"came after all, {what}" for what in _broken(should_be, found, NOT_RECEIVED)]
        broken += ["a gap that is filled stands open"] if _open(found) else []
    return Tally(runs=1, broken=tuple(f"lost: {what}" for what in broken))


def _gaps(found: Engine, sent: Sequence[Timed], gone: Collection[Timed], now_ms: int) -> Iterator[str]:
    """Compare what is missing with what is said to be, in the books and by what looks at the kit."""
    missing = _missing(sent, gone)
    if _open(found) != missing:
        yield "not exactly what did not come is missing"
    look = Kit(found.db, 0).look(now_ms, found.scorer.cursor, {})
    told = {
        str(one.figures["device"])
        for several in look.values()
        for one in several
        if one.rule == "sequence_gap" and one.since_ms is not None
    }
    if told != set(missing):
        yield "a device with a gap is not told"


def _open(found: Engine) -> Mapping[str, set[int]]:
    """Give the numbers that each device is said to miss."""
    missing: dict[str, set[int]] = defaultdict(set)
    rows = found.db.execute("select device, first_seq, last_seq from sequence_missing join device using (device_no)")
    for device, first, last in rows:
        missing[device] |= set(range(first, last + 1))
    return missing


def _missing(sent: Sequence[Timed], gone: Collection[Timed]) -> Mapping[str, set[int]]:
    """Give the numbers of what did not come between two that did: before the first and after the last nobody knows."""
    numbers = {one: int(msgspec.json.decode(one.payload)["seq"]) for one in sent}
    missing = {}
    for device in {one.device for one in sent}:
        came = [numbers[one] for one in sent if one.device == device and one not in gone]
        never = {numbers[one] for one in gone if one.device == device and min(came) < numbers[one] < max(came)}
        if never:
            missing[device] = never
    return missing


def disordered(trial: Trial) -> Tally:
    """Do each kind of disorder in turn."""
    bench = Bench(trial)
    return added([KINDS[number % len(KINDS)](bench, trial.seed + number) for number in range(trial.runs)])


repeating, coming_late = partial(_disordered, disorder=repeated), partial(_disordered, disorder=late)
KINDS: Sequence[Callable[[Bench, int], Tally]] = (repeating, coming_late, losing)


ROWS = (
    Row(
        id="F14",
        fault="messages twice, in another order, up to 72 h late, or not at all",
        do=disordered,
        runs={Profile.SMOKE: 3, Profile.CI: 500, Profile.RELEASE: 20_000},
        apart=True,
    ),
)
