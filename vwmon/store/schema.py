"""The tables of the store as numbered migrations. No rows are read or written here beyond the single-row tables.

sqlite-utils runs the migrations and is imported only then: the commands that read must start quickly.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from vwmon.store.schema_first import m001_registers, m002_log, m003_what_went_wrong, m004_scores
from vwmon.store.schema_first import run as _run
from vwmon.store.sqlite import Connection

if TYPE_CHECKING:
    from sqlite_utils import Database

SET = "vwmon"


def m005_noticed(db: "Database") -> None:
    """Up to which line of the registers' journal a scorer has acted, when, and how far the log was scored then.

    What stands in the journal of an older database was acted on as it came.
    """
    _run(
        db,
        """create table register_noticed (
            entry_no integer primary key references register_log, cursor integer not null,
            noticed_ms integer not null) strict""",
        """insert into register_noticed select max(entry_no), (select cursor from scorer), 0 from register_log
            having max(entry_no) is not null""",
    )


def m006_attempts(db: "Database") -> None:
    """Readings that were refused although a vital was measured: numbered with the log, and no readings."""
    _run(
        db,
        """create table attempt (
            seq integer primary key, device_no integer not null, vital_no integer not null,
            observed_ms integer not null, sent text not null, received_ms integer not null,
            recorded_ms integer not null, unit integer not null,
            quarantine_no integer not null references quarantine) strict""",
        "create index attempt_device on attempt (device_no, observed_ms)",
    )


def m007_limits(db: "Database") -> None:
    """The limits of single stays, each for one rule, by whom, why, from when and until when; none is ever removed."""
    _run(
        db,
        """create table stay_limit (
            limit_no integer primary key, stay_no integer not null references stay, rule text not null,
            changes text not null, author text not null, reason text not null, from_ms integer not null,
            to_ms integer, ended_ms integer, ended_by text, ended_reason text,
            check (author <> '' and reason <> ''), check (to_ms is null or to_ms > from_ms),
            check ((ended_ms is null) = (ended_by is null)), check (ended_ms is null or ended_ms >= from_ms)) strict""",
        "create index stay_limit_stay on stay_limit (stay_no)",
        "create unique index stay_limit_open on stay_limit (stay_no, rule) where ended_ms is null",
    )


def m008_pauses(db: "Database") -> None:
    """Pauses of patients, what was found wrong with devices and the service, and since when a device says what it says.

    Findings are the daemon's observations of what the log does not hold; a stay is told again with them.
    """
    _run(
        db,
        """create table pause (
            pause_no integer primary key, stay_no integer not null, from_ms integer not null,
            until_ms integer not null, reason text not null, actor text not null, written_ms integer not null,
            ended_ms integer, ended_by text, check (until_ms > from_ms), check (reason <> '')) strict""",
        "create index pause_stay on pause (stay_no, until_ms)",
        """create table finding (
            finding_no integer primary key, stay_no integer not null, rule text not null, what text not null,
            since_ms integer, at_ms integer not null, figures text not null, noticed_ms integer not null,
            cursor integer not null) strict""",
        "create index finding_stay on finding (stay_no, finding_no)",
        "alter table device add column status_since_ms integer",
        "alter table device add column status_clean integer not null default 0",
        "update device set status_since_ms = status_ms",
    )


def m009_entered(db: "Database") -> None:
    """Who entered readings by hand, and how they came: by the last number of theirs in the log, and how many."""
    _run(
        db,
        """create table entered (
            last_seq integer primary key, readings integer not null, way text not null, actor text not null,
            note text not null, at_ms integer not null) strict""",
    )


def m010_stays(db: "Database") -> None:
    """Referrals, moves between wards, what is noted of a stay, and how people are reached."""
    _run(
        db,
        """create table referral (
            referral_no integer primary key, patient text not null, ward text not null, source text not null,
            referred_ms integer not null, accepted_ms integer, declined_ms integer, decline_reason text,
            stay_no integer references stay, check ((declined_ms is null) = (decline_reason is null)),
            check (declined_ms is null or stay_no is null)) strict""",
        "create unique index referral_open on referral (patient) where declined_ms is null and stay_no is null",
        "create index referral_patient on referral (patient)",
        """create table transfer (
            transfer_no integer primary key, stay_no integer not null, from_ward text not null,
            to_ward text not null, at_ms integer not null, written_ms integer not null, actor text not null,
            reason text not null, check (from_ward <> to_ward)) strict""",
        "create index transfer_stay on transfer (stay_no)",
        """create table stay_fact (
            fact_no integer primary key, stay_no integer not null references stay, what text not null,
            value text not null, from_ms integer not null, actor text not null, written_ms integer not null,
            check (what in ('consent', 'kit', 'pregnancy', 'expected_days'))) strict""",
        "create index stay_fact_stay on stay_fact (stay_no)",
        "create index stay_fact_pregnancy on stay_fact (stay_no) where what = 'pregnancy'",
        "alter table identity add column contact text",
        "alter table identity add column next_of_kin text",
    )


def m011_answers(db: "Database") -> None:
    """What goes to the hubs of patients: questionnaires as they fall due, each once, and messages of the team."""
    _run(
        db,
        """create table hub_request (
            request_no integer primary key, stay_no integer not null references stay,
            kind text not null check (kind in ('questions', 'message')), said text not null,
            version text not null default '', actor text not null, due_ms integer not null, until_ms integer not null,
            state text not null default 'queued' check (state in ('queued', 'sent', 'answered')), sent_ms integer,
            shown_ms integer, read_ms integer, confirmed_by text,
            check (said <> ''), check (until_ms > due_ms)) strict""",
        "create unique index hub_request_once on hub_request (stay_no, said, due_ms) where kind = 'questions'",
        "create index hub_request_stay on hub_request (stay_no, due_ms)",
        "create index hub_request_kind on hub_request (kind, due_ms)",
        "create index hub_request_unread on hub_request (due_ms) where kind = 'message' and read_ms is null",
        "create index hub_request_open on hub_request (until_ms) where state <> 'answered' and shown_ms is null",
    )


def m013_kit(db: "Database") -> None:
    """When kit is to be calibrated and what left the register, and what is out although it is nobody's any more.

    Of what a discharge freed before, nobody was asked whether it came back: nothing is made up of that.
    """
    _run(
        db,
        "alter table device add column calibrated_ms integer",
        "alter table device add column calibration_due text",
        "alter table device add column retired_ms integer",
        "alter table device add column retired_reason text",
        """create table kit_out (
            assignment_no integer primary key references assignment, since_ms integer not null, back_ms integer,
            check (back_ms is null or back_ms >= since_ms)) strict""",
        "create index kit_out_still on kit_out (assignment_no) where back_ms is null",
    )


def m014_age_bands(db: "Database") -> None:
    """When the bands of age of a child's chart begin: what scoring needs of a date of birth, kept with the stay."""
    _run(
        db,
        """alter table stay add column age_bands text not null default ''
            check (pathway <> 'children' or age_bands <> '')""",
    )


