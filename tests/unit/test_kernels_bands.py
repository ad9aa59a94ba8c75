"""Fixed point and look-up against decimal arithmetic."""

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


@given(st.lists(st.lists(st.integers(-50, 50), max_size=4, unique=True).map(sorted), min_size=1, max_size=4), st.data())
def test_tables_searched_as_one_give_each_its_own_slot(tables: list[list[int]], data: st.DataObject) -> None:
    """Joined or alone, a value is in the same slot of its table; what is unreadable is in the first."""
    cuts, shift = bands.joined(tables)
    assert (np.diff(cuts) > 0).all()
    which = data.draw(st.integers(0, len(tables) - 1))
    value = data.draw(st.one_of(st.integers(-60, 60), st.sampled_from([10**15, -(10**15), bands.UNREADABLE])))
    before = sum(len(table) + 2 for table in tables[:which])
    slot = 0 if value == bands.UNREADABLE else 1 + sum(cut <= value for cut in tables[which])
    assert int(bands.slots(value + shift[which], cuts)[0]) == before + slot
