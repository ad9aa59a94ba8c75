"""Records of the work list made by hand, for tests of what the triage screen makes of them."""

from typing import Any

from vwmon.cli.triage.charts import Dot, Interval, Trace
from vwmon.cli.triage.pictures import Shown
from vwmon.cli.triage.queues import Queue, Record, refreshed
from vwmon.cli.triage.records import Asked, Look, Story
from vwmon.durations import HOUR_MS

NOW = 1_795_000_000_000  # Wed 18 Nov 2026, 11:06:40 UTC


def record(id_: str = "AAAA", **changes: Any) -> dict[str, Any]:  # noqa: ANN401 -- fields of a record
    """Give an alert as the list has it: new, urgent, of a patient of its own; but for the changes."""
    return {
        "id": id_,
        "lane": "clinical",
        "level": 2,
        "state": "new",
        "flags": [],
        "ward": "resp",
        "stay": 1,
        "patient": f"p-{id_.lower()}",
        "person": {"initials": "JB", "age": 71},
        "since": "2026-11-18T10:46:40Z",
        "last_reading_at": "2026-11-18T11:03:40Z",
        "score": {"total_min": 6, "total_max": 6},
        "change": None,
        "brief": ["NEWS2 6", "SpO2 91"],
        "why": ["NEWS2 6 (7 of 7 measured), 3 min ago", "SpO2 91 % scored 3, 3 min ago"],
        "owner": None,
        "offered_to": None,
        "acknowledged_at": None,
        "note": None,
        "due_at": "2026-11-18T11:16:40Z",
        "owed_at": "2026-11-18T11:16:40Z",
        "tier": 1,
        "outcome": None,
        "version": 1,
    } | changes


def queue(*records: Record) -> Queue:
    """Give the queue of a first look."""
    return refreshed(Queue(), records)


def ids(of: Queue) -> list[str]:
    """Name what is on the screen, in its order."""
    return [item.id for item in of.shown]


def story(stay: int = 1, *traces: Trace) -> Story:
    """Give the chart of a stay: a pulse that rises over three hours after a gap, and the scores that went with it."""
    dots = tuple(Dot(at_ms=NOW - h * HOUR_MS, value=70 + 20 * (3 - h), points=(0, 1, 2)[2 - h]) for h in (2, 1, 0))
    scores = (Interval(at_ms=NOW - 2 * HOUR_MS, low=1, high=4), Interval(at_ms=NOW, low=6, high=9))
    pulse = Trace(vital="heart_rate", unit="/min", dots=dots, valid_ms=12 * HOUR_MS)
    heard = tuple(dot.at_ms for dot in dots)
    return Story(stay=stay, traces=traces or (pulse,), scores=scores, heard_ms=heard)


def look(*records: Record, **changes: Any) -> Look:  # noqa: ANN401 -- fields of a look
    """Give what a look found: a ward that is watched, and these alerts; but for the changes."""
    asked = Asked(stay=1)
    well: dict[str, Any] = {
        "now_ms": NOW,
        "live": True,
        "title": "",
        "trusted": True,
        "footer": (f"{len(records)} alerts | 39 of 40 patients report", "not reporting: p-9 (4 h)"),
        "records": tuple(records),
        "asked": asked,
        "story": story(),
        "detail": (),
    }
    return Look(**(well | changes))


def shown(*records: Record, **changes: Any) -> Shown:  # noqa: ANN401 -- fields of what is shown
    """Give what a screen shows of these alerts; but for the changes."""
    well: dict[str, Any] = {
        "queue": queue(*records),
        "look": look(*records),
        "now_ms": NOW,
        "read_ms": NOW,
        "who": "ann",
    }
    return Shown(**(well | changes))
