"""The hazard log and the table of threats as records, read from docs/safety and checked for what contradicts itself."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

FOLDER: Final = Path("docs") / "safety"

Form = TypeVar("Form")


class LogError(Exception):
    """A table of the safety case cannot be read."""


class Severity(StrEnum):
    """How bad it would be, in the words of DCB0129."""

    MINOR = "minor"
    SIGNIFICANT = "significant"
    CONSIDERABLE = "considerable"
    MAJOR = "major"
    CATASTROPHIC = "catastrophic"


class Likelihood(StrEnum):
    """How likely that harm is, in the words of DCB0129."""

    VERY_LOW = "very low"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    VERY_HIGH = "very high"


# The matrix of the guidance to DCB0129, as NHS Digital prints it in the hazard log of UK Core.
RISK: Final = {
    Likelihood.VERY_HIGH: (3, 4, 4, 5, 5),
    Likelihood.HIGH: (2, 3, 3, 4, 5),
    Likelihood.MEDIUM: (2, 2, 3, 3, 4),
    Likelihood.LOW: (1, 2, 2, 3, 4),
    Likelihood.VERY_LOW: (1, 1, 2, 2, 3),
}


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file: no key that is not known, none left out that has to be there."""


class Rating(Record, frozen=True, kw_only=True):
    """A proposal of severity and likelihood, for a clinical safety officer to change."""

    severity: Severity
    likelihood: Likelihood

    @property
    def risk(self) -> int:
        """From 1, acceptable, to 5, unacceptable."""
        return RISK[self.likelihood][list(Severity).index(self.severity)]

    def __str__(self) -> str:
        """Say both and what they come to."""
        return f"{self.severity}, {self.likelihood}: {self.risk}"


class Control(Record, frozen=True, kw_only=True):
    """What stands against it: proved by tests, planned, or left to whoever deploys; exactly one of them."""

    control: str
    tests: tuple[str, ...] = ()
    planned: str = ""
    deployment: str = ""


class Entry(Record, frozen=True, kw_only=True):
    """What hazards and threats have in common: controls, and why it is open where none of them is proved by a test."""

    id: str
    title: str
    controls: tuple[Control, ...]
    open: str = ""

    @property
    def tests(self) -> frozenset[str]:
        """Every test that proves any of it."""
        return frozenset(test for one in self.controls for test in one.tests)


class Hazard(Entry, frozen=True, kw_only=True):
    """A way in which a patient or someone else could come to harm."""

    cause: str
    effect: str
    harmed: str
    initial: Rating
    residual: Rating
    invariants: tuple[str, ...] = ()


class Threat(Entry, frozen=True, kw_only=True):
    """A way in which someone could make a hazard happen."""

    hazards: tuple[str, ...]


class Hazards(Record, frozen=True, kw_only=True):
    """The file of hazards."""

    version: str
    invariants: dict[str, str]
    hazard: tuple[Hazard, ...]


class Threats(Record, frozen=True, kw_only=True):
    """The file of threats."""

    version: str
    threat: tuple[Threat, ...]


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """Both tables."""

    hazards: Hazards
    threats: Threats

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Hazards, then threats."""
        return (*self.hazards.hazard, *self.threats.threat)


def load(root: Path) -> Log:
    """Read both tables under a root; LogError says what is wrong with a file, and where in it."""
    return Log(
        hazards=read(root / FOLDER / "hazards.toml", Hazards),
        threats=read(root / FOLDER / "threats.toml", Threats),
    )


def read(path: Path, form: type[Form]) -> Form:
    """Read one file into its form."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=form)
    except (msgspec.MsgspecError, OSError, ValueError) as error:
        raise LogError(f"{path.name}: {error}") from error


def contradictions(log: Log) -> Iterator[str]:
    """Yield what cannot be so, entry by entry, in the order of the files."""
    hazards = {one.id for one in log.hazards.hazard}
    yield from _twice(one.id for one in log.entries)
    for entry in log.entries:
        yield from (f"{entry.id}: {fault}" for fault in _of_controls(entry))
    for hazard in log.hazards.hazard:
        if hazard.residual.risk > hazard.initial.risk:
            yield f"{hazard.id}: its controls leave more risk than there was"
        yield from (f"{hazard.id}: there is no invariant {name}" for name in _absent(hazard, log.hazards.invariants))
    for threat in log.threats.threat:
        yield from (f"{threat.id}: there is no hazard {name}" for name in threat.hazards if name not in hazards)
    used = {name for hazard in log.hazards.hazard for name in hazard.invariants}
    yield from (f"invariant {name}: no hazard names it" for name in log.hazards.invariants if name not in used)


def _absent(hazard: Hazard, invariants: dict[str, Any]) -> Iterator[str]:
    return (name for name in hazard.invariants if name not in invariants)


def _twice(names: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield f"{name}: it is there twice"
        seen.add(name)


def _of_controls(entry: Entry) -> Iterator[str]:
    for one in entry.controls:
        if sum(bool(way) for way in (one.tests, one.planned, one.deployment)) != 1:
            yield f"a control is proved by tests, or planned, or left to whoever deploys: {one.control}"
    if not entry.tests and not entry.open:
        yield "no control is proved by a test, and nothing says why it is open"
    if entry.tests and entry.open:
        yield "it is said to be open, and has a control that a test proves"
