"""The triage screen worked by keys over a real database: what each key does, and what nothing may do."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.events import Key
from textual.pilot import Pilot

from alerts.model import Outcome
from tests.conftest import Command
from tests.db.test_scorer import ILL, MINUTE, WELL
from tests.db.watched_ward import Watched
from vwmon.cli.triage import source
from vwmon.cli.triage.app import Means, Setup, Triage
from vwmon.cli.triage.filters import Filter
from vwmon.cli.triage.records import Answer, Asked, Look, Wish
from vwmon.clock import Clock
from vwmon.config import Commands, Settings, Store

URGENT = WELL | {"respiratory_rate": 22.0, "spo2": 93.0, "heart_rate": 95.0}  # 2 + 2 + 1: NEWS2 of 5
WORSE = ILL | {"systolic_bp": 88.0, "temperature": 39.4}
DEADLINE_S = 20


class Desk:
    """A screen over a ward: its keys, and the text on it."""

    def __init__(self, app: Triage, pilot: "Pilot[None]", ward: Watched) -> None:
        """Take them together."""
        self.app, self.pilot, self.ward = app, pilot, ward
        self.bells = 0
        app.bell = self._rung  # type: ignore[method-assign]  # a test hears no bell

    def _rung(self) -> None:
        self.bells += 1

    async def press(self, *keys: str) -> None:
        """Press keys, and wait until what they began is done or asks something."""
        for key in keys:
            await self.pilot.press(key)
            await self.settled()

    async def type(self, text: str) -> None:
        """Type a text."""
        await self.press(*("space" if letter == " " else "colon" if letter == ":" else letter for letter in text))

    async def look(self, minute: float | None = None) -> None:
        """Let time pass up to a minute, if one is named, and look again when no key is held."""
        if minute is not None:
            self.ward.until(minute)
        self.ward.now_ms += 2_000
        self.app.look_again()
        await self.settled()
        self.app.tick()
        await self.pilot.pause()

    async def settled(self) -> None:
        """Wait until nothing is under way but a question."""
        async with asyncio.timeout(DEADLINE_S):
            await self.pilot.pause()
            while self.app.is_running and self._busy():
                await self.pilot.pause()

    def _busy(self) -> bool:
        running = {worker.group for worker in self.app.workers if not worker.is_finished}
        asked = self.app.screen is not self.app.screen_stack[0]
        return "look" in running or ("dialog" in running and not asked)

    @property
    def text(self) -> str:
        """Give everything that is on the terminal."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)

    @property
    def row(self) -> str:
        """Give the row under the cursor."""
        return next((line for line in self.text.splitlines() if line.startswith(">")), "")

    @property
    def rows(self) -> list[str]:
        """Give the rows of the list, in their order."""
        return [line for line in self.text.splitlines() if line[8:9] == "L" and line[3:7].isalnum()]

    def stored(self, column: str, lane: str = "clinical") -> Any:  # noqa: ANN401 -- of any column
        """Give a column of the only alert of a lane."""
        ((value,),) = self.ward.rows(f"select {column} from alert where lane = '{lane}'")  # noqa: S608
        return value


Script = Callable[[Desk], Awaitable[None]]


def at_desk(
    ward: Watched,
    script: Script,
    *,
    size: tuple[int, int] = (100, 30),
    look: Callable[[Settings, Asked], Look | str] = source.look,
    do: Callable[[Settings, Wish, str], Answer] = source.do,
    **changes: Any,  # noqa: ANN401 -- fields of the setup
) -> None:
    """Run a script at a screen over a ward."""
    settings = Settings(store=Store(path=ward.path), commands=Commands(allow_as=True))
    usual: dict[str, Any] = {"settings": settings, "actor": "ann", "shared": False}
    setup = Setup(**(usual | changes))

    async def run() -> None:
        app = Triage(setup, Means(clock=Clock(), look=look, do=do, every_s=None))
        async with app.run_test(size=size) as pilot:
            desk = Desk(app, pilot, ward)
            await desk.settled()
            await script(desk)

    asyncio.run(run())


