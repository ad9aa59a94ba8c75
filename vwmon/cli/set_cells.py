"""What the cells of an observation set stand for, by the columns that a chart reads, and what is wrong with them.

The words and bands are the chart's, what is possible in a person is the table of vitals'. An empty cell is missing,
and nothing here stands in for it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, partial

from devices.vitals import VITALS
from vwmon.scoring import ages, reference
from vwmon.scoring.records import Chart, Part, Ratio, Term, Word

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
OLDEST_YEARS = 150
REMEMBERED = 20_000  # distinct texts of one column that are kept with what they mean
YES_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
MATERNITY = "the national maternity chart is not available to vwmon: use the maternity unit's own"

Read = dict[str, Word | float]
Reader = Callable[[str], Word | float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One column that a chart reads: its unit, and the words that it takes."""

    column: str
    unit: str = ""
    values: tuple[str, ...] = ()


@cache
def inputs(chart: Chart | Ratio) -> tuple[Input, ...]:
    """Give the columns of a chart, what it asks for besides readings after the part that asks first."""
    if isinstance(chart, Ratio):
        return tuple(Input(column=term.name, unit=term.unit) for term in chart.terms)
    found: dict[str, Input] = {}
    for part in chart.parts:
        found[part.name] = Input(column=part.name, unit=part.unit, values=tuple(_words(part)))
        for name in sorted(_contexts(chart, part) - found.keys()):
            found[name] = Input(column=name, values=tuple(map(str, chart.context[name])))
            if name in chart.age_context:
                found |= {
                    "born": Input(column="born", unit="YYYY-MM-DD"),
                    "time": Input(column="time", unit="ISO 8601"),
                }
    return tuple(found.values())


class Cells:
    """Reads rows for one chart; what a text means in a column is worked out once."""

    def __init__(self, chart: Chart | Ratio) -> None:
        """Find out how each column is read."""
        self._chart = chart
        self._readers = dict(_readers(chart))
        self._meanings: dict[str, dict[str, Word | float | ValueError]] = {name: {} for name in self._readers}
        self._needs = [] if isinstance(chart, Ratio) else [(p.name, _contexts(chart, p)) for p in chart.parts]

    def read(self, row: Mapping[str, str]) -> tuple[Read, list[str]]:
        """Give what was read of a row, and what is wrong with the rest of it."""
        found: Read = {}
        wrong: list[str] = []
        for name in self._readers:
            text = row.get(name, "").strip()
            if text:
                meaning = self._meaning(name, text)
                if isinstance(meaning, ValueError):
                    wrong.append(str(meaning))
                else:
                    found[name] = meaning
        about = list(_person(self._chart, row, found))
        wanting = [] if about else list(self._wanting(row, found))
        return found, list(dict.fromkeys([*wrong, *about, *wanting]))

    def _wanting(self, row: Mapping[str, str], found: Read) -> Iterator[str]:
        """Yield what else has to be known to score what was read."""
        for name, contexts in self._needs:
            if contexts and name in found:
                empty = [one for one in sorted(contexts - found.keys()) if not row.get(one, "").strip()]
                yield from (_one_of(self._chart, one) for one in empty)

    def _meaning(self, name: str, text: str) -> Word | float | ValueError:
        known = self._meanings[name]
        if text not in known:
            if len(known) >= REMEMBERED:
                known.clear()
            try:
                known[text] = self._readers[name](text)
            except ValueError as error:
                known[text] = error
        return known[text]


def _readers(chart: Chart | Ratio) -> Iterator[tuple[str, Reader]]:
    """Yield how each column is read."""
    if isinstance(chart, Ratio):
        yield from ((term.name, partial(_term, term)) for term in chart.terms)
        return
    yield from ((part.name, partial(_coded if part.exact else _measured, part)) for part in chart.parts)
    yield from ((name, partial(_context, chart, name)) for name in chart.context)


def _contexts(chart: Chart, part: Part) -> set[str]:
    return {name for table in part.tables for name, _ in table.when} & set(chart.context)


