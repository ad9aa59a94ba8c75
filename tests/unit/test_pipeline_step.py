"""One step of the ward: small stories, told with times in minutes."""

import numpy as np
import pytest

from vwmon import pipeline
from vwmon.kernels.windows import NEVER_AGE
from vwmon.pipeline import Gaps, Scores
from vwmon.scoring.charts import PARTS
from vwmon.ward import PlanTable, Readings, Ward
from vwmon.windows import NEVER

MINUTE = 60_000
FIVE = {"respiratory_rate": 22.0, "spo2": 94.0, "oxygen": 2.0}


def plans(stays: int = 1, *, scale: int = 1, valid: int = 60, overdue: int = 90, expected: bool = True) -> PlanTable:
    """Give every stay the same plan, admitted at minute 0."""
    return PlanTable(
        spo2_scale=np.full(stays, scale, dtype=np.int8),
        expected=np.full((stays, len(PARTS)), expected),
        valid_ms=np.full((stays, len(PARTS)), valid * MINUTE),
        overdue_ms=np.full((stays, len(PARTS)), overdue * MINUTE),
        admitted_ms=np.zeros(stays, dtype=np.int64),
    )


def readings(*messages: tuple[int, int, dict[str, float]], received: int = 500, unit: int = 0) -> Readings:
    """Write messages, each of a stay, a minute and values by part."""
    rows = [
        (stay, PARTS.index(name), minute, value, unit + number)
        for number, (stay, minute, values) in enumerate(messages)
        for name, value in values.items()
    ]
    columns = list(zip(*rows, strict=True)) or [()] * 5
    return Readings(
        stay=np.array(columns[0], dtype=np.int64),
        part=np.array(columns[1], dtype=np.int8),
        observed_ms=np.array(columns[2], dtype=np.int64) * MINUTE,
        received_ms=np.full(len(rows), received * MINUTE),
        value=np.array(columns[3], dtype=np.float64),
        unit=np.array(columns[4], dtype=np.int64),
    )


def minutes(scores: Scores) -> list[float]:
    """Give the moments of scores."""
    return [at / MINUTE for at in scores.at_ms.tolist()]


def lengths(columns: Scores | Gaps) -> set[int]:
    """Give the lengths of all columns."""
    return {len(getattr(columns, name)) for name in columns.__dataclass_fields__}


def test_a_moment_is_scored_with_what_was_read_by_then() -> None:
    """Parts that came before and are still valid count; their age is told."""
    ward = Ward(plans())
    scores, _ = pipeline.step(ward, readings((0, 10, {"respiratory_rate": 25.0}), (0, 40, {"spo2": 93.0})))
    assert minutes(scores) == [10, 40]
    assert scores.total_min.tolist() == [3, 5]
    assert scores.values[1, :2].tolist() == [25.0, 93.0]
    assert (scores.age_ms[1, :3] / MINUTE).tolist() == [30, 0, NEVER_AGE / MINUTE]
    assert scores.red.tolist() == [True, True]


@pytest.mark.hazard("H5")
@pytest.mark.parametrize(("minute", "total"), [(70, 3), (71, 0)])
def test_a_reading_counts_up_to_its_last_valid_minute(minute: int, total: int) -> None:
    """At sixty minutes of age it counts, a minute later it is missing, not normal."""
    ward = Ward(plans())
    scores, _ = pipeline.step(ward, readings((0, 10, {"respiratory_rate": 25.0}), (0, minute, {"spo2": 97.0})))
    assert scores.total_min.tolist()[-1] == total
    assert scores.present[-1, 0] == (total == 3)
    assert np.isnan(scores.values[-1, 0]) == (total == 0)
    assert scores.total_max[-1] == total + 3 * 4 + 2 + (0 if total else 3)


def test_a_late_reading_scores_again_what_came_after_it() -> None:
    """The moments it changes are given again, marked late but for the present one."""
    ward = Ward(plans())
    pipeline.step(ward, readings((0, 10, {"spo2": 97.0}), (0, 30, {"spo2": 97.0})))
    scores, _ = pipeline.step(ward, readings((0, 20, {"respiratory_rate": 25.0}), received=77, unit=9))
    assert minutes(scores) == [20, 30]
    assert scores.late.tolist() == [True, False]
    assert scores.total_min.tolist() == [3, 3]
    assert (scores.rescored_from_ms / MINUTE).tolist() == [20, 20]
    assert (scores.received_ms / MINUTE).tolist() == [77, 77]
    assert ward.frontier_ms.tolist() == [30 * MINUTE]


