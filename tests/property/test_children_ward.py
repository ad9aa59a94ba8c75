"""Children and adults on one ward: what the columns score is what a plain reading of each one's chart says.

The twin knows a child's date of birth and looks its age up for every moment; the ward knows only when bands begin.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vwmon import pipeline
from vwmon.scoring import ages, charts, layouts, reference
from vwmon.scoring.layouts import AGE_BANDS, COLUMNS
from vwmon.ward import PlanTable, Readings, Ward
from vwmon.windows import FOREVER

NEWS2, PEWS = charts.load("news2"), charts.load("pews")
YEARS = PEWS.age_context["age_band"]
HOUR = 3_600_000
HOURS = 60
ADULT = None
ZONES = ("Europe/London", "Pacific/Auckland", "UTC", "America/Havana", "Africa/Cairo")
VALUES: dict[str, tuple[float, ...]] = {
    "respiratory_rate": (9.99, 14, 20, 25, 29.995, 30, 41, 50, 61, 70),
    "spo2": (90, 91, 91.005, 94.99, 95, 99),
    "oxygen": (0, 0.1, 1, 1.99, 2, 6, 25),
    "systolic_bp": (49, 60, 71, 79.99, 80, 95, 101, 112, 131, 141),
    "heart_rate": (45, 59, 75, 90, 105, 121, 145, 160, 175, 181),
    "consciousness": (0, 1, 2, 3, 4),
    "temperature": (34.9, 36.5, 38.2, 39.2),
    "respiratory_distress": (0, 1, 2, 3),
    "capillary_refill": (0, 2, 2.5, 2.999, 3, 8),
}

Message = tuple[int, tuple[tuple[int, int, float], ...]]  # the stay, and of each reading its hour, column and value


def local(zone: str, day: date) -> int:
    """Give the first moment of a day in a zone, found the slow way: minute by minute."""
    at = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) - 15 * 3600
    while datetime.fromtimestamp(at, ZoneInfo(zone)).date() < day:
        at += 900
    return at * 1000


births = st.one_of(
    st.dates(date(2008, 3, 1), date(2026, 1, 1)),
    st.builds(
        lambda year, shift: date(year, 2, 28) + timedelta(days=shift), st.integers(2009, 2025), st.integers(0, 2)
    ),
)


@pytest.mark.hazard("H28")
@given(born=births, zone=st.sampled_from(ZONES), years=st.sampled_from(YEARS), shift_ms=st.integers(-26, 26))
def test_a_band_begins_with_the_first_moment_of_the_birthday(born: date, zone: str, years: int, shift_ms: int) -> None:
    """A millisecond before it the band before holds; some hours off, the one that a calendar says."""
    starts = ages.starts_ms(born, YEARS, zone)
    start = starts[YEARS.index(years)]
    for at_ms in (start - 1, start, start + 1, start + shift_ms * HOUR):
        at = datetime.fromtimestamp(at_ms / 1000, ZoneInfo(zone))
        if at.date() >= born:
            word = ages.context(PEWS, ages.years(born, at))["age_band"]
            assert AGE_BANDS[layouts.band(starts, at_ms) - 1] == word, (born, zone, at)


@pytest.mark.parametrize(
    ("zone", "day", "first"),
    [
        ("Europe/London", date(2026, 3, 29), "2026-03-29T00:00:00+00:00"),
        ("Europe/London", date(2026, 10, 25), "2026-10-24T23:00:00+00:00"),
        ("Africa/Cairo", date(2026, 4, 24), "2026-04-23T22:00:00+00:00"),  # 00:00 to 01:00 is skipped
        ("America/Havana", date(2026, 11, 1), "2026-11-01T04:00:00+00:00"),  # 00:00 to 01:00 comes twice
        ("Pacific/Apia", date(2011, 12, 30), "2011-12-30T10:00:00+00:00"),  # the day is skipped
    ],
)
def test_a_birthday_begins_once_where_the_clocks_change_at_midnight(zone: str, day: date, first: str) -> None:
    """With the first moment that is of that day; where there is no such day, with the day after."""
    (start,) = ages.starts_ms(day.replace(year=day.year - 5), (5,), zone)
    assert datetime.fromtimestamp(start / 1000, UTC).isoformat() == first
    assert start == local(zone, day)


@pytest.mark.parametrize(
    ("born", "years", "day"),
    [
        (date(2020, 2, 29), 1, date(2021, 3, 1)),
        (date(2020, 2, 29), 5, date(2025, 3, 1)),
        (date(2016, 2, 29), 13, date(2029, 3, 1)),
        (date(2020, 2, 28), 5, date(2025, 2, 28)),
        (date(2020, 3, 1), 5, date(2025, 3, 1)),
    ],
)
def test_who_was_born_on_29_february_is_older_on_1_march(born: date, years: int, day: date) -> None:
    """In years without that day, and not a day before."""
    assert ages.starts_ms(born, (years,), "Europe/London") == [local("Europe/London", day)]


class MixedWard:
    """A ward of a few stays around a moment, with the dates of birth that only the twin sees."""

    def __init__(self, born: Sequence[date | None], zone: str, begin_ms: int) -> None:
        """Admit everyone at the beginning."""
        self.born, self.zone, self.begin_ms = born, zone, begin_ms
        bands = [self.starts(one) for one in born]
        size = (len(born), 7)
        self.plans = PlanTable(
            spo2_scale=np.ones(len(born), dtype=np.int8),
            expected=np.ones(size, dtype=np.bool_),
            valid_ms=np.full(size, 9 * HOUR),
            overdue_ms=np.full(size, 20 * HOUR),
            admitted_ms=np.full(len(born), begin_ms),
            ages_ms=np.array(bands, dtype=np.int64),
        )

    def starts(self, born: date | None) -> list[int]:
        """Give what the register keeps of a date of birth."""
        if born is None:
            return [FOREVER] * len(YEARS)
        starts = ages.starts_ms(born, YEARS, self.zone)
        return [-FOREVER if start <= self.begin_ms else start for start in starts]

    def chart(self, stay: int) -> str:
        """Name the chart of a stay."""
        return "news2" if self.born[stay] is None else "pews"

    def scored(self, stay: int, values: dict[str, float], at_ms: int) -> reference.Score:
        """Read one observation set off the chart of its stay, at the age of its moment."""
        born = self.born[stay]
        if born is None:
            return reference.score(NEWS2, values, {"spo2_scale": 1})
        age = ages.years(born, datetime.fromtimestamp(at_ms / 1000, ZoneInfo(self.zone)))
        device = {"oxygen_device": 0.0} if values.get("oxygen") == 0 else {}
        return reference.score(PEWS, values | device, ages.context(PEWS, age))

    def worse(self, stay: int, part: str, at_ms: int, one: float, other: float) -> float:
        """Give the worse of two readings of one moment."""

        def badness(value: float) -> tuple[int, float]:
            points = self.scored(stay, {part: value}, at_ms).points[part][0]
            return points, -value if part in {"spo2", "systolic_bp"} else value

        return max(one, other, key=badness)

    def history(self, log: Sequence[Message]) -> dict[tuple[int, int], Any]:
        """Score every moment of a whole log, one after the other."""
        read: dict[tuple[int, int], dict[int, float]] = defaultdict(dict)
        for stay, readings in log:
            parts = COLUMNS[self.chart(stay)]
            for hour, column, value in readings:
                at_ms, series = self.begin_ms + hour * HOUR, read[stay, column]
                series[at_ms] = self.worse(stay, parts[column], at_ms, value, series.get(at_ms, value))
        found: dict[tuple[int, int], Any] = {}
        for stay in range(len(self.born)):
            moments = {at_ms for (of, _), series in read.items() if of == stay for at_ms in series}
            found |= {(stay, at_ms): self._moment(stay, at_ms, read) for at_ms in moments}
        return found

    def _moment(self, stay: int, at_ms: int, read: dict[tuple[int, int], dict[int, float]]) -> tuple[Any, ...]:
        parts, values = COLUMNS[self.chart(stay)], {}
        for column, part in enumerate(parts):
            last = max((at for at in read[stay, column] if at <= at_ms), default=None)
            if last is not None and at_ms - last <= 9 * HOUR:
                values[part] = read[stay, column][last]
        score = self.scored(stay, values, at_ms)
        bounds = tuple(score.points[part] for part in parts)
        there = tuple(part not in score.missing for part in parts)
        return score.total_min, score.total_max, score.complete, score.red, bounds, there

    def columns(self, log: Sequence[Message]) -> Readings:
        """Write a log as the ward's columns."""
        rows = [(unit, stay, *one) for unit, (stay, readings) in enumerate(log) for one in readings]
        at_ms = self.begin_ms + HOUR * np.array([row[2] for row in rows], dtype=np.int64)
        return Readings(
            stay=np.array([row[1] for row in rows], dtype=np.int64),
            part=np.array([row[3] for row in rows], dtype=np.int8),
            observed_ms=at_ms,
            received_ms=at_ms,
            value=np.array([row[4] for row in rows]),
            unit=np.array([row[0] for row in rows], dtype=np.int64),
        )


