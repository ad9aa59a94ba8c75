"""Everything that a database holds about one stay, read at one moment: what its alerts are explained from. Read only.

Here: the log of the stay's devices, the journal of its registers, what people did, and what was stored of scores and
alerts. What follows from the one for the other is not known here.
"""

from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from alerts import rows
from alerts.model import MONITOR, SYSTEM_STAY, Alert, Condition, Event
from alerts.policy import RULES
from alerts.rows import ALERT_COLUMNS, CONDITION_COLUMNS, EVENT_COLUMNS
from vwmon.durations import DAY_MS
from vwmon.errors import StoreCorrupt
from vwmon.patients import prescriptions
from vwmon.patients.prescriptions import Prescription
from vwmon.patients.records import Assignment, Device, Entry, Stay, StayLimit, Transfer
from vwmon.patients.schedules import OwnSchedule
from vwmon.store import (
    attempts,
    canary,
    findings,
    limits,
    monitor,
    own_schedules,
    pauses,
    readings,
    registers,
    scores,
    transfers,
)
from vwmon.store.findings import Found
from vwmon.store.monitor import Monitor
from vwmon.store.pauses import Pause
from vwmon.store.readings import LogRow
from vwmon.store.scores import ScoreRow
from vwmon.store.sqlite import Connection

if TYPE_CHECKING:
    from collections.abc import Iterator

ALERTS = f"select {', '.join(ALERT_COLUMNS)} from alert where stay_no = ? order by ordinal"
EVENTS = f"""select {", ".join(f"e.{name}" for name in EVENT_COLUMNS)}, e.provenance_no
    from alert_event as e join alert using (alert_no) where alert.stay_no = ? order by event_no"""
CONDITIONS = f"select {', '.join(CONDITION_COLUMNS[1:])} from condition where stay_no = ? order by rule"
JOURNAL = """select at_ms, what, device_no, cursor, noticed_ms from register_log as line
    left join register_noticed as noticed on noticed.entry_no = (
        select min(entry_no) from register_noticed where entry_no >= line.entry_no)
    where stay_no = ? order by line.entry_no"""
VERSIONS = "select provenance_no, software, chart, plan, config_hash from provenance"
LAST_HEARD = """select max(received_ms) from (select received_ms from reading where received_ms <= ?1
    union all select received_ms from reading_log where received_ms <= ?1
    union all select received_ms from quarantine where received_ms <= ?1)"""


