"""`vwmon alerts --watch` on a terminal of its own: it draws in place, keeps its order, and survives what it watches."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from tests.cli import test_alerts_commands as shared
from tests.cli.test_alerts_commands import Ward
from tests.conftest import Command
from tests.unit.alerts_points import MINUTE, point
from vwmon.cli import watching
from vwmon.cli.asked_list import Shown
from vwmon.cli.kept_order import Arranged
from vwmon.cli.standing import Standing
from vwmon.cli.watching import Size, View
from vwmon.cli.work_list import Around
from vwmon.clock import Clock
from vwmon.store import database

ward, busy = shared.ward, shared.busy
ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")
HOME = b"\x1b[?2026h\x1b[H"
WAIT_S = 30  # for something that never comes; nothing waits so long otherwise


@dataclass
class Terminal:
    """A terminal with a command at work on it, and all that it has shown."""

    running: subprocess.Popen[bytes]
    ours: int
    raw: bytes = field(default=b"")

    def frame(self) -> str:
        """Give what is on the screen now: the last whole frame."""
        frames = self.raw.split(HOME)
        whole = [frame for frame in frames if b"\x1b[?2026l" in frame] or [b""]
        return ESCAPES.sub(b"", whole[-1].split(b"\x1b[?2026l")[0]).decode().replace("\r", "")

    def until(self, true: Callable[[str], bool], what: str) -> str:
        """Read on until the screen is so; give it."""
        while not true(self.frame()):
            assert self.read(), f"waited in vain for {what}; on the screen:\n{self.frame()}"
        return self.frame()

    def read(self) -> bool:
        """Take in what the terminal shows next; tell whether there was anything."""
        if not select.select([self.ours], [], [], WAIT_S)[0]:
            return False
        try:
            chunk = os.read(self.ours, 65_536)
        except OSError:
            return False
        self.raw += chunk
        return bool(chunk)

    def press(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self.ours, keys)

    def resize(self, width: int, height: int) -> None:
        """Make the terminal another size, as its window does."""
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        self.running.send_signal(signal.SIGWINCH)

    def end(self, keys: bytes = b"q") -> int:
        """Press the key that ends it, read to the end, and give the exit code."""
        self.press(keys)
        while self.read():
            pass
        return self.running.wait(WAIT_S)


@contextmanager
def watched(ward: Ward, *options: str, width: int = 80, height: int = 40) -> Iterator[Terminal]:
    """Watch a ward's list on a terminal of that size."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    env = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
    command = [sys.executable, "-c", "from vwmon.cli import main; main()", "alerts", "--watch", "--interval", "1s"]
    command += [*options, "--db", str(ward.path)]
    with subprocess.Popen(
        command,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=env | {"TERM": "xterm-256color"},
        start_new_session=True,
    ) as running:
        os.close(theirs)
        try:
            yield Terminal(running=running, ours=ours)
        finally:
            running.kill()
            os.close(ours)


@pytest.fixture
def alive(busy: Ward, monkeypatch: pytest.MonkeyPatch) -> Ward:
    """The busy ward at the time of this machine, watched by a monitor that is at work."""
    monkeypatch.undo()
    now_ms = Clock().now_ms()
    busy.beat(started_ms=now_ms, cycle_ms=now_ms + 25_000, broker_since_ms=now_ms, last_received_ms=now_ms)
    return busy


def has(*texts: str) -> Callable[[str], bool]:
    """Tell whether all of these are on the screen."""
    return lambda screen: all(text in screen for text in texts)


def order(screen: str, *ids: str) -> list[str]:
    """Name these alerts in the order of their rows."""
    rows = [line[2:].split()[0] for line in screen.splitlines() if line[2:].split()[:1]]
    return [id_ for id_ in rows if id_ in ids]


def worsen(ward: Ward) -> None:
    """Let the patient of stay 2 get worse than any."""
    ward.tell(2, point(199, 9, spo2=3))


def test_it_draws_in_place_and_leaves_the_terminal_as_it_was(alive: Ward) -> None:
    """On a screen of its own; the last list stays on the one that was there."""
    with watched(alive) as terminal:
        terminal.until(has("ID    LVL", alive.id(1), "q ends"), "the list")
        code = terminal.end()
    assert code == 0
    assert terminal.raw.count(b"\x1b[?1049h") == terminal.raw.count(b"\x1b[?1049l") == 1
    assert terminal.raw.count(b"\x1b[?25h") == 1
    left = ESCAPES.sub(b"", terminal.raw.split(b"\x1b[?1049l")[1]).decode()
    assert alive.id(1) in left


