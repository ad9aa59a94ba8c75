CREATE TABLE "_sqlite_migrations" (
    "id" INTEGER PRIMARY KEY,
    "migration_set" TEXT,
    "name" TEXT,
    "applied_at" TEXT
    );
CREATE TABLE alert (
    alert_no integer primary key, id text not null unique, stay_no integer not null, ordinal integer not null,
    lane text not null check (lane in ('clinical', 'technical', 'system')),
    state text not null check (state in ('new', 'acknowledged', 'reraised', 'settled', 'closed')),
    level integer not null check (level between 1 and 3), peak integer not null check (peak between 1 and 3),
    score integer, peak_score integer, opened_ms integer not null, since_ms integer not null,
    cleared_ms integer, blind_ms integer, late integer not null check (late in (0, 1)),
    owner text, ack_ms integer, ack_note text, ack_level integer, ack_score integer,
    ack_reds text not null default '', ack_until_ms integer, due_ms integer,
    tier integer not null default 1, recurrence_of integer references alert,
    outcome text, closed_ms integer, parts text not null default '', reds text not null default '',
    evidence text not null, provenance_no integer, version integer not null,
    current integer not null check (current in (0, 1)), cycle integer not null default 1, owed_ms integer, offered_to text, snooze_ms integer
    check (snooze_ms is null or (state = 'acknowledged' and level < 3)), rises text not null default '[]',
    unique (stay_no, ordinal),
    check (level <= peak), check ((state = 'closed') = (closed_ms is not null)),
    check (state = 'closed' or current = 1),
    check (state in ('acknowledged', 'closed') or due_ms is not null),
    check (state <> 'acknowledged' or (owner is not null and ack_until_ms is not null and level <= ack_level)),
    check (peak = 1 or state <> 'closed' or outcome is not null)) strict;
CREATE TABLE alert_event (
    event_no integer primary key, alert_no integer not null references alert, kind text not null,
    actor text not null, at_ms integer not null, state_before text, state_after text not null,
    level_before integer, level_after integer not null, version integer not null, note text,
    evidence text not null, provenance_no integer, op_id text, host text, changes text, previous text, hash text) strict;
CREATE TABLE alert_event_gone (
    event_no integer primary key, previous text not null, hash text not null,
    removal_no integer not null) strict;
CREATE TABLE assignment (
    assignment_no integer primary key, device_no integer not null references device,
    stay_no integer not null references stay, from_ms integer not null, to_ms integer,
    check (to_ms is null or to_ms >= from_ms)) strict;
CREATE TABLE attempt (
    seq integer primary key, device_no integer not null, vital_no integer not null,
    observed_ms integer not null, sent text not null, received_ms integer not null,
    recorded_ms integer not null, unit integer not null,
    quarantine_no integer not null references quarantine) strict;
CREATE TABLE canary (
    only_row integer primary key check (only_row = 1), device text not null, every_ms integer not null,
    limit_ms integer not null, began_ms integer not null, stay_no integer, sent_ms integer, came_ms integer,
    trouble text, queued_ms integer, told_ms integer, forgotten_ms integer) strict;
CREATE TABLE condition (
    stay_no integer not null, rule text not null,
    state text not null check (state in ('absent', 'pending', 'present', 'clearing', 'unknown')),
    since_ms integer not null, clear_ms integer, covered_ms integer not null, gaps text not null default '{}', seen_ms integer, due_ms integer, evidence text not null default '{}',
    primary key (stay_no, rule)) strict, without rowid;
CREATE TABLE configured (
    configured_no integer primary key, since_ms integer not null, config_hash text not null,
    settings text not null) strict;
CREATE TABLE delivery (
    delivery_no integer primary key, notification_no integer not null references notification,
    recipient text not null, channel text not null, state text not null
    check (state in ('queued', 'sent', 'failed', 'superseded')), attempts integer not null default 0,
    due_ms integer not null, sent_ms integer, error text,
    unique (notification_no, recipient, channel)) strict;
CREATE TABLE device (
    device_no integer primary key, device text not null unique, profile text not null default '',
    serial text not null default '', added_ms integer not null,
    registered integer not null check (registered in (0, 1)), status text, status_ms integer,
    battery_percent real, battery_ms integer, firmware text, status_since_ms integer, status_clean integer not null default 0, calibrated_ms integer, calibration_due text, retired_ms integer, retired_reason text) strict;
CREATE TABLE entered (
    last_seq integer primary key, readings integer not null, way text not null, actor text not null,
    note text not null, at_ms integer not null) strict;
CREATE TABLE finding (
    finding_no integer primary key, stay_no integer not null, rule text not null, what text not null,
    since_ms integer, at_ms integer not null, figures text not null, noticed_ms integer not null,
    cursor integer not null) strict;