def _words(part: Part) -> Mapping[str, float]:
    """Give the words that a part takes, and the numbers they stand for."""
    if part.exact:
        return {band.name: float(band.lower or 0) for band in part.bands}
    return {} if part.numbers_only or part.name not in VITALS else VITALS[part.name].choices


def _coded(part: Part, text: str) -> float:
    words = {word.casefold(): number for word, number in _words(part).items()}
    if text.casefold() not in words:
        raise ValueError(f"{part.name} is one of {', '.join(_words(part))}, not {text}")
    return words[text.casefold()]


def _measured(part: Part, text: str) -> float:
    words = {word.casefold(): number for word, number in _words(part).items()}
    if text.casefold() in words:
        return words[text.casefold()]
    value = _number(part.name, part.unit, text, " or one of " + ", ".join(_words(part)) if words else "")
    if reference.read(part, part.tables[0], value) is None:
        raise ValueError(f"{part.name} of {text} {part.unit} is between the bands of the chart and cannot be read")
    return value


def _term(term: Term, text: str) -> float:
    return _number(term.name, term.unit, text, "")


def _number(name: str, unit: str, text: str, or_words: str) -> float:
    if not NUMBER.fullmatch(text):
        raise ValueError(f"{name} is a number{or_words}, not {text}")
    if not VITALS[name].possible(float(text)):
        raise ValueError(f"{name} of {text} {unit} is not possible")
    return float(text)


def _context(chart: Chart, name: str, text: str) -> Word:
    for word in chart.context[name]:
        same = NUMBER.fullmatch(text) and float(text) == word if isinstance(word, int) else text.casefold() == word
        if same:
            return word
    raise ValueError(_one_of(chart, name))


def _one_of(chart: Chart | Ratio, name: str) -> str:
    words = chart.context[name] if isinstance(chart, Chart) else ()
    also = ", or born and time" if isinstance(chart, Chart) and name in chart.age_context else ""
    return f"{name} is {' or '.join(map(str, words))}{also}, and has to be given"


def _person(chart: Chart | Ratio, row: Mapping[str, str], found: Read) -> Iterator[str]:
    """Yield why a chart is not for the person of a row, and note what follows from the age.

    Columns that tell nothing are passed by; one that tells it in a way that cannot be read is a fault.
    """
    try:
        if not chart.pregnancy and _yes(row.get("pregnant", "").strip()):
            yield f"{chart.title} is not for someone who is pregnant; {MATERNITY}"
        years = _years(row)
        if years is not None:
            yield from _by_age(chart, years, found)
    except ValueError as error:
        yield str(error)


def _by_age(chart: Chart | Ratio, years: int, found: Read) -> Iterator[str]:
    for name, word in ages.context(chart, years).items():
        if found.setdefault(name, word) != word:
            yield f"{name} {found[name]} is not that of {years} years"


def _yes(text: str) -> bool:
    if text and text.casefold() not in YES_NO:
        raise ValueError(f"pregnant is yes or no, not {text}")
    return YES_NO.get(text.casefold(), False)


def _years(row: Mapping[str, str]) -> int | None:
    """Give the completed years of a row's person: from age_years, or from born and time; None where it says neither."""
    text, born, time = (row.get(name, "").strip() for name in ("age_years", "born", "time"))
    if text:
        if not NUMBER.fullmatch(text) or not 0 <= float(text) <= OLDEST_YEARS:
            raise ValueError(f"age_years is a number from 0 to {OLDEST_YEARS}, not {text}")
        return int(float(text))
    return _years_at(born, time) if born and time else None


@cache
def _day(born: str) -> date:
    return date.fromisoformat(born)


def _years_at(born: str, time: str) -> int:
    try:
        return ages.years(_day(born), datetime.fromisoformat(time))
    except ValueError as error:
        raise ValueError(f"the age cannot be told from born {born} and time {time}: {error}") from error
