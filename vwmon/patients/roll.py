"""A file of admissions: cells of text become admissions, or faults that name a line, a column and what to do. Pure.

Every column is read, so that one look at the report is enough. What a spreadsheet does to a file is expected: a mark at
its beginning, semicolons for commas, dates with slashes; what can be read in two ways is refused, never guessed.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from devices import topics
from devices.errors import DeviceError
from vwmon.errors import UsageError, VwmonError
from vwmon.patients import admission, limits, plans
from vwmon.patients.admission import Admission

REQUIRED: Final = ("patient", "ward", "born")
COLUMNS: Final = (
    *REQUIRED,
    "pathway",
    "from",
    "spo2_scale",
    "prescriber",
    "name",
    "nhs_number",
    "contact",
    "next_of_kin",
    "days",
    "no_kit",
    "pregnant",
)
SEPARATORS: Final = (",", ";", "\t")
YES: Final = frozenset({"yes", "y", "true", "1"})
NO: Final = frozenset({"no", "n", "false", "0", ""})
SLASHED: Final = re.compile(r"([0-9]{1,2})[/.]([0-9]{1,2})[/.]([0-9]{4})")
LAST_MONTH: Final = 12
WHOLE_LINE: Final = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong in one line of a file (from 1, the header's) and column, and what to do; no column is the line."""

    line: int
    column: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a file: its cells by column."""

    line: int
    cells: Mapping[str, str]


def decoded(content: bytes) -> str:
    """Read the text of a file, with or without a mark at its beginning; UsageError when it is not UTF-8."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError("the file is not UTF-8; in a spreadsheet, save it as: CSV UTF-8") from error
    if "\0" in text:
        raise UsageError("the file is not text; in a spreadsheet, save it as: CSV UTF-8")
    return text


def lines(text: str) -> tuple[list[Line], list[Fault]]:
    """Read the lines below the header, and what is wrong with their form; empty ones are left out.

    UsageError when the header cannot be used: nothing below it can be then.
    """
    separator = _separator(text)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    found: list[Line] = []
    faults: list[Fault] = []
    try:
        header = _header(next(rows, []))
        before = rows.line_num
        for cells in rows:
            line, before = before + 1, rows.line_num
            if len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
                problem = f"{len(cells)} cells below {len(header)} columns: put a text with {separator!r} in quotes"
                faults.append(Fault(line=line, column=WHOLE_LINE, problem=problem))
            elif any(cell.strip() for cell in cells):
                filled = [*cells, *[""] * len(header)]
                found.append(Line(line=line, cells=dict(zip(header, (c.strip() for c in filled), strict=False))))
    except csv.Error as error:
        faults.append(Fault(line=rows.line_num, column=WHOLE_LINE, problem=f"it cannot be read: {error}"))
    return found, faults


def read(
    line: Line, now_ms: int, *, day_first: bool = False, zone: Callable[[str], str] = lambda _: "UTC"
) -> Admission | list[Fault]:
    """Read one admission, or everything that is wrong with it; `day_first` says that 03/04/1948 is the 3rd of April.

    `zone` names the time zone of a ward.
    """
    said: dict[str, Any] = {}
    faults = []
    for column, reader in _readers(now_ms, day_first=day_first).items():
        try:
            said[column] = reader(line.cells.get(column, ""))
        except (VwmonError, DeviceError, ValueError) as error:
            faults.append(Fault(line=line.line, column=column, problem=str(error)))
    faults += list(_rules(line, said, now_ms, zone))
    if faults:
        return faults
    return Admission(
        patient=said["patient"],
        ward=said["ward"],
        plan=said["pathway"],
        admitted_ms=said["from"],
        born=said["born"],
        name=said["name"],
        nhs_number=said["nhs_number"],
        spo2_scale=said["spo2_scale"],
        prescriber=said["prescriber"],
        contact=said["contact"],
        next_of_kin=said["next_of_kin"],
        expected_days=said["days"],
        no_kit=said["no_kit"],
        zone=zone(said["ward"]),
    )


def repeated(several: Sequence[tuple[int, Admission]]) -> Iterator[Fault]:
    """Yield what stands twice in a file: a patient, or an NHS number, which is one person's."""
    for column in ("patient", "nhs_number"):
        first: dict[str, int] = {}
        for line, wanted in several:
            value = getattr(wanted, column)
            if value is not None and first.setdefault(value, line) != line:
                yield Fault(
                    line=line, column=column, problem=f"the same as on line {first[value]}: one of them is wrong"
                )


