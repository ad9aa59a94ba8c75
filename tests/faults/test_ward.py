"""What a disturbed ward is compared by, tested: what is there twice is named, and what only a look can find is not."""

from contextlib import closing
from pathlib import Path

import pytest

from tests.faults import ward
from vwmon.clock import Clock
from vwmon.store import database

ENDED = """insert into alert (id, stay_no, ordinal, lane, state, level, peak, opened_ms, since_ms, late, closed_ms,
    outcome, evidence, version, current, reds)
    values (?, 1, ?, 'technical', 'closed', 1, 1, ?, 0, 0, ?, 'no-action', '{}', 1, 0, ?)"""


@pytest.mark.parametrize(
    ("fault", "times", "named"),
    [
        ("frozen", 1, []),
        ("frozen", 2, ["an alert twice"]),
        ("overdue", 1, [ward.OTHER_ALERTS]),
        ("overdue", 2, [ward.OTHER_ALERTS, "an alert twice"]),
    ],
)
def test_what_only_a_look_can_find_is_no_difference_and_anything_twice_is(
    tmp_path: Path, fault: str, times: int, named: list[str]
) -> None:
    """A value that does not move is passed over; a false silence, and the same beginning twice, are named."""
    path, devices, at_ms = tmp_path / "ward.db", ward.fleet(1), Clock().now_ms()
    ward.make(path, at_ms, devices)
    with closing(database.open_writer(path)) as db, database.atomic(db):
        for number in range(times):
            db.execute(ENDED, [f"TTT{number}", number, at_ms + number, at_ms + number, fault])
    with closing(ward.undisturbed(tmp_path / "undisturbed.db", at_ms, devices, [])) as should_be:
        broken = ward.compared(path, should_be, [], 1).broken
    assert [what for what in broken if "alert" in what and ":" not in what] == named


@pytest.mark.parametrize(("messages", "named"), [(24, True), (120, False)])
def test_a_ward_in_which_nobody_falls_ill_proves_nothing_of_alerts(tmp_path: Path, messages: int, named: bool) -> None:
    """It is told as what does not hold, however well the rest compares."""
    path, devices, at_ms = tmp_path / "ward.db", ward.brief(7), ward.start_of(100 * messages)
    sent = ward.Load(devices, at_ms, messages).more(messages)
    ward.undisturbed(path, at_ms, devices, sent).close()
    with closing(ward.undisturbed(tmp_path / "undisturbed.db", at_ms, devices, sent)) as should_be:
        tally = ward.compared(path, should_be, sent, 1)
    assert tally.broken == ((ward.NOBODY_ILL,) if named else ())
