"""What a daemon that is at work says of itself: one way for every test of what is shown, told or judged beside one."""

from dataclasses import replace
from typing import Any

from vwmon.store.monitor import Monitor


def at_work(since_ms: int, **changed: Any) -> Monitor:  # noqa: ANN401 -- fields of Monitor
    """Give what it says at its first cycle: it has its broker, nothing came yet; but for what is changed."""
    said = Monitor(
        mode="live",
        started_ms=since_ms,
        cycle_ms=since_ms,
        broker_connected=True,
        broker_since_ms=since_ms,
        last_received_ms=None,
        last_observed_ms=None,
        readings=0,
        lag_seconds=0.0,
        software="",
        config_hash="",
    )
    return replace(said, **changed)
