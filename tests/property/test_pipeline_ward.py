"""The ward against a plain oracle: whatever the order, the repeats and the cuts of the log, the same scores."""

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.plans_twin import changing, due_ms, plan_at
from vwmon import pipeline
from vwmon.pipeline import Gaps, Scores
from vwmon.scoring import charts, reference
from vwmon.scoring.charts import PARTS
from vwmon.ward import PlanTable, Readings, Ward
from vwmon.windows import NEVER

CHART = charts.load("news2")
STAYS = 3
MINUTE = 60_000
START = 1_700_000_000_000
VALUES = {
    "respiratory_rate": [8.0, 12.0, 21.0, 25.0],
    "spo2": [83.0, 88.0, 93.0, 95.0, 97.0],
    "oxygen": [0.0, 2.0],
    "systolic_bp": [90.0, 95.0, 150.0, 220.0],
    "heart_rate": [40.0, 70.0, 100.0, 131.0],
    "consciousness": [0.0, 1.0, 4.0],
    "temperature": [35.0, 36.5, 39.1],
}
WORST = {
    "respiratory_rate": 30.0,
    "spo2": 80.0,
    "oxygen": 2.0,
    "systolic_bp": 80.0,
    "heart_rate": 150.0,
    "consciousness": 4.0,
    "temperature": 34.0,
}


@dataclass(frozen=True)
class Unit:
    """One message: its stay, when it was received, and (minute, part, value) of its readings; None was refused."""

    stay: int
    received: int
    readings: tuple[tuple[int, int, float | None], ...]

    @property
    def good(self) -> list[tuple[int, int, float]]:
        """Give the readings that were not refused."""
        return [(minute, part, value) for minute, part, value in self.readings if value is not None]


one_reading = st.integers(0, len(PARTS) - 1).flatmap(
    lambda part: st.tuples(st.integers(0, 12), st.just(part), st.sampled_from([*VALUES[PARTS[part]], None]))
)
units = st.builds(
    Unit,
    stay=st.integers(0, STAYS - 1),
    received=st.integers(20, 40),
    readings=st.lists(one_reading, min_size=1, max_size=4).map(tuple),
)
logs = st.lists(units, min_size=1, max_size=14)
cuts = st.lists(st.booleans(), min_size=20, max_size=20)


@st.composite
def first_plans(draw: st.DrawFn) -> PlanTable:
    """Draw plans with limits of a few minutes, so that a log of twelve crosses them."""
    size = (STAYS, len(PARTS))

    def grid(elements: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(elements, min_size=size[0] * size[1], max_size=size[0] * size[1]))

    return PlanTable(
        spo2_scale=np.array(draw(st.lists(st.sampled_from([1, 2]), min_size=STAYS, max_size=STAYS)), dtype=np.int8),
        expected=np.array(grid(st.booleans())).reshape(size),
        valid_ms=np.array(grid(st.integers(0, 8)), dtype=np.int64).reshape(size) * MINUTE,
        overdue_ms=np.array(grid(st.integers(0, 8)), dtype=np.int64).reshape(size) * MINUTE,
        admitted_ms=np.array(draw(st.lists(st.integers(-3, 3), min_size=STAYS, max_size=STAYS))) * MINUTE + START,
    )


def plan_tables() -> st.SearchStrategy[PlanTable]:
    """Draw plans that change for some stays while the log goes on, and others that do not."""
    return st.one_of(first_plans(), changing(first_plans(), START))


def columns(log: Sequence[Unit], first_unit: int = 0) -> Readings:
    """Write a log as the ward's columns."""
    rows = [(unit, number, *reading) for number, unit in enumerate(log, start=first_unit) for reading in unit.readings]
    return Readings(
        stay=np.array([row[0].stay for row in rows], dtype=np.int64),
        part=np.array([row[3] for row in rows], dtype=np.int8),
        observed_ms=START + MINUTE * np.array([row[2] for row in rows], dtype=np.int64),
        received_ms=START + MINUTE * np.array([row[0].received for row in rows], dtype=np.int64),
        value=np.array([math.nan if row[4] is None else row[4] for row in rows], dtype=np.float64),
        unit=np.array([row[1] for row in rows], dtype=np.int64),
    )