@pytest.fixture
def ward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    """A ward of two that is watched, both well at minute 5; its clock is the screen's."""
    made = Watched(tmp_path / "ward.db")
    monkeypatch.setattr(Clock, "now_ms", lambda _: made.now_ms)
    for patient in ("p1", "p2"):
        made.admit(patient)
        made.hears(WELL, 5, device=f"of-{patient}")
    yield made
    made.db.close()


def ill(ward: Watched, minute: float, values: dict[str, float] = URGENT, patient: str = "p1") -> None:
    """Let a patient be measured ill, and again, so that it counts whether or not a repeat is waited for."""
    ward.hears(values, minute, device=f"of-{patient}")
    ward.hears(values, minute + 6, device=f"of-{patient}")
    ward.until(minute + 7)


def saved_after(go_on: threading.Event) -> Callable[[Settings, Wish, str], Answer]:
    """Give a way to act that saves nothing until it may go on."""

    def do(settings: Settings, wish: Wish, actor: str) -> Answer:
        assert go_on.wait(DEADLINE_S), "whoever saves holds up whoever would let it go on"
        return source.do(settings, wish, actor)

    return do


def test_an_alert_appears_is_acknowledged_worsens_and_comes_back(ward: Watched) -> None:
    """The whole of it by keys: new, taken in hand with a note, covered no more by what comes, and asked for again."""

    async def script(desk: Desk) -> None:
        assert "No open alerts." in desk.text
        ill(ward, 10)
        await desk.look()
        assert "L2 p1" in desk.row
        assert "NEW" in desk.row
        assert desk.bells == 1
        await desk.press("a")
        assert "Acknowledge" in desk.text
        assert "recorded as ann" in desk.text
        await desk.press("enter")
        assert "L2 needs a note: say what is being done." in desk.text
        await desk.type("phoned")
        await desk.press("enter")
        assert "ACKED" in desk.row
        assert "by ann until" in desk.text
        assert [desk.stored(name) for name in ("state", "owner", "ack_note")] == ["acknowledged", "ann", "phoned"]
        ward.hears(WORSE, 22)
        await desk.look()
        assert "RERAISED" in desk.row
        assert "L3" in desk.row
        assert "[L2 -> L3, was acknowledged" in desk.text
        assert desk.bells == 2

    at_desk(ward, script)


def test_a_colleague_who_was_first_owns_it_and_the_second_is_told(ward: Watched) -> None:
    """Who, and with what words; what was written is not lost, and a key takes over."""
    ill(ward, 10)

    async def script(desk: Desk) -> None:
        await desk.press("a")
        await desk.type("ring her")
        (alert,) = ward.open_alerts()
        ward.ack(alert, by="bob")
        await desk.look()
        assert "CHANGED MEANWHILE: was new, owner was nobody" in desk.text
        await desk.press("enter")
        assert "is owned by bob" in desk.text
        assert "Key t takes it over" in desk.text
        assert desk.stored("owner") == "bob"
        assert ("also_seen", "ann") in ward.rows("select kind, actor from alert_event")
        await desk.press("t")
        await desk.type("mine now")
        await desk.press("enter")
        assert (desk.stored("owner"), desk.stored("ack_note")) == ("ann", "mine now")

    at_desk(ward, script)


@pytest.mark.hazard("H14")
@pytest.mark.parametrize("moved_on", [False, True])
def test_a_key_pressed_while_an_act_is_saved_is_about_what_comes_of_it(ward: Watched, *, moved_on: bool) -> None:
    """Close, before the acknowledgement was stored, is not refused as nobody's; and does nothing to anybody else."""
    ill(ward, 10)
    ill(ward, 20, patient="p2")
    go_on = threading.Event()

    async def script(desk: Desk) -> None:
        assert "p1" in desk.row
        await desk.press("a")
        await desk.type("phoned")
        for key in ("enter", "c", *(["j"] if moved_on else [])):
            await desk.pilot.press(key)
        assert "what came of it?" not in desk.text
        go_on.set()
        await desk.settled()
        assert ("what came of it?" in desk.text) is not moved_on
        if moved_on:
            assert "p2" in desk.row
            assert "Undo: u What was pressed meanwhile did nothing." in desk.app.shown.said
        else:
            assert "p1" in desk.text.split("what came of it?")[1].splitlines()[1]

    at_desk(ward, script, do=saved_after(go_on))


