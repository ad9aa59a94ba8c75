"""The work list as somebody asked for it, read at one moment: which alerts, what stands around them, what it ends with.

Here: from the options to the rows, for one look and for every look of --watch. Not here: how they are drawn.
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from enum import StrEnum

from alerts import queries, waits
from alerts.model import State
from alerts.queries import Wanted
from vwmon.cli import stay_lookups, ward_lines, work_list
from vwmon.cli.render import Column, Format
from vwmon.cli.standing import Standing, standing_of
from vwmon.cli.ward_lines import Looking
from vwmon.cli.work_list import Around, Row
from vwmon.config import Settings
from vwmon.store import registers
from vwmon.store.database import open_reader
from vwmon.store.sqlite import Connection


class ListFormat(StrEnum):
    """The ways the work list can be printed: as every list, on one line an alert, or its ids alone."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    IDS = "ids"

    @property
    def people(self) -> bool:
        """Tell whether people read it, and not programs."""
        return self in {ListFormat.TABLE, ListFormat.WIDE}

    @property
    def usual(self) -> Format:
        """Give the form that every list has which comes nearest."""
        return Format.TABLE if self.people or self is ListFormat.IDS else Format(self.value)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What somebody asked for, and who that is. `names` asks for the names of people."""

    settings: Settings
    wanted: Wanted
    within_ms: int | None
    form: ListFormat
    actor: str
    names: bool = False
    plain: bool = False

    @property
    def identify(self) -> bool | None:
        """Say how people are told apart: to programs not at all, unless names are asked for."""
        return self.names if self.names or self.form.people else None

    @property
    def unnarrowed(self) -> bool:
        """Tell whether this is the list of a ward as it is, with nothing asked for or left out by name."""
        return self.within_ms is None and self.wanted == Wanted(ward=self.wanted.ward, snoozed=self.wanted.snoozed)

    @property
    def of_some_only(self) -> bool:
        """Tell whether nothing was asked for but whose alerts to show: by ward, by patient."""
        return self.within_ms is None and self.wanted == Wanted(ward=self.wanted.ward, patient=self.wanted.patient)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """The list at one moment: the rows to be seen, all that is listed, and what stands around them.

    `hidden` counts what is open and off the list for a while.
    """

    standing: Standing
    rows: Sequence[Row]
    listed: Sequence[Row]
    around: Around
    hidden: int = 0

    @property
    def highest(self) -> int:
        """Give the highest level of what is listed and open, also of what is folded away; 0 when nothing is."""
        return max((row["level"] for row in self.listed if row["state"] != State.CLOSED), default=0)

    @property
    def clear(self) -> bool:
        """Tell whether nothing is open, on the word of a monitor that is to be trusted."""
        return self.standing.trusted and not self.listed and not self.hidden


def read(asked: Asked) -> Shown:
    """Read the list; NotFoundError for a patient or ward that never was: a slip must not look like a quiet ward."""
    with closing(open_reader(asked.settings.store.path)) as db:
        _check(db, asked)
        standing = standing_of(db)
        since_ms = 0 if asked.within_ms is None else standing.now_ms - asked.within_ms
        whose = stay_lookups.lookups(
            db,
            standing.now_ms,
            names=asked.identify,
            sentences=not asked.form.people,
            wards=asked.settings.wards,
        )
        listed = queries.work_list(db, whose, standing.now_ms, asked.wanted, since_ms)
        folds = asked.form.people and asked.unnarrowed
        rows, folded = ward_lines.folded_away(listed) if folds else (listed, 0)
        hidden = 0 if asked.wanted.snoozed else ward_lines.snoozed(db, standing.now_ms, asked.wanted.ward)
        around = Around(title=standing.title)
        if asked.form.people:
            looking = Looking(actor=asked.actor, ward=asked.wanted.ward)
            footer = ward_lines.lines(db, standing, asked.settings, looking, rows, folded)
            around = replace(around, empty=_empty(asked, folded, hidden), footer=footer)
    return Shown(standing=standing, rows=rows, listed=listed, around=around, hidden=hidden)


def read_pending(asked: Asked) -> Shown:
    """Read the breaches that wait to be confirmed, of the ward and patient that are asked for."""
    with closing(open_reader(asked.settings.store.path)) as db:
        _check(db, asked)
        standing = standing_of(db)
        found = waits.pending(db, stay_lookups.lookups(db, standing.now_ms, names=asked.identify))
        rows = [row for row in found if _of(row, asked.wanted)]
    footer = [f"{len(rows)} pending confirmation; each opens when its time is up, unless a fresh reading denies it"]
    around = Around(title=standing.title, empty="Nothing is pending confirmation.", footer=footer if rows else ())
    return Shown(standing=standing, rows=rows, listed=(), around=around)


def pending_columns(now_ms: int) -> list[Column]:
    """Give the columns of the list of what is pending."""

    def opens(row: Row) -> str:
        if row["opens_at"] is None:
            return "when it has lasted"
        return work_list.due({"state": "new", "due_at": row["opens_at"], "tier": 1}, now_ms)

    return [
        Column(key="patient", title="PATIENT", compose=work_list.who_is),
        Column(key="ward", title="WARD"),
        Column(key="level", title="LVL", format=lambda level: f"L{level}"),
        Column(key="since", title="SINCE", format=lambda at: work_list.since(at, now_ms), no_wrap=True),
        Column(key="opens_at", title="OPENS", compose=opens, no_wrap=True),
        Column(key="title", title="WHAT"),
        Column(key="seen", title="SEEN"),
    ]


def _of(row: Row, wanted: Wanted) -> bool:
    return wanted.ward in {"", row["ward"]} and wanted.patient in {"", row["patient"]}


def _check(db: Connection, asked: Asked) -> None:
    if asked.wanted.patient:
        registers.stays_of(db, asked.wanted.patient)
    if asked.wanted.ward:
        registers.check_ward(db, asked.wanted.ward, [ward.id for ward in asked.settings.wards])


def _empty(asked: Asked, folded: int, hidden: int) -> str:
    """Say that nothing is listed, in words that do not say more than that."""
    if asked.wanted.closed:
        return "No closed alerts."
    if asked.unnarrowed:
        but = [*([f"{folded} technical at level 1"] if folded else []), *([f"{hidden} snoozed"] if hidden else [])]
        return f"No open alerts but {' and '.join(but)}." if but else "No open alerts."
    return "No open alerts that fit what was asked for."
