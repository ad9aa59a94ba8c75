"""Ratios of readings: small cases that a reader can check on paper, and what a missing reading does."""

import math

import numpy as np
import pytest

from vwmon.scoring import charts, ratio_columns, ratios
from vwmon.scoring.records import Ratio


def ratio(name: str) -> Ratio:
    """Load one."""
    found = charts.either(name)
    assert isinstance(found, Ratio)
    return found


SHOCK, MAP, ROX = ratio("shock_index"), ratio("map"), ratio("rox")


@pytest.mark.parametrize(
    ("pulse", "pressure", "value", "band"),
    [
        (60, 120, 0.50, "normal"),
        (59, 120, 0.49, "below normal"),
        (84, 120, 0.70, "normal"),
        (85, 120, 0.71, "raised"),
        (80, 100, 0.80, "raised"),
        (81, 100, 0.81, "early shock"),
        (110, 90, 1.22, "early shock"),
        (64.5, 100, 0.65, "normal"),
        (80.5, 100, 0.81, "early shock"),
    ],
)
def test_the_shock_index_is_pulse_by_systolic_pressure(pulse: float, pressure: float, value: float, band: str) -> None:
    """To two places, a half upwards: 0.805 is 0.81, though it is a little less in binary."""
    found = ratios.score(SHOCK, {"heart_rate": pulse, "systolic_bp": pressure})
    assert (found.value, found.band, found.missing) == (value, band, ())


@pytest.mark.parametrize(
    ("systolic", "diastolic", "value", "band"),
    [
        (120, 80, 93.3, "65 or more"),
        (90, 52.5, 65.0, "65 or more"),
        (90, 52, 64.7, "below 65"),
        (100, 50, 66.7, "65 or more"),
    ],
)
def test_the_mean_pressure_is_a_third_of_systolic_and_twice_diastolic(
    systolic: float, diastolic: float, value: float, band: str
) -> None:
    """64.7 is not rounded up to the limit."""
    found = ratios.score(MAP, {"systolic_bp": systolic, "diastolic_bp": diastolic})
    assert (found.value, found.band) == (value, band)


def test_what_the_cuff_measured_is_better_than_a_third() -> None:
    """Its own mean counts where it sent one, also alone."""
    assert ratios.score(MAP, {"systolic_bp": 120, "diastolic_bp": 80, "mean_bp": 100}).value == 100
    assert ratios.score(MAP, {"mean_bp": 64.94}).value == 64.9
    assert ratios.score(MAP, {"mean_bp": 64.94}).missing == ()


@pytest.mark.parametrize(
    ("saturation", "fraction", "rate", "value", "band"),
    [
        (92, 0.5, 25, 7.36, "4.88 or more"),
        (88, 0.8, 30, 3.67, "below 3.85"),
        (90, 0.6, 36, 4.17, "3.85 to 4.87"),
        (97.6, 1.0, 20, 4.88, "4.88 or more"),
    ],
)
def test_rox_is_saturation_by_fraction_by_rate(
    saturation: float, fraction: float, rate: float, value: float, band: str
) -> None:
    """As Roca printed it."""
    found = ratios.score(ROX, {"spo2": saturation, "fio2": fraction, "respiratory_rate": rate})
    assert (found.value, found.band) == (value, band)


@pytest.mark.parametrize(
    ("one", "values", "missing"),
    [
        (SHOCK, {"heart_rate": 80.0}, ("systolic_bp",)),
        (SHOCK, {}, ("heart_rate", "systolic_bp")),
        (SHOCK, {"heart_rate": 80.0, "systolic_bp": 0.0}, ("systolic_bp",)),
        (SHOCK, {"heart_rate": math.nan, "systolic_bp": 100.0}, ("heart_rate",)),
        (MAP, {"systolic_bp": 120.0}, ("diastolic_bp",)),
        (ROX, {"spo2": 92.0, "fio2": 50.0, "respiratory_rate": 25.0}, ("fio2",)),
    ],
)
def test_without_a_reading_there_is_no_value(one: Ratio, values: dict[str, float], missing: tuple[str, ...]) -> None:
    """No bounds, no guess, no division by nothing; a percentage is not taken for a fraction."""
    found = ratios.score(one, values)
    assert (found.value, found.band, found.missing) == (None, "", missing)


@pytest.mark.parametrize("one", [SHOCK, MAP, ROX], ids=lambda one: one.id)
def test_a_reading_at_the_end_of_its_range_is_one_and_beyond_is_none(one: Ratio) -> None:
    """To the millionth, at both ends."""
    for term in (*one.over, *one.under):
        others = {other.name: other.lower / 1e6 for other in (*one.over, *one.under)}
        for millionths, there in (
            (term.lower, True),
            (term.lower - 1, False),
            (term.upper, True),
            (term.upper + 1, False),
        ):
            found = ratios.score(one, others | {term.name: millionths / 1e6})
            assert found.missing == (() if there else (term.name,))


def test_columns_take_what_the_cuff_measured_for_its_mean() -> None:
    """As the plain reading does, with the pressures or without."""
    rows = [[100.0, 120.0, 80.0], [64.94, np.nan, np.nan], [np.nan, 120.0, 80.0], [np.nan, 120.0, np.nan]]
    found = ratio_columns.score(MAP, np.array(rows))
    plain = [ratios.score(MAP, dict(zip(("mean_bp", "systolic_bp", "diastolic_bp"), row, strict=True))) for row in rows]
    assert [None if math.isnan(one) else one for one in found.value.tolist()] == [one.value for one in plain]


def test_columns_say_where_there_is_no_value() -> None:
    """NaN and no band; every reading is told apart."""
    values = np.array([[80.0, 100.0], [80.0, np.nan], [np.nan, 100.0]])
    found = ratio_columns.score(SHOCK, values)
    assert found.value.tolist()[0] == 0.8
    assert np.isnan(found.value[1:]).all()
    assert found.band.tolist() == [2, -1, -1]
    assert found.present.tolist() == [[True, True], [True, False], [False, True]]


def test_no_rows_are_no_values() -> None:
    """An empty table is no error."""
    assert ratio_columns.score(ROX, np.empty((0, 3))).value.shape == (0,)