def batches(log: Sequence[Unit], cut: Sequence[bool]) -> Iterator[Readings]:
    """Cut a log at some message boundaries."""
    begin = 0
    for end in range(1, len(log) + 1):
        if end == len(log) or cut[end]:
            yield columns(log[begin:end], begin)
            begin = end


def run(ward: Ward, parts: Iterator[Readings]) -> tuple[dict[int, list[Any]], dict[int, list[Any]]]:
    """Step through batches; give the scores and the gaps of each stay, in the order they came."""
    scores: dict[int, list[Any]] = defaultdict(list)
    gaps: dict[int, list[Any]] = defaultdict(list)
    for readings in parts:
        found, ended = pipeline.step(ward, readings)
        add(scores, found)
        add(gaps, ended)
    return scores, gaps


def add(by_stay: dict[int, list[Any]], columns_: Scores | Gaps) -> None:
    """Add rows to the list of their stay, without the wave, which counts within a batch."""
    names = [field.name for field in fields(columns_) if field.name != "wave"]
    listed = [getattr(columns_, name).tolist() for name in names]
    for row in zip(*listed, strict=True):
        entry: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in zip(names, row, strict=True)
        }
        if "values" in entry:
            entry["values"] = tuple(None if math.isnan(value) else value for value in entry["values"])
        by_stay[entry["stay"]].append(entry)


class Oracle:
    """The same thing one message at a time, in dictionaries."""

    def __init__(self, plans: PlanTable) -> None:
        """Begin with nothing read."""
        self.plans = plans
        self.history: dict[int, list[dict[int, float]]] = {stay: [{} for _ in PARTS] for stay in range(STAYS)}
        self.tried: dict[int, list[set[int]]] = {stay: [set() for _ in PARTS] for stay in range(STAYS)}
        self.scores: dict[int, list[Any]] = defaultdict(list)
        self.gaps: dict[int, list[Any]] = defaultdict(list)

    def take(self, unit: Unit) -> None:
        """Add one message and score every moment from its earliest reading on."""
        history, tried = self.history[unit.stay], self.tried[unit.stay]
        reached = max((at for part in (*history, *tried) for at in part), default=None)
        received = START + unit.received * MINUTE
        self.gaps[unit.stay].extend(self.ended(unit, received))
        for minute, part, value in unit.readings:
            at = START + minute * MINUTE
            if value is None:
                tried[part].add(at)
                continue
            history[part][at] = worse(part, value, history[part].get(at, value))
        first = START + min(minute for minute, _, _ in unit.readings) * MINUTE
        moments = sorted({at for part in (*history, *tried) for at in part})
        states = [self.state(unit.stay, at) for at in moments]
        for i, at in enumerate(moments):
            if at >= first:
                seen = {
                    "received_ms": received,
                    "rescored_from_ms": first,
                    "late": reached is not None and at < reached,
                    "changed": i == 0 or differs(states[i], states[i - 1]),
                }
                self.scores[unit.stay].append(states[i] | seen)

    def ended(self, unit: Unit, received: int) -> Iterator[dict[str, Any]]:
        """Yield the overdue episodes that a message ends, before it is added."""
        for minute, part in sorted({(minute, part) for minute, part, _ in unit.good}):
            at = START + minute * MINUTE
            known = set(self.history[unit.stay][part])
            known |= {START + m * MINUTE for m, p, _ in unit.good if p == part and m < minute}
            last = max(known, default=None)
            due = due_ms(self.plans, unit.stay, part, last, at)
            newest = not self.history[unit.stay][part] or at > max(self.history[unit.stay][part])
            if newest and at > due:
                gap = {"stay": unit.stay, "part": part, "last_ms": NEVER if last is None else last, "due_ms": due}
                yield gap | {"ended_ms": at, "received_ms": received}

    def state(self, stay: int, at: int) -> dict[str, Any]:
        """Score one stay as it was at one moment."""
        context = {"spo2_scale": int(self.plans.spo2_scale[stay])}
        plan = plan_at(self.plans, stay, at)
        values, ages, refused_ages, doubtful = {}, [], [], {}
        for i, part in enumerate(PARTS):
            last = max((t for t in self.history[stay][i] if t <= at), default=None)
            ages.append(-1 if last is None else at - last)
            refused_ages.append(-1)
            valid = int(self.plans.valid_ms[plan, i])
            if last is not None and at - last <= valid:
                values[part] = self.history[stay][i][last]
                continue
            since = [t for t in self.tried[stay][i] if t <= at and (last is None or t > last) and at - t <= valid]
            if since and self.plans.expected[plan, i]:
                refused_ages[-1] = at - max(since)
            if self.plans.expected[plan, i] and (since or at > due_ms(self.plans, stay, i, last, at)):
                doubtful[part] = WORST[part]
        score = reference.score(CHART, values, context)
        return {
            "stay": stay,
            "at_ms": at,
            "points_min": tuple(score.points[part][0] for part in PARTS),
            "points_max": tuple(score.points[part][1] for part in PARTS),
            "present": tuple(part in values for part in PARTS),
            "values": tuple(values.get(part) for part in PARTS),
            "age_ms": tuple(ages),
            "refused_age_ms": tuple(refused_ages),
            "total_min": score.total_min,
            "total_max": score.total_max,
            "red": score.red,
            "complete": score.complete,
            "could_be": reference.score(CHART, values | doubtful, context).total_min,
        }