def m015_watching(db: "Database") -> None:
    """Whether somebody outside was told that the ward is watched, and what became of all that was received."""
    _run(
        db,
        """create table outside_ping (only_row integer primary key check (only_row = 1), answered_ms integer,
            tried_ms integer, trouble text) strict""",
        """create table reckoning (
            only_row integer primary key check (only_row = 1), since_ms integer not null, at_ms integer not null,
            messages integer not null, quarantined integer not null, statuses integer not null,
            passed_over integer not null, readings integer not null, stored integer not null,
            duplicates integer not null, refused integer not null, lost integer not null,
            breaches integer not null, unraised integer not null) strict""",
    )


def m016_prescriptions(db: "Database") -> None:
    """What clinicians prescribe of single stays: SpO2 scale and target range, usual values; none is ever changed.

    What an older database has of a scale at the admission is such a record, with what was not kept said to be so. It is
    written at the last moment that the database tells of: what was judged by then was judged without the range.
    """
    _run(
        db,
        """create table prescription (
            prescription_no integer primary key, stay_no integer not null references stay,
            what text not null check (what in ('scale', 'usual')), vital text not null,
            scale integer check (scale in (1, 2)), low real, high real, usual real, prescriber text not null,
            reason text not null, from_ms integer not null, to_ms integer, actor text not null,
            written_ms integer not null,
            check (prescriber <> '' and reason <> '' and actor <> ''), check (to_ms is null or to_ms > from_ms),
            check ((low is null) = (high is null)), check (low < high), check (low is null or scale is not null),
            check (scale is not 2 or (low is 88 and high is 92)), check (scale is null or usual is null),
            check (usual is null or what = 'usual'), check (scale is null or what = 'scale')) strict""",
        "create index prescription_stay on prescription (stay_no)",
        """insert into prescription (stay_no, what, vital, scale, low, high, prescriber, reason, from_ms, actor,
                written_ms)
            select stay.stay_no, 'scale', 'spo2', spo2_scale, iif(spo2_scale = 2, 88, null),
                iif(spo2_scale = 2, 92, null), iif(trim(scale_prescriber) = '', 'not recorded', scale_prescriber),
                'recorded at the admission; why was not recorded', admitted_ms,
                'vwmon db migrate', max(admitted_ms, coalesce((select max(at_ms) from register_log), 0),
                    coalesce((select cycle_ms from monitor), 0))
            from stay where spo2_scale = 2 or trim(scale_prescriber) <> '' order by stay.stay_no""",
    )