def test_late_units_of_one_batch_are_waves_of_their_own() -> None:
    """Each changes moments that the one before scored."""
    log = readings((0, 30, {"spo2": 97.0}), (0, 20, {"spo2": 96.0}), (0, 40, {"spo2": 95.0}), (0, 40, {"oxygen": 0.0}))
    scores, _ = pipeline.step(Ward(plans()), log)
    assert list(zip(scores.wave.tolist(), minutes(scores), strict=True)) == [
        (0, 30),
        (1, 20),
        (1, 30),
        (1, 40),
        (2, 40),
    ]
    assert scores.late.tolist() == [False, True, False, False, False]


def test_changed_compares_with_the_moment_before_in_time() -> None:
    """A reading that scores alike changes nothing; the first moment of a stay is always a change."""
    log = readings(
        *((0, minute, {"heart_rate": rate}) for minute, rate in [(1, 70.0), (2, 71.0), (3, 95.0), (4, 96.0)])
    )
    scores, _ = pipeline.step(Ward(plans()), log)
    assert scores.changed.tolist() == [True, False, True, False]


def test_changed_sees_the_moment_before_the_batch() -> None:
    """What was scored in an earlier batch is compared with too."""
    ward = Ward(plans())
    pipeline.step(ward, readings((0, 1, {"heart_rate": 70.0})))
    scores, _ = pipeline.step(ward, readings((0, 2, {"heart_rate": 71.0}), unit=1))
    assert scores.changed.tolist() == [False]


@pytest.mark.hazard("H8")
def test_could_be_counts_only_what_is_expected_missing_and_overdue() -> None:
    """A part that was never expected alarms nobody; one that is late counts at its worst."""
    table = plans()
    table.expected[0, :] = False
    table.expected[0, PARTS.index("respiratory_rate")] = True
    scores, _ = pipeline.step(Ward(table), readings((0, 90, {"spo2": 95.0}), (0, 91, {"spo2": 95.0})))
    assert scores.total_min.tolist() == [1, 1]
    assert scores.could_be.tolist() == [1, 4]
    assert not scores.complete.any()


def test_an_overdue_oxygen_makes_a_high_saturation_on_scale_2_suspect() -> None:
    """97 % scores nothing on air, and 3 with 2 for the oxygen when that is what it is."""
    scores, _ = pipeline.step(Ward(plans(scale=2)), readings((0, 91, {"spo2": 97.0})))
    others = 5 * 3
    assert scores.total_min.tolist() == [0]
    assert scores.could_be.tolist() == [others + 5]
    assert scores.points_max[0, :3].tolist() == [3, 3, 2]


def test_an_oxygen_that_is_not_expected_leaves_the_saturation_alone() -> None:
    """Only what the plan expects is held against the patient."""
    scores, _ = pipeline.step(Ward(plans(scale=2, expected=False)), readings((0, 91, {"spo2": 97.0})))
    assert scores.could_be.tolist() == [0]


def test_a_whole_set_is_complete() -> None:
    """Seven parts fresh at one moment are a total, and nothing is left open."""
    whole = {"respiratory_rate": 22.0, "spo2": 94.0, "oxygen": 2.0, "systolic_bp": 120.0, "heart_rate": 70.0}
    scores, _ = pipeline.step(Ward(plans()), readings((0, 5, whole | {"consciousness": 0.0, "temperature": 37.0})))
    assert scores.complete.tolist() == [True]
    assert scores.total_min.tolist() == scores.total_max.tolist() == scores.could_be.tolist() == [5]


