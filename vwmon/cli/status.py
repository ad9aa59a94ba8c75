"""`vwmon status`: is the ward being monitored, for people and for probes. The judgement is vwmon.store.monitor's."""

from typing import Any

import typer

from vwmon.cli import render
from vwmon.cli.context import resolve
from vwmon.cli.options import ConfigOption, DbOption, FormatOption, JsonOption
from vwmon.cli.render import Format
from vwmon.errors import StaleError
from vwmon.patients.plans import CANARY

ALERTS = "select count(*) from alert left join stay using (stay_no)"
OF_SOMEBODY = f"coalesce(pathway, '') <> '{CANARY}'"
COUNTS = {
    "stays": f"select count(*) from stay where discharged_ms is null and {OF_SOMEBODY}",  # noqa: S608 -- our own name
    "alerts_open": f"{ALERTS} where state <> 'closed' and {OF_SOMEBODY}",
    "alerts_level_3": f"{ALERTS} where state <> 'closed' and level = 3 and {OF_SOMEBODY}",
    "alerts_unowned": f"{ALERTS} where state in ('new', 'reraised') and {OF_SOMEBODY}",
    "quarantined": "select count(*) from quarantine",
    "sequence_gaps_open": "select count(*) from sequence_gap where closed_ms is null",
}


def status(
    config: ConfigOption = None, db: DbOption = None, form: FormatOption = Format.TABLE, as_json: JsonOption = False
) -> None:
    """Say whether the ward is being monitored, by what, and how fresh it is.

    Exit code 0: monitored, or a recording. 4: not to be trusted; the reason is said.
    """
    settings = resolve(config, db)
    from contextlib import closing

    from vwmon.clock import Clock
    from vwmon.store import monitor, trust
    from vwmon.store.database import open_reader

    with closing(open_reader(settings.store.path)) as opened:
        found = monitor.read(opened)
        now_ms = monitor.ward_ms(found, Clock().now_ms())
        reason = trust.doubt(opened, found, now_ms)
        counts = {name: opened.execute(sql).fetchone()[0] for name, sql in COUNTS.items()}
        told = _told(opened, now_ms) | _pinged(opened) | _sent_round(opened) | _reckoned(opened)
    row = (
        {"monitoring": reason is None and found is not None and found.mode == "live", "reason": reason or _good(found)}
        | _state(found)
        | counts
        | told
    )
    render.emit_one(row, render.chosen(form, as_json))
    if reason is not None:
        raise typer.Exit(StaleError.exit_code)


def _told(db: Any, now_ms: int) -> dict[str, object]:  # noqa: ANN401 -- vwmon.store is not imported before it is needed
    """Say what waits to be told and for how long, and since when nobody can be reached."""
    from vwmon.store import outbox

    queue, since_ms = outbox.waiting(db), outbox.unreachable(db, now_ms)
    return {
        "people_are_told": outbox.begun(db),
        "notifications_waiting": queue.waiting,
        "notifications_oldest_seconds": None if queue.oldest_ms is None else max(now_ms - queue.oldest_ms, 0) / 1000,
        "nobody_reachable_since": None if since_ms is None else render.utc(since_ms),
    }


def _pinged(db: Any) -> dict[str, object]:  # noqa: ANN401 -- as above
    """Say whether somebody outside is told that the ward is watched, when that was last answered, and what hinders."""
    from vwmon.store import pings

    came = pings.read(db)
    answered_ms = None if came is None else came.answered_ms
    return {
        "outside_is_told": came is not None,
        "ping_answered_at": None if answered_ms is None else render.utc(answered_ms),
        "ping_trouble": None if came is None else came.trouble,
    }


def _sent_round(db: Any) -> dict[str, object]:  # noqa: ANN401 -- as above
    """Say whether made-up readings are sent round, when the last one that came back was, and which link failed."""
    from vwmon.store import canary

    state = canary.read(db)
    came_ms = None if state is None else state.came_ms
    return {
        "canary": None if state is None else state.device,
        "canary_came_round_at": None if came_ms is None else render.utc(came_ms),
        "canary_trouble": None if state is None else state.trouble,
    }


def _reckoned(db: Any) -> dict[str, object]:  # noqa: ANN401 -- as above
    """Say what became of all that the daemon received since it began, and what is not accounted for."""
    from vwmon.store import reckoning

    books = reckoning.read(db)
    if books is None:
        return {}
    return {
        "reckoned_at": render.utc(books.at_ms),
        "received_messages": books.messages,
        "quarantined_messages": books.quarantined,
        "status_messages": books.statuses,
        "passed_over_messages": books.passed_over,
        "received_readings": books.readings,
        "stored_readings": books.stored,
        "duplicate_readings": books.duplicates,
        "refused_readings": books.refused,
        "unaccounted_for": books.lost,
        "breaches_of_level_3": books.breaches,
        "breaches_without_alert": books.unraised,
        "moments_counted_anew": books.recounted,
        "moments_that_differ": books.amiss,
    }


def _good(found: Any) -> str:  # noqa: ANN401 -- vwmon.store is not imported before it is needed
    if found.mode == "recording":
        return f"RECORDING: stands at {render.utc(found.recording_end_ms)}"
    return "monitoring"


def _state(found: Any) -> dict[str, object]:  # noqa: ANN401 -- as above
    if found is None:
        return {}
    times = {
        "started_at": found.started_ms,
        "cycle_at": found.cycle_ms,
        "broker_since": found.broker_since_ms,
        "last_received_at": found.last_received_ms,
        "last_observed_at": found.last_observed_ms,
        "recording_end": found.recording_end_ms,
        "stopped_at": found.stopped_ms,
    }
    return {
        "mode": found.mode,
        "broker_connected": found.broker_connected,
        **{name: None if at is None else render.utc(at) for name, at in times.items()},
        "readings": found.readings,
        "lag_seconds": found.lag_seconds,
        "software": found.software,
        "config_hash": found.config_hash,
    }
