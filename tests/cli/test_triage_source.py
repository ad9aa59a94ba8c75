"""What the triage screen reads of one stay, and how it words what the commands say."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.db.test_scorer import MINUTE, T0, WELL, message
from tests.db.watched_ward import Watched
from vwmon.cli.triage import source
from vwmon.cli.triage.records import Story
from vwmon.patients.records import By
from vwmon.store import registers

FAST = WELL | {"heart_rate": 131.0}


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Watched]:
    """A ward of one, whose device has been with the patient since T0."""
    made = Watched(tmp_path / "ward.db")
    made.admit("p1")
    yield made
    made.db.close()


def pulses(found: Story) -> list[tuple[float, float, int | None]]:
    """Give the pulse of a chart as (minute, value, points)."""
    (trace,) = [trace for trace in found.traces if trace.vital == "heart_rate"]
    return [((dot.at_ms - T0) / MINUTE, dot.value, dot.points) for dot in trace.dots]


def test_a_chart_holds_what_was_measured_and_what_it_scored(ward: Watched) -> None:
    """With its points and its score, in the last hours and not before."""
    ward.hears(WELL, 5)
    ward.hears(FAST, 30)
    found = source.story(ward.db, 1, T0 + 60 * MINUTE, 24)
    assert pulses(found) == [(5, 75.0, 0), (30, 131.0, 3)]
    assert [(score.low, score.high) for score in found.scores] == [(0, 0), (3, 3)]
    assert {(at - T0) / MINUTE for at in found.heard_ms} == {5, 30}
    assert pulses(source.story(ward.db, 1, T0 + 30 * MINUTE + 24 * 60 * MINUTE - 1, 24)) == [(30, 131.0, 3)]


def test_readings_of_a_device_that_was_with_someone_else_are_not_in_it(ward: Watched) -> None:
    """Neither from before it came nor from after it went: they are another patient's, or nobody's."""
    ward.hears(WELL, 5)
    registers.return_device(ward.db, "of-p1", T0 + 20 * MINUTE, By(actor="test", at_ms=T0))
    ward.admit("p2", device="spare")
    registers.assign(ward.db, "of-p1", "p2", T0 + 40 * MINUTE, By(actor="test", at_ms=T0))
    ward.hears(FAST, 30)
    ward.hears(FAST, 50)
    now = T0 + 60 * MINUTE
    assert pulses(source.story(ward.db, 1, now, 24)) == [(5, 75.0, 0)]
    assert pulses(source.story(ward.db, 2, now, 24)) == [(50, 131.0, 3)]


def test_what_is_timed_after_now_is_counted_and_not_drawn(ward: Watched) -> None:
    """A device whose clock is ahead has measured nothing in the future."""
    ward.hears(WELL, 5)
    found = source.story(ward.db, 1, T0 + 4 * MINUTE, 24)
    assert pulses(found) == []
    assert found.ahead == len(WELL)
    assert found.heard_ms == ()


def test_what_no_score_has_seen_yet_carries_no_score_on(ward: Watched) -> None:
    """It is drawn as measured; that the score is what it was would be a guess."""
    ward.hears(WELL, 5)
    ward.store(message("unscored", FAST, T0 + 30 * MINUTE, T0 + 30 * MINUTE, "of-p1", ()))
    found = source.story(ward.db, 1, T0 + 60 * MINUTE, 24)
    assert pulses(found)[-1] == (30, 131.0, 3)
    assert {(at - T0) / MINUTE for at in found.heard_ms} == {5}


def test_what_the_plan_asks_for_has_a_line_when_nothing_came(ward: Watched) -> None:
    """Missing is to be seen; and every line knows for how long its readings count."""
    found = source.story(ward.db, 1, T0 + MINUTE, 24)
    names = [trace.vital for trace in found.traces]
    assert {"respiratory_rate", "spo2", "heart_rate"} <= set(names)
    assert all(trace.dots == () and trace.valid_ms for trace in found.traces)


@pytest.mark.parametrize(
    ("vital", "value", "scale", "points"),
    [
        ("respiratory_rate", 25.0, 1, 3),
        ("temperature", 39.0, 1, 1),
        ("temperature", 39.05, 1, 2),
        ("spo2", 92.0, 1, 2),
        ("spo2", 92.0, 2, None),
        ("oxygen", 2.0, 1, 2),
        ("consciousness", 1.0, 1, 3),
        ("weight", 80.0, 1, None),
    ],
)
def test_a_reading_has_the_points_it_scores_by_itself(vital: str, value: float, scale: int, points: int | None) -> None:
    """None where that hangs on something else: SpO2 on scale 2 hangs on whether there is oxygen."""
    assert source.points(vital, value, scale) == points


@pytest.mark.parametrize(
    ("said", "here"),
    [
        ("K7QD is owned by bob. --take takes over", "K7QD is owned by bob. Key t takes it over"),
        ("K7QD changed. Review: vwmon alerts show K7QD", "K7QD changed. Review: enter"),
        ("K7QD stands: vwmon alerts ack K7QD first", "K7QD stands: key a first"),
        ("K7QD is L2: say with -m what is being done", "K7QD is L2: say in the note what is being done"),
        ("back with: vwmon db restore", "back with: vwmon db restore"),
    ],
)
def test_a_refusal_names_keys_and_no_commands(said: str, here: str) -> None:
    """Where the screen has a key for what the command line would be told to type."""
    assert source.here(said) == here
