"""The daemon's own state, as it beats it into the database, and whether what the screens show may be trusted.

One row. Nothing here decides about patients; a screen that shows patients asks `distrust` first.
"""

from dataclasses import astuple, dataclass, fields
from typing import Literal

from vwmon.store.sqlite import Connection

CYCLE_STALE_MS = 30_000  # the scorer completes a cycle at least every few seconds
BROKER_STALE_MS = 60_000  # a broker that is away for longer is no mere reconnect


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """What the daemon last said of itself. Times are int milliseconds since the epoch, None is never.

    `held_ms` is how far the machine's clock was behind the daemon's, which does not go back with it.
    """

    mode: Literal["live", "recording"]
    started_ms: int
    cycle_ms: int | None
    broker_connected: bool
    broker_since_ms: int | None
    last_received_ms: int | None
    last_observed_ms: int | None
    readings: int
    lag_seconds: float | None
    software: str
    config_hash: str
    recording_end_ms: int | None = None
    stopped_ms: int | None = None
    held_ms: int = 0


_COLUMNS = ", ".join(field.name for field in fields(Monitor))
_BEAT = f"insert or replace into monitor (only_row, {_COLUMNS}) values (1, {', '.join('?' * len(fields(Monitor)))})"


def beat(db: Connection, monitor: Monitor) -> None:
    """Write the state; inside the caller's transaction when there is one."""
    db.execute(_BEAT, astuple(monitor))


def read(db: Connection) -> Monitor | None:
    """Give the last state written, None when no daemon ever ran on this database."""
    row = db.execute(f"select {_COLUMNS} from monitor").fetchone()
    if row is None:
        return None
    state = dict(zip((field.name for field in fields(Monitor)), row, strict=True))
    return Monitor(**(state | {"broker_connected": bool(state["broker_connected"])}))


def beating(monitor: Monitor | None, now_ms: int) -> bool:
    """Tell whether a daemon is at work on the database: live, not stopped, and its last cycle is fresh."""
    if monitor is None or monitor.mode == "recording" or monitor.stopped_ms is not None:
        return False
    return now_ms - (monitor.cycle_ms or monitor.started_ms) <= CYCLE_STALE_MS


def had_broker(monitor: Monitor | None) -> bool:
    """Tell whether a daemon of this database had a broker, which so holds what came since."""
    if monitor is None or monitor.mode == "recording":
        return False
    return monitor.broker_connected or monitor.last_received_ms is not None


def shown_ms(monitor: Monitor | None) -> int:
    """Give the time that a daemon before this one had when it ended without having been stopped; 0 for all others.

    Whoever stops it has seen to the clock, or will.
    """
    if monitor is None or monitor.mode == "recording" or monitor.stopped_ms is not None:
        return 0
    return monitor.cycle_ms or 0


def ward_ms(monitor: Monitor | None, machine_ms: int) -> int:
    """Give the ward's time: as the daemon at work has it when the machine's clock was set back, else the machine's."""
    if monitor is None or not monitor.held_ms:
        return machine_ms
    then_ms = machine_ms + monitor.held_ms
    return then_ms if beating(monitor, then_ms) and not _ahead(monitor, then_ms) else machine_ms


def distrust(monitor: Monitor | None, now_ms: int) -> str | None:
    """Give the sentence that a screen must show above its list, or None when the list is to be trusted.

    A recording is trusted: it stands at its last moment and says so. Times from the future are not.
    """
    if monitor is None:
        return "NOT MONITORING: no daemon has run on this database; start it with: vwmon run"
    if monitor.mode == "recording":
        return None
    if monitor.stopped_ms is not None:
        return f"NOT MONITORING: the daemon was stopped {_ago(now_ms - monitor.stopped_ms)} ago"
    if not beating(monitor, now_ms) or _ahead(monitor, now_ms):
        return f"NOT MONITORING: nothing has been scored for {_ago(now_ms - (monitor.cycle_ms or monitor.started_ms))}"
    if not monitor.broker_connected:
        return _broker_away(now_ms - (monitor.broker_since_ms or monitor.started_ms))
    return None


def _ahead(monitor: Monitor, now_ms: int) -> bool:
    return (monitor.cycle_ms or monitor.started_ms) - now_ms > CYCLE_STALE_MS


def _broker_away(span_ms: int) -> str | None:
    if span_ms <= BROKER_STALE_MS:
        return None
    return f"NOT MONITORING: no connection to the broker for {_ago(span_ms)}"


def _ago(span_ms: int) -> str:
    seconds = max(span_ms, 0) // 1000
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {name}"
    return f"{seconds} s"