def worse(part: int, one: float, other: float) -> float:
    """Give the worse of two readings: more points on the chart, else lower SpO2 and pressure, else higher."""
    low_is_worse = PARTS[part] in ("spo2", "systolic_bp")

    def badness(value: float) -> tuple[int, float]:
        points = reference.score(CHART, {PARTS[part]: value}, {"spo2_scale": 1}).points[PARTS[part]][0]
        return points, -value if low_is_worse else value

    return max(one, other, key=badness)


def differs(state: dict[str, Any], before: dict[str, Any]) -> bool:
    """Say whether two moments score differently; readings that score alike are no difference."""
    shown = ("points_min", "points_max", "present", "total_min", "total_max", "red", "could_be")
    return any(state[name] != before[name] for name in shown)


def final(by_stay: dict[int, list[Any]]) -> dict[tuple[int, int], Any]:
    """Give the last word on each moment, without what depends on when it was learnt."""
    learnt = ("received_ms", "rescored_from_ms", "late", "changed")
    return {
        (entry["stay"], entry["at_ms"]): {name: value for name, value in entry.items() if name not in learnt}
        for entry in itertools.chain.from_iterable(by_stay.values())
    }


@pytest.mark.hazard("H10")
@settings(max_examples=120, deadline=None)
@given(plans=plan_tables(), log=logs, cut=cuts)
def test_every_moment_scores_as_the_oracle_says_however_the_log_is_cut(
    plans: PlanTable, log: list[Unit], cut: list[bool]
) -> None:
    """The sequence of scored moments and ended gaps of each stay is the oracle's, for any batches."""
    oracle = Oracle(plans)
    for unit in log:
        oracle.take(unit)
    scores, gaps = run(Ward(plans), batches(log, cut))
    assert scores == oracle.scores
    assert {stay: rows for stay, rows in gaps.items() if rows} == {s: rows for s, rows in oracle.gaps.items() if rows}


@pytest.mark.hazard("H10")
@settings(max_examples=60, deadline=None)
@given(plans=plan_tables(), log=logs, one=cuts, other=cuts)
def test_two_ways_of_cutting_the_log_give_the_same_scores(
    plans: PlanTable, log: list[Unit], one: list[bool], other: list[bool]
) -> None:
    """What a stay's scores were, moment by moment, does not depend on the batches."""
    assert run(Ward(plans), batches(log, one)) == run(Ward(plans), batches(log, other))