class Versions(NamedTuple):
    """One set of versions that made scores and alerts."""

    software: str
    chart: str
    plan: str
    config_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed(Entry):
    """A line of the journal of the registers that is about the stay, and what became of it.

    The scorer acted on it at `noticed_ms`, with the log scored up to `cursor`; None where it has not.
    """

    at_ms: int
    cursor: int | None
    noticed_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is stored of one stay's scores and alerts; `made_by` numbers the versions behind any of it."""

    scores: Sequence[ScoreRow]
    alerts: Mapping[int, Alert]
    events: Sequence[Event]
    conditions: Mapping[str, Condition]
    made_by: frozenset[int]

    def events_of(self, alert_no: int) -> list[Event]:
        """Give what happened to one alert, in order."""
        return [event for event in self.events if event.alert_no == alert_no]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One stay's part of a database. `stay` is None for the whole service, which has neither readings nor scores.

    `rows` are the readings and attempts of its devices in log order, as far as they have been scored; `refused` is what
    came for the attempts, by their numbers. `dropped_before_ms` is when the readings that are no longer kept end, 0
    when all are. `findings` are what was found of its devices, or of the whole service; `holds` the faults of the
    service that held its technical alerts back, beside its own `pauses`. `transfers` are its moves between wards, and
    `schedules` what it is asked of its own.
    """

    stay: Stay | None
    assignments: Sequence[Assignment]
    devices: Mapping[int, Device]
    journal: Sequence[Noticed]
    limits: Sequence[StayLimit] = ()
    vitals: Mapping[int, str]
    rows: Sequence[LogRow]
    refused: Mapping[int, str]
    dropped_before_ms: int
    kept: Kept
    versions: Mapping[int, Versions]
    monitor: Monitor | None
    findings: Sequence[Found] = ()
    holds: Sequence[Found] = ()
    pauses: Sequence[Pause] = ()
    transfers: Sequence[Transfer] = ()
    schedules: Sequence[OwnSchedule] = ()

    @property
    def prescribed_with_the_admission(self) -> list[Prescription]:
        """Give the prescriptions that have no line of the journal of their own, because the admission made them."""
        own = {prescriptions.numbered(line.what) for line in self.journal}
        return [one for one in (self.stay.prescriptions if self.stay else ()) if one.prescription_no not in own]

    @property
    def acts(self) -> list[Event]:
        """Give what people did to the alerts of the stay, in order."""
        return [event for event in self.kept.events if event.actor != MONITOR]

    @property
    def recorded(self) -> bool:
        """Tell whether the database is a recording, in which no time passes but that of its readings."""
        return self.monitor is not None and self.monitor.mode == "recording"


def read(db: Connection, stay_no: int) -> Account:
    """Read the account of a stay, all of it as of one moment; stay 0 is the whole service."""
    with _one_moment(db):
        stay = registers.stay(db, stay_no) if stay_no else None
        held = [a for a in registers.assignments(db) if a.stay_no == stay_no]
        device_nos = sorted({a.device_no for a in held})
        cursor = scores.cursor(db)
        (dropped,) = db.execute("select dropped_before_day from log").fetchone()
        return Account(
            stay=stay,
            assignments=held,
            devices={device.device_no: device for device in registers.devices(db) if device.device_no in device_nos},
            journal=_journal(db, stay_no),
            limits=limits.of_stay(db, stay_no),
            vitals=readings.vitals(db),
            rows=_rows(db, device_nos, cursor),
            refused=attempts.texts(db, device_nos),
            dropped_before_ms=max(dropped * DAY_MS, canary.forgotten_ms(db, stay_no)),
            kept=kept(db, stay_no),
            versions={number: Versions(*names) for number, *names in db.execute(VERSIONS)},
            monitor=monitor.read(db),
            findings=findings.of_stay(db, stay_no),
            holds=_holds(db) if stay_no else (),
            pauses=pauses.every(db, stay_no) if stay_no else (),
            transfers=transfers.of_stay(db, stay_no) if stay_no else (),
            schedules=own_schedules.of_stay(db, stay_no) if stay_no else (),
        )


def _journal(db: Connection, stay_no: int) -> list[Noticed]:
    return [
        Noticed(what=what, stay_no=stay_no, device_no=device_no, at_ms=at_ms, cursor=cursor, noticed_ms=noticed_ms)
        for at_ms, what, device_no, cursor, noticed_ms in db.execute(JOURNAL, [stay_no])
    ]


def _holds(db: Connection) -> list[Found]:
    return [one for one in findings.of_stay(db, SYSTEM_STAY) if RULES[one.finding.rule].holds_back]


def _rows(db: Connection, device_nos: Sequence[int], cursor: int) -> list[LogRow]:
    found = [*readings.history(db, device_nos), *attempts.history(db, device_nos)] if device_nos else []
    return sorted((row for row in found if row[0] <= cursor), key=itemgetter(0))


def kept(db: Connection, stay_no: int) -> Kept:
    """Read what is stored of the scores and alerts of a stay; StoreCorrupt when that is no record of an alert."""
    try:
        return _kept(db, stay_no)
    except (KeyError, TypeError, ValueError) as error:
        raise StoreCorrupt(f"what is stored of the alerts of stay {stay_no} cannot be read: {error!r}") from error


def _kept(db: Connection, stay_no: int) -> Kept:
    alerts = [rows.alert_of(row) for row in db.execute(ALERTS, [stay_no])]
    found = [(rows.event_of(row[:-1]), row[-1]) for row in db.execute(EVENTS, [stay_no])]
    history = scores.history(db, stay_no, 0, readings.FOREVER_MS)
    made_by = {row.provenance_no for row in history} | {alert.provenance_no for alert in alerts} | {n for _, n in found}
    return Kept(
        scores=history,
        alerts={alert.alert_no: alert for alert in alerts},
        events=[event for event, _ in found],
        conditions={row[0]: rows.condition_of(row) for row in db.execute(CONDITIONS, [stay_no])},
        made_by=frozenset(number for number in made_by if number is not None),
    )


def last_heard_ms(db: Connection, by_ms: int) -> int | None:
    """Give when anything at all was last received, up to a time; a look through the whole log."""
    found = db.execute(LAST_HEARD, [by_ms]).fetchone()[0]
    return None if found is None else int(found)


@contextmanager
def _one_moment(db: Connection) -> "Iterator[None]":
    """See the database as it is now, whatever a daemon writes meanwhile."""
    db.execute("begin")
    try:
        yield
    finally:
        db.execute("commit")