def test_a_reading_after_its_due_time_ends_a_gap() -> None:
    """Due ninety minutes after the last, or after admission."""
    ward = Ward(plans())
    _, gaps = pipeline.step(
        ward, readings((0, 100, {"spo2": 97.0}), (0, 190, {"spo2": 97.0}), (0, 281, {"spo2": 97.0}))
    )
    rows = zip(gaps.due_ms, gaps.ended_ms, gaps.received_ms, strict=True)
    assert [tuple(time / MINUTE for time in row) for row in rows] == [(90, 100, 500), (280, 281, 500)]
    assert gaps.part.tolist() == [PARTS.index("spo2")] * 2


def test_a_late_reading_ends_no_gap() -> None:
    """The episode was ended by the reading that came; what fills it in later is history."""
    ward = Ward(plans())
    pipeline.step(ward, readings((0, 200, {"spo2": 97.0})))
    _, gaps = pipeline.step(ward, readings((0, 150, {"spo2": 97.0}), unit=1))
    assert not len(gaps)


def test_overdue_names_the_part_and_when_it_fell_due() -> None:
    """At the due time it is not yet overdue, a millisecond later it is; unexpected parts never are."""
    table = plans(2)
    table.expected[:, 2:] = False
    table.expected[1, :] = False
    ward = Ward(table)
    pipeline.step(ward, readings((0, 30, {"spo2": 97.0})))
    assert [column.tolist() for column in pipeline.overdue(ward, 90 * MINUTE)] == [[], [], []]
    assert [column.tolist() for column in pipeline.overdue(ward, 90 * MINUTE + 1)] == [[0], [0], [90 * MINUTE]]
    assert [column.tolist() for column in pipeline.overdue(ward, 121 * MINUTE)] == [
        [0, 0],
        [0, 1],
        [90 * MINUTE, 120 * MINUTE],
    ]


def test_a_batch_without_rows_changes_nothing() -> None:
    """Not a moment, and no sign of life."""
    ward = Ward(plans())
    scores, gaps = pipeline.step(ward, readings())
    assert lengths(scores) == lengths(gaps) == {0}
    assert ward.frontier_ms.tolist() == [NEVER]
    assert not len(ward.windows)


def test_a_reading_older_than_what_is_kept_is_refused_until_the_stay_is_read_again() -> None:
    """Scoring it from a trimmed window would be wrong, so it is an error, and nothing has moved."""
    ward = Ward(plans(2))
    past = readings(*((0, minute, FIVE) for minute in range(0, 100, 10)), (1, 5, FIVE))
    pipeline.step(ward, past)
    ward.trim(20 * MINUTE)
    late = readings((1, 1, FIVE), (0, 15, {"heart_rate": 131.0}), unit=50)
    assert ward.out_of_reach(late).tolist() == [0]
    with pytest.raises(ValueError, match="older"):
        pipeline.step(ward, late)
    assert ward.frontier_ms.tolist() == [90 * MINUTE, 5 * MINUTE]
    ward.replace(np.array([0]), past.where(past.stay == 0))
    scores, _ = pipeline.step(ward, late)
    assert minutes(scores) == [15, 20, 30, 40, 50, 60, 70, 80, 90, 1, 5]


def test_a_stay_loaded_from_some_time_on_is_out_of_reach_before_it() -> None:
    """A restart that reads only the last hours knows that it did."""
    ward = Ward(plans())
    ward.load(readings((0, 50, FIVE)), whole_from_ms=40 * MINUTE)
    assert ward.out_of_reach(readings((0, 39, FIVE), (0, 40, FIVE))).tolist() == [0]
    assert ward.out_of_reach(readings((0, 40, FIVE))).tolist() == []


def test_a_forgotten_stay_begins_anew() -> None:
    """Nothing of it is late, and nothing counts that was read before; the others go on."""
    ward = Ward(plans(2))
    pipeline.step(ward, readings((0, 50, FIVE), (1, 50, FIVE)))
    ward.forget(np.array([0]))
    assert ward.frontier_ms.tolist() == [NEVER, 50 * MINUTE]
    scores, _ = pipeline.step(ward, readings((0, 20, {"spo2": 93.0}), (1, 60, {"heart_rate": 95.0}), unit=2))
    assert minutes(scores) == [20, 60]
    assert not scores.late.any()
    assert scores.total_min.tolist() == [2, 6]


