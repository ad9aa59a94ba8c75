"""The history in words: who reads it must not need to know what the program calls things."""

from typing import Any

import pytest

from alerts import happened
from alerts.model import MONITOR, Kind

HOUR = 3_600_000


@pytest.mark.parametrize(
    ("kind", "actor", "evidence", "said"),
    [
        (Kind.ESCALATED, MONITOR, {"tier": 2, "turn": 1}, "nobody had answered: on to tier 2"),
        (Kind.ESCALATED, MONITOR, {"tier": 3, "turn": 2}, "nobody had answered: on to tier 3 again"),
        (
            Kind.ESCALATED,
            MONITOR,
            {"tier": 3, "turn": 1, "unwatched_from_ms": 5},
            "nobody had answered: on to tier 3, late: nobody looked at the time",
        ),
        (Kind.OFFERED, "ann", {"to": "bob"}, "offered to bob"),
        (Kind.OFFERED, "ann", {"to": None}, "the offer was withdrawn"),
        (Kind.OFFERED, "ann", {"handover": 4}, "handed over (handover 4), and in the same hands until accepted"),
        (Kind.TAKEN, "bob", {"handover": 4, "from": "ann"}, "accepted from ann, as it was acknowledged"),
        (Kind.TAKEN, "bob", {"until_ms": 3 * HOUR}, "taken over from its owner"),
        (Kind.SNOOZED, "ann", {"until_ms": 3 * HOUR}, "off the list for 1 h, or until it gets worse"),
        (Kind.WOKEN, MONITOR, {}, "on the list again, its time was up"),
        (Kind.WOKEN, "ann", {}, "put on the list again"),
        (Kind.UNACKNOWLEDGED, "ann", {}, "acknowledgement withdrawn"),
        (Kind.REOPENED, "ann", {}, "opened again by a person"),
        (Kind.EXPIRED, MONITOR, {}, "acknowledgement ran out"),
        (Kind.OUTGREW, MONITOR, {}, "worse than was acknowledged"),
        (Kind.CLOSED, "ann", {"outcome": "phoned-stable"}, "outcome phoned-stable"),
        (Kind.RAISED, MONITOR, {"total_min": 7}, ""),
        (Kind.ACKNOWLEDGED, "ann", {"until_ms": 3 * HOUR}, ""),
    ],
)
def test_an_entry_is_said_in_words(kind: Kind, actor: str, evidence: dict[str, Any], said: str) -> None:
    """Where the name of its kind alone would leave open what happened, and to whom."""
    assert happened.words(kind, actor, evidence, 2 * HOUR) == said


@pytest.mark.parametrize("kind", sorted(set(Kind) - {Kind.ESCALATED, Kind.SNOOZED}))
def test_an_entry_without_its_evidence_is_still_said(kind: Kind) -> None:
    """As those of an older version may be."""
    assert isinstance(happened.words(kind, "ann", {}, 0), str)
