"""Whom a score is judged on: halves, events, groups and conditions."""

import numpy as np
import pytest

from vwmon.errors import UsageError
from vwmon.evaluation import cohort
from vwmon.evaluation.moments import Spans
from vwmon.evaluation.tables import Recording

PATIENTS = ("a", "b", "c", "d")
ROWS = [
    {"patient": name, "ward": ward, "age": age}
    for name, ward, age in (("a", "x", "30"), ("b", "y", ""), ("c", "x", "50"))
]


def recording() -> Recording:
    """Make a recording of four patients, read from second 0 to 10."""
    return Recording(
        patients=PATIENTS,
        vitals=("spo2",),
        patient=np.zeros(0, dtype=np.int32),
        vital=np.zeros(0, dtype=np.int16),
        times_ms=np.zeros(0, dtype=np.int64),
        values=np.zeros(0),
        relative=True,
        first_ms=np.zeros(4, dtype=np.int64),
        last_ms=np.full(4, 10_000),
        left_out={},
    )


def spans(event: str = "fall", left_out: tuple[str, ...] = ()) -> Spans:
    """Give the spans of some outcomes."""
    outcomes = [("a", "fall", 5), ("a", "fall", 9), ("b", "rise", 1), ("b", "fall", 7), ("stranger", "fall", 2)]
    rows = [{"patient": patient, "event": name} for patient, name, _ in outcomes]
    return cohort.spans(recording(), rows, np.array([at for *_, at in outcomes]), event, left_out)


def test_the_first_event_of_a_patient_counts() -> None:
    """Patients without one have none, and outcomes of strangers are passed over."""
    assert spans().event_ms.tolist() == [5, 7, np.inf, np.inf]
    assert not spans().left_out.any()


def test_patients_with_an_event_to_leave_out_are_marked() -> None:
    """Whatever else they had."""
    assert spans(left_out=("rise",)).left_out.tolist() == [False, True, False, False]


def test_an_event_that_nobody_has_is_named_with_those_there_are() -> None:
    """Also when the only ones who have it are left out."""
    with pytest.raises(UsageError, match="no outcome is 'slip'; there are fall, rise"):
        spans("slip")
    with pytest.raises(UsageError, match="no patient of the recording has the event 'rise'"):
        spans("rise", ("fall",))


def test_halves_depend_on_name_and_seed_alone() -> None:
    """In any order, beside anyone else, and about as many in one as in the other."""
    names = [f"p{number}" for number in range(2000)]
    found = cohort.halves(names, 1)
    assert cohort.halves(names[::-1], 1).tolist() == found[::-1].tolist()
    assert cohort.halves(names[:3], 1).tolist() == found[:3].tolist()
    assert 900 < found.sum() < 1100
    assert (cohort.halves(names, 2) != found).sum() > 800


def test_offsets_have_nothing_to_do_with_the_half() -> None:
    """Which moments are learned from must not differ between them."""
    names = [f"p{number}" for number in range(4000)]
    first = cohort.halves(names, 1) == 0
    turn = cohort.offsets(names, 1) % 8
    assert np.abs(np.bincount(turn[first]) / first.sum() - 1 / 8).max() < 0.03


def test_no_half_is_everyone() -> None:
    """And another word is refused."""
    assert cohort.in_half(PATIENTS, "", 1).all()
    first, second = (cohort.in_half(PATIENTS, half, 1) for half in cohort.HALVES)
    assert (first != second).all()
    with pytest.raises(UsageError, match="no half 'third'"):
        cohort.in_half(PATIENTS, "third", 1)


def test_conditions_hold_together() -> None:
    """Who is not in the table fulfils none."""
    assert cohort.where(PATIENTS, ROWS, ["ward=x"]).tolist() == [True, False, True, False]
    assert cohort.where(PATIENTS, ROWS, ["ward=x", "age=50"]).tolist() == [False, False, True, False]
    assert cohort.where(PATIENTS, ROWS, []).all()


def test_words_make_a_group_each() -> None:
    """Without one for those of whom nothing is known."""
    found = cohort.groups(PATIENTS, ROWS, "ward")
    assert list(found) == ["ward x", "ward y"]
    assert found["ward x"].tolist() == [True, False, True, False]


def test_many_numbers_make_quarters() -> None:
    """Everyone with a number is in one of them."""
    names = [f"p{number}" for number in range(40)]
    rows = [{"patient": name, "age": str(number)} for number, name in enumerate(names)]
    found = cohort.groups([*names, "unknown"], rows, "age")
    assert len(found) == 4
    assert np.sum(list(found.values()), axis=0).tolist() == [1] * 40 + [0]
    assert next(iter(found)) == "age 0 to <9.75"


def test_too_many_words_are_no_groups() -> None:
    """A column of names would make a table of everyone."""
    names = [f"p{number}" for number in range(50)]
    with pytest.raises(UsageError, match="50 values: too many for groups"):
        cohort.groups(names, [{"patient": name, "who": f"who {name}"} for name in names], "who")