def test_stays_are_added_at_the_end_while_the_ward_runs() -> None:
    """A longer table of plans makes room; what was known of the others stays."""
    ward = Ward(plans(1))
    pipeline.step(ward, readings((0, 10, FIVE)))
    ward.plan(plans(3))
    scores, _ = pipeline.step(ward, readings((2, 20, FIVE), (0, 20, {"heart_rate": 95.0}), unit=1))
    assert scores.stay.tolist() == [0, 2]
    assert scores.total_min.tolist() == [6, 5]
    with pytest.raises(ValueError, match="only ever added"):
        ward.plan(plans(2))


def test_readings_that_become_known_later_are_scored_as_known_then() -> None:
    """When they were observed stays as it was."""
    log = readings((0, 10, {"spo2": 95.0}), (0, 20, {"spo2": 93.0}), received=30)
    scores, _ = pipeline.step(Ward(plans()), log.known_at(99 * MINUTE))
    assert minutes(scores) == [10, 20]
    assert (scores.received_ms / MINUTE).tolist() == [99, 99]


def test_a_message_about_two_stays_counts_for_each() -> None:
    """A device that changed hands between two readings of one message belongs to both at their times."""
    log = readings((0, 10, {"spo2": 95.0}), (1, 10, {"spo2": 93.0}))
    together = Readings(**{**{name: getattr(log, name) for name in log.__dataclass_fields__}, "unit": np.zeros(2, int)})
    scores, _ = pipeline.step(Ward(plans(2)), together)
    assert scores.stay.tolist() == [0, 1]
    assert scores.total_min.tolist() == [1, 2]


NO_VALUE = float("nan")
ALL_BUT_SPO2 = dict.fromkeys(PARTS, 0.0) | {"respiratory_rate": 16.0, "systolic_bp": 120.0, "heart_rate": 70.0}
ALL_BUT_SPO2 |= {"temperature": 36.8}
del ALL_BUT_SPO2["spo2"]


