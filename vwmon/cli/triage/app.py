"""The screen of `vwmon alerts triage`: it looks again and again, shows what it found, and does what keys ask.

Here: when to look, what a key begins, who acts. Reading and acting happen in other threads, so that the screen answers
while the database does not. What is shown, and what changed, are worked out in the modules without a screen.
"""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, TypeVar

from textual import events, work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.worker import WorkerFailed

from vwmon import durations
from vwmon.cli.triage import asking, panes, queues, source
from vwmon.cli.triage.canvas import Canvas
from vwmon.cli.triage.dialogs import Over, Page
from vwmon.cli.triage.filters import EVERYTHING, Filter
from vwmon.cli.triage.keys import footed, help_lines, offered
from vwmon.cli.triage.pictures import Picture, Shown, banners, moment_ms, picture
from vwmon.cli.triage.queues import Item, Queue
from vwmon.cli.triage.records import Answer, Asked, Look, Wish
from vwmon.clock import Clock
from vwmon.config import Settings

EVERY_S, TICK_S = 2.0, 1.0
HOLD_MS: Final = 1_000  # rows stay where they are for so long after a key
REST_MS: Final = 60_000  # a wall that somebody moved through is left alone for so long
HOURS: Final = (24, 72)
NAME: Final = "vwmon alerts triage"
IN_VAIN: Final = " What was pressed meanwhile did nothing."

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What the command was told. With `shared` the person is asked for, and again after a pause."""

    settings: Settings
    actor: str
    shared: bool
    filter: Filter = EVERYTHING
    names: bool = False
    readonly: bool = False


@dataclass(frozen=True, kw_only=True)
class Means:
    """How it reads, acts and tells the time, and how often it does so by itself (None: only when it is told to)."""

    clock: Clock
    look: Callable[[Settings, Asked], Look | str] = source.look
    do: Callable[[Settings, Wish, str], Answer] = source.do
    every_s: float | None = EVERY_S


def zone_of(settings: Settings) -> str:
    """Give the clock on the wall: the wards', where all have one."""
    zones = {ward.time_zone for ward in settings.wards}
    return zones.pop() if len(zones) == 1 else "UTC"


