"""Which changes of a reading are tried, in which order, and when one has kept an alert quiet."""

from dataclasses import replace
from typing import Any

import pytest

from alerts.model import Alert, Event, Kind, Lane, Level, State
from vwmon import nearest
from vwmon.nearest import Change, Moment
from vwmon.sources import Source
from vwmon.store.account import Kept
from vwmon.timeline import Message

T0 = 1_795_000_000_000


def source(part: str, value: float, *, vital: str = "", counted: float | None = None, **more: Any) -> Source:  # noqa: ANN401
    """Build a reading."""
    fields: dict[str, Any] = {"seq": 1, "message": 1, "device_no": 1, "observed_ms": T0, "received_ms": T0} | more
    return Source(part=part, vital=vital or part, value=value, counted=value if counted is None else counted, **fields)


def tried(reading: Source) -> list[Change]:
    """Give the changes of a reading, the nearest first."""
    return sorted(nearest.changes(reading), key=lambda change: change.rank)


@pytest.mark.parametrize(
    ("part", "value", "lowest", "highest", "count"),
    [
        ("respiratory_rate", 26.0, 1, 120, 119),
        ("spo2", 91.0, 2, 100, 98),
        ("systolic_bp", 90.0, 31, 399, 368),
        ("heart_rate", 131.0, 1, 350, 349),
        ("temperature", 38.1, 10.1, 49.9, 398),
    ],
)
def test_every_possible_value_at_the_steps_of_the_chart_is_tried_once(
    part: str, value: float, lowest: float, highest: float, count: int
) -> None:
    """From the lowest to the highest that is possible of a person, but for the value itself."""
    values = [change.value for change in tried(source(part, value))]
    assert len(set(values)) == len(values) == count
    assert (min(values), max(values)) == (lowest, highest)
    assert value not in values


def test_steps_are_counted_from_the_value_as_the_chart_takes_it() -> None:
    """36.722 degrees is 36.7: the neighbours are 36.6 and 36.8, and 36.7 is no change."""
    first = tried(source("temperature", 36.722))[:3]
    assert [(change.value, change.steps) for change in first] == [(36.6, 1), (36.8, 1), (36.5, 2)]


@pytest.mark.parametrize(
    ("here", "expected"),
    [
        (0.0, [(1.0, 1), (2.0, 2), (3.0, 3), (4.0, 4)]),
        (2.0, [(1.0, 1), (3.0, 1), (0.0, 2), (4.0, 2)]),
        (4.0, [(3.0, 1), (2.0, 2), (1.0, 3), (0.0, 4)]),
    ],
)
def test_words_have_the_charts_order(here: float, expected: list[tuple[float, int]]) -> None:
    """From V to A are two steps."""
    assert [(change.value, change.steps) for change in tried(source("consciousness", here))] == expected


@pytest.mark.parametrize(("flow", "other"), [(0.0, 1.0), (1.0, 0.0), (6.0, 0.0)])
def test_oxygen_is_on_or_off(flow: float, other: float) -> None:
    """At any flow: one step."""
    assert [(change.value, change.steps) for change in tried(source("oxygen", flow))] == [(other, 1)]


def test_what_stands_in_for_a_part_is_changed_in_its_own_units() -> None:
    """A coma score by whole points up to 15; a fraction of oxygen to room air's."""
    coma = tried(source("consciousness", 13.0, vital="gcs", counted=2.0))
    assert [(change.value, change.steps) for change in coma[:4]] == [(12.0, 1), (14.0, 1), (11.0, 2), (15.0, 2)]
    assert {change.value for change in coma} == set(range(3, 16)) - {13}
    assert [c.value for c in tried(source("oxygen", 0.5, vital="fio2", counted=1.0))] == [0.21]
    assert tried(source("oxygen", 0.21, vital="fio2", counted=0.0)) == []


def test_the_order_is_steps_then_share_of_the_usual_range_then_the_latest() -> None:
    """One beat of the heart is less than one per cent of oxygen; of two alike the one observed last comes first."""
    several = [
        *nearest.changes(source("spo2", 91.0)),
        *nearest.changes(source("heart_rate", 131.0)),
        *nearest.changes(source("heart_rate", 120.0, observed_ms=T0 + 1, seq=2)),
    ]
    first = sorted(several, key=lambda change: change.rank)[:7]
    assert [(change.source.part, change.source.value, change.value) for change in first] == [
        ("heart_rate", 120.0, 119.0),
        ("heart_rate", 120.0, 121.0),
        ("heart_rate", 131.0, 130.0),
        ("heart_rate", 131.0, 132.0),
        ("spo2", 91.0, 90.0),
        ("spo2", 91.0, 92.0),
        ("heart_rate", 120.0, 118.0),
    ]


