"""The scores as people read them: what each is called, its parts, their labels and the most that each can add. Pure.

How points come about is not known here, nor which rule asks for what.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

NEWS2: Final = "news2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of the score as people read it, and the most points it can add."""

    label: str
    most: int
    unit: str = ""
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One score: its title in a sentence, and its parts in order."""

    title: str
    parts: Mapping[str, Part]

    @property
    def most(self) -> int:
        """Give the most that the score can be."""
        return sum(part.most for part in self.parts.values())


def read(table: Mapping[str, Any]) -> Chart:
    """Read one chart of the table of rules; KeyError or TypeError for what does not belong."""
    parts = {name: Part(**_with_words(row)) for name, row in table["parts"].items()}
    return Chart(title=table["title"], parts=parts)


def of(evidence: Mapping[str, Any]) -> str:
    """Name the chart that some evidence, or a score as the interface gives it, is of; NEWS2 where it says nothing."""
    return str(evidence.get("chart", NEWS2))


def _with_words(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