def test_what_changes_is_there_at_the_next_look_with_a_mark(alive: Ward) -> None:
    """And in the order of urgency, while nobody presses a key."""
    first, second = alive.id(1), alive.id(2)
    with watched(alive) as terminal:
        screen = terminal.until(has(first, second), "the list")
        assert order(screen, first, second) == [first, second]
        with database.atomic(alive.db):
            alive.db.execute(
                "update alert set level = 3, peak = 3, due_ms = 0, owed_ms = 0, version = 9 where stay_no = 2"
            )
        screen = terminal.until(has(f"* {second}"), "the change")
        assert order(screen, first, second) == [second, first]


def test_while_keys_are_pressed_the_order_holds(alive: Ward) -> None:
    """What worsens is marked where it stands; what is new is told of above the list."""
    first, second = alive.id(1), alive.id(2)
    with watched(alive) as terminal:
        terminal.until(has(first, second), "the list")
        terminal.press(b"x")
        terminal.until(has("order kept"), "the order being kept")
        with database.atomic(alive.db):
            alive.db.execute(
                "update alert set level = 3, peak = 3, due_ms = 0, owed_ms = 0, version = 9 where stay_no = 2"
            )
        alive.tell(4, point(199, 9, spo2=3))
        screen = terminal.until(has(f"* {second}", "NEW, not in the list yet"), "the change")
        assert order(screen, first, second) == [first, second]
        assert f"NEW, not in the list yet: {alive.id(4)} L3" in screen
        assert alive.id(4) not in order(screen, alive.id(4))


@pytest.mark.hazard("H5")
def test_the_daemon_that_stops_is_said_at_the_top_at_the_next_look(alive: Ward) -> None:
    """And the exit code says that what was seen last was not to be trusted."""
    with watched(alive) as terminal:
        terminal.until(has(alive.id(1)), "the list")
        assert "NOT MONITORING" not in terminal.frame()
        alive.beat(started_ms=0, stopped_ms=Clock().now_ms())
        screen = terminal.until(has("NOT MONITORING"), "the banner")
        assert screen.startswith("NOT MONITORING: the daemon was stopped")
        assert alive.id(1) in screen
        assert terminal.end() == 4


def test_a_database_that_breaks_leaves_the_last_list_under_a_line_that_says_so(alive: Ward) -> None:
    """It is not current and says how old it is; when the database is back, so is the list."""
    away = alive.path.with_name("away.db")
    with watched(alive) as terminal:
        terminal.until(has(alive.id(1)), "the list")
        alive.path.rename(away)
        screen = terminal.until(has("NOT MONITORING: the list cannot be read any more"), "the fault")
        assert alive.id(1) in screen
        assert re.search(r"What\s+follows is \d+ s old", screen)
        away.rename(alive.path)
        terminal.until(lambda screen: "NOT MONITORING" not in screen and alive.id(1) in screen, "the list again")
        assert terminal.end() == 0


def test_it_follows_the_size_of_the_terminal(alive: Ward) -> None:
    """At once, long before the next look; what is above and below the list is always there."""
    with watched(alive, "--interval", "1m") as terminal:
        terminal.until(has("OWNER"), "the list at eighty")
        terminal.resize(160, 40)
        terminal.until(has("WHY"), "the list at a hundred and sixty")
        terminal.resize(62, 12)
        screen = terminal.until(lambda screen: "OWNER" not in screen and "more below" in screen, "the list at sixty")
        lines = screen.splitlines()
        assert len(lines) <= 12
        assert max(map(len, lines)) <= 62
        assert "you: " in screen


def test_a_long_list_can_be_moved_through(alive: Ward) -> None:
    """By single alerts, by pages, by the arrows; how many are above and below is said."""
    with watched(alive, height=12) as terminal:
        screen = terminal.until(has("more below", alive.id(1)), "the beginning")
        assert order(screen, alive.id(1)) == [alive.id(1)]
        terminal.press(b"\x1b[B")
        screen = terminal.until(has("1 above"), "one further")
        assert order(screen, alive.id(1)) == []
        terminal.press(b"k")
        terminal.until(lambda screen: "above" not in screen.split("you:")[0].split("\n(")[-1], "the beginning again")


def test_until_clear_ends_when_nothing_is_open(alive: Ward) -> None:
    """With 0: on the word of a monitor that is at work."""
    with watched(alive, "--until-clear") as terminal:
        terminal.until(has(alive.id(1)), "the list")
        with database.atomic(alive.db):
            alive.db.execute("update alert set state = 'closed', closed_ms = 1, outcome = 'no-action', owner = 'x'")
        while terminal.read():
            pass
        assert terminal.running.wait(WAIT_S) == 0
    assert "No open alerts." in ESCAPES.sub(b"", terminal.raw).decode()