def seen(ward: MixedWard, cuts: Iterator[Readings]) -> dict[tuple[int, int], Any]:
    """Step through the parts of a log; give the last word on each moment."""
    live, found = Ward(ward.plans), {}
    for readings in cuts:
        scores, _ = pipeline.step(live, readings)
        for i in range(len(scores)):
            bounds = tuple(zip(scores.points_min[i].tolist(), scores.points_max[i].tolist(), strict=True))
            found[int(scores.stay[i]), int(scores.at_ms[i])] = (
                int(scores.total_min[i]),
                int(scores.total_max[i]),
                bool(scores.complete[i]),
                bool(scores.red[i]),
                bounds,
                tuple(scores.present[i].tolist()),
            )
    return found


@st.composite
def wards(draw: st.DrawFn) -> tuple[MixedWard, list[Message]]:
    """Draw an adult or two among children who are about to pass, or just passed, a birthday that a chart asks for."""
    zone = draw(st.sampled_from(ZONES))
    day = draw(st.dates(date(2024, 2, 20), date(2027, 3, 20)))
    begin_ms = local(zone, day)
    children = st.builds(
        lambda years, shift: min(day, day.replace(day=1, year=day.year - years) + timedelta(days=shift)),
        st.sampled_from((0, 1, 5, 13, 16)),
        st.integers(day.day - 3, day.day + 3),
    )
    born = draw(st.lists(st.one_of(st.just(ADULT), children), min_size=2, max_size=5))
    ward = MixedWard(born, zone, begin_ms)

    def reading(stay: int) -> st.SearchStrategy[tuple[int, int, float]]:
        parts = COLUMNS[ward.chart(stay)]
        return st.integers(0, 6).flatmap(
            lambda column: st.tuples(
                st.integers(0, HOURS), st.just(column), st.sampled_from(VALUES[parts[column]]).map(float)
            )
        )

    message = st.integers(0, len(born) - 1).flatmap(
        lambda stay: st.tuples(st.just(stay), st.lists(reading(stay), min_size=1, max_size=9).map(tuple))
    )
    return ward, draw(st.lists(message, min_size=1, max_size=10))