@pytest.mark.hazard("H14")
def test_after_a_refusal_a_key_that_waited_does_nothing_and_the_refusal_is_read(ward: Watched) -> None:
    """Whoever meant to close what a colleague has taken by then is told who has it."""
    ill(ward, 10)
    go_on = threading.Event()

    async def script(desk: Desk) -> None:
        await desk.press("a")
        await desk.type("phoned")
        for key in ("enter", "c"):
            await desk.pilot.press(key)
        ward.ack(*ward.open_alerts(), by="bob")
        go_on.set()
        await desk.settled()
        assert "what came of it?" not in desk.text
        assert "is owned by bob" in desk.text
        assert desk.app.shown.said.endswith("What was pressed meanwhile did nothing.")
        assert desk.app.shown.refused
        await desk.press("t")
        assert "Take over" in desk.text

    at_desk(ward, script, do=saved_after(go_on))


@pytest.mark.hazard("H14")
def test_a_key_that_waits_for_an_act_does_nothing_to_what_was_opened_meanwhile(ward: Watched) -> None:
    """The page of another patient stays that patient's, and so does what is done from it."""
    ill(ward, 10)
    ill(ward, 20, patient="p2")
    go_on = threading.Event()

    async def script(desk: Desk) -> None:
        await desk.press("a")
        await desk.type("phoned")
        for key in ("enter", "c", "j", "enter"):
            await desk.pilot.press(key)
        go_on.set()
        await desk.settled()
        await desk.press("n")
        assert "Note on" in desk.text
        assert "p2" in desk.text.split("Note on")[1].splitlines()[1]

    at_desk(ward, script, do=saved_after(go_on))


@pytest.mark.parametrize("key", ["enter", "escape"])
def test_a_key_that_bounces_ends_a_question_once(ward: Watched, key: str) -> None:
    """Twice before the first has had its effect: the screen goes on."""
    ill(ward, 10)

    async def script(desk: Desk) -> None:
        await desk.press("a")
        await desk.type("phoned")
        for _ in range(2):
            desk.app.post_message(Key(key, None))
        await desk.pilot.pause()
        await desk.settled()
        assert desk.stored("state") == ("acknowledged" if key == "enter" else "new")
        await desk.press("n")
        assert "Note on" in desk.text

    at_desk(ward, script)


def test_an_act_is_over_though_the_list_is_read_without_a_pause(ward: Watched) -> None:
    """Where each look takes longer than the time between two, the next key is not held up by them."""
    ill(ward, 10)
    busy, on_screen = threading.Event(), list[Triage]()

    def look(settings: Settings, asked: Asked) -> Look | str:
        if busy.is_set():
            on_screen[0].call_from_thread(on_screen[0].look_again)
        return source.look(settings, asked)

    async def script(desk: Desk) -> None:
        on_screen.append(desk.app)
        await desk.press("a")
        await desk.type("phoned")
        busy.set()
        await desk.pilot.press("enter")
        async with asyncio.timeout(DEADLINE_S):
            while "by ann until" not in desk.app.shown.said:
                await desk.pilot.pause()
        await desk.pilot.press("c")
        async with asyncio.timeout(DEADLINE_S):
            while "what came of it?" not in desk.text:
                await desk.pilot.pause()
        busy.clear()
        assert (desk.stored("state"), desk.stored("owner")) == ("acknowledged", "ann")

    at_desk(ward, script, look=look)


