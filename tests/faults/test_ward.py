"""What a disturbed ward is compared by, tested: what is there twice is named, and what only a look can find is not."""

from contextlib import closing
from pathlib import Path

import pytest

from tests.faults import ward
from vwmon.clock import Clock
from vwmon.store import database

ENDED = """insert into alert (id, stay_no, ordinal, lane, state, level, peak, opened_ms, since_ms, late, closed_ms,
    outcome, evidence, version, current)
    values (?, 1, ?, 'technical', 'closed', 1, 1, ?, 0, 0, ?, 'no-action', '{}', 1, 0)"""


@pytest.mark.parametrize(("times", "named"), [(1, False), (2, True)])
def test_an_alert_of_a_device_is_no_difference_and_the_same_one_twice_is(
    tmp_path: Path, times: int, *, named: bool
) -> None:
    """One that the undisturbed run cannot have is passed over; the same beginning twice is named."""
    path, devices, at_ms = tmp_path / "ward.db", ward.fleet(1), Clock().now_ms()
    ward.make(path, at_ms, devices)
    with closing(database.open_writer(path)) as db, database.atomic(db):
        for number in range(times):
            db.execute(ENDED, [f"TTT{number}", number, at_ms + number, at_ms + number])
    with closing(ward.undisturbed(tmp_path / "undisturbed.db", at_ms, devices, [])) as should_be:
        broken = ward.compared(path, should_be, [], 1).broken
    assert ("an alert twice" in broken, ward.OTHER_ALERTS in broken) == (named, False)