def test_an_empty_list_that_nobody_vouches_for_is_not_clear(alive: Ward) -> None:
    """It goes on waiting under the banner; ended by a key it says that it was not to be trusted."""
    with database.atomic(alive.db):
        alive.db.execute("update alert set state = 'closed', closed_ms = 1, outcome = 'no-action', owner = 'x'")
    alive.beat(started_ms=0, stopped_ms=Clock().now_ms())
    with watched(alive, "--until-clear") as terminal:
        terminal.until(has("NOT MONITORING", "No open alerts."), "the banner")
        assert terminal.end() == 4


def test_ended_before_it_was_clear_it_says_so(alive: Ward) -> None:
    """A script that waits must not go on."""
    with watched(alive, "--until-clear") as terminal:
        terminal.until(has(alive.id(1)), "the list")
        assert terminal.end() == 1


def test_without_colour_it_says_the_same(alive: Ward) -> None:
    """In words, and with the marks."""
    with watched(alive, "--no-color") as terminal:
        terminal.until(has(alive.id(1), "L3"), "the list")
        assert terminal.end() == 0
    assert not re.search(rb"\x1b\[[0-9;]*3[0-9]m", terminal.raw)


@pytest.mark.parametrize(
    "options",
    [
        ["--interval", "0s"],
        ["--interval", "2m"],
        ["--interval", "soon"],
        ["--pending"],
        ["--closed"],
        ["--format", "ids"],
    ],
)
def test_what_cannot_be_watched_is_refused(vwmon: Command, ward: Ward, options: list[str]) -> None:
    """With what would be right."""
    result = vwmon("alerts", "--watch", *options, "--db", ward.path)
    assert (result.exit_code, bool(result.stderr)) == (2, True)


@pytest.mark.parametrize(
    ("read", "keys"),
    [
        (None, []),
        ("", [""]),
        ("jj", ["j", "j"]),
        ("\x1b[B\x1b[Bk", ["\x1b[B", "\x1b[B", "k"]),
        ("\x1bOA\x1b[6~q", ["\x1bOA", "\x1b[6~", "q"]),
        ("\x1b", ["\x1b"]),
        ("ü\n", ["ü", "\n"]),
    ],
)
def test_keys_that_come_together_are_single_keys(read: str | None, keys: list[str]) -> None:
    """A key that is held down sends several at once; an end of the terminal is a key that ends."""
    assert watching.keys_in(read) == keys


def test_a_key_held_down_moves_as_often_as_it_comes(alive: Ward) -> None:
    """And one that ends counts also behind others."""
    with watched(alive, height=12) as terminal:
        terminal.until(has("more below", alive.id(1)), "the beginning")
        terminal.press(b"jj")
        terminal.until(has("2 above"), "two further")
        assert terminal.end(b"kq") == 0


def rows(count: int) -> list[dict[str, object]]:
    """Give so many rows of the list."""
    row = {"lane": "clinical", "level": 2, "state": "new", "since": "1970-01-01T00:00:00Z", "score": None, "tier": 1}
    row |= {"owner": None, "due_at": None, "ward": "resp", "brief": ["because"], "flags": [], "route": None}
    row |= {"waits_until": None}
    return [row | {"id": f"K{number:03}", "patient": f"p-{number}"} for number in range(count)]


@pytest.mark.parametrize("height", [4, 8, 12, 24, 60])
@pytest.mark.parametrize("first", [0, 3, 29])
def test_what_is_above_and_below_the_list_is_on_every_screen(height: int, first: int) -> None:
    """However low it is, the line that the list is not current comes first; no alert is shown in part."""
    standing = Standing(now_ms=MINUTE, title="", trusted=True, state=None)
    shown = Shown(standing=standing, rows=rows(30), listed=rows(30), around=Around(footer=["you: lowe"]))
    arranged = Arranged(rows=rows(30), marks={})
    view = View(first=first, held_until_ms=0)
    lines, count = watching.fitted(
        "NOT MONITORING: x", shown, arranged, view, Size(width=80, height=height), held=False
    )
    texts = [text for text, _ in lines]
    assert len(texts) <= height
    assert texts[0] == "NOT MONITORING: x"
    assert any(f"K{first:03}" in text for text in texts)
    if height >= 12:
        assert "you: lowe" in texts
        assert sum("because" in text for text in texts) == count == sum(" p-" in text for text in texts)
        assert first + count == 30 or f"{30 - first - count} more below" in "\n".join(texts)


def test_a_key_moves_the_view_within_the_list_and_holds_the_order() -> None:
    """Never before the first alert nor behind the last; a key that means nothing holds the order too."""
    view = View()
    for key, first in (("k", 0), ("j", 1), ("\x1b[B", 2), (" ", 7), (" ", 9), ("b", 4), ("\x1b[A", 3), ("x", 3)):
        view = view.pressed(key, page=5, count=10, now_ms=1000)
        assert view == View(first=first, held_until_ms=1000 + watching.HELD_MS)
    assert View(first=3).pressed("j", page=1, count=0, now_ms=0).first == 0