@pytest.mark.hazard("H28")
@settings(max_examples=150, deadline=None)
@given(drawn=wards(), cut=st.lists(st.booleans(), min_size=10, max_size=10))
def test_every_moment_scores_by_the_chart_and_the_age_of_its_stay(
    drawn: tuple[MixedWard, list[Message]], cut: list[bool]
) -> None:
    """Adults by NEWS2, children by PEWS at their age of that moment, however mixed and however the log is cut."""
    ward, log = drawn
    ends = [i for i in range(1, len(log)) if cut[i]] + [len(log)]
    parts, begin = [], 0
    for end in ends:
        whole = ward.columns(log)
        parts.append(whole.where((whole.unit >= begin) & (whole.unit < end)))
        begin = end
    assert seen(ward, iter(parts)) == ward.history(log)


@pytest.mark.hazard("H28")
@settings(max_examples=60, deadline=None)
@given(drawn=wards())
def test_an_adult_scores_the_same_with_children_beside_and_without(drawn: tuple[MixedWard, list[Message]]) -> None:
    """Bit for bit: nobody's score hangs on who else is on the ward."""
    ward, log = drawn
    adults = [stay for stay, born in enumerate(ward.born) if born is None]
    alone = MixedWard([None] * len(ward.born), ward.zone, ward.begin_ms)
    alone.plans = PlanTable(**{name: getattr(ward.plans, name) for name in PlanTable.__slots__ if name != "ages_ms"})
    theirs = [message for message in log if message[0] in adults]
    if theirs:
        mixed = {key: one for key, one in seen(ward, iter([ward.columns(log)])).items() if key[0] in adults}
        assert seen(alone, iter([alone.columns(theirs)])) == mixed


def test_what_is_missing_is_unknown_and_never_nothing() -> None:
    """A child of whom only the pulse is known: from its points up to those and everything else."""
    ward = MixedWard([date(2023, 1, 1)], "Europe/London", local("Europe/London", date(2026, 1, 10)))
    (found,) = seen(ward, iter([ward.columns([(0, ((0, 4, 145.0),))])])).values()
    assert found[:3] == (1, 1 + 22, False)
    assert [high - low for low, high in found[4]] == [4, 4, 4, 4, 0, 4, 2]


def test_a_flow_without_its_device_is_bounded_and_no_flow_is_air() -> None:
    """2 L/min score 2 on a mask and 4 on high flow, which the ward is not told."""
    ward = MixedWard([date(2023, 1, 1)], "Europe/London", local("Europe/London", date(2026, 1, 10)))
    log: list[Message] = [(0, ((0, 2, 0.0), (1, 2, 2.0)))]
    air, flow = (one for _, one in sorted(seen(ward, iter([ward.columns(log)])).items()))
    assert (air[4][2], flow[4][2]) == ((0, 0), (2, 4))
    assert not math.isnan(flow[0])


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize(("born", "worse"), [(date(2026, 1, 1), 75.0), (date(2010, 6, 1), 130.0), (None, 130.0)])
def test_of_two_readings_of_one_moment_the_one_that_is_worse_at_that_age_counts(
    born: date | None, worse: float, *, apart: bool
) -> None:
    """A pulse of 75 is 4 points to a baby, of 130 none; to a child of 15 and to an adult it is the other way round."""
    ward = MixedWard([born], "Europe/London", local("Europe/London", date(2026, 7, 10)))
    log: list[Message] = [(0, ((0, 4, 75.0),)), (0, ((0, 4, 130.0),))]
    for order in (log, log[::-1]):
        whole = ward.columns(order)
        cuts = [whole.where(whole.unit == unit) for unit in (0, 1)] if apart else [whole]
        live = Ward(ward.plans)
        for readings in cuts:
            scores, _ = pipeline.step(live, readings)
        assert scores.values[-1, 4] == worse
        assert live.windows.latest_value[0, 4] == worse
