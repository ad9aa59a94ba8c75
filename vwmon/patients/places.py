"""The wards that a stay is and was on, and from when. Pure.

A transfer holds for limits and duty from when it was written down, as everything does that people decide: what had been
raised by then stays raised, and a stay that is told again comes out the same.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from alerts.layers import EVER
from vwmon.patients.records import Stay, Transfer


class Place(NamedTuple):
    """A ward, and from when on (ms UTC) a stay is on it."""

    from_ms: int
    ward: str


def places(stay: Stay, transfers: Sequence[Transfer] = ()) -> tuple[Place, ...]:
    """Give the wards of a stay in order, the first from ever."""
    first = transfers[0].from_ward if transfers else stay.ward
    return (Place(EVER, first), *(Place(one.written_ms, one.to_ward) for one in transfers))


def spans(wards: Sequence[Place]) -> list[tuple[Place, int | None]]:
    """Give each ward with when the next takes its place; None of the last."""
    return [*((one, after.from_ms) for one, after in pairwise(wards)), (wards[-1], None)]