def test_what_got_worse_while_someone_wrote_is_not_acknowledged(ward: Watched) -> None:
    """The act carries the version that was seen: it is refused, the change is shown, and the words are kept."""
    ill(ward, 10)

    async def script(desk: Desk) -> None:
        await desk.press("a")
        await desk.type("ok")
        ward.hears(WORSE, 22)
        await desk.press("enter")
        assert desk.stored("state") == "new"
        assert "level L2 -> L3" in desk.text
        assert "L3" in desk.row
        await desk.press("a")
        assert "ok" in desk.text
        await desk.press("enter")
        assert (desk.stored("state"), desk.stored("ack_level")) == ("acknowledged", 3)

    at_desk(ward, script)


def test_an_alert_is_closed_with_an_outcome_from_the_list(ward: Watched) -> None:
    """Chosen by its number, with a note where the outcome needs one; the row stays until the cursor moves on."""
    ill(ward, 10)

    async def script(desk: Desk) -> None:
        await desk.press("c")
        assert "nobody has it in hand: acknowledge it first (a)" in desk.text
        ward.ack(*ward.open_alerts(), by="ann")
        await desk.look()
        await desk.press("c")
        assert all(outcome.value in desk.text for outcome in Outcome)
        await desk.press("0", "enter")
        assert "Write a note." in desk.text
        await desk.press("escape")
        assert desk.stored("state") == "acknowledged"
        await desk.press("c", "j", "enter")
        assert "as visit-arranged" in desk.text
        await desk.press("enter")
        assert (desk.stored("state"), desk.stored("outcome")) == ("closed", "visit-arranged")
        await desk.look()
        assert "GONE" in desk.row
        await desk.press("u")
        await desk.type("wrong one")
        await desk.press("enter")
        assert desk.stored("state") == "reraised"
        await desk.look()
        assert "RERAISED" in desk.row

    at_desk(ward, script)


def test_an_alert_in_hand_is_put_off_or_given_back(ward: Watched) -> None:
    """Only with a time; undone, it asks anew."""
    ill(ward, 10)

    async def script(desk: Desk) -> None:
        await desk.press("z")
        assert "is not in anyone's hands" in desk.text
        ward.ack(*ward.open_alerts(), by="ann")
        await desk.look()
        await desk.press("z", "enter")
        assert "Say for how long, as in 30m." in desk.text
        await desk.press("tab")
        await desk.type("20m")
        await desk.press("enter")
        assert desk.stored("snooze_ms") == ward.now_ms + 20 * MINUTE
        assert "1 put off" in desk.text
        assert "Undo: z" in desk.text
        await desk.press("z", "enter")
        assert desk.stored("snooze_ms") is None
        await desk.press("u", "enter")
        assert (desk.stored("state"), desk.stored("owner")) == ("reraised", None)

    at_desk(ward, script)


def test_a_note_goes_on_record(ward: Watched) -> None:
    """And nothing else changes."""
    ill(ward, 10)

    async def script(desk: Desk) -> None:
        await desk.press("n")
        await desk.type("daughter is there")
        await desk.press("enter")
        assert ("noted", "daughter is there") in ward.rows("select kind, note from alert_event")
        assert desk.stored("state") == "new"

    at_desk(ward, script)


def test_a_filter_shows_some_and_says_what_it_hides(ward: Watched) -> None:
    """A slip is told and not taken for a quiet ward; what is hidden and asks is announced, and a key goes there."""
    ill(ward, 10)
    ill(ward, 20, patient="p2")

    async def script(desk: Desk) -> None:
        await desk.press("slash")
        await desk.type("level:9")
        await desk.press("enter")
        assert "is no level" in desk.text
        await desk.press("backspace")
        await desk.type("3")
        await desk.press("enter")
        assert "No open alert fits the filter; 2 are open." in desk.text
        assert "HIDES 2 to L2" in desk.text
        ward.hears(WORSE, 30)
        await desk.look()
        assert "L3 p1" in desk.row
        await desk.press("slash")
        await desk.press(*["backspace"] * 7)
        await desk.type("p1")
        await desk.press("enter")
        ward.hears(WORSE, 40, device="of-p2")
        await desk.look()
        assert "p1" in desk.row
        assert "L3 p2 (76y) L2 -> L3" in desk.text
        assert "(filtered out)  (N goes there)" in desk.text
        await desk.press("N")
        assert "L3 p2" in desk.row
        assert "The filter hid it and is off." in desk.text

    at_desk(ward, script)


