"""A recording scored at moments: as the plain reading of the chart has it, block by block, whatever the block."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.test_scoring_models import PULSE, model, term
from vwmon.evaluation import scored
from vwmon.evaluation.moments import Moments, Spans, moments
from vwmon.evaluation.scored import NEWS2, VALID_MS, by_chart, by_model, by_ratio, seen, turned
from vwmon.evaluation.tables import Recording
from vwmon.kernels.ragged import Bools, Floats
from vwmon.scoring import charts, reference
from vwmon.scoring.records import Ratio

HOUR = 3_600_000
VITALS = ("heart_rate", "temperature", "spo2", "oxygen", "fio2", "gcs", "systolic_bp")
CHART = charts.load("news2")
Reading = tuple[int, str, int, float]  # patient, vital, hour, value


def recorded(readings: Sequence[Reading], patients: int = 3) -> tuple[Recording, Moments]:
    """Make a recording, and moments at every hour to 30 for every patient."""
    first, last = np.zeros(patients, dtype=np.int64), np.full(patients, 30 * HOUR)
    recording = Recording(
        patients=tuple(f"p{number}" for number in range(patients)),
        vitals=VITALS,
        patient=np.array([one[0] for one in readings], dtype=np.int32),
        vital=np.array([VITALS.index(one[1]) for one in readings], dtype=np.int16),
        times_ms=np.array([one[2] * HOUR for one in readings], dtype=np.int64),
        values=np.array([one[3] for one in readings], dtype=np.float64),
        relative=True,
        first_ms=first,
        last_ms=last,
        left_out={},
    )
    spans = Spans(
        first_ms=first,
        last_ms=last,
        zero_ms=first,
        event_ms=np.full(patients, np.inf),
        left_out=np.zeros(patients, dtype=np.bool_),
    )
    return recording, moments(spans, HOUR, HOUR)


def by_hand(readings: Sequence[Reading], patient: int, hour: int) -> reference.Score:
    """Read the chart at one moment: the latest value of each part that still counts; of several at once the worst."""
    values: dict[str, float] = {}
    for part in CHART.parts:
        span = VALID_MS.get(part.name, 4 * HOUR) // HOUR
        fed = {"oxygen": ("oxygen", "fio2"), "consciousness": ("gcs",)}.get(part.name, (part.name,))
        there = [
            (at, turned_into(vital, value))
            for who, vital, at, value in readings
            if who == patient and vital in fed and hour - span <= at <= hour
        ]
        if there:
            latest = max(at for at, _ in there)
            values[part.name] = max(
                (value for at, value in there if at == latest),
                key=lambda value: alone(part.name, value),
            )
    return reference.score(CHART, values, {"spo2_scale": 1})


def turned_into(vital: str, value: float) -> float:
    """Give a value as the part counts it."""
    if vital == "fio2":
        return 1.0 if round(value * 100) > 21 else 0.0  # as the ward has it: whole per cent above room air's
    if vital == "gcs":
        return 0.0 if value == 15 else 2.0
    return value


def alone(part: str, value: float) -> int:
    """Give the points of one part."""
    return reference.score(CHART, {part: value}, {"spo2_scale": 1}).points[part][0]


VALUES = {
    "heart_rate": st.integers(35, 140).map(float),
    "temperature": st.sampled_from([34.9, 36.6, 39.2]),
    "spo2": st.integers(85, 100).map(float),
    "oxygen": st.sampled_from([0.0, 1.0]),
    "fio2": st.sampled_from([0.21, 0.215, 0.3, 1.0]),
    "gcs": st.sampled_from([15.0, 14.0, 3.0]),
    "systolic_bp": st.integers(80, 230).map(float),
}
READINGS = st.lists(
    st.sampled_from(VITALS).flatmap(
        lambda vital: st.tuples(st.integers(0, 2), st.just(vital), st.integers(0, 30), VALUES[vital])
    ),
    max_size=25,
)


@given(READINGS, st.integers(0, 2), st.integers(0, 30))
def test_a_chart_over_a_recording_is_the_chart_read_plainly(readings: list[Reading], patient: int, hour: int) -> None:
    """At every moment, with what is stale missing and what stands in for a part counted."""
    recording, at = recorded(readings)
    found, row = by_chart(recording, at, CHART), patient * 31 + hour
    expected = by_hand(readings, patient, hour)
    assert found.rank[row] == expected.total_min
    assert found.complete[row] == expected.complete


EXAMPLE = [
    (patient, vital, hour, value)
    for patient in range(3)
    for vital, value in (("heart_rate", 70.0 + 20 * patient), ("spo2", 97.0 - patient), ("systolic_bp", 120.0))
    for hour in range(0, 20, 2)
]


def test_the_size_of_a_block_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a chart, a model and its views, to the bit."""
    recording, at = recorded(EXAMPLE)
    made = model(term())

    def everything() -> list[Floats | Bools]:
        chart, learned = by_chart(recording, at, CHART), by_model(recording, at, made)
        return [chart.rank, chart.complete, learned.rank, learned.complete, seen(recording, at, [PULSE])[PULSE]]

    whole = everything()
    monkeypatch.setattr(scored, "BLOCK", 1)
    for one, other in zip(whole, everything(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_progress_tells_of_every_moment() -> None:
    """The bar ends at its end."""
    recording, at = recorded(EXAMPLE)
    told: list[int] = []
    by_chart(recording, at, CHART, NEWS2, told.append)
    assert sum(told) == len(at)


def test_a_patient_without_readings_does_not_shift_the_others() -> None:
    """The second of three has none."""
    recording, at = recorded([one for one in EXAMPLE if one[0] != 1])
    found = by_chart(recording, at, CHART)
    assert found.rank[31:62].max() == 0
    assert found.rank[62:].max() == 1 + 1


def test_a_model_that_says_nothing_ranks_below_every_score() -> None:
    """And predicts no probability."""
    recording, at = recorded([(0, "heart_rate", 0, 80.0)])
    found = by_model(recording, at, model(term()))
    assert np.isfinite(found.rank[:4]).all()
    assert np.isneginf(found.rank[4:]).all()
    assert found.log_odds is not None
    assert np.isnan(found.log_odds[4:]).all()
    assert not found.complete.any()


def test_a_ratio_is_its_value_and_says_nothing_where_a_reading_is_missing() -> None:
    """Turned round, what says nothing stays below."""
    ratio = charts.either("shock_index")
    assert isinstance(ratio, Ratio)
    recording, at = recorded([(0, "heart_rate", 0, 90.0), (0, "systolic_bp", 0, 120.0)])
    found = by_ratio(recording, at, ratio)
    assert found.rank[0] == 0.75
    assert np.isneginf(found.rank[5:]).all()
    other = turned(found)
    assert other.rank[0] == -0.75
    assert np.isneginf(other.rank[5:]).all()
