"""The tables of the first schema, as its four migrations made them; what has changed since is vwmon.store.schema's."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database


def run(db: "Database", *statements: str) -> None:
    """Run statements in the caller's transaction."""
    # One by one: executescript would commit the transaction that they belong to.
    for statement in statements:
        db.execute(statement)


def m001_registers(db: "Database") -> None:
    """Vitals, devices, stays, who had which device, and the journal of changes to them."""
    run(
        db,
        "create table vital (vital_no integer primary key, name text not null unique) strict",
        """create table device (
            device_no integer primary key, device text not null unique, profile text not null default '',
            serial text not null default '', added_ms integer not null,
            registered integer not null check (registered in (0, 1)), status text, status_ms integer,
            battery_percent real, battery_ms integer, firmware text) strict""",
        """create table stay (
            stay_no integer primary key, patient text not null, ward text not null, pathway text not null,
            plan_version text not null, admitted_ms integer not null, discharged_ms integer,
            discharge_reason text, spo2_scale integer not null check (spo2_scale in (1, 2)),
            scale_prescriber text not null default '',
            check (spo2_scale = 1 or scale_prescriber <> ''),
            check (discharged_ms is null or discharged_ms >= admitted_ms)) strict""",
        "create unique index stay_open on stay (patient) where discharged_ms is null",
        "create index stay_patient on stay (patient, admitted_ms)",
        """create table identity (
            stay_no integer primary key references stay, born text, name text, nhs_number text) strict""",
        """create table assignment (
            assignment_no integer primary key, device_no integer not null references device,
            stay_no integer not null references stay, from_ms integer not null, to_ms integer,
            check (to_ms is null or to_ms >= from_ms)) strict""",
        "create unique index assignment_open on assignment (device_no) where to_ms is null",
        "create index assignment_device on assignment (device_no, from_ms)",
        "create index assignment_stay on assignment (stay_no, from_ms)",
        "create table register_version (only_row integer primary key check (only_row = 1), n integer not null) strict",
        "insert into register_version values (1, 0)",
        """create table register_log (
            entry_no integer primary key, at_ms integer not null, actor text not null, what text not null,
            stay_no integer references stay, device_no integer references device) strict""",
    )


def m002_log(db: "Database") -> None:
    """The log of readings and what it is merged into: by day and series, with the keys that tell repeats."""
    columns = """seq integer {0}, device_no integer not null, vital_no integer not null,
        observed_ms integer not null, value real, text text, raw_value any, raw_unit text, marks integer not null,
        received_ms integer not null, recorded_ms integer not null, unit integer not null"""
    run(
        db,
        f"create table reading_log ({columns.format('primary key')}, message_key text, message_seq integer) strict",
        f"""create table reading (day integer not null, {columns.format("not null")},
            primary key (day, device_no, vital_no, observed_ms, seq)) strict, without rowid""",
        """create table message (device_no integer not null, key text not null, unit integer not null,
            primary key (device_no, key)) strict, without rowid""",
        """create table series_latest (
            device_no integer not null, vital_no integer not null, observed_ms integer not null, value real,
            text text, seq integer not null, received_ms integer not null, unit integer not null,
            primary key (device_no, vital_no)) strict, without rowid""",
        """create table log (only_row integer primary key check (only_row = 1), last_seq integer not null,
            merged_seq integer not null, dropped_before_day integer not null) strict""",
        "insert into log values (1, 0, 0, 0)",
    )


def m003_what_went_wrong(db: "Database") -> None:
    """What could not be used, and the messages that devices numbered and that never came."""
    run(
        db,
        """create table quarantine (
            quarantine_no integer primary key, received_ms integer not null, recorded_ms integer not null,
            topic text not null, device text, vital text, reason text not null, detail text not null,
            message_id text, payload blob, payload_bytes integer not null, payload_no integer) strict""",
        """create table sequence (
            device_no integer primary key, last_seq integer not null, as_of integer not null) strict""",
        """create table sequence_gap (
            gap_no integer primary key, device_no integer not null, first_missing integer not null,
            last_missing integer not null, missing_count integer not null, noticed_ms integer not null,
            closed_ms integer) strict""",
        "create index sequence_gap_device on sequence_gap (device_no)",
        "create index quarantine_device on quarantine (device, quarantine_no)",
        """create table sequence_missing (
            device_no integer not null, first_seq integer not null, last_seq integer not null,
            gap_no integer not null references sequence_gap,
            primary key (device_no, first_seq)) strict, without rowid""",
    )


def m004_scores(db: "Database") -> None:
    """Scores with the versions that made them, the scorer's place in the log, and the state of the monitor."""
    run(
        db,
        """create table provenance (
            provenance_no integer primary key, software text not null, chart text not null, plan text not null,
            config_hash text not null, unique (software, chart, plan, config_hash)) strict""",
        """create table score (
            stay_no integer not null, at_ms integer not null, received_ms integer not null,
            late integer not null, total_min integer not null, total_max integer not null,
            could_be integer not null, red integer not null, complete integer not null,
            points_min integer not null, points_max integer not null, present integer not null,
            provenance_no integer not null,
            primary key (stay_no, at_ms)) strict, without rowid""",
        "create table scorer (only_row integer primary key check (only_row = 1), cursor integer not null) strict",
        "insert into scorer values (1, 0)",
        """create table monitor (
            only_row integer primary key check (only_row = 1), mode text not null check (mode in ('live', 'recording')),
            started_ms integer not null, cycle_ms integer, broker_connected integer not null,
            broker_since_ms integer, last_received_ms integer, last_observed_ms integer,
            readings integer not null, lag_seconds real, software text not null, config_hash text not null,
            recording_end_ms integer, stopped_ms integer) strict""",
    )