def test_the_cursor_stays_on_its_alert_and_rows_on_their_places_while_a_key_is_held(ward: Watched) -> None:
    """A worse one comes: it stands last until the keys rest, then first, and the cursor has moved with its row."""
    ill(ward, 10)

    async def script(desk: Desk) -> None:
        ill(ward, 20, WORSE, "p2")
        await desk.press("k")
        assert [row[8:13] for row in desk.rows] == ["L2 p1", "L3 p2"]
        assert "L2 p1" in desk.row
        await desk.look()
        assert [row[8:13] for row in desk.rows] == ["L3 p2", "L2 p1"]
        assert "L2 p1" in desk.row

    at_desk(ward, script)


def test_no_row_moves_while_someone_writes(ward: Watched) -> None:
    """However long that takes: the worse one is last, and announced; when the dialog is closed it is first."""
    ill(ward, 10)

    async def script(desk: Desk) -> None:
        await desk.press("n")
        ill(ward, 20, WORSE, "p2")
        await desk.look()
        await desk.look()
        places = [desk.app.shown.queue.items[number].record["patient"] for number in (0, 1)]
        assert places == ["p1", "p2"]
        await desk.press("escape")
        assert "! LOOK:" in desk.text
        await desk.look()
        assert [row[8:13] for row in desk.rows] == ["L3 p2", "L2 p1"]
        assert "L2 p1" in desk.row

    at_desk(ward, script)


def test_not_monitoring_is_said_over_everything(ward: Watched) -> None:
    """Within a look of the daemon's silence: on the list, on a question, on a page; and unsaid when it is back."""
    ill(ward, 10)

    async def script(desk: Desk) -> None:
        assert "NOT MONITORING" not in desk.text
        ward.now_ms += 40_000
        await desk.look()
        assert desk.text.startswith(" NOT MONITORING: nothing has been scored for 42 s. The list below is NOT current.")
        for key in ("n", "enter", "question_mark"):
            await desk.press(key)
            await desk.look()
            assert "NOT MONITORING" in desk.text.splitlines()[0]
            await desk.press("escape")
        ward.beat()
        await desk.look()
        assert "NOT MONITORING" not in desk.text

    at_desk(ward, script)


def test_a_database_that_is_gone_or_no_database_is_said_and_tried_again(ward: Watched, tmp_path: Path) -> None:
    """Never a trace of the program's inside; what was there stays under the banner, and an act is refused in words."""
    ill(ward, 10)
    away = tmp_path / "away.db"

    async def script(desk: Desk) -> None:
        ward.path.rename(away)
        await desk.look()
        assert "CANNOT READ THE LIST:" in desk.text
        assert "make a database with: vwmon db migrate" in desk.text
        assert "p1" in desk.row
        await desk.press("n", "x", "enter")
        assert desk.app.shown.refused
        assert "does not exist" in desk.app.shown.said
        ward.path.write_bytes(b"no database" * 1000)
        await desk.look()
        assert "CANNOT READ THE LIST:" in desk.text
        away.rename(ward.path)
        await desk.look()
        assert "CANNOT READ" not in desk.text

    at_desk(ward, script)


def test_the_screen_answers_while_the_database_does_not(ward: Watched) -> None:
    """A look that hangs holds up no key, and the list is called old."""
    ill(ward, 10)
    ill(ward, 20, patient="p2")
    go_on = threading.Event()
    go_on.set()

    def look(settings: Settings, asked: Asked) -> Look | str:
        assert go_on.wait(DEADLINE_S), "whoever looks holds up whoever would let it go on"
        return source.look(settings, asked)

    async def script(desk: Desk) -> None:
        go_on.clear()
        desk.app.look_again()
        before = desk.row
        await desk.pilot.press("j")
        await desk.pilot.pause()
        assert desk.row != before
        ward.now_ms += 20_000
        desk.app.tick()
        await desk.pilot.pause()
        assert "OLD LIST: it was read" in desk.text
        go_on.set()
        await desk.look()
        assert "OLD LIST" not in desk.text

    at_desk(ward, script, look=look)


