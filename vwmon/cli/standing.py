"""The moment a list stands at, and whether it may be trusted: said above every list, and in its exit code.

Here: how that is said. Whether a monitor is to be trusted is vwmon.store.monitor's.
"""

from dataclasses import dataclass

import typer

from vwmon.cli import render
from vwmon.cli.render import Format
from vwmon.clock import Clock
from vwmon.errors import StaleError
from vwmon.store import monitor
from vwmon.store.monitor import Monitor
from vwmon.store.sqlite import Connection

TEN = 10  # with --exit-code, the highest open level is added to it


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The moment a list stands at, the sentence that must be said above it, and whether it may be trusted."""

    now_ms: int
    title: str
    trusted: bool
    state: Monitor | None

    def announce(self, form: Format) -> None:
        """Say the sentence on standard error to a program, whose output carries no title."""
        if self.title and form is not Format.TABLE:
            render.warn(self.title)

    def say(self, lines: list[str]) -> None:
        """Print lines for people below the sentence."""
        for line in [self.title, *lines] if self.title else lines:
            render.say(line)

    def leave(self, highest: int = 0) -> None:
        """End with 4 when the list is not to be trusted, else with 10 plus the highest level when that is asked for."""
        if not self.trusted:
            raise typer.Exit(StaleError.exit_code)
        if highest:
            raise typer.Exit(TEN + highest)

    def ago(self, at_ms: int | None) -> str:
        """Say how long before the moment of the list something was."""
        return "never" if at_ms is None else f"{render.ago(max(self.now_ms - at_ms, 0))} ago"


def standing_of(db: Connection) -> Standing:
    """Give where the lists of a database stand: now, or at the last moment of a recording."""
    state = monitor.read(db)
    now_ms = monitor.ward_ms(state, Clock().now_ms())
    if state is not None and state.mode == "recording" and state.recording_end_ms is not None:
        end_ms = state.recording_end_ms
        return Standing(now_ms=end_ms, title=f"RECORDING: stands at {render.utc(end_ms)}", trusted=True, state=state)
    reason = monitor.distrust(state, now_ms)
    return Standing(now_ms=now_ms, title=reason or "", trusted=reason is None, state=state)
