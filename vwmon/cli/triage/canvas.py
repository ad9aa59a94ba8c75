"""The widget that a picture is drawn on: line by line, and only the lines that changed are sent to the terminal."""

from collections.abc import Callable

from rich.segment import Segment  # noqa: TID253 -- a screen is rich, and nobody waits for it unasked
from rich.style import Style  # noqa: TID253 -- as above
from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from vwmon.cli.triage.spans import Spans, painted


class Canvas(Widget):
    """A screenful of styled lines."""

    def __init__(self, *, colour: bool, resized: Callable[[], None]) -> None:
        """Begin empty; `resized` is called when there is another number of lines or columns to fill."""
        super().__init__()
        self._colour, self._resized = colour, resized
        self._drawn: tuple[Spans, ...] = ()

    def draw(self, lines: tuple[Spans, ...]) -> None:
        """Show these lines."""
        before, self._drawn = self._drawn, lines
        for number in range(max(len(before), len(lines))):
            if before[number : number + 1] != lines[number : number + 1]:
                self.refresh(Region(0, number, self.size.width, 1))

    def on_resize(self, _event: events.Resize) -> None:
        """Ask for a picture of the new size."""
        self._resized()

    def render_line(self, y: int) -> Strip:
        """Give one line in its colours."""
        base, width = self.rich_style, self.size.width
        if y >= len(self._drawn):
            return Strip.blank(width, base)
        parts = [
            Segment(text, base + Style.parse(painted(style, colour=self._colour))) for text, style in self._drawn[y]
        ]
        return Strip(parts).adjust_cell_length(width, base)