def test_after_a_pause_who_acts_is_asked_again(ward: Watched) -> None:
    """Half an answer is dropped, the key that ends the pause does nothing, and the next name is the one on record."""
    ill(ward, 10)

    async def script(desk: Desk) -> None:
        assert "you: ann" in desk.text
        await desk.press("a")
        await desk.type("on my way")
        ward.pass_to(ward.now_ms + 6 * MINUTE)
        await desk.press("enter")
        assert desk.stored("state") == "new"
        assert "you: NOBODY YET" in desk.text
        assert "No key for 5m: who acts next is asked first." in desk.text
        await desk.press("a")
        assert "Who are you?" in desk.text
        await desk.press("enter")
        assert "A name, please" in desk.text
        await desk.type("bea")
        await desk.press("enter")
        assert "recorded as bea" in desk.text
        assert "on my way" not in desk.text
        await desk.type("seen")
        await desk.press("enter")
        assert desk.stored("owner") == "bea"
        assert "you: bea" in desk.text

    at_desk(ward, script, shared=True)


def test_words_of_a_refused_act_are_kept_for_who_wrote_them_only(ward: Watched) -> None:
    """They are there at the second try; after a pause, when it may be someone else's, they are not."""
    ill(ward, 10)

    async def script(desk: Desk) -> None:
        await desk.press("a")
        await desk.type("my words")
        ward.ack(*ward.open_alerts(), by="bob")
        await desk.press("enter", "a")
        assert "my words" in desk.text
        await desk.press("escape")
        ward.pass_to(ward.now_ms + 6 * MINUTE)
        await desk.press("r", "a")
        await desk.type("bea")
        await desk.press("enter")
        assert "recorded as bea" in desk.text
        assert "my words" not in desk.text

    at_desk(ward, script, shared=True)


def test_nobody_is_asked_again_where_the_login_says_who_it_is(ward: Watched) -> None:
    """Only a machine that several share one login of has the question."""
    ill(ward, 10)

    async def script(desk: Desk) -> None:
        ward.until(60)
        await desk.look()
        await desk.press("w")
        assert "you: ann" in desk.text
        assert "Who are you?" not in desk.text

    at_desk(ward, script)


def test_a_wall_shows_and_does_nothing(ward: Watched) -> None:
    """No key acts, also not from the page of one alert."""
    ill(ward, 10)

    async def script(desk: Desk) -> None:
        assert "read only" in desk.text
        await desk.press("a", "t", "n", "c", "z", "u")
        assert desk.app.screen is desk.app.screen_stack[0]
        await desk.press("enter", "a")
        await desk.press("escape")
        assert ward.rows("select count(*) from alert_event where actor <> 'vwmon'") == [(0,)]

    at_desk(ward, script, readonly=True)


def test_a_wall_keeps_the_most_urgent_under_its_cursor_and_lets_marks_fade(ward: Watched) -> None:
    """Nobody moves it: what left goes at once, what is worst has the chart, and what was new is not new for ever."""
    ill(ward, 10)

    async def script(desk: Desk) -> None:
        ill(ward, 20, WORSE, "p2")
        await desk.look()
        assert "L3 p2" in desk.row
        assert "! LOOK" not in desk.text
        assert "new here" in desk.text
        await desk.press("j")
        await desk.look()
        assert "L2 p1" in desk.row
        await desk.look(35)
        assert "L3 p2" in desk.row
        assert "new here" not in desk.text
        first, second = ward.open_alerts()
        for alert in (first, second):
            ward.ack(alert)
        ward.end(second)
        await desk.look()
        assert "L2 p1" in desk.row
        assert "GONE" not in desk.text

    at_desk(ward, script, readonly=True)


