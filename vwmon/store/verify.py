"""Is a database sound? SQLite's own checks, then what must hold between the tables. Read only; nothing is mended."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from alerts.audit import audit
from alerts.chain import Anchor
from alerts.store import SENDER
from vwmon.errors import StoreError
from vwmon.store import anchors
from vwmon.store.database import open_reader
from vwmon.store.keys import Key
from vwmon.store.sqlite import Connection, DatabaseError


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was checked: whether it holds, and what was found."""

    check: str
    sound: bool
    found: str


# Each counts what breaks the rule in its name.
RULES = {
    "every reading has one place in the log": """
        select (select count(*) from reading_log) + (select count(*) from attempt where seq > merged_seq)
                - (last_seq - merged_seq)
            + (select count(*) from reading_log where seq <= merged_seq or seq > last_seq)
            + (select count(*) from reading where seq > merged_seq)
            + case when dropped_before_day = 0 then abs((select count(*) from reading)
                + (select count(*) from attempt where seq <= merged_seq) + removed - merged_seq) else 0 end
            + (select count(*) - count(distinct seq) from reading)
            + (select count(*) from attempt where seq > last_seq or seq in (select seq from reading_log)) from log""",
    "every reading stands under its own day": "select count(*) from reading where day <> observed_ms / 86400000",
    "every reading has a device and a vital": """
        select count(*) from (select device_no, vital_no from reading_log union
            select device_no, vital_no from series_latest union select device_no, vital_no from attempt)
        where device_no not in (select device_no from device) or vital_no not in (select vital_no from vital)""",
    "every reading without a number has its words": """
        select (select count(*) from reading where value is null and text is null)
            + (select count(*) from reading_log where value is null and text is null)""",
    "no message is stored twice": """
        select (select count(*) - count(distinct device_no || ':' || message_key) from reading_log
                where message_key is not null)
            + (select count(*) from reading_log join message on message.device_no = reading_log.device_no
                and message.key = message_key)""",
    "the scorer stands within the log": """
        select count(*) from scorer, log where cursor < merged_seq or cursor > last_seq""",
    "every gap is as wide as what it misses": """
        select count(*) from sequence_gap where missing_count < 0 or (missing_count = 0) <> (closed_ms is not null)
            or missing_count > last_missing - first_missing + 1""",
    "no device belongs to two stays at once": """
        select count(*) from assignment a join assignment b using (device_no)
        where a.assignment_no < b.assignment_no and a.from_ms < coalesce(b.to_ms, 1 << 62)
            and b.from_ms < coalesce(a.to_ms, 1 << 62)""",
    "no device stays with a patient who left": """
        select count(*) from assignment join stay using (stay_no)
        where discharged_ms is not null and coalesce(to_ms, 1 << 62) > max(discharged_ms, from_ms)""",
    "every score has its stay and its versions": """
        select count(*) from score where stay_no not in (select stay_no from stay)
            or provenance_no not in (select provenance_no from provenance)""",
    "every alert has its stay and its history": """
        select count(*) from alert where (stay_no <> 0 and stay_no not in (select stay_no from stay))
            or state is not (select state_after from alert_event
                where alert_event.alert_no = alert.alert_no order by event_no desc limit 1)""",
    "every alert is owned, awaited and put off as its state allows": """
        select count(*) from alert where
            (state = 'acknowledged' and (owner is null or ack_until_ms is null or level > ack_level))
            or (state in ('new', 'reraised', 'settled') and due_ms is null)
            or (state in ('new', 'reraised') and owed_ms is null)
            or (snooze_ms is not null and (state <> 'acknowledged' or level = 3 or snooze_ms > ack_until_ms))""",
    "whoever is to be told of an alert that asks is written down": f"""
        select count(*) from alert where state in ('new', 'reraised')
            and exists (select 1 from follower where follower = '{SENDER}') and not exists (
                select 1 from notification n where n.alert_no = alert.alert_no and n.cycle = alert.cycle)""",
}

SEALED = "the seal of every page is whole"
ANCHORED = "the history of alerts is anchored"
WHOLE = "the history of alerts is as it was written"
MOST_SAID = 5


