"""What is prescribed of a stay: which record holds at a moment, what ended it, and what may be prescribed at all."""

import json
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.policy import Layer
from vwmon.errors import RefusedError, UsageError
from vwmon.patients import prescriptions
from vwmon.patients.limits import Course
from vwmon.patients.prescriptions import SCALE, USUAL, Prescription
from vwmon.patients.records import Stay

MINUTE = 60_000


def one(number: int, **more: Any) -> Prescription:  # noqa: ANN401 -- fields of Prescription
    """Write a prescription of scale 2, from minute 10 on, written then."""
    said: dict[str, Any] = {
        "prescription_no": number,
        "stay_no": 7,
        "what": SCALE,
        "vital": "spo2",
        "scale": 2,
        "low": 88.0,
        "high": 92.0,
        "usual": None,
        "prescriber": "Dr Ada",
        "reason": "hypercapnic",
        "from_ms": 10 * MINUTE,
        "to_ms": None,
        "actor": "ann",
        "written_ms": 10 * MINUTE,
    }
    return Prescription(**said | more)


def end(number: int, from_ms: int, written_ms: int) -> Prescription:
    """Write that nothing of it holds any more."""
    return one(number, scale=None, low=None, high=None, from_ms=from_ms, written_ms=written_ms, prescriber="ben")


def spans(several: list[Prescription]) -> list[tuple[int, int | None, int | None]]:
    """Give of each that says something its number, until when it holds, and the number of what ended it."""
    return [
        (held.prescription.prescription_no, held.until_ms, None if held.by is None else held.by.prescription_no)
        for held in prescriptions.held(several)
    ]


@pytest.mark.hazard("H9")
def test_nobody_is_on_scale_2_of_whom_nothing_is_prescribed() -> None:
    """Never inferred: before the first record, after the last and in between it is scale 1."""
    several = [one(1, to_ms=20 * MINUTE), one(2, from_ms=30 * MINUTE)]
    moments = [0, 10, 19, 20, 29, 30, 1000]
    assert [prescriptions.scale(several, at * MINUTE) for at in moments] == [1, 2, 2, 1, 1, 2, 2]
    assert prescriptions.scale([], 0) == 1


def test_a_change_ends_one_and_begins_the_next_and_both_stay() -> None:
    """The one that was written later holds for all of its own time, whatever was said of it before."""
    first, second = one(1), one(2, scale=1, low=None, high=None, from_ms=30 * MINUTE, written_ms=25 * MINUTE)
    assert spans([first, second]) == [(1, 30 * MINUTE, 2), (2, None, None)]
    back = one(3, from_ms=20 * MINUTE, written_ms=26 * MINUTE)
    assert spans([first, second, back]) == [(1, 20 * MINUTE, 3), (2, 30 * MINUTE, 3), (3, None, None)]
    assert [held.ever for held in prescriptions.held([first, second, back])] == [True, False, True]


def test_one_that_is_ended_says_by_whom() -> None:
    """And what was still to come is over with it."""
    several = [one(1), one(2, from_ms=60 * MINUTE), end(3, 30 * MINUTE, 30 * MINUTE)]
    assert spans(several) == [(1, 30 * MINUTE, 3), (2, 60 * MINUTE, 3)]
    held = prescriptions.held(several)[0]
    assert held.by is not None
    assert held.by.prescriber == "ben"


def test_one_that_is_over_by_itself_was_ended_by_nobody() -> None:
    """What came later did not end it."""
    assert spans([one(1, to_ms=20 * MINUTE), one(2, from_ms=20 * MINUTE)])[0] == (1, 20 * MINUTE, None)


def test_the_kinds_do_not_end_each_other() -> None:
    """A usual weight leaves the scale as it is, and the usual saturation too."""
    weight = one(2, what=USUAL, vital="weight", scale=None, low=None, high=None, usual=82.5)
    assert spans([one(1), weight, replace(weight, prescription_no=3, vital="spo2")])[0] == (1, None, None)


some = st.builds(
    lambda number, scale, from_min, lasts, written: one(
        number,
        scale=scale,
        low=88.0 if scale == 2 else None,
        high=92.0 if scale == 2 else None,
        from_ms=from_min * MINUTE,
        to_ms=None if lasts is None else (from_min + lasts) * MINUTE,
        written_ms=written * MINUTE,
    ),
    st.just(0),
    st.sampled_from([1, 2, None]),
    st.integers(0, 12),
    st.one_of(st.none(), st.integers(1, 6)),
    st.integers(0, 12),
)
written = st.lists(some, max_size=6).map(
    lambda found: [replace(each, prescription_no=number) for number, each in enumerate(found, start=1)]
)


@given(several=written, minute=st.integers(0, 20))
def test_every_way_to_ask_what_holds_says_the_same(several: list[Prescription], minute: int) -> None:
    """By the record, by its span, and by the steps in which the scale becomes another; one holds at most."""
    at_ms = minute * MINUTE
    held = [each.prescription for each in prescriptions.held(several) if each.in_force(at_ms)]
    found = prescriptions.in_force(several, at_ms, SCALE)
    assert held == ([] if found is None else [found])
    steps = [scale for start, scale in prescriptions.scales(several) if start <= at_ms]
    assert prescriptions.scale(several, at_ms) == (steps[-1] if steps else 1)
    assert prescriptions.scale(several, at_ms) == (1 if found is None else found.scale)