def _separator(text: str) -> str:
    """Find what stands between the columns: whichever gives the most that are known."""
    header = text.partition("\n")[0]
    return max(SEPARATORS, key=lambda one: len({_column(cell) for cell in header.split(one)} & set(COLUMNS)))


def _column(cell: str) -> str:
    return cell.strip().strip('"').strip().lower().removeprefix("--").replace("-", "_").replace(" ", "_")


def _header(cells: Sequence[str]) -> list[str]:
    header = [_column(cell) for cell in cells]
    unknown = [cell for cell, name in zip(cells, header, strict=True) if name not in COLUMNS]
    missing = [name for name in REQUIRED if name not in header]
    twice = sorted({name for name in header if header.count(name) > 1})
    wrong = [
        *([f"unknown: {', '.join(ascii(cell) for cell in unknown)}"] if unknown else []),
        *([f"missing: {', '.join(missing)}"] if missing else []),
        *([f"twice: {', '.join(twice)}"] if twice and not unknown else []),
    ]
    if wrong:
        raise UsageError(f"the first line names the columns; {'; '.join(wrong)}. There are {', '.join(COLUMNS)}")
    return header


def _readers(now_ms: int, *, day_first: bool) -> Mapping[str, Callable[[str], Any]]:
    return {
        "patient": admission.identifier,
        "ward": topics.ward_name,
        "born": lambda text: _date(text, day_first=day_first),
        "pathway": lambda text: plans.load(text or "general"),
        "from": lambda text: limits.instant(text) if text else now_ms,
        "spo2_scale": lambda text: _number(text, "1"),
        "prescriber": lambda text: text,
        "name": _optional(admission.person_name),
        "nhs_number": _optional(_nhs_number),
        "contact": _optional(admission.contact),
        "next_of_kin": _optional(admission.contact),
        "days": lambda text: admission.expected_days(_number(text, "") if text else None),
        "no_kit": _flag,
        "pregnant": lambda text: admission.not_pregnant(pregnant=_flag(text)),
    }


def _rules(line: Line, said: Mapping[str, Any], now_ms: int, zone: Callable[[str], str]) -> Iterator[Fault]:
    """Yield what the rules of care refuse in what could be read."""
    chart = said["pathway"].chart if "pathway" in said else None
    there = zone(said.get("ward", ""))
    checks: Mapping[str, Callable[[], object]] = {
        "born": lambda: admission.birth_date(said["born"], said.get("from", now_ms), chart, there),
        "prescriber": lambda: admission.spo2_scale(said["spo2_scale"], said["prescriber"]),
    }
    needs = {"born": {"born"}, "prescriber": {"spo2_scale"}}
    for column, check in checks.items():
        try:
            if needs[column] <= said.keys():
                check()
        except VwmonError as error:
            yield Fault(line=line.line, column=column, problem=str(error))


def _optional(reader: Callable[[str], str]) -> Callable[[str], str | None]:
    return lambda text: reader(text) if text else None


def _nhs_number(text: str) -> str:
    if re.fullmatch(r"[0-9.,]+[eE][+-]?[0-9]+", text):
        raise UsageError("a spreadsheet has shortened this number; make the column text and write it again")
    return admission.nhs_number(text)


def _number(text: str, default: str) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", text or default):
        raise UsageError(f"{text!a} is no whole number")
    return int(text or default)


def _flag(text: str) -> bool:
    if text.lower() in YES | NO:
        return text.lower() in YES
    raise UsageError(f"{text!a} is neither yes nor no")


def _date(text: str, *, day_first: bool) -> str:
    """Read a date: 1948-05-17; or 17/05/1948, where the first number can be no month or `day_first` says so."""
    slashed = SLASHED.fullmatch(text)
    if slashed is None:
        return text
    first, second, year = (int(part) for part in slashed.groups())
    if first <= LAST_MONTH and first != second and not day_first:
        if second > LAST_MONTH:
            raise UsageError(f"{text!a} has the month first; write {year}-{first:02}-{second:02}")
        raise UsageError(
            f"{text!a} could be {year}-{second:02}-{first:02} or {year}-{first:02}-{second:02}: write it so, or say "
            "--day-first if every date of the file has the day first"
        )
    return f"{year}-{second:02}-{first:02}"