CREATE TABLE follower (
    follower text primary key, event_no integer not null) strict, without rowid;
CREATE TABLE handover (
    handover_no integer primary key, giver text not null, started_ms integer not null, due_ms integer not null,
    note text, ended_ms integer) strict;
CREATE TABLE handover_item (
    handover_no integer not null references handover, alert_no integer not null references alert,
    owner text, was text not null, taker text, accepted_ms integer,
    primary key (handover_no, alert_no)) strict, without rowid;
CREATE TABLE hub_request (
    request_no integer primary key, stay_no integer not null references stay,
    kind text not null check (kind in ('questions', 'message')), said text not null,
    version text not null default '', actor text not null, due_ms integer not null, until_ms integer not null,
    state text not null default 'queued' check (state in ('queued', 'sent', 'answered')), sent_ms integer,
    shown_ms integer, read_ms integer, confirmed_by text,
    check (said <> ''), check (until_ms > due_ms)) strict;
CREATE TABLE identity (
    stay_no integer primary key references stay, born text, name text, nhs_number text, contact text, next_of_kin text) strict;
CREATE TABLE kit_out (
    assignment_no integer primary key references assignment, since_ms integer not null, back_ms integer,
    check (back_ms is null or back_ms >= since_ms)) strict;
CREATE TABLE log (only_row integer primary key check (only_row = 1), last_seq integer not null,
    merged_seq integer not null, dropped_before_day integer not null, removed integer not null default 0) strict;
CREATE TABLE message (device_no integer not null, key text not null, unit integer not null,
    primary key (device_no, key)) strict, without rowid;
CREATE TABLE monitor (
    only_row integer primary key check (only_row = 1), mode text not null check (mode in ('live', 'recording')),
    started_ms integer not null, cycle_ms integer, broker_connected integer not null,
    broker_since_ms integer, last_received_ms integer, last_observed_ms integer,
    readings integer not null, lag_seconds real, software text not null, config_hash text not null,
    recording_end_ms integer, stopped_ms integer, held_ms integer not null default 0) strict;
CREATE TABLE notification (
    notification_no integer primary key, alert_no integer not null references alert, cycle integer not null,
    tier integer not null, turn integer not null default 1, level integer not null, queued_ms integer not null,
    state text not null default 'queued' check (state in ('queued', 'told', 'superseded', 'failed')),
    reason text, unique (alert_no, cycle, tier, turn)) strict;
CREATE TABLE outside_ping (only_row integer primary key check (only_row = 1), answered_ms integer,
    tried_ms integer, trouble text) strict;
CREATE TABLE pause (
    pause_no integer primary key, stay_no integer not null, from_ms integer not null,
    until_ms integer not null, reason text not null, actor text not null, written_ms integer not null,
    ended_ms integer, ended_by text, check (until_ms > from_ms), check (reason <> '')) strict;
CREATE TABLE prescription (
    prescription_no integer primary key, stay_no integer not null references stay,
    what text not null check (what in ('scale', 'usual')), vital text not null,
    scale integer check (scale in (1, 2)), low real, high real, usual real, prescriber text not null,
    reason text not null, from_ms integer not null, to_ms integer, actor text not null,
    written_ms integer not null,
    check (prescriber <> '' and reason <> '' and actor <> ''), check (to_ms is null or to_ms > from_ms),
    check ((low is null) = (high is null)), check (low < high), check (low is null or scale is not null),
    check (scale is not 2 or (low is 88 and high is 92)), check (scale is null or usual is null),
    check (usual is null or what = 'usual'), check (scale is null or what = 'scale')) strict;
CREATE TABLE provenance (
    provenance_no integer primary key, software text not null, chart text not null, plan text not null,
    config_hash text not null, unique (software, chart, plan, config_hash)) strict;
CREATE TABLE quarantine (
    quarantine_no integer primary key, received_ms integer not null, recorded_ms integer not null,
    topic text not null, device text, vital text, reason text not null, detail text not null,
    message_id text, payload blob, payload_bytes integer not null, payload_no integer) strict;
CREATE TABLE reading (day integer not null, seq integer not null, device_no integer not null, vital_no integer not null,
    observed_ms integer not null, value real, text text, raw_value any, raw_unit text, marks integer not null,
    received_ms integer not null, recorded_ms integer not null, unit integer not null,
    primary key (day, device_no, vital_no, observed_ms, seq)) strict, without rowid;
CREATE TABLE reading_log (seq integer primary key, device_no integer not null, vital_no integer not null,
    observed_ms integer not null, value real, text text, raw_value any, raw_unit text, marks integer not null,
    received_ms integer not null, recorded_ms integer not null, unit integer not null, message_key text, message_seq integer) strict;