def event(kind: Kind, minute: int, level: Level = Level.URGENT, alert_no: int = 1, **evidence: object) -> Event:
    """Build a clinical event."""
    at_ms = T0 + minute * 60_000
    return Event(
        alert_no=alert_no,
        kind=kind,
        actor="vwmon",
        at_ms=at_ms,
        state_before=None,
        state_after=State.NEW,
        level_before=None,
        level_after=level,
        version=1,
        note=None,
        evidence={"at_ms": at_ms, "received_ms": at_ms} | evidence,
    )


def kept(*events: Event, state: State = State.SETTLED, level: Level = Level.URGENT, lane: Lane = Lane.CLINICAL) -> Kept:
    """Build what is stored: events of one alert, and how it stands."""
    alert = Alert(
        alert_no=1,
        id="AAAA",
        stay_no=1,
        ordinal=1,
        lane=lane,
        state=state,
        level=level,
        peak=level,
        score=5,
        peak_score=5,
        opened_ms=T0,
        since_ms=T0,
        due_ms=T0,
        evidence={},
    )
    return Kept(scores=(), alerts={1: alert}, events=events, conditions={}, made_by=frozenset())


RAISED, RELAPSED = event(Kind.RAISED, 10), event(Kind.RELAPSED, 60)
MOMENT = Moment(event=RELAPSED, before=(RAISED,), step=0)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (kept(), True),
        (kept(RAISED), True),
        (kept(replace(RAISED, level_after=Level.WATCH)), True),
        (kept(RAISED, RELAPSED), False),
        (kept(replace(RAISED, level_after=Level.EMERGENCY)), False),
        (kept(event(Kind.RAISED, 11)), False),
        (kept(RAISED, state=State.NEW), False),
        (kept(RAISED, state=State.NEW, level=Level.WATCH), True),
        (kept(RAISED, state=State.ACKNOWLEDGED), False),
        (kept(RAISED, event(Kind.EASED, 60)), True),
        (kept(RAISED, event(Kind.WORSENED, 60), lane=Lane.TECHNICAL, state=State.NEW), True),
    ],
)
def test_quiet_is_that_nobody_is_asked_for_more_than_before(found: Kept, *, expected: bool) -> None:
    """Nothing new up to the moment, nothing at a higher level, and nothing that stood there all along."""
    assert nearest.quiet(found, MOMENT) is expected


def test_an_alert_in_hand_that_is_not_outgrown_is_quiet() -> None:
    """It stands at its level, and somebody has it."""
    outgrown = Moment(event=event(Kind.OUTGREW, 60), before=(RAISED,), step=0)
    assert nearest.quiet(kept(RAISED, state=State.ACKNOWLEDGED), outgrown)
    assert not nearest.quiet(kept(RAISED, state=State.RERAISED), outgrown)


def test_what_a_late_message_tells_of_later_moments_is_not_of_this_one() -> None:
    """It had moments after this one scored anew, and they ask by themselves."""
    late = event(Kind.WORSENED, 60, at_ms=T0 + 61 * 60_000)
    assert nearest.quiet(kept(RAISED, late), MOMENT)
    assert not nearest.quiet(kept(RAISED, replace(late, evidence=RELAPSED.evidence)), MOMENT)


def test_values_that_every_table_scores_alike_are_one_change() -> None:
    """93 and 92 score alike on scale 1; on scale 2 with oxygen they do not, so they are two."""
    reading = source("spo2", 91.0)
    bands = {value: nearest._bands(reading, value) for value in (91.0, 90.0, 92.0, 93.0, 96.0, 97.0)}
    assert bands[91.0] == bands[90.0]
    assert len({bands[92.0], bands[93.0], bands[96.0], bands[97.0]}) == 4
    coma = source("consciousness", 14.0, vital="gcs", counted=2.0)
    assert nearest._bands(coma, 14.0) == nearest._bands(coma, 3.0) != nearest._bands(coma, 15.0)


def test_only_the_one_reading_is_changed() -> None:
    """By its number, in whichever message it is."""
    rows = tuple((seq, 1, 1, T0, 91.0, T0, 1) for seq in (1, 2))
    steps = [Message(at_ms=T0, rows=rows), Message(at_ms=T0, rows=((3, 1, 1, T0, 91.0, T0, 3),))]
    change = Change(source=source("spo2", 91.0, seq=2), value=94.0, steps=3, share=0.1)
    told = nearest._changed(steps, change)
    values = [row[4] for step in told if isinstance(step, Message) for row in step.rows]
    assert values == [91.0, 94.0, 91.0]
    assert told[1] is steps[1]
