"""The table of vitals: names, units, conversions, ranges and codes, loaded from vitals.toml and checked on load.

Here: what is known of one vital, and converting a value to its canonical unit.
Not here: reading messages, deciding which readings to keep, scoring; a new vital or unit is a change of the TOML only.
"""

import math
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec

from devices.errors import UnitError, VitalsError

MDC_PARTITION: Final = 65536
MDC_VITALS: Final = 2
_DIGITS: Final = 10
_PRINTED: Final[Mapping[str, str]] = MappingProxyType(
    {"mm[Hg]": "mmHg", "Cel": "°C", "{score}": "", "[degF]": "°F", "[lb_av]": "lb", "[stone_av]": "stone"}
)
_WRITTEN: Final[Mapping[str, str]] = MappingProxyType(
    {"mm[Hg]": "mmHg", "Cel": "degC", "[degF]": "degF", "[lb_av]": "lb", "[stone_av]": "stone"}
)


class Span(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A range of values; `at_least` and `at_most` belong to it, `above` and `below` do not."""

    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None

    def bounds(self) -> tuple[float, float]:
        """Return the lowest and the highest number inside; VitalsError unless each end is given once."""
        if (self.at_least is None) == (self.above is None) or (self.at_most is None) == (self.below is None):
            raise VitalsError("a range needs at_least or above, and at_most or below")
        low = self.at_least if self.above is None else math.nextafter(self.above, math.inf)
        high = self.at_most if self.below is None else math.nextafter(self.below, -math.inf)
        if low is None or high is None or not low < high:
            raise VitalsError("a range's lower end must be below its upper end")
        return low, high


class Conversion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a value in another unit becomes the canonical one: (value + add) * multiply / divide."""

    unit: str
    source: str
    add: float = 0.0
    multiply: float = 1.0
    divide: float = 1.0
    only: tuple[float, ...] | None = None

    def apply(self, value: float) -> float:
        """Return `value` in the canonical unit, without rounding noise; UnitError if it is not one of `only`."""
        if self.only is not None and value not in self.only:
            raise UnitError(f"a value in {self.unit} is one of {', '.join(f'{one:g}' for one in self.only)}")
        return round((value + self.add) * self.multiply / self.divide, _DIGITS)


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One vital as the TOML writes it."""

    title: str
    unit: str
    possible: Span
    why: str
    ucum: str | None = None
    question: Span | None = None
    aliases: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    convert: tuple[Conversion, ...] = ()
    slips: tuple[Conversion, ...] = ()
    choices: dict[str, float] = {}
    numeric: bool = True
    whole: bool = False
    loinc: tuple[str, ...] = ()
    mdc: tuple[int, ...] = ()
    snomed: tuple[str, ...] = ()
    coded: dict[str, str] = {}


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: str
    vital: dict[str, _Entry]


class Vital(msgspec.Struct, frozen=True, kw_only=True):
    """One vital: `low`..`high` is possible, `usual_low`..`usual_high` unquestioned, all inclusive and in `unit`.

    `plain_units` are the canonical unit's spellings and None, for a unit left out; `conversions` the other units by
    name. `choices` are words taken for a number; `numeric` is False where nothing else is taken. `coded` are the codes
    that stand for a choice.
    """

    name: str
    title: str
    unit: str
    ucum: str
    aliases: tuple[str, ...]
    plain_units: frozenset[str | None]
    conversions: Mapping[str, Conversion]
    slips: tuple[Conversion, ...]
    choices: Mapping[str, float]
    numeric: bool
    whole: bool
    low: float
    high: float
    usual_low: float
    usual_high: float
    loinc: tuple[str, ...]
    mdc: tuple[int, ...]
    snomed: tuple[str, ...]
    coded: Mapping[str, str]
    why: str

    def canonical(self, value: float, unit: str | None) -> float:
        """Return `value` converted from `unit` (None: the canonical one); UnitError for a unit it is not taken in."""
        if unit in self.plain_units:
            return value
        conversion = self.conversions.get(unit or "")
        if conversion is None:
            raise UnitError(f"{self.name} is not taken in {unit!a}")
        return conversion.apply(value)

    def possible(self, value: float) -> bool:
        """Say whether `value`, in the canonical unit, can be true of a person; never for NaN."""
        return self.low <= value <= self.high and (not self.whole or value == math.floor(value))

    def unusual(self, value: float) -> bool:
        """Say whether a possible `value` is outside what home devices are expected to measure."""
        return not self.usual_low <= value <= self.usual_high

    def read_as(self, number: float) -> Iterator[tuple[str, float]]:
        """Yield every unit that the vital may come in, and what a number would be in it: a guess, and no reading.

        Of a unit that is written in two ways, the last.
        """
        yield self.unit, number
        ways = {(how.add, how.multiply, how.divide): how for how in (*self.conversions.values(), *self.slips)}
        yield from ((how.unit, how.apply(number)) for how in ways.values() if how.only is None)

    def likely_units(self, number: float, unit: str | None) -> tuple[str, ...]:
        """Name the units other than its own in which a number that is impossible in `unit` would be unquestioned."""
        sent = self.unit if unit in self.plain_units else unit
        own = self.conversions.get(sent or "")
        if own is not None and own.only is not None:
            return ()
        return tuple(
            _WRITTEN.get(other, other)
            for other, value in self.read_as(number)
            if other != sent and not self.unusual(value) and (own is None or value != own.apply(number))
        )

    def label(self, value: float) -> str | None:
        """Return the letter that stands for a stored `value`, for vitals taken in letters only."""
        return None if self.numeric else next((word for word, number in self.choices.items() if number == value), None)

    def codes(self) -> Iterator[str]:
        """Yield every `loinc:`, `sct:` and `mdc:` code that means this vital, MDC also by its 16-bit term."""
        yield from (f"loinc:{code}" for code in self.loinc)
        yield from (f"sct:{code}" for code in self.snomed)
        for code in self.mdc:
            yield f"mdc:{code}"
            yield f"mdc:{code % MDC_PARTITION}"


def _check(name: str, entry: _Entry) -> None:
    """Raise VitalsError for an entry that contradicts itself."""
    units = [entry.unit, *entry.also, *(how.unit for how in (*entry.convert, *entry.slips))]
    if len(set(units)) != len(units):
        raise VitalsError(f"{name}: a unit is given twice")
    if not all(conversion.multiply and conversion.divide for conversion in (*entry.convert, *entry.slips)):
        raise VitalsError(f"{name}: a conversion by nothing")
    if not entry.numeric and (not entry.choices or entry.convert):
        raise VitalsError(f"{name}: a vital that is not numeric has choices and no other units")
    if any(code // MDC_PARTITION != MDC_VITALS for code in entry.mdc):
        raise VitalsError(f"{name}: MDC codes are of partition {MDC_VITALS}")
    if not set(entry.coded.values()) <= set(entry.choices):
        raise VitalsError(f"{name}: a code stands for what is no choice")


def _vital(name: str, entry: _Entry) -> Vital:
    """Compile one entry; VitalsError for one that contradicts itself."""
    _check(name, entry)
    low, high = entry.possible.bounds()
    usual_low, usual_high = (entry.question or entry.possible).bounds()
    if not low <= usual_low <= usual_high <= high or not all(low <= value <= high for value in entry.choices.values()):
        raise VitalsError(f"{name}: a usual value or a choice is outside what is possible")
    return Vital(
        name=name,
        title=entry.title,
        unit=entry.unit,
        ucum=entry.ucum or entry.unit,
        aliases=entry.aliases,
        plain_units=frozenset((None, entry.unit, *entry.also)),
        conversions=MappingProxyType({conversion.unit: conversion for conversion in entry.convert}),
        slips=entry.slips,
        choices=MappingProxyType(entry.choices),
        numeric=entry.numeric,
        whole=entry.whole,
        low=low,
        high=high,
        usual_low=usual_low,
        usual_high=usual_high,
        loinc=entry.loinc,
        mdc=entry.mdc,
        snomed=entry.snomed,
        coded=MappingProxyType(entry.coded),
        why=entry.why,
    )


def load(text: str) -> tuple[str, dict[str, Vital]]:
    """Read a table of vitals from TOML; return its version, and the vitals by name. VitalsError for any fault."""
    try:
        table = msgspec.convert(tomllib.loads(text), _Table)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise VitalsError(f"the table of vitals cannot be read: {error}") from error
    vitals = {name: _vital(name, entry) for name, entry in table.vital.items()}
    index(vitals)
    return table.version, vitals


def index(vitals: Mapping[str, Vital]) -> dict[str, Vital]:
    """Return every name, alias and code with its vital; VitalsError when two vitals claim the same one."""
    known: dict[str, Vital] = {}
    for vital in vitals.values():
        for word in (vital.name, *vital.aliases, *vital.codes()):
            if known.setdefault(word, vital) is not vital:
                raise VitalsError(f"{word} means both {known[word].name} and {vital.name}")
    return known


VERSION, _VITALS = load(Path(__file__).with_name("vitals.toml").read_text(encoding="utf-8"))
VITALS: Final[Mapping[str, Vital]] = MappingProxyType(_VITALS)
KNOWN: Final[Mapping[str, Vital]] = MappingProxyType(index(VITALS))


def find(word: str) -> Vital | None:
    """Return the vital that a name, an alias or a code means; None where no table knows it."""
    return KNOWN.get(word)


def printed(unit: str) -> str:
    """Return a unit as people write it: "mmHg" for UCUM's "mm[Hg]", nothing for a score; programs are given UCUM's."""
    return _PRINTED.get(unit, unit)
