"""What each key does, as one table: for the bindings, the line at the foot, and the page of help. Pure."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One action: the keys that mean it, how they are written, what it does shortly and in a sentence."""

    keys: str
    written: str
    action: str
    short: str
    said: str
    acts: bool = False


KEYS: Final = (
    Key(keys="j,down", written="j", action="move(1)", short="", said="the next alert (or the arrow down)"),
    Key(keys="k,up", written="k", action="move(-1)", short="", said="the one before (or the arrow up)"),
    Key(keys="g,home", written="g", action="move(-9999)", short="", said="the first alert"),
    Key(keys="G,end", written="G", action="move(9999)", short="", said="the last alert"),
    Key(keys="enter", written="enter", action="open", short="open", said="all about this alert, its history too"),
    Key(keys="a", written="a", action="act('ack')", short="ack", said="take it in hand, with a note", acts=True),
    Key(keys="t", written="t", action="act('take')", short="take", said="take it over from its owner", acts=True),
    Key(keys="n", written="n", action="act('note')", short="note", said="put words on record", acts=True),
    Key(keys="c", written="c", action="act('close')", short="close", said="close it, with what came of it", acts=True),
    Key(
        keys="z", written="z", action="act('snooze')", short="snooze", said="put it off the list for a time", acts=True
    ),
    Key(keys="u", written="u", action="act('unack')", short="undo", said="give it back; or open it again", acts=True),
    Key(keys="N", written="N", action="next", short="next new", said="the most urgent one that you have not looked at"),
    Key(keys="slash", written="/", action="filter", short="filter", said="show some alerts only"),
    Key(keys="h", written="h", action="hours", short="24/72 h", said="the chart of a day or of three"),
    Key(keys="v", written="v", action="chart", short="chart", said="the chart away, and back"),
    Key(keys="w", written="w", action="who", short="who", said="say who acts, on a machine that several share"),
    Key(keys="r", written="r", action="again", short="", said="read the list again now (it is every two seconds)"),
    Key(keys="question_mark", written="?", action="help", short="help", said="this page"),
    Key(keys="q", written="q", action="quit", short="quit", said="leave"),
)

FIRST: Final = "?qatnczu/N"

READING: Final = (
    "",
    (
        "Above the list: who acts, how much is open, and when the list was read. In a banner above that, and "
        "in words: the ward is not being monitored, the list cannot be read, or it is old. Then do not rely "
        "on what is below."
    ),
    "",
    ("> the cursor   + new since you looked   * changed since you looked   x left the list (until you move on)"),
    "",
    ("L clinical, T technical, S the whole service; 1 watch, 2 urgent, 3 emergency. LAST is the last reading's age."),
    "",
    (
        "The cursor stays on its alert when rows move. While a dialog is open or a key is held, no row moves. "
        "An act is on the alert as you saw it: if it got worse meanwhile it is refused, and says how."
    ),
    "",
    (
        "The chart: a cell for each part of the day, and nothing in it when nothing was measured. NEWS2 as "
        "digits (+ is 10 or more), or as bars: what is certain, and above it what it could be. Vitals stand "
        "on scales that never change; what is off its scale is a triangle. Oxygen is litres a minute, 0 is "
        "air. A number in brackets is what the last reading scores by itself; OLD means that it no longer "
        "counts."
    ),
)


def offered(*, readonly: bool, shared: bool) -> tuple[Key, ...]:
    """Give the keys that mean something: no acts where acting is off, and no question of who where the login says."""
    return tuple(
        key for key in KEYS if not (readonly and (key.acts or key.action == "next")) and (shared or key.action != "who")
    )


def footed(keys: tuple[Key, ...]) -> list[Key]:
    """Give the keys for the foot of the screen, those first that nobody can do without."""
    return sorted((key for key in keys if key.short), key=lambda key: FIRST.find(key.written) % len(keys))


def help_lines(keys: tuple[Key, ...]) -> list[str]:
    """Give the page of help."""
    return [*(f"{key.written:>6}  {key.said}" for key in keys), *READING]