def test_one_alert_opens_with_its_history_and_chart_and_can_be_acted_on(ward: Watched) -> None:
    """Over the list, kept fresh; a key that acts there acts on that alert."""
    ill(ward, 10)

    async def script(desk: Desk) -> None:
        await desk.press("enter")
        assert "why:" in desk.text
        assert "course:" not in desk.text
        assert "pulse" in desk.text
        await desk.press("G")
        assert "history:" in desk.text
        assert "raised" in desk.text
        await desk.press("g")
        ward.ack(*ward.open_alerts(), by="bob")
        await desk.look()
        assert "acknowledged by bob" in desk.text
        await desk.press("n")
        assert "Note on" in desk.text
        await desk.type("read")
        await desk.press("enter")
        assert ("noted", "read") in ward.rows("select kind, note from alert_event")

    at_desk(ward, script, size=(100, 60))


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (160, 50)])
def test_the_chart_is_the_patients_own_and_follows_the_cursor(ward: Watched, size: tuple[int, int]) -> None:
    """Readings of the one, then of the other; at every size, and after the terminal was made smaller."""
    ill(ward, 10)
    ill(ward, 20, URGENT | {"heart_rate": 109.0}, "p2")

    async def script(desk: Desk) -> None:
        first = desk.row
        assert ("95/min" in desk.text, "109/min" in desk.text) == (True, False)
        await desk.press("j")
        assert desk.row != first
        assert ("95/min" in desk.text, "109/min" in desk.text) == (False, True)
        assert "last 24 h" in desk.text
        await desk.press("h")
        assert "last 72 h" in desk.text
        await desk.press("v")
        assert "109/min" not in desk.text
        await desk.press("v")
        await desk.pilot.resize_terminal(80, 24)
        await desk.settled()
        assert "109/min" in desk.text
        assert max(map(len, desk.text.splitlines())) <= 80

    at_desk(ward, script, size=size)


def test_names_are_initials_unless_asked_for(ward: Watched) -> None:
    """A screen that others walk past shows no name; the age says which of two it is."""
    with_name = "update identity set name = 'Jane \x1b[31m Brown' where stay_no = 1"
    ward.db.execute(with_name)
    ill(ward, 10)

    async def initials(desk: Desk) -> None:
        assert "Brown" not in desk.text
        assert "p1 (JB 76y)" in desk.row

    async def named(desk: Desk) -> None:
        assert "Brown" in desk.text
        assert "\x1b" not in desk.text

    at_desk(ward, initials)
    at_desk(ward, named, names=True, size=(160, 50))


def test_one_begins_with_ones_own(ward: Watched) -> None:
    """With --mine: those of the person, and how many are not shown."""
    ill(ward, 10)
    ill(ward, 20, patient="p2")
    ward.ack(ward.open_alerts()[1], by="ann")

    async def script(desk: Desk) -> None:
        assert "p2" in desk.row
        assert "filter: owner:ann, HIDES 1 to L2" in desk.text

    at_desk(ward, script, filter=Filter(owner="ann"))


@pytest.mark.parametrize("missing", [True, False])
def test_without_textual_or_a_terminal_it_says_what_is_needed(
    ward: Watched, vwmon: Command, monkeypatch: pytest.MonkeyPatch, *, missing: bool
) -> None:
    """Exit code 2, and what to install or to use instead."""
    if missing:
        monkeypatch.setitem(__import__("sys").modules, "textual", None)
    result = vwmon("alerts", "triage", "--db", ward.path)
    assert result.exit_code == 2
    assert ("pip install 'vwmon[tui]'" if missing else "triage needs a terminal") in result.stderr


def test_whose_is_mine_must_be_said_where_several_share_a_login(ward: Watched, vwmon: Command, tmp_path: Path) -> None:
    """The login is not a person there; and --as is refused where the configuration does not allow it."""
    config = tmp_path / "shared.toml"
    config.write_text(f"[store]\npath = '{ward.path}'\n[commands]\nallow_as = true\n", encoding="utf-8")
    shared = vwmon("alerts", "triage", "--mine", "--config", config)
    assert (shared.exit_code, "--mine --as NAME" in shared.stderr) == (2, True)
    assert vwmon("alerts", "triage", "--as", "bea", "--db", ward.path).exit_code == 6