class Triage(App[None]):
    """The queue on a screen."""

    ENABLE_COMMAND_PALETTE = False
    TITLE = NAME
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c", "quit", priority=True, show=False)]
    CSS: ClassVar[str] = """
    Canvas { width: 100%; height: 100%; }
    Page { background: $background; }
    #banner { dock: top; display: none; width: 100%; background: #a00000; color: #ffffff; text-style: bold; }
    #changed, #fault { display: none; }
    Form, Choice { align: center middle; background: $background 60%; }
    .box { width: 90%; max-width: 100; height: auto; max-height: 95%; border: round $foreground; padding: 0 1;
        background: $surface; }
    .title { text-style: bold; }
    .quiet { text-style: dim; }
    .about { margin: 0 0 1 0; }
    #changed, #fault { text-style: bold; color: $text-warning; }
    Input { border: tall $foreground; }
    OptionList { height: auto; max-height: 14; border: none; }
    """

    def __init__(self, setup: Setup, means: Means) -> None:
        """Begin without having looked."""
        # Only with the terminal's own colours does Textual leave out every one of them where NO_COLOR asks for that.
        super().__init__(ansi_color=True if os.environ.get("NO_COLOR") else None)
        self.setup, self._means = setup, means
        self.actor = setup.actor
        self.keys = offered(readonly=setup.readonly, shared=setup.shared)
        self.queue = Queue(filter=setup.filter)
        self.found: Look | None = None
        self.failure: BaseException | None = None
        self._read_ms, self._trouble, self._said, self._refused = 0, "", "", False
        self._looking, self._again, self._hours, self._charted, self._top = False, False, HOURS[0], True, 0
        self._last_key_ms = means.clock.now_ms()
        self._dialog: Over[Any] | None = None
        self._about: Item | None = None
        self._own: set[str] = set()
        self._saving, self._next_ended = asyncio.Lock(), asyncio.Event()
        self._marked_ms: dict[str, int] = {}
        self._drafts: dict[tuple[str, str], str] = {}

    def compose(self) -> ComposeResult:
        """Lay out the one widget."""
        yield Canvas(colour=not self.no_color, resized=self.draw)

    def on_mount(self) -> None:
        """Bind the keys, look, and go on looking."""
        for key in self.keys:
            self.bind(key.keys, key.action, description=key.said)
        self.look_again()
        if self._means.every_s is not None:
            self.set_interval(self._means.every_s, self.look_again)
            self.set_interval(TICK_S, self.tick)

    async def on_event(self, event: events.Event) -> None:
        """Take note of every key before what it does; one that ends a long pause does nothing else."""
        if not (isinstance(event, events.Key) and self._woken()):
            await super().on_event(event)

    @property
    def shown(self) -> Shown:
        """Give what is on the screen now."""
        return Shown(
            queue=self.queue,
            look=self.found,
            now_ms=self._means.clock.now_ms(),
            read_ms=self._read_ms,
            trouble=self._trouble,
            who=self.actor,
            readonly=self.setup.readonly,
            zone=zone_of(self.setup.settings),
            said=self._said,
            refused=self._refused,
            keys=[(key.written, key.short) for key in footed(self.keys)],
            top=self._top,
            charted=self._charted,
        )

    @property
    def drawn(self) -> Picture:
        """Give the picture of now in the size of the terminal."""
        return picture(self.shown, self.size.width, self.size.height)

    def draw(self) -> None:
        """Show what is known now, and on a dialog over it what must be known there too."""
        drawn = self.drawn
        self._top = drawn.top
        for canvas in self.screen_stack[0].query(Canvas) if self.screen_stack else ():
            canvas.draw(drawn.lines)
        if self._dialog is not None and self._dialog.is_mounted:
            self._dialog.warn("\n".join(banners(self.shown)))

    def tick(self) -> None:
        """Let ages grow, and forget who acts when nobody has touched a key for long."""
        if self._idle():
            self._forget()
        self.draw()

    def look_again(self) -> asyncio.Event:
        """Look as soon as the look that is under way, if there is one, has ended; give what tells the end of that."""
        if self._looking:
            self._again = True
            return self._next_ended
        self._looking = True
        ended, self._next_ended = self._next_ended, asyncio.Event()
        self._look(self._asked(), ended)
        return ended

    @work(group="look")
    async def _look(self, asked: Asked, ended: asyncio.Event) -> None:
        found = await asyncio.to_thread(self._means.look, self.setup.settings, asked)
        self._looking = False
        self._take(found)
        if self._again or self._asked() != asked:
            self._again = False
            self.look_again()
        ended.set()

    def _asked(self) -> Asked:
        item = self.queue.current
        opened = self._about.id if isinstance(self._dialog, Page) and self._about is not None else ""
        stay = None if item is None else item.record["stay"]
        who = "read only" if self.setup.readonly else self.actor
        return Asked(stay=stay, hours=self._hours, alert=opened, names=self.setup.names, who=who)

    def _take(self, found: Look | str) -> None:
        """Take in what a look found; when it found nothing, what is on the screen stays, under a banner."""
        if isinstance(found, str):
            self._trouble = found
        else:
            before, held = self.queue, self._held()
            self.queue = queues.refreshed(self.queue, found.records, held=held)
            while self._own:
                self.queue = queues.seen(self.queue, self._own.pop())
            self._rest()
            self.found, self._trouble, self._read_ms = found, "", self._means.clock.now_ms()
            if queues.news(before, self.queue):
                self.bell()
            self._tell_dialog(found)
        self.draw()

    def _rest(self) -> None:
        """Show the most urgent where nobody works the queue, as on a wall; marks fade there by themselves."""
        now_ms = self._means.clock.now_ms()
        self._marked_ms = {item.id: self._marked_ms.get(item.id, now_ms) for item in self.queue.items if item.mark}
        if self.setup.readonly and self._dialog is None and now_ms - self._last_key_ms >= REST_MS:
            self.queue = queues.rested(self.queue, self._marked_ms, now_ms)

    def _held(self) -> bool:
        """Tell whether rows must stay where they are: someone is answering, or has a key down."""
        return self._dialog is not None or self._means.clock.now_ms() - self._last_key_ms < HOLD_MS

    def _tell_dialog(self, found: Look) -> None:
        """Tell an open dialog what became of the alert that it is about."""
        item = self.queue.current
        if self._about is None or item is None or item.id != self._about.id:
            return
        if isinstance(self._dialog, Page) and found.detail:
            lines = (line for line, _ in panes.chart(item.record, found, moment_ms(self.shown), self.size.width - 2))
            self._dialog.show(self._title(), [*found.detail, "", *lines])
        elif self._dialog is not None and self._dialog.is_mounted:
            changed = item.mark if item.gone else queues.change(self._about.record, item.record)
            self._dialog.tell(f"CHANGED MEANWHILE: {changed}" if changed else "")

    def _idle(self) -> bool:
        """Tell whether whoever was there may have gone, with their name or half an answer still on the screen."""
        if not self.setup.shared or not (self.actor or self._dialog is not None):
            return False
        return self._means.clock.now_ms() - self._last_key_ms >= self.setup.settings.commands.ask_who_after_ms

    def _woken(self) -> bool:
        """Take note that someone is there; tell whether the pause was so long that they may be someone else."""
        idle = self._idle()
        self.tick()
        self._last_key_ms = self._means.clock.now_ms()
        return idle

    def _forget(self) -> None:
        """Forget who acts, and leave what they had begun: the next to press enter may be someone else."""
        self.actor = ""
        self._drafts.clear()
        self._say(
            f"No key for {durations.text(self.setup.settings.commands.ask_who_after_ms)}: who acts next is asked first."
        )
        if self._dialog is not None:
            self._dialog.end(None)

    def _say(self, text: str, *, refused: bool = False) -> None:
        self._said, self._refused = text, refused
        self.draw()

    def action_move(self, step: int) -> None:
        """Move the cursor, and bring the chart of what it is on now."""
        self.queue = queues.moved(self.queue, step)
        self._say("")
        self.look_again()

    def action_next(self) -> None:
        """Go to the most urgent alert that has not been looked at; a filter that hides it is taken away."""
        unseen = sorted(self.queue.unseen, key=lambda item: -item.record["level"])
        others = [item for item in unseen if item.id != self.queue.selected]
        if others:
            hides = not self.queue.filter.fits(others[0].record)
            self.queue = replace(self.queue, filter=EVERYTHING) if hides else self.queue
            self.queue = queues.chosen(self.queue, others[0].id)
            self._say("The filter hid it and is off." if hides else "")
            self.look_again()

    def action_hours(self) -> None:
        """Change between a day and three."""
        self._hours = HOURS[HOURS.index(self._hours) - 1]
        self.look_again()

    def action_chart(self) -> None:
        """Take the chart away, or bring it back."""
        self._charted = not self._charted
        self.draw()

    def action_again(self) -> None:
        """Look now."""
        self.look_again()

    @work(group="dialog")
    async def action_help(self) -> None:
        """Say what the keys do."""
        await self._ask(Page(f"{NAME}: keys", help_lines(self.keys)))

    @work(group="dialog")
    async def action_filter(self) -> None:
        """Ask what to show."""
        answers = await self._ask(asking.filter_form(str(self.queue.filter), self.actor))
        if answers is not None:
            self.queue = queues.filtered(self.queue, asking.read_filter(answers, self.actor))
            self._say("")
            self.look_again()

    @work(group="dialog")
    async def action_who(self) -> None:
        """Ask who acts from now on."""
        await self._named()

    @work(group="dialog")
    async def action_open(self) -> None:
        """Show everything about an alert; a key that acts there acts on it."""
        item = self.queue.current
        if item is None:
            return
        self.queue = queues.seen(self.queue, item.id)
        page = Page(self._title(), ["reading..."], [key for key in self.keys if key.acts])
        self.call_after_refresh(self.look_again)
        action = await self._ask(page, item)
        if action is not None:
            await self.run_action(action)

    def action_act(self, verb: str) -> None:
        """Begin an act on the alert that the cursor is on now."""
        self._act(verb, self.queue.selected)

    @work(group="dialog")
    async def _act(self, verb: str, on: str) -> None:
        """Ask what an act needs, do it on the alert as it was on the screen then, and say what came of it."""
        waited = self._saving.locked()  # and is not done once what is being saved is refused, or somebody moves on
        async with self._saving:
            item = self.queue.current
        if (waited and self._refused) or self._dialog is not None or self.queue.selected != on:
            self._say(f"{self._said.removesuffix(IN_VAIN)}{IN_VAIN}", refused=True)
            return
        verb = verb if item is None else asking.meant(verb, item)
        refusal = "" if item is None else asking.refusal(verb, item)
        if refusal:
            self._say(refusal, refused=True)
        if item is None or refusal or not (self.actor or await self._named()):
            return
        wish = await self._wished(verb, item)
        # Who began may have gone, and the name with them.
        if wish is None or not (self.actor or await self._named()):
            return
        async with self._saving:
            await self._save(verb, wish)

    async def _save(self, verb: str, wish: Wish) -> None:
        self._say("Saving...")
        answer = await asyncio.to_thread(self._means.do, self.setup.settings, wish, self.actor)
        if answer.refused:
            self._drafts[verb, wish.alert] = wish.note
        else:
            self._own.add(wish.alert)
            self._drafts.pop((verb, wish.alert), None)
        await self.look_again().wait()
        self._say(answer.said, refused=answer.refused)

    async def _wished(self, verb: str, item: Item) -> Wish | None:
        outcome = None
        if verb == "close":
            outcome = await self._ask(asking.outcomes(item, self.actor), item)
            if outcome is None:
                return None
        draft = self._drafts.get((verb, item.id), "")
        answers = await self._ask(asking.form(verb, item, self.actor, outcome=outcome or "", draft=draft), item)
        return None if answers is None else asking.wish(verb, item, answers, outcome or "")

    async def _named(self) -> str:
        """Ask who acts, where that may be said; give the name, or nothing."""
        if self.setup.shared:
            answers = await self._ask(asking.who_form())
            if answers is not None:
                self.actor = answers["who"]
            self.draw()
        return self.actor

    async def _ask(self, dialog: Over[T], about: Item | None = None) -> T | None:
        """Put a dialog over the list and wait for its answer; a second one beside it is not begun."""
        if self._dialog is not None:
            return None
        self._dialog, self._about = dialog, about
        self.call_after_refresh(self.draw)
        try:
            return await self.push_screen_wait(dialog)
        finally:
            self._dialog, self._about = None, None
            self.draw()

    def _title(self) -> str:
        item = self.queue.current
        return NAME if item is None else asking.headline(item)

    def _fatal_error(self) -> None:
        """End without Textual's own traceback: its local variables would show patients' values."""
        found = self._exception
        self.failure = found.error if isinstance(found, WorkerFailed) else found
        self.exit(return_code=1)
