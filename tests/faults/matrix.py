"""The fault matrix: what is done to a running ward, how often, and how what came of it is counted.

A row is one fault. Its function does that to real files and processes so many times and counts: what was lost, what is
there twice, and which invariants did not hold. It asserts nothing about the product by itself; a tally that is not
clean is the finding. The numbers of the rows are those of the safety page.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

RULE_OF_THREE = 3  # no failure in n runs: below about 3 in n, with 95 % confidence


class Profile(StrEnum):
    """How often each fault is done: to see that a row works, for every change, before a release."""

    SMOKE = "smoke"
    CI = "ci"
    RELEASE = "release"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One row's work: an empty folder of its own, how often, and what its chance begins with."""

    folder: Path
    runs: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What came of the runs of one fault. `broken` names what should have held and did not."""

    runs: int
    lost: int = 0
    doubled: int = 0
    broken: tuple[str, ...] = ()
    said: str = ""

    @property
    def clean(self) -> bool:
        """Tell whether everything that should have held did, in at least one run."""
        return self.runs > 0 and not (self.lost or self.doubled or self.broken)

    @property
    def bound(self) -> float | None:
        """Give below what share of runs a failure can be excluded; None when there was a failure."""
        return RULE_OF_THREE / self.runs if self.clean else None


class CannotHereError(Exception):
    """This machine cannot do this to a process: a right or a program is missing. Never counted as a clean run."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One fault of the matrix, and how many runs of it each profile asks for.

    Runs that stand apart can be shared among processes, and done in portions that add up. A row that hits every place
    that there is has no more runs than places. Not every row counts what is lost or doubled.
    """

    id: str
    fault: str
    do: Callable[[Trial], Tally]
    runs: Mapping[Profile, int] = field(default_factory=dict)
    apart: bool = False
    every_place: bool = False
    counts: bool = True


def added(tallies: list[Tally]) -> Tally:
    """Put tallies of one fault together."""
    return Tally(
        runs=sum(one.runs for one in tallies),
        lost=sum(one.lost for one in tallies),
        doubled=sum(one.doubled for one in tallies),
        broken=tuple(dict.fromkeys(what for one in tallies for what in one.broken)),
        said="; ".join(dict.fromkeys(one.said for one in tallies if one.said)),
    )
