"""One change of the registers, as a command makes it: who makes it, when, why, and how its outcome is told.

What a change is, and whether it may be, is vwmon.store.registers'.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from vwmon.cli import context, register_rows, render
from vwmon.cli.options import duration_ms, refuse_first, time_ms
from vwmon.cli.register_rows import Registers
from vwmon.cli.render import Format, Here, Row
from vwmon.clock import Clock
from vwmon.config import Settings
from vwmon.patients.records import By
from vwmon.store import monitor
from vwmon.store.database import open_writer
from vwmon.store.sqlite import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Somebody changing the registers of a database now."""

    db: Connection
    by: By
    settings: Settings

    def moment(self, text: str) -> int:
        """Read since when the change holds: the time it is made when that is not said."""
        return register_rows.moment(text, self.by.at_ms)

    def known(self) -> Registers:
        """Read the registers as the change has left them."""
        return register_rows.read(self.db)

    def here(self, at: str | int, ward: str | None) -> str:
        """Give a time as the clock on a ward's wall shows it."""
        return register_rows.here(at, ward, self.settings)

    def clock(self, ward: str) -> Here:
        """Give what says the times of rows as the clock on a ward's wall shows them."""
        return register_rows.clock(ward, self.settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Why somebody changes a plan, and until when that holds, as it was said."""

    reason: str = ""
    until: str = ""
    for_: str = ""

    def to_ms(self, from_ms: int) -> int | None:
        """Give when what begins at `from_ms` is over, if ever; UsageError without a reason, or with two ends."""
        refuse_first(
            (not self.reason.strip(), "it needs a reason: --reason TEXT"),
            (self.until and self.for_, "either --until or --for"),
        )
        return time_ms(self.until) if self.until else from_ms + duration_ms(self.for_) if self.for_ else None


@contextmanager
def changing(config: Path | None, db: Path | None, as_name: str) -> Iterator[Change]:
    """Open the database for a change in the name of whoever gives the command."""
    settings = context.resolve(config, db)
    actor = context.actor(as_name, settings, changes=True)
    with closing(open_writer(settings.store.path)) as opened:
        by = By(actor=actor, at_ms=monitor.ward_ms(monitor.read(opened), Clock().now_ms()))
        yield Change(db=opened, by=by, settings=settings)


def tell(row: Row, form: Format, *lines: str) -> None:
    """Say what has changed: its row to a program, its lines, with the way back, to people."""
    if form is not Format.TABLE:
        render.emit_one(row, form)
        return
    for line in lines:
        render.say(line)
