"""The rules of admission: what may be written into the register of stays, and what is refused."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vwmon.errors import RefusedError, UsageError
from vwmon.patients import admission, plans
from vwmon.patients.admission import Admission
from vwmon.patients.ages import age

NOON = round(datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp() * 1000)
WANTED = Admission(patient="P1", ward="resp", plan=plans.load("general"), admitted_ms=NOON, born="1948-05-17")


def with_check_digit(nine: str) -> str | None:
    """Append the check digit to nine digits, by the definition's own words; None where none exists."""
    weighted = sum(weight * int(digit) for weight, digit in zip((10, 9, 8, 7, 6, 5, 4, 3, 2), nine, strict=True))
    check = 11 - weighted % 11
    return None if check == 10 else nine + str(0 if check == 11 else check)


nhs_numbers = st.from_regex(r"[0-9]{9}", fullmatch=True).map(with_check_digit).filter(lambda n: n is not None)


def test_a_known_nhs_number_is_taken_with_or_without_spaces() -> None:
    """The example of the NHS Data Dictionary."""
    assert admission.nhs_number("9434765919") == "9434765919"
    assert admission.nhs_number("943 476 5919") == "9434765919"
    assert admission.nhs_number("943-476-5919") == "9434765919"


@pytest.mark.hazard("H4")
@given(number=nhs_numbers, place=st.integers(0, 9), digit=st.integers(0, 9))
def test_no_single_wrong_digit_of_an_nhs_number_is_taken(number: str, place: int, digit: int) -> None:
    """Every error in one digit is found."""
    assert admission.nhs_number(number) == number
    wrong = number[:place] + str(digit) + number[place + 1 :]
    if wrong != number:
        with pytest.raises(UsageError):
            admission.nhs_number(wrong)


@pytest.mark.hazard("H4")
@given(number=nhs_numbers, place=st.integers(0, 8))
def test_no_two_neighbouring_digits_of_an_nhs_number_can_be_swapped(number: str, place: int) -> None:
    """Every transposition is found."""
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    if swapped != number:
        with pytest.raises(UsageError):
            admission.nhs_number(swapped)


@pytest.mark.parametrize("text", ["", "943476591", "94347659190", "943476591x", "٩٤٣٤٧٦٥٩١٩"])
def test_what_is_not_ten_digits_is_no_nhs_number(text: str) -> None:
    """Too few, too many, letters, and digits of other scripts; the refusal does not repeat the number."""
    with pytest.raises(UsageError, match="ten digits") as refused:
        admission.nhs_number(text)
    assert not text or text not in str(refused.value)


@pytest.mark.hazard("H22")
def test_the_refusal_of_an_nhs_number_does_not_tell_it() -> None:
    """What identifies a person does not reach a terminal's history or a log."""
    with pytest.raises(UsageError) as refused:
        admission.nhs_number("9434765918")
    assert "943" not in str(refused.value)


@pytest.mark.hazard("H28")
@given(days=st.integers(0, 130 * 365))
def test_a_patient_is_refused_exactly_until_the_sixteenth_birthday(days: int) -> None:
    """NEWS2 is for patients of 16 and over: the day before the birthday is refused, the day itself is not."""
    born = date(2026, 11, 22) - timedelta(days=days)
    old_enough = (born.year + 16, born.month, born.day) <= (2026, 11, 22)
    if old_enough:
        assert admission.birth_date(born.isoformat(), NOON) == born
    else:
        with pytest.raises(RefusedError, match="NEWS2 is for patients of 16 and over"):
            admission.birth_date(born.isoformat(), NOON)


@pytest.mark.parametrize("text", ["1948-13-01", "17.05.1948", "1948", "", "2026-11-23", "1850-01-01"])
def test_what_cannot_be_a_date_of_birth_is_a_mistake(text: str) -> None:
    """No date, a date to come, or one too long ago."""
    with pytest.raises(UsageError):
        admission.birth_date(text, NOON)


def test_somebody_born_on_a_leap_day_is_a_year_older_on_the_first_of_march() -> None:
    """The 29th of February has no birthday in most years."""
    assert age(date(2008, 2, 29), date(2026, 2, 28)) == 17
    assert age(date(2008, 2, 29), date(2026, 3, 1)) == 18


@pytest.mark.hazard("H9")
def test_scale_2_needs_the_name_of_who_prescribed_it() -> None:
    """Scale 2 hides a falling saturation from the score, so somebody must have decided it."""
    for nobody in ("", "   "):
        with pytest.raises(RefusedError, match="--prescriber"):
            admission.spo2_scale(2, nobody)
    assert admission.spo2_scale(2, "Dr Osei") == 2
    assert admission.spo2_scale(1, "") == 1


@pytest.mark.parametrize("scale", [0, 3, -1])
def test_there_are_two_scales(scale: int) -> None:
    """Another number is a mistake."""
    with pytest.raises(UsageError):
        admission.spo2_scale(scale, "Dr Osei")


@pytest.mark.parametrize("text", ["P1", "ward 3 / bed 4", "Ünal-7", "x" * 64])
def test_a_local_identifier_is_the_wards_own_matter(text: str) -> None:
    """Any short printable text will do."""
    assert admission.identifier(text) == text


@pytest.mark.parametrize("text", ["", " P1", "P1 ", "P\n1", "P\x1b[31m", "x" * 65, "P\u202e1"])
def test_an_identifier_that_could_mislead_a_reader_is_refused(text: str) -> None:
    """Nothing invisible, nothing that drives a terminal, nothing endless."""
    with pytest.raises(UsageError):
        admission.identifier(text)


def test_an_admission_is_written_down_in_one_form() -> None:
    """Numbers lose their spaces, an empty name is none, and what was right stays as it is."""
    wanted = replace(WANTED, nhs_number="943 476 5919", name="", spo2_scale=2, prescriber=" Dr Osei ")
    checked = admission.checked(wanted)
    assert (checked.nhs_number, checked.name, checked.prescriber) == ("9434765919", None, "Dr Osei")
    assert (checked.born, checked.patient, checked.ward) == ("1948-05-17", "P1", "resp")
    assert admission.checked(replace(WANTED, born=None)).born is None


@pytest.mark.parametrize("code", [*admission.DISCHARGE_REASONS, "ward-own_1"])
def test_a_reason_for_discharge_is_a_code(code: str) -> None:
    """One of the list, or the ward's own in the same form."""
    assert admission.discharge_reason(code) == code


@pytest.mark.parametrize("code", ["", "Recovered", "got well again", "1st", "x" * 33])
def test_free_text_is_no_reason_for_discharge(code: str) -> None:
    """Reasons are counted, so they are codes; the refusal names those there are."""
    with pytest.raises(UsageError, match="recovered"):
        admission.discharge_reason(code)