@pytest.mark.hazard("H10")
@settings(max_examples=60, deadline=None)
@given(plans=plan_tables(), log=logs, cut=cuts, shuffle=st.randoms(use_true_random=False))
def test_the_final_history_does_not_depend_on_order_or_repeats(
    plans: PlanTable, log: list[Unit], cut: list[bool], shuffle: Random
) -> None:
    """A log, and the same log shuffled with messages sent twice, end in the same history."""
    other = log + shuffle.choices(log, k=5)
    shuffle.shuffle(other)
    straight, _ = run(Ward(plans), batches(log, [False] * 20))
    mixed, _ = run(Ward(plans), batches(other, cut))
    assert final(straight) == final(mixed)


@settings(max_examples=60, deadline=None)
@given(plans=plan_tables(), log=logs, cut=cuts, kept=st.integers(0, 6))
def test_trimming_changes_nothing_when_stays_out_of_reach_are_replaced(
    plans: PlanTable, log: list[Unit], cut: list[bool], kept: int
) -> None:
    """With windows trimmed after every batch, and a stay read again when a reading is too old, nothing is different."""
    ward, done = Ward(plans), 0
    scores: dict[int, list[Any]] = defaultdict(list)
    gaps: dict[int, list[Any]] = defaultdict(list)
    for readings in batches(log, cut):
        for stay in ward.out_of_reach(readings).tolist():
            past = columns(log[:done])
            ward.replace(np.array([stay]), past.where(past.stay == stay))
        found, ended = pipeline.step(ward, readings)
        add(scores, found)
        add(gaps, ended)
        ward.trim(kept * MINUTE)
        done += len(set(readings.unit.tolist()))
    assert (scores, gaps) == run(Ward(plans), batches(log, cut))


@settings(max_examples=40, deadline=None)
@given(plans=plan_tables(), log=logs, cut=cuts, at=st.integers(0, 13))
def test_a_ward_loaded_from_the_log_goes_on_as_if_it_had_never_stopped(
    plans: PlanTable, log: list[Unit], cut: list[bool], at: int
) -> None:
    """After a restart at any message the remaining scores are those of a ward that ran through."""
    at = min(at, len(log))
    through = Ward(plans)
    run(through, batches(log[:at], cut))
    restarted = Ward(plans)
    restarted.load(columns(log[:at]))
    assert run(through, batches(log[at:], cut)) == run(restarted, batches(log[at:], cut))


@pytest.mark.hazard("H24")
@settings(max_examples=40, deadline=None)
@given(plans=plan_tables(), log=logs, now=st.integers(0, 30))
def test_overdue_is_every_expected_part_past_its_limit(plans: PlanTable, log: list[Unit], now: int) -> None:
    """At any moment the parts whose last reading, or admission, is too long ago; an attempt ends nothing."""
    ward, now_ms = Ward(plans), START + now * MINUTE
    run(ward, batches(log, [False] * 20))
    expected = set()
    for stay, part in itertools.product(range(STAYS), range(len(PARTS))):
        times = [START + m * MINUTE for u in log if u.stay == stay for m, p, _ in u.good if p == part]
        due = due_ms(plans, stay, part, max(times, default=None), now_ms)
        if now_ms > due:
            expected.add((stay, part, due))
    assert set(zip(*(column.tolist() for column in pipeline.overdue(ward, now_ms)), strict=True)) == expected


@settings(max_examples=40, deadline=None)
@given(plans=plan_tables(), log=logs)
def test_a_step_never_writes_to_what_it_is_given(plans: PlanTable, log: list[Unit]) -> None:
    """Plans and readings are read-only arrays here, and the step does not mind."""
    readings = columns(log)
    for record in (plans, readings):
        for field in fields(record):
            if (column := getattr(record, field.name)) is not None:
                column.flags.writeable = False
    scores, _ = pipeline.step(Ward(plans), readings)
    assert len(scores) >= len({(unit.stay, minute) for unit in log for minute, _, _ in unit.readings})