def refused(scores: Scores) -> list[dict[str, int]]:
    """Name the parts that count as refused at each moment, and how many minutes ago they were tried."""
    return [
        {part: age // MINUTE for part, age in zip(PARTS, ages, strict=True) if age != NEVER_AGE}
        for ages in scores.refused_age_ms.tolist()
    ]


@pytest.mark.hazard("H8")
def test_a_part_that_was_refused_counts_at_its_worst_at_once() -> None:
    """Nothing is overdue yet; the moment of the attempt is scored, and what could be has grown by three."""
    log = readings((0, 10, ALL_BUT_SPO2), (0, 20, {"spo2": NO_VALUE}), (0, 25, {"heart_rate": 70.0}))
    scores, gaps = pipeline.step(Ward(plans()), log)
    assert minutes(scores) == [10, 20, 25]
    assert scores.total_min.tolist() == [0, 0, 0]
    assert scores.total_max.tolist() == [3, 3, 3]
    assert scores.could_be.tolist() == [0, 3, 3]
    assert refused(scores) == [{}, {"spo2": 0}, {"spo2": 5}]
    assert scores.changed.tolist() == [True, True, False]
    assert len(gaps) == 0


def test_a_value_that_is_still_fresh_goes_on_counting() -> None:
    """The refused attempt says nothing about it; once it is too old, the attempt counts, as long as a reading would."""
    log = readings(
        (0, 0, ALL_BUT_SPO2 | {"spo2": 96.0}),
        (0, 50, {"spo2": NO_VALUE}),
        *((0, minute, ALL_BUT_SPO2) for minute in (60, 61, 110, 111)),
    )
    scores, _ = pipeline.step(Ward(plans(overdue=900)), log)
    assert scores.could_be.tolist() == [0, 0, 0, 3, 3, 0]
    assert refused(scores) == [{}, {}, {}, {"spo2": 11}, {"spo2": 60}, {}]


@pytest.mark.parametrize(("minute", "could_be"), [(19, 3), (20, 0), (22, 0)])
def test_a_good_reading_at_or_after_the_attempt_ends_it(minute: int, could_be: int) -> None:
    """Of two at one moment the good one counts, and from then on; one from before the attempt ends nothing."""
    good, bad = (0, minute, {"spo2": 96.0}), (0, 20, {"spo2": NO_VALUE})
    for log in (readings(good, bad, (0, 24, ALL_BUT_SPO2)), readings(bad, good, (0, 24, ALL_BUT_SPO2))):
        scores, _ = pipeline.step(Ward(plans(valid=4, overdue=900)), log)
        assert minutes(scores)[-1] == 24
        assert scores.could_be.tolist()[-1] == could_be


def test_only_what_the_plan_expects_counts_as_refused() -> None:
    """A part that nobody asked for alarms nobody, however it was measured."""
    scores, _ = pipeline.step(Ward(plans(expected=False)), readings((0, 20, {"spo2": NO_VALUE})))
    assert (scores.could_be.tolist(), refused(scores)) == ([0], [{}])


def test_oxygen_that_was_refused_makes_a_saturation_on_scale_2_suspect() -> None:
    """As an overdue one does: 97 % scores 3 on oxygen, with 2 for the oxygen itself."""
    log = readings((0, 20, {"spo2": 97.0, "oxygen": NO_VALUE}))
    scores, _ = pipeline.step(Ward(plans(scale=2)), log)
    assert (scores.total_min.tolist(), scores.could_be.tolist()) == ([0], [5])


def test_an_attempt_ends_no_silence() -> None:
    """What was overdue stays so: as of the same time, by the clock and at the moment, and no gap is over."""
    ward = Ward(plans())
    pipeline.step(ward, readings((0, 10, {"spo2": 96.0})))
    scores, gaps = pipeline.step(ward, readings((0, 120, {"spo2": NO_VALUE}), unit=1))
    assert len(gaps) == 0
    assert (scores.age_ms[0, PARTS.index("spo2")] // MINUTE).tolist() == 110
    spo2 = [
        (part, due // MINUTE) for _, part, due in zip(*map(list, pipeline.overdue(ward, 120 * MINUTE)), strict=True)
    ]
    assert (PARTS.index("spo2"), 100) in spo2
    assert ward.frontier_ms.tolist() == [120 * MINUTE]


def test_an_attempt_that_comes_late_is_put_in_its_place() -> None:
    """What was scored after it is scored again, and it is late news for all but the present."""
    ward = Ward(plans(valid=15, overdue=900))
    pipeline.step(ward, readings((0, 10, ALL_BUT_SPO2), (0, 20, ALL_BUT_SPO2), (0, 30, ALL_BUT_SPO2)))
    scores, _ = pipeline.step(ward, readings((0, 15, {"spo2": NO_VALUE}), unit=9))
    assert minutes(scores) == [15, 20, 30]
    assert scores.late.tolist() == [True, True, False]
    assert scores.could_be.tolist() == [3, 3, 3]


def test_attempts_that_were_dropped_put_a_stay_out_of_reach() -> None:
    """Though no reading was: scored from what is kept, the late moment would miss the attempt before it."""
    log = readings(*((0, minute, {"spo2": NO_VALUE}) for minute in (10, 30, 70)), (0, 71, {"heart_rate": 70.0}))
    ward, whole = Ward(plans()), Ward(plans())
    for each in (ward, whole):
        pipeline.step(each, log)
    ward.trim(10 * MINUTE)
    late = readings((0, 20, {"heart_rate": 70.0}), unit=9)
    assert ward.out_of_reach(late).tolist() == [0]
    ward.replace(np.array([0]), log)
    found, expected = (pipeline.step(each, late)[0] for each in (ward, whole))
    assert refused(found) == refused(expected)
    assert refused(found)[0] == {"spo2": 10}


def test_a_stay_that_is_replaced_keeps_none_of_its_old_attempts() -> None:
    """They may have turned out to be another's."""
    ward = Ward(plans())
    pipeline.step(ward, readings((0, 10, {"spo2": NO_VALUE})))
    ward.replace(np.array([0]), readings((0, 5, {"heart_rate": 70.0})))
    scores, _ = pipeline.step(ward, readings((0, 20, {"heart_rate": 70.0}), unit=1))
    assert (minutes(scores), refused(scores), scores.could_be.tolist()) == ([20], [{}], [0])