CREATE TABLE reckoning (
    only_row integer primary key check (only_row = 1), since_ms integer not null, at_ms integer not null,
    messages integer not null, quarantined integer not null, statuses integer not null,
    passed_over integer not null, readings integer not null, stored integer not null,
    duplicates integer not null, refused integer not null, lost integer not null,
    breaches integer not null, unraised integer not null, recounted integer not null default 0, amiss integer not null default 0) strict;
CREATE TABLE referral (
    referral_no integer primary key, patient text not null, ward text not null, source text not null,
    referred_ms integer not null, accepted_ms integer, declined_ms integer, decline_reason text,
    stay_no integer references stay, check ((declined_ms is null) = (decline_reason is null)),
    check (declined_ms is null or stay_no is null)) strict;
CREATE TABLE register_log (
    entry_no integer primary key, at_ms integer not null, actor text not null, what text not null,
    stay_no integer references stay, device_no integer references device) strict;
CREATE TABLE register_noticed (
    entry_no integer primary key references register_log, cursor integer not null,
    noticed_ms integer not null) strict;
CREATE TABLE register_version (only_row integer primary key check (only_row = 1), n integer not null) strict;
CREATE TABLE removal (
    event_no integer primary key, actor text not null, at_ms integer not null, note text not null,
    evidence text not null, host text not null, previous text not null, hash text not null) strict;
CREATE TABLE request (
    request_no integer primary key, stay_no integer not null, rule text not null, vitals text not null,
    asked_ms integer not null, due_ms integer not null, state text not null default 'queued'
    check (state in ('queued', 'sent', 'answered', 'over')), sent_ms integer,
    unique (stay_no, rule, asked_ms)) strict;
CREATE TABLE score (
    stay_no integer not null, at_ms integer not null, received_ms integer not null,
    late integer not null, total_min integer not null, total_max integer not null,
    could_be integer not null, red integer not null, complete integer not null,
    points_min integer not null, points_max integer not null, present integer not null,
    provenance_no integer not null,
    primary key (stay_no, at_ms)) strict, without rowid;
CREATE TABLE scorer (only_row integer primary key check (only_row = 1), cursor integer not null) strict;
CREATE TABLE sequence (
    device_no integer primary key, last_seq integer not null, as_of integer not null, begun_ms integer) strict;
CREATE TABLE sequence_gap (
    gap_no integer primary key, device_no integer not null, first_missing integer not null,
    last_missing integer not null, missing_count integer not null, noticed_ms integer not null,
    closed_ms integer) strict;
CREATE TABLE sequence_missing (
    device_no integer not null, first_seq integer not null, last_seq integer not null,
    gap_no integer not null references sequence_gap,
    primary key (device_no, first_seq)) strict, without rowid;
CREATE TABLE series_latest (
    device_no integer not null, vital_no integer not null, observed_ms integer not null, value real,
    text text, seq integer not null, received_ms integer not null, unit integer not null,
    primary key (device_no, vital_no)) strict, without rowid;
CREATE TABLE stay (
    stay_no integer primary key, patient text not null, ward text not null, pathway text not null,
    plan_version text not null, admitted_ms integer not null, discharged_ms integer,
    discharge_reason text, spo2_scale integer not null check (spo2_scale in (1, 2)),
    scale_prescriber text not null default '', age_bands text not null default ''
    check (pathway <> 'children' or age_bands <> ''),
    check (spo2_scale = 1 or scale_prescriber <> ''),
    check (discharged_ms is null or discharged_ms >= admitted_ms)) strict;
CREATE TABLE stay_fact (
    fact_no integer primary key, stay_no integer not null references stay, what text not null,
    value text not null, from_ms integer not null, actor text not null, written_ms integer not null,
    check (what in ('consent', 'kit', 'pregnancy', 'expected_days'))) strict;
CREATE TABLE stay_limit (
    limit_no integer primary key, stay_no integer not null references stay, rule text not null,
    changes text not null, author text not null, reason text not null, from_ms integer not null,
    to_ms integer, ended_ms integer, ended_by text, ended_reason text,
    check (author <> '' and reason <> ''), check (to_ms is null or to_ms > from_ms),
    check ((ended_ms is null) = (ended_by is null)), check (ended_ms is null or ended_ms >= from_ms)) strict;
CREATE TABLE stay_schedule (
    schedule_no integer primary key, stay_no integer not null references stay, what text not null,
    asked text not null, author text not null, reason text not null, from_ms integer not null,
    to_ms integer, ended_ms integer, ended_by text, ended_reason text,
    check (author <> '' and reason <> ''), check (to_ms is null or to_ms > from_ms),
    check ((ended_ms is null) = (ended_by is null)), check (ended_ms is null or ended_ms >= from_ms)) strict;