def m017_schedules(db: "Database") -> None:
    """What single stays are asked of their own, by whom, why, from when and until when; none is ever removed."""
    _run(
        db,
        """create table stay_schedule (
            schedule_no integer primary key, stay_no integer not null references stay, what text not null,
            asked text not null, author text not null, reason text not null, from_ms integer not null,
            to_ms integer, ended_ms integer, ended_by text, ended_reason text,
            check (author <> '' and reason <> ''), check (to_ms is null or to_ms > from_ms),
            check ((ended_ms is null) = (ended_by is null)), check (ended_ms is null or ended_ms >= from_ms)) strict""",
        "create index stay_schedule_stay on stay_schedule (stay_no)",
        "create unique index stay_schedule_open on stay_schedule (stay_no, what) where ended_ms is null",
    )


def m019_trust(db: "Database") -> None:
    """How the made-up readings go round, what was counted anew, and what was taken out of the log on purpose."""
    _run(
        db,
        """create table canary (
            only_row integer primary key check (only_row = 1), device text not null, every_ms integer not null,
            limit_ms integer not null, began_ms integer not null, stay_no integer, sent_ms integer, came_ms integer,
            trouble text, queued_ms integer, told_ms integer, forgotten_ms integer) strict""",
        "alter table log add column removed integer not null default 0",
        "alter table reckoning add column recounted integer not null default 0",
        "alter table reckoning add column amiss integer not null default 0",
    )


def m020_times(db: "Database") -> None:
    """When the first message of each device's count was measured, and how far the machine's clock is behind."""
    _run(
        db,
        "alter table sequence add column begun_ms integer",
        "alter table monitor add column held_ms integer not null default 0",
    )


def m021_configured(db: "Database") -> None:
    """The settings that daemons started with, where they were not those of the start before."""
    _run(
        db,
        """create table configured (
            configured_no integer primary key, since_ms integer not null, config_hash text not null,
            settings text not null) strict""",
    )


MIGRATIONS: tuple[Callable[["Database"], None], ...] = (
    m001_registers,
    m002_log,
    m003_what_went_wrong,
    m004_scores,
    m005_noticed,
    m006_attempts,
    m007_limits,
    m008_pauses,
    m009_entered,
    m010_stays,
    m011_answers,
    m013_kit,
    m014_age_bands,
    m015_watching,
    m016_prescriptions,
    m017_schedules,
    m019_trust,
    m020_times,
    m021_configured,
)
NAMES: tuple[str, ...] = tuple(step.__name__ for step in MIGRATIONS)


def migrate(db: Connection) -> None:
    """Apply what is missing, each migration in a transaction of its own with its record."""
    from sqlite_utils import Database
    from sqlite_utils.migrations import Migrations

    migrations = Migrations(SET)
    for step in MIGRATIONS:
        migrations()(step)
    migrations.apply(Database(db))


def applied(db: Connection) -> dict[str, tuple[str, ...]]:
    """Give the names of the migrations that `db` has had, by set; empty for a file that never had one."""
    found = db.execute("select 1 from sqlite_schema where name = '_sqlite_migrations'").fetchone()
    sets: dict[str, tuple[str, ...]] = {}
    if found:
        for name, step in db.execute("select migration_set, name from _sqlite_migrations order by rowid"):
            sets[name] = (*sets.get(name, ()), step)
    return sets