def verify(path: Path, key: Key | None = None) -> list[Finding]:
    """Check a whole database as it is at one moment, with a daemon on it or not; a line for every check.

    `key` is for a sealed copy that has none beside it. Raises what open_reader raises for a file that cannot be opened
    as a database of this version.
    """
    with closing(open_reader(path, key)) as db:
        return examine(db, path)


def examine(db: Connection, path: Path) -> list[Finding]:
    """Check a database that is open, against the anchors beside `path`."""
    # Read first: what is anchored meanwhile is of events that this moment does not have.
    anchored, known = _anchors(anchors.beside(path))
    with _one_moment(db):
        findings = [seals(db), _integrity(db), _foreign_keys(db)]
        findings += [_rule(db, name, sql) for name, sql in RULES.items()]
        findings += [anchored, _history(db, known)]
    return findings


def verified_history(path: Path, key: Key | None = None) -> Finding:
    """Check the history of alerts alone, against the anchors beside the database."""
    anchored, known = _anchors(anchors.beside(path))
    with closing(open_reader(path, key)) as db, _one_moment(db):
        history = _history(db, known)
    return history if anchored.sound else anchored


def counts(path: Path, key: Key | None = None) -> dict[str, int]:
    """Count what a database holds: what a backup must hold too."""
    with closing(open_reader(path, key)) as db, _one_moment(db):
        tables = ("stay", "device", "assignment", "reading_log", "reading", "attempt", "quarantine", "score", "alert")
        return {table: int(db.execute(f"select count(*) from {table}").fetchone()[0]) for table in tables}


@contextmanager
def _one_moment(db: Connection) -> Iterator[None]:
    db.execute("begin")
    try:
        yield
    finally:
        db.execute("rollback")


def seals(db: Connection) -> Finding:
    """Check the code of every page as it is in the file, also of those that nothing refers to any more."""
    if db.execute("pragma cipher_status").fetchone() != ("1",):
        return Finding(check=SEALED, sound=True, found="it is not sealed: a flipped bit in a value is not found")
    # What a daemon writes into the file meanwhile may be read half; a page that is damaged is so the second time too.
    first = _broken_seals(db)
    broken = first and [line for line in _broken_seals(db) if line in first]
    return _listed(SEALED, broken)


def _broken_seals(db: Connection) -> list[str]:
    return [line for (line,) in db.execute("pragma cipher_integrity_check")]


def _integrity(db: Connection) -> Finding:
    try:
        found = [line for (line,) in db.execute("pragma integrity_check(5)")]
    except DatabaseError as error:
        found = [str(error)]
    return Finding(check="every page and index is whole", sound=found == ["ok"], found="; ".join(found))


def _foreign_keys(db: Connection) -> Finding:
    return _rule(db, "every reference leads somewhere", "select count(*) from pragma_foreign_key_check")


def _rule(db: Connection, name: str, sql: str) -> Finding:
    try:
        return _counted(name, db.execute(sql).fetchone()[0])
    except DatabaseError as error:
        return Finding(check=name, sound=False, found=str(error))


def _anchors(file: Path) -> tuple[Finding, list[Anchor]]:
    """Read the anchors beside a database, where there are any."""
    if not file.exists():
        return Finding(check=ANCHORED, sound=True, found=f"no anchors: there is no {file.name}"), []
    try:
        known = anchors.read(file)
    except StoreError as error:
        return Finding(check=ANCHORED, sound=False, found=str(error)), []
    return Finding(check=ANCHORED, sound=True, found=f"{len(known)} anchors of {file.name}"), known


def _history(db: Connection, known: list[Anchor]) -> Finding:
    """Follow the history of alerts, and hold it against the anchors."""
    try:
        breaks = [one.what for one in audit(db, known).breaks]
    except DatabaseError as error:
        breaks = [str(error)]
    except ValueError as error:
        breaks = [f"what an alert stands on cannot be read: {error}"]
    return _listed(WHOLE, breaks)


def _listed(check: str, wrong: list[str]) -> Finding:
    said = [*wrong[:MOST_SAID], *(["…"] if len(wrong) > MOST_SAID else [])]
    return Finding(check=check, sound=not wrong, found="; ".join(said) or "ok")


def _counted(name: str, broken: int) -> Finding:
    return Finding(check=name, sound=broken == 0, found="ok" if broken == 0 else f"{broken} broken")