CREATE TABLE transfer (
    transfer_no integer primary key, stay_no integer not null, from_ward text not null,
    to_ward text not null, at_ms integer not null, written_ms integer not null, actor text not null,
    reason text not null, check (from_ward <> to_ward)) strict;
CREATE TABLE vital (vital_no integer primary key, name text not null unique) strict;
CREATE INDEX alert_closed on alert (closed_ms) where state = 'closed';
CREATE UNIQUE INDEX alert_current on alert (stay_no, lane) where current = 1;
CREATE INDEX alert_due on alert (due_ms) where state <> 'closed';
CREATE INDEX alert_event_alert on alert_event (alert_no);
CREATE INDEX alert_event_gone_by on alert_event_gone (removal_no);
CREATE UNIQUE INDEX alert_event_op on alert_event (op_id) where op_id is not null;
CREATE INDEX alert_expiry on alert (ack_until_ms) where state = 'acknowledged';
CREATE UNIQUE INDEX alert_open on alert (stay_no, lane) where state <> 'closed';
CREATE INDEX alert_snoozed on alert (snooze_ms) where snooze_ms is not null;
CREATE INDEX assignment_device on assignment (device_no, from_ms);
CREATE UNIQUE INDEX assignment_open on assignment (device_no) where to_ms is null;
CREATE INDEX assignment_stay on assignment (stay_no, from_ms);
CREATE INDEX attempt_device on attempt (device_no, observed_ms);
CREATE INDEX condition_due on condition (due_ms) where state = 'pending' and due_ms is not null;
CREATE INDEX delivery_waiting on delivery (due_ms) where state = 'queued';
CREATE INDEX finding_stay on finding (stay_no, finding_no);
CREATE INDEX handover_open on handover (due_ms) where ended_ms is null;
CREATE INDEX hub_request_kind on hub_request (kind, due_ms);
CREATE UNIQUE INDEX hub_request_once on hub_request (stay_no, said, due_ms) where kind = 'questions';
CREATE INDEX hub_request_open on hub_request (until_ms) where state <> 'answered' and shown_ms is null;
CREATE INDEX hub_request_stay on hub_request (stay_no, due_ms);
CREATE INDEX hub_request_unread on hub_request (due_ms) where kind = 'message' and read_ms is null;
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE INDEX kit_out_still on kit_out (assignment_no) where back_ms is null;
CREATE INDEX notification_waiting on notification (queued_ms) where state in ('queued', 'failed');
CREATE INDEX pause_stay on pause (stay_no, until_ms);
CREATE INDEX prescription_stay on prescription (stay_no);
CREATE INDEX quarantine_device on quarantine (device, quarantine_no);
CREATE UNIQUE INDEX referral_open on referral (patient) where declined_ms is null and stay_no is null;
CREATE INDEX referral_patient on referral (patient);
CREATE INDEX request_waiting on request (asked_ms) where state = 'queued';
CREATE INDEX sequence_gap_device on sequence_gap (device_no);
CREATE INDEX stay_fact_pregnancy on stay_fact (stay_no) where what = 'pregnancy';
CREATE INDEX stay_fact_stay on stay_fact (stay_no);
CREATE UNIQUE INDEX stay_limit_open on stay_limit (stay_no, rule) where ended_ms is null;
CREATE INDEX stay_limit_stay on stay_limit (stay_no);
CREATE UNIQUE INDEX stay_open on stay (patient) where discharged_ms is null;
CREATE INDEX stay_patient on stay (patient, admitted_ms);
CREATE UNIQUE INDEX stay_schedule_open on stay_schedule (stay_no, what) where ended_ms is null;
CREATE INDEX stay_schedule_stay on stay_schedule (stay_no);
CREATE INDEX transfer_stay on transfer (stay_no);
CREATE TRIGGER alert_event_gone_kept_as_written before update on alert_event_gone
    begin select raise(abort, 'what was removed of the history cannot be changed'); end;
CREATE TRIGGER alert_event_gone_kept_whole before delete on alert_event_gone
    begin select raise(abort, 'what was removed of the history cannot be changed'); end;
CREATE TRIGGER alert_event_kept before delete on alert_event
    begin select raise(abort, 'the history of an alert cannot be deleted'); end;
CREATE TRIGGER alert_event_kept_as_written before update on alert_event
    begin select raise(abort, 'the history of an alert cannot be changed'); end;
CREATE TRIGGER removal_kept_as_written before update on removal
    begin select raise(abort, 'what was removed of the history cannot be changed'); end;
CREATE TRIGGER removal_kept_whole before delete on removal
    begin select raise(abort, 'what was removed of the history cannot be changed'); end;
