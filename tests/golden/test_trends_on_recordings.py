"""Trends of recorded people: sensible numbers at every moment, and as often as docs/trends.md says."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Command
from vwmon import histories
from vwmon.scoring.trends import quantities, wording
from vwmon.scoring.trends.assess import Assessment, History, assess
from vwmon.scoring.trends.table import NAMES, SERIES, TRENDED, Moments
from vwmon.store import registers
from vwmon.store.database import open_reader

QUARTER_MS = 900_000
FOREVER = 1 << 50
Recorded = tuple[History, Moments, Assessment]


@pytest.fixture(scope="module")
def recorded(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Recorded]:
    """A recording replayed into a database, and assessed at every quarter of an hour with a reading."""
    known: dict[str, Recorded] = {}

    def read(name: str) -> Recorded:
        if name not in known:
            db = tmp_path_factory.mktemp(name) / "ward.db"
            assert Command()("replay", recordings / name / "vitals.csv.gz", "--db", db).exit_code == 0
            with closing(open_reader(db)) as opened:
                history = histories.read(opened, registers.stays(opened), 0, FOREVER, "Europe/London")
            stay = history.readings.owners() // len(SERIES)
            asked = np.unique(np.stack([stay, history.readings.times_ms // QUARTER_MS]), axis=1)
            moments = Moments(stay=asked[0], at_ms=(asked[1] + 1) * QUARTER_MS - 1)
            known[name] = history, moments, assess(history, moments)
        return known[name]

    return read


SETS = pytest.mark.parametrize("name", ["tihm_home", "welltory_home", "mimic2_numerics"])


@SETS
def test_what_is_said_of_people_is_possible(recorded: Callable[[str], Recorded], name: str) -> None:
    """Usual, present and bounds within what can be true, spreads above nothing, scores within 0 to 20 and in order."""
    _, moments, found = recorded(name)
    shape = (len(moments), len(NAMES))
    usual, spread = found.base.location.reshape(shape), found.base.spread.reshape(shape)
    for column, vital in enumerate(TRENDED):
        for values in (usual, found.present.value, *found.ahead.low.T[column], *found.ahead.high.T[column]):
            one = values[:, column] if values.ndim > 1 else values
            one = one[~np.isnan(one)]
            assert ((one >= vital.lowest) & (one <= vital.highest)).all()
        known = spread[~np.isnan(spread[:, column]), column]
        assert (known >= vital.error).all()
    ahead = found.ahead
    assert (ahead.score_low <= ahead.score_middle).all()
    assert (ahead.score_middle <= ahead.score_known).all()
    assert (ahead.score_known <= ahead.score_high).all()
    assert ahead.score_low.min() >= 0
    assert ahead.score_high.max() <= 20


@SETS
def test_every_quantity_of_people_has_a_sentence(recorded: Callable[[str], Recorded], name: str) -> None:
    """At moments spread over the recording; no sentence has a number that is not there."""
    _, moments, found = recorded(name)
    for row in range(0, len(moments), len(moments) // 12):
        for quantity in quantities.table():
            assert "nan" not in wording.sentence(found, row, quantity)


def test_people_at_home_get_a_usual_and_are_seldom_far_from_it(recorded: Callable[[str], Recorded]) -> None:
    """Three quarters of the pressures of tihm_home have a usual; two in a hundred deviations are beyond three."""
    _, moments, found = recorded("tihm_home")
    column = NAMES.index("systolic_bp")
    now = found.present.fresh[:, column] & (found.present.observed_ms[:, column] > moments.at_ms - QUARTER_MS)
    away = found.deviation[now, column]
    assert 0.7 < np.isfinite(away).mean() < 0.85
    every = np.abs(found.deviation[np.isfinite(found.deviation)])
    assert 0.005 < (every > 3).mean() < 0.03


def test_a_day_of_monitoring_has_trends_and_no_usual(recorded: Callable[[str], Recorded]) -> None:
    """1.3 days a minute apart: nothing can be usual yet, and lines begin after twelve hours."""
    _, moments, found = recorded("mimic2_numerics")
    assert not found.base.enough.any()
    assert np.isnan(found.deviation).all()
    supported = np.logical_or.reduce(found.trend.supported.reshape(len(moments), -1), axis=1)
    hours = (moments.at_ms - moments.at_ms[0]) / 3_600_000
    assert not supported[hours < 11].any()
    assert supported[(hours > 13) & (hours < 24)].all()


@pytest.mark.slow
def test_nine_in_ten_readings_of_intensive_care_are_where_they_were_expected(
    recorded: Callable[[str], Recorded],
) -> None:
    """An hour ahead, of 7,000 moments a vital; six hours ahead the bounds hold fewer than they say, as is published."""
    history, moments, found = recorded("mimic4demo")
    for vital, least in (("respiratory_rate", 0.84), ("spo2", 0.84), ("systolic_bp", 0.84), ("heart_rate", 0.79)):
        column = NAMES.index(vital)
        held = {}
        for hours in (1, 6):
            series = moments.stay * len(SERIES) + column
            edges = (moments.at_ms + round((hours + end) * 3_600_000) for end in (-0.5, 0.5))
            start, stop = history.occasions.between(series, *edges)
            rows = np.flatnonzero((stop > start) & ~np.isnan(found.ahead.middle[:, hours, column]))
            later = history.occasions.number[start[rows]] / 2000
            inside = (found.ahead.low[rows, hours, column] <= later) & (later <= found.ahead.high[rows, hours, column])
            held[hours] = inside.mean()
        assert 0.87 < held[1] < 0.93
        assert least < held[6] < 0.92
