"""Lines made of pieces of text with styles, and how they are folded, filled and joined. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

from vwmon.cli import render

Spans = tuple[tuple[str, str], ...]

# What the words of a style become. Red and yellow differ in brightness too, and every level is also in the text.
COLOURS: Final[Mapping[str, str]] = {
    "urgent": "bold #ffffff on #a00000",
    "level3": "bold #ff6f6f",
    "level2": "#ffd75f",
}
WITHOUT_COLOUR: Final[Mapping[str, str]] = {"urgent": "bold reverse", "level3": "bold underline", "level2": "bold"}


def painted(style: str, *, colour: bool) -> str:
    """Give the style of rich that a style's words stand for."""
    words = COLOURS if colour else WITHOUT_COLOUR
    return " ".join(words.get(word, word) for word in style.split())


def plain(text: str, style: str = "") -> Spans:
    """Give a line of one style, with every control character written out."""
    return ((render.safe(text), style),)


def width_of(line: Spans) -> int:
    """Count the columns of a line."""
    return sum(render.width_of(text) for text, _ in line)


def text_of(line: Spans) -> str:
    """Give a line without its styles."""
    return "".join(text for text, _ in line)


def fold(text: str, width: int, most: int = 0) -> list[str]:
    """Give a text as lines of at most a width, and of at most so many lines; what is left out is marked."""
    lines = [render.cut(line, width) for line in render.folded(render.safe(text), max(width, 1))]
    if not most or len(lines) <= most:
        return lines
    return [*lines[: most - 1], render.cut(f"{lines[most - 1]} …", width - 1).removesuffix("…") + "…"]


def fill(line: Spans, width: int, style: str = "") -> Spans:
    """Give a line of exactly a width: cut, or filled with spaces."""
    left, kept = width, []
    for text, each in line:
        short = render.cut(text, left) if left else ""
        kept.append((short, each))
        left -= render.width_of(short)
    return (*kept, (" " * left, style)) if left > 0 else tuple(kept)


def joined(left: Spans, right: Spans, width: int) -> Spans:
    """Put one line beside another, with a rule between them."""
    return (*fill(left, width), (" │ ", "dim"), *right)


def columns(texts: Sequence[str], widths: Sequence[int]) -> str:
    """Give cells as one line; a cell that is too long is cut, with a mark."""
    cells = (render.pad(render.cut(text, width), width) for text, width in zip(texts, widths, strict=True))
    return " ".join(cells).rstrip()
