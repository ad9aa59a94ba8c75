"""Fixed point and look-up against decimal arithmetic."""

import math
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vwmon.kernels import bands

decimals = st.decimals(min_value=-1000, max_value=1000, places=6, allow_nan=False, allow_infinity=False)


@given(decimals)
def test_a_decimal_of_six_places_keeps_them_all(number: Decimal) -> None:
    """The binary form of a decimal is a little off; its millionths are not."""
    assert bands.millionths(np.array([float(number)])).tolist() == [int(number.scaleb(6))]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_unreadable(value: float) -> None:
    """Neither zero, nor beyond the last band."""
    assert bands.millionths(np.array([value])).tolist() == [bands.UNREADABLE]


def test_numbers_beyond_every_table_count_as_its_end() -> None:
    """A number that would not fit does not wrap around into another band."""
    assert bands.millionths(np.array([1e300, -1e300])).tolist() == [10**15, -(10**15)]


def test_millionths_leave_the_values_as_they_were() -> None:
    """The input is read-only here."""
    values = np.array([[36.05, np.nan], [np.inf, 1e20]])
    values.flags.writeable = False
    assert bands.millionths(values).shape == values.shape


@given(st.sampled_from([1, 100_000, 500_000, 1_000_000]), st.integers(-40, 40))
def test_the_first_millionth_of_a_step_is_where_rounding_away_from_zero_begins(step: int, number: int) -> None:
    """The cut itself goes to the step, one millionth less to the step before."""
    first = bands.first_of_step(step, number)
    nearest = [int((Decimal(m) / step).quantize(Decimal(1), ROUND_HALF_UP)) for m in (first - 1, first)]
    assert nearest == [number - 1, number]


@given(st.one_of(st.integers(-(10**9), 10**9), st.integers(-3000, 3000)))
def test_the_lowest_float_of_a_cut_is_where_its_millionths_begin(cut: int) -> None:
    """That float is at the cut or above by its millionths, and the float next below it is not."""
    lowest = bands.lowest_float(cut)
    below, at = bands.millionths(np.array([math.nextafter(lowest, -math.inf), lowest])).tolist()
    assert below < cut <= at


numbers = st.one_of(st.integers(-60, 60).map(lambda n: n / 1e6), st.floats(-1e-4, 1e-4), st.floats())


@given(
    st.lists(st.lists(st.integers(-50, 50), max_size=4, unique=True).map(sorted), min_size=1, max_size=4),
    st.lists(numbers, min_size=1, max_size=5),
)
def test_a_value_is_in_the_slot_that_its_millionths_say(tables: list[list[int]], values: list[float]) -> None:
    """Whole numbers decide, in every table at once; what is no number is in the slot of the unreadable."""
    columns = np.tile(np.array(values), (len(tables), 1))
    columns.flags.writeable = False
    found = bands.slots(columns, bands.cut_table(tables)).tolist()
    at = bands.millionths(np.array(values)).tolist()
    assert found == [
        [0 if m == bands.UNREADABLE else 1 + sum(cut <= m for cut in table) for m in at] for table in tables
    ]


def test_no_values_are_in_no_slots() -> None:
    """An empty column is no error."""
    assert bands.slots(np.empty((2, 0)), bands.cut_table([[1], [1, 2]])).shape == (2, 0)
