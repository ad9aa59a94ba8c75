"""A file of admissions: what can be read is, what could be read in two ways is refused, and every fault is named."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vwmon.errors import UsageError
from vwmon.patients import roll
from vwmon.patients.admission import Admission
from vwmon.patients.roll import Fault, Line

NOW = 1_795_000_000_000
GOOD = {"patient": "P1", "ward": "resp", "born": "1948-05-17"}


def one(cells: dict[str, str] | None = None, /, *, day_first: bool = False, **more: str) -> Admission | list[Fault]:
    """Read one line with these cells."""
    return roll.read(Line(line=2, cells=GOOD | (cells or {}) | more), NOW, day_first=day_first)


def faults(cells: dict[str, str] | None = None, /, *, day_first: bool = False, **more: str) -> list[tuple[str, str]]:
    """Give the columns that are wrong, with why."""
    found = one(cells, day_first=day_first, **more)
    return [(fault.column, fault.problem) for fault in found] if isinstance(found, list) else []


def test_a_line_with_every_column_is_an_admission() -> None:
    """Each as the option of that name would be."""
    found = one(
        {"from": "2026-11-20T09:00:00Z"},
        pathway="copd",
        spo2_scale="2",
        prescriber="Dr Osei",
        name="Ann",
        nhs_number="943 476 5919",
        contact="0123",
        next_of_kin="Ben",
        days="7",
        no_kit="yes",
        pregnant="no",
    )
    assert isinstance(found, Admission)
    assert (found.patient, found.ward, found.born, found.plan.pathway) == ("P1", "resp", "1948-05-17", "copd")
    assert (found.admitted_ms, found.spo2_scale, found.prescriber) == (1_795_165_200_000, 2, "Dr Osei")
    assert (found.name, found.nhs_number, found.contact, found.next_of_kin) == ("Ann", "9434765919", "0123", "Ben")
    assert (found.expected_days, found.no_kit) == (7, True)


def test_a_line_with_what_must_be_there_is_one_too() -> None:
    """Empty cells are what is not said, never a value."""
    found = one()
    assert isinstance(found, Admission)
    assert (found.plan.pathway, found.admitted_ms, found.spo2_scale) == ("general", NOW, 1)
    assert (found.name, found.nhs_number, found.expected_days, found.no_kit) == (None, None, None, False)


@pytest.mark.parametrize(
    ("cells", "column", "says"),
    [
        ({"patient": ""}, "patient", "1 to 64"),
        ({"ward": "Resp 1"}, "ward", "no ward's name"),
        ({"born": ""}, "born", "not a date"),
        ({"born": "17/05/48"}, "born", "not a date"),
        ({"born": "2015-01-01"}, "born", "16 and over"),
        ({"pathway": "cough"}, "pathway", "there are general"),
        ({"from": "2026-11-20T09:00:00"}, "from", "Z or an offset"),
        ({"spo2_scale": "3"}, "prescriber", "no SpO2 scale 3"),
        ({"spo2_scale": "two"}, "spo2_scale", "no whole number"),
        ({"spo2_scale": "2"}, "prescriber", "name who made it"),
        ({"nhs_number": "9434765918"}, "nhs_number", "check digit"),
        ({"nhs_number": "9.43477E+09"}, "nhs_number", "a spreadsheet has shortened"),
        ({"contact": "a\nb"}, "contact", "printable"),
        ({"days": "0"}, "days", "1 to 3660"),
        ({"days": "-1"}, "days", "no whole number"),
        ({"no_kit": "maybe"}, "no_kit", "neither yes nor no"),
        ({"pregnant": "yes"}, "pregnant", "maternity"),
    ],
)
def test_what_cannot_be_is_named_by_its_column(cells: dict[str, str], column: str, says: str) -> None:
    """With what is wrong, in words that say what to do."""
    found = faults(cells)
    assert [name for name, _ in found] == [column]
    assert says in found[0][1]


def test_every_column_of_a_line_is_told_of_at_once() -> None:
    """Not the first fault only."""
    found = faults(ward="X!", nhs_number="1", spo2_scale="2", born="x", no_kit="2")
    assert [name for name, _ in found] == ["ward", "nhs_number", "no_kit", "born", "prescriber"]


@pytest.mark.parametrize(
    ("text", "day_first", "born"),
    [
        ("17/05/1948", False, "1948-05-17"),
        ("17.05.1948", False, "1948-05-17"),
        ("04/04/1948", False, "1948-04-04"),
        ("03/04/1948", True, "1948-04-03"),
        ("3/4/1948", True, "1948-04-03"),
        ("1948-04-03", True, "1948-04-03"),
    ],
)
def test_a_date_with_slashes_is_read_where_it_can_be_one_date_only(text: str, born: str, *, day_first: bool) -> None:
    """The day is first, as written in the United Kingdom, where no month can be meant, or where that is said."""
    found = one(day_first=day_first, born=text)
    assert isinstance(found, Admission)
    assert found.born == born


@pytest.mark.parametrize("text", ["03/04/1948", "05/17/1948", "12/11/1950"])
def test_a_date_that_could_be_two_is_refused_and_both_are_named(text: str) -> None:
    """A person who is four months younger is another person."""
    ((column, problem),) = faults(born=text)
    assert column == "born"
    assert "-" in problem
    assert "write" in problem
    assert faults(day_first=True, born="05/17/1948")  # no 17th month, whatever is said of the file


@given(st.dates(min_value=date(1930, 1, 1), max_value=date(2005, 1, 1)))
def test_no_date_is_ever_read_as_another_one(day: date) -> None:
    """Of a day written day first it is that day or a refusal, and written month first never the wrong one."""
    written = one(born=f"{day:%d/%m/%Y}")
    assert isinstance(written, list) or written.born == day.isoformat()
    american = one(born=f"{day:%m/%d/%Y}")
    assert isinstance(american, list) or american.born == day.isoformat()


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_file_is_read_as_spreadsheets_write_it(separator: str, end: str, mark: str) -> None:
    """Commas, semicolons or tabs; with or without a mark; lines that are empty count and are left out."""
    rows = [
        ["Patient", "WARD", "Born", "NHS-Number"],
        ["P1", "resp", "1948-05-17", ""],
        [""] * 4,
        ["P2", "resp", "x", ""],
    ]
    content = mark + end.join(separator.join(row) for row in rows) + end
    found, wrong = roll.lines(roll.decoded(content.encode()))
    assert wrong == []
    assert [(line.line, line.cells["patient"], line.cells["nhs_number"]) for line in found] == [
        (2, "P1", ""),
        (4, "P2", ""),
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"patient,ward\nP1,resp\n", "missing: born"),
        (b"patient,ward,born,shoe size\n", "unknown: 'shoe size'"),
        (b"patient,ward,born,ward\n", "twice: ward"),
        (b"", "missing: patient, ward, born"),
        ("patient,ward,born\n".encode("utf-16"), "not UTF-8"),
        ("patient,ward,born,name\nP1,resp,1948-05-17,Zoë\n".encode("latin-1"), "CSV UTF-8"),
    ],
)
def test_a_file_whose_columns_cannot_be_known_is_refused_whole(content: bytes, says: str) -> None:
    """Before any line of it is believed."""
    with pytest.raises(UsageError, match=says):
        roll.lines(roll.decoded(content))


def test_a_line_with_more_cells_than_columns_is_a_fault_and_no_other_line_moves() -> None:
    """A name with a comma must not become an NHS number."""
    found, (fault,) = roll.lines('patient,ward,born\nP1,resp,1948-05-17,Smith\n"P2",resp,1950-01-01\nP3,resp\n')
    assert (fault.line, fault.column) == (2, "")
    assert "quotes" in fault.problem
    assert [(line.line, line.cells) for line in found] == [
        (3, {"patient": "P2", "ward": "resp", "born": "1950-01-01"}),
        (4, {"patient": "P3", "ward": "resp", "born": ""}),
    ]


def test_a_quote_that_never_ends_is_a_fault() -> None:
    """And not a very long cell."""
    _, (fault,) = roll.lines('patient,ward,born\nP1,resp,"1948')
    assert "cannot be read" in fault.problem


def test_the_same_person_twice_is_found_with_both_lines() -> None:
    """By identifier, and by NHS number under two identifiers."""
    first = one(nhs_number="9434765919")
    again, other = one(), one(patient="P2", nhs_number="943-476-5919")
    assert isinstance(first, Admission)
    assert isinstance(again, Admission)
    assert isinstance(other, Admission)
    found = list(roll.repeated([(2, first), (3, again), (4, other)]))
    assert [(fault.line, fault.column) for fault in found] == [(3, "patient"), (4, "nhs_number")]
    assert all("line 2" in fault.problem for fault in found)