@given(several=written.filter(bool))
def test_a_record_changes_scores_from_the_first_moment_at_which_the_scale_is_another(
    several: list[Prescription],
) -> None:
    """No moment before it, and that one."""
    number = len(several)
    from_ms = prescriptions.rescaled_from_ms(several, number)
    before = several[:-1]
    other = [
        at
        for minute in range(20)
        if prescriptions.scale(before, at := minute * MINUTE) != prescriptions.scale(several, at)
    ]
    assert from_ms == (other[0] if other else None)


@given(several=written, minute=st.integers(0, 25))
def test_a_range_is_a_limit_of_what_is_received_once_it_is_known(several: list[Prescription], minute: int) -> None:
    """What holds at a moment by what was written until then, and never two at once."""
    ordered = [
        replace(each, written_ms=max(other.written_ms for other in several[: place + 1]))
        for place, each in enumerate(several)
    ]
    at_ms = minute * MINUTE
    known = [each for each in ordered if each.written_ms <= at_ms]
    holds = prescriptions.in_force(known, at_ms, SCALE)
    in_force = [limit for limit in prescriptions.limits(ordered) if limit.in_force(at_ms)]
    expected = [] if holds is None or holds.low is None else [str(holds.prescription_no)]
    assert [limit.subject for limit in in_force] == expected
    rules = Course.of(prescriptions.limits(ordered)).at(at_ms)
    assert ("spo2_below_target" in {rule.name for rule in rules.clinical}) == bool(expected)


def test_the_limit_is_the_lower_end_and_nothing_else() -> None:
    """The prescriber's, with the prescriber's name under it."""
    (limit,) = prescriptions.limits([one(1, scale=1, low=94.0, high=98.0)])
    assert (limit.rule, limit.layer, limit.author) == ("spo2_below_target", Layer.PRESCRIPTION, "Dr Ada")
    assert dict(limit.changes) == {"limit_on": 93.9, "limit_off": 93.9}


@pytest.mark.parametrize(("scale", "chosen", "given_"), [(2, None, (88, 92)), (2, (88, 92), (88, 92)), (1, None, None)])
def test_scale_2_has_the_target_of_its_chart(
    scale: int, chosen: tuple[int, int] | None, given_: tuple[int, int] | None
) -> None:
    """And scale 1 has what is prescribed, or none."""
    assert prescriptions.targeted(scale, chosen) == given_
    assert prescriptions.targeted(1, (94, 98)) == (94, 98)


@pytest.mark.hazard("H9")
def test_scale_2_is_refused_with_another_target() -> None:
    """The chart is fixed, and its points are for 88 to 92 %."""
    with pytest.raises(RefusedError, match="88-92"):
        prescriptions.targeted(2, (90, 94))
    with pytest.raises(UsageError, match="no SpO2 scale 3"):
        prescriptions.targeted(3, None)


@pytest.mark.parametrize("text", ["", "88", "92-88", "88-88", "0-92", "88-101", "88.5-92", "a-b", "88-92-94"])
def test_what_is_no_range_is_refused(text: str) -> None:
    """With what one looks like."""
    with pytest.raises(UsageError, match="such as 88-92"):
        prescriptions.target(text)


@pytest.mark.parametrize("text", ["88-92", " 88 - 92 % ", "88-92%"])
def test_a_range_is_read(text: str) -> None:
    """As people write it."""
    assert prescriptions.target(text) == (88, 92)


def test_what_stands_with_a_stay_is_read_back() -> None:
    """In the order of writing, whatever order it stands in; and a stay without any has none."""
    several = (one(1), end(2, 20 * MINUTE, 20 * MINUTE))
    assert prescriptions.read(prescriptions.written(several)) == several
    assert prescriptions.read(json.dumps([asdict(each) for each in reversed(several)])) == several
    assert (prescriptions.written([]), prescriptions.read("")) == ("", ())


def test_before_the_admission_the_scale_is_that_of_the_admission() -> None:
    """Nothing is known of that time."""
    stay = Stay(
        stay_no=7,
        patient="p",
        ward="resp",
        pathway="copd",
        plan_version="3",
        admitted_ms=10 * MINUTE,
        discharged_ms=None,
        discharge_reason=None,
        spo2_scale=2,
        scale_prescriber="Dr Ada",
        prescribed=prescriptions.written([one(1)]),
    )
    assert (stay.scale_at(0), stay.scale_at(10 * MINUTE)) == (2, 2)


@pytest.mark.parametrize(("what", "number"), [("prescribe 12", 12), ("limit 12", 0), ("admit resp copd", 0)])
def test_a_line_of_the_journal_names_the_record(what: str, number: int) -> None:
    """And a line that is about none names none."""
    assert prescriptions.numbered(what) == number
    assert prescriptions.line(12) == "prescribe 12"
