"""What is asked over the list: a form of one line or two, a choice from a closed list, and pages to read.

Here: the widgets and their keys. Not here: what is asked, or what follows from the answer. Escape always leaves
everything as it was.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from vwmon.cli import render
from vwmon.cli.triage.keys import Key

Answers = Mapping[str, str]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One line to fill in."""

    name: str
    label: str
    value: str = ""
    hint: str = ""


def shown(text: str) -> Content:
    """Give a text as Textual shows it: no markup is read from it, and control characters are written out."""
    return Content("\n".join(render.safe(line) for line in text.split("\n")))


class Over(ModalScreen[T | None]):
    """What lies over the list: it carries the banner too, for it may cover the list's."""

    def banner(self) -> Static:
        """Make the place of the banner."""
        return Static("", id="banner")

    def warn(self, text: str) -> None:
        """Say what must be known before anything on the screen is believed."""
        self._put("#banner", text)

    def tell(self, text: str) -> None:
        """Say what changed about the alert while this was open."""
        self._put("#changed", text)

    def end(self, answer: T | None) -> None:
        """End with an answer, or without one; a key that bounces, and so comes twice, ends nothing else."""
        if self.is_current:
            self.dismiss(answer)

    def action_leave(self) -> None:
        """End without an answer."""
        self.end(None)

    def _put(self, place: str, text: str) -> None:
        for found in self.query(place).results(Static):
            found.update(shown(text))
            found.display = bool(text)


class Form(Over[Answers]):
    """A few lines to fill in about what was under the cursor; `check` says what is wrong with the answers."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "leave")]

    def __init__(
        self, title: str, about: Sequence[str], fields: Sequence[Field], check: Callable[[Answers], str]
    ) -> None:
        """Take what to ask."""
        super().__init__()
        self._title, self._about, self._fields, self._check = title, about, fields, check

    def compose(self) -> ComposeResult:
        """Lay out the title, what it is about, the lines to fill in, and where a fault is told."""
        yield self.banner()
        with Vertical(classes="box"):
            yield Label(shown(self._title), classes="title")
            yield Static(shown("\n".join(self._about)), classes="about")
            yield Static("", id="changed")
            for field in self._fields:
                yield Label(shown(field.label))
                yield Input(field.value, placeholder=field.hint, id=field.name, select_on_focus=False)
            yield Static("", id="fault")
            yield Label(shown("enter: do it   tab: next line   escape: leave everything as it was"), classes="quiet")

    def on_input_submitted(self) -> None:
        """End with the answers, or say what is wrong with them."""
        answers = {field.name: self.query_one(f"#{field.name}", Input).value.strip() for field in self._fields}
        fault = self._check(answers)
        self._put("#fault", fault)
        if not fault:
            self.end(answers)


class Choice(Over[str]):
    """One of a closed list: by its number, or by moving to it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "leave"),
        Binding("j", "step(1)"),
        Binding("k", "step(-1)"),
    ]

    def __init__(self, title: str, about: Sequence[str], options: Sequence[tuple[str, str]]) -> None:
        """Take the codes to choose from, each with its words."""
        super().__init__()
        self._title, self._about, self._options = title, about, options

    def compose(self) -> ComposeResult:
        """Lay out the list."""
        yield self.banner()
        with Vertical(classes="box"):
            yield Label(shown(self._title), classes="title")
            yield Static(shown("\n".join(self._about)), classes="about")
            yield Static("", id="changed")
            numbered = [
                Option(shown(f"{(number + 1) % 10}  {words}"), id=code)
                for number, (code, words) in enumerate(self._options)
            ]
            yield OptionList(*numbered)
            yield Label(shown("a number, or j k and enter   escape: leave everything as it was"), classes="quiet")

    def on_key(self, event: events.Key) -> None:
        """Choose by number."""
        if event.key.isdecimal() and len(event.key) == 1:
            place = (int(event.key) - 1) % 10
            if place < len(self._options):
                event.stop()
                self.end(self._options[place][0])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """End with what was chosen."""
        self.end(event.option.id)

    def action_step(self, step: int) -> None:
        """Move by one, as the arrows do."""
        options = self.query_one(OptionList)
        (options.action_cursor_down if step > 0 else options.action_cursor_up)()


class Page(Over[str]):
    """Something to read, over the whole screen; a key that acts ends it with that act."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "leave", "back"),
        Binding("j,down", "scroll(1)"),
        Binding("k,up", "scroll(-1)"),
        Binding("space,pagedown", "scroll(10)"),
        Binding("pageup", "scroll(-10)"),
        Binding("g,home", "scroll(-9999)"),
        Binding("G,end", "scroll(9999)"),
    ]

    def __init__(self, title: str, lines: Sequence[str], keys: Sequence[Key] = ()) -> None:
        """Take what to show, and the keys that end it with an act."""
        super().__init__()
        self._title, self._lines, self._acts = title, lines, {key.keys: key.action for key in keys}
        self._foot = "  ".join([*(f"{key.written} {key.short}" for key in keys), "j k g G move", "escape back"])

    def compose(self) -> ComposeResult:
        """Lay out the page."""
        yield self.banner()
        yield Label(shown(self._title), classes="title", id="title")
        with VerticalScroll():
            yield Static(shown("\n".join(self._lines)), id="text")
        yield Label(shown(self._foot), classes="quiet")

    def show(self, title: str, lines: Sequence[str]) -> None:
        """Show something else in the same place, as far down as before."""
        self.query_one("#title", Label).update(shown(title))
        self.query_one("#text", Static).update(shown("\n".join(lines)))

    def on_key(self, event: events.Key) -> None:
        """End with the act of a key that acts."""
        if event.character in self._acts:
            event.stop()
            self.end(self._acts[event.character])

    def action_scroll(self, step: int) -> None:
        """Move the text."""
        self.query_one(VerticalScroll).scroll_relative(y=step, animate=False)