@pytest.mark.parametrize("stays", [1, 2, STAYS])
def test_rows_come_in_order_of_wave_stay_and_time(stays: int) -> None:
    """The shell may follow the columns from top to bottom."""
    log = [Unit(stay=i % stays, received=20, readings=((9 - i, i % 7, 1.0),)) for i in range(9)]
    plans = PlanTable(
        spo2_scale=np.ones(STAYS, dtype=np.int8),
        expected=np.ones((STAYS, 7), dtype=bool),
        valid_ms=np.full((STAYS, 7), MINUTE),
        overdue_ms=np.full((STAYS, 7), MINUTE),
        admitted_ms=np.full(STAYS, START),
    )
    scores, gaps = pipeline.step(Ward(plans), columns(log))
    rows = list(zip(scores.wave.tolist(), scores.stay.tolist(), scores.at_ms.tolist(), strict=True))
    assert rows == sorted(rows)
    ends = list(zip(gaps.wave.tolist(), gaps.stay.tolist(), gaps.ended_ms.tolist(), strict=True))
    assert ends == sorted(ends)


@settings(max_examples=60, deadline=None)
@given(plans=plan_tables(), log=logs, cut=cuts, at=st.integers(0, 13))
def test_a_ward_that_knows_the_last_of_each_series_goes_on_with_what_is_newer(
    plans: PlanTable, log: list[Unit], cut: list[bool], at: int
) -> None:
    """As after a restart: the last reading and the last attempt of each part are enough for all that comes after."""
    before = log[: min(at, len(log))]
    reached = {
        stay: max((m for u in before if u.stay == stay for m, *_ in u.readings), default=-1) for stay in range(3)
    }
    newer = [u for u in log[len(before) :] if min(minute for minute, *_ in u.readings) > reached[u.stay]]
    through, restarted = Ward(plans), Ward(plans)
    run(through, batches(before, cut))
    restarted.load(last_of_each(before))
    restarted.windows.mark_trimmed(np.arange(STAYS), restarted.frontier_ms + 1)
    assert run(through, batches(newer, [False] * 20)) == run(restarted, batches(newer, [False] * 20))


def last_of_each(log: Sequence[Unit]) -> Readings:
    """Keep the latest readings, and the latest attempts, of each series."""
    rows = [(unit.stay, part, value is None, minute) for unit in log for minute, part, value in unit.readings]
    latest = {row[:3]: max(other[3] for other in rows if other[:3] == row[:3]) for row in rows}
    return columns(log).where(np.array([row[3] == latest[row[:3]] for row in rows], dtype=bool))


def test_the_logs_drawn_here_are_about_refusals_too() -> None:
    """A try that counts, and one that does not, are among a few logs of this kind: the twin is not agreed with idly."""
    plans = PlanTable(
        spo2_scale=np.ones(STAYS, dtype=np.int8),
        expected=np.ones((STAYS, 7), dtype=bool),
        valid_ms=np.full((STAYS, 7), 3 * MINUTE),
        overdue_ms=np.full((STAYS, 7), 60 * MINUTE),
        admitted_ms=np.full(STAYS, START),
    )
    log = [
        Unit(stay=0, received=20, readings=((1, 1, 97.0),)),
        Unit(stay=0, received=21, readings=((3, 1, None),)),
        Unit(stay=0, received=22, readings=((5, 4, 70.0),)),
        Unit(stay=0, received=23, readings=((7, 4, 70.0),)),
        Unit(stay=0, received=24, readings=((8, 1, 97.0),)),
    ]
    scores, gaps = run(Ward(plans), batches(log, [True] * 20))
    told = [(row["at_ms"] - START) // MINUTE for row in scores[0]]
    assert told == [1, 3, 5, 7, 8]
    assert [row["could_be"] for row in scores[0]] == [0, 0, 3, 0, 0]
    assert [row["refused_age_ms"][1] for row in scores[0]] == [-1, -1, 2 * MINUTE, -1, -1]
    assert gaps[0] == []
