"""The order in which things came to a stay: the log's, the journal's, what people did, and when someone looked."""

from dataclasses import replace
from typing import Any

import pytest

from alerts.model import MONITOR, Alert, Event, Kind, Lane, Level, State
from tests.at_work import at_work
from vwmon import timeline
from vwmon.patients import plans
from vwmon.patients.records import Assignment, Stay
from vwmon.store.account import Account, Kept, Noticed
from vwmon.store.readings import LogRow
from vwmon.store.scores import ScoreRow
from vwmon.timeline import Did, Fault, Message, Settled, Step, Waited, Written

T0 = 1_795_000_000_000
MINUTE = 60_000
PLANS = plans.load_all()
STAY = Stay(
    stay_no=1,
    patient="p1",
    ward="resp",
    pathway="acute-respiratory",
    plan_version="1",
    admitted_ms=T0,
    discharged_ms=None,
    discharge_reason=None,
    spo2_scale=1,
    scale_prescriber="",
)
HELD = Assignment(device_no=1, stay_no=1, from_ms=T0, to_ms=None)
ALERT = Alert(
    alert_no=1,
    id="AAAA",
    stay_no=1,
    ordinal=1,
    lane=Lane.CLINICAL,
    state=State.NEW,
    level=Level.URGENT,
    peak=Level.URGENT,
    score=5,
    peak_score=5,
    opened_ms=T0,
    since_ms=T0,
    due_ms=T0,
    evidence={},
)


def row(seq: int, minute: float, *, late: float = 0, unit: int | None = None) -> LogRow:
    """Build a reading of SpO2."""
    at_ms = T0 + round(minute * MINUTE)
    return (seq, 1, 1, at_ms, 97.0, at_ms + round(late * MINUTE), seq if unit is None else unit)


def event(kind: Kind, minute: float, *, actor: str = MONITOR, version: int = 1, **evidence: object) -> Event:
    """Build something that happened to the alert."""
    return Event(
        alert_no=1,
        kind=kind,
        actor=actor,
        at_ms=T0 + round(minute * MINUTE),
        state_before=None,
        state_after=State.NEW,
        level_before=None,
        level_after=Level.URGENT,
        version=version,
        note=None,
        evidence=evidence,
    )


def score(minute: float, received: float) -> ScoreRow:
    """Build a stored score."""
    fields = dict.fromkeys(ScoreRow._fields, 0)
    times = {"stay_no": 1, "at_ms": T0 + round(minute * MINUTE), "received_ms": T0 + round(received * MINUTE)}
    return ScoreRow(**(fields | times))


def entry(
    minute: float, what: str, device_no: int | None = None, *, cursor: int | None = 0, late: float = 0
) -> Noticed:
    """Build a line of the journal, acted on so many minutes later with the log scored up to `cursor`; None: not yet."""
    at_ms = T0 + round(minute * MINUTE)
    noticed_ms = None if cursor is None else at_ms + round(late * MINUTE)
    return Noticed(what=what, stay_no=1, device_no=device_no, at_ms=at_ms, cursor=cursor, noticed_ms=noticed_ms)


BEAT = at_work(T0, cycle_ms=T0 + 90 * MINUTE, last_received_ms=T0, last_observed_ms=T0, readings=1)


def account(*rows: LogRow, events: tuple[Event, ...] = (), scores: tuple[ScoreRow, ...] = (), **more: Any) -> Account:  # noqa: ANN401
    """Build the account of one stay with one device."""
    kept = Kept(
        scores=scores,
        alerts={1: more.pop("alert", ALERT)},
        events=events,
        conditions={},
        made_by=frozenset(),
    )
    fields: dict[str, Any] = {
        "stay": STAY,
        "assignments": [HELD],
        "devices": {},
        "journal": [entry(0, "admit resp acute-respiratory"), entry(0, "assign", 1)],
        "vitals": {1: "spo2"},
        "rows": rows,
        "refused": {},
        "dropped_before_ms": 0,
        "kept": kept,
        "versions": {},
        "monitor": None,
    }
    return Account(**(fields | more))


def told(of: Account, *, watched: bool = False) -> list[str]:
    """Give what came as words: a message by its first reading, the rest by what it was and in which minute.

    Where nobody looks the end lets the stored deadlines act, which is left out here.
    """
    steps = timeline.steps(of, PLANS, watched=watched)
    return [word(step) for step in steps if not isinstance(step, Settled)]


def word(step: Step) -> str:
    """Give one step as a word."""
    minute = f"{(step.at_ms - T0) / MINUTE:g}"
    match step:
        case Message():
            return f"message {step.rows[0][0]}"
        case Written():
            return f"{step.what} {minute}"
        case Did():
            return f"{step.event.kind} {minute}"
        case Waited():
            return f"look {minute}"
        case Settled():
            return f"settle {minute}"
        case Fault():
            return f"{step.finding.rule} {'begins' if step.finding.since_ms is not None else 'ends'} {minute}"


def test_messages_keep_the_order_of_the_log() -> None:
    """Whatever they tell of: a late one comes where it came, and the readings of one message stay together."""
    of = account(row(1, 1), row(2, 5), row(3, 2, late=4, unit=3), row(4, 2, late=4, unit=3))
    assert told(of) == ["admit 0", "assign 0", "message 1", "message 2", "message 3"]
    assert [len(message.rows) for message in timeline.messages(of.rows)] == [1, 1, 2]
    assert [(message.at_ms - T0) // MINUTE for message in timeline.messages(of.rows)] == [1, 5, 6]


def test_a_stay_is_admitted_before_what_came_at_that_very_moment() -> None:
    """As a recording's patients are, with the time of their first message."""
    assert told(account(row(1, 0)))[:3] == ["admit 0", "assign 0", "message 1"]


def test_a_change_of_the_registers_comes_where_it_was_acted_on() -> None:
    """A discharge in minute 10, acted on a little later: after what had been scored by then, before the rest."""
    ended = replace(STAY, discharged_ms=T0 + 10 * MINUTE, discharge_reason="recovered")
    held = replace(HELD, to_ms=T0 + 10 * MINUTE)
    journal = [*account().journal, entry(10, "discharge recovered", cursor=1, late=0.01)]
    of = account(row(1, 1), row(2, 20), stay=ended, assignments=[held], journal=journal)
    assert told(of) == ["admit 0", "assign 0", "message 1", "discharge 10.01", "message 2"]
    steps = timeline.steps(of, PLANS, watched=False)
    discharge = next(step for step in steps if isinstance(step, Written) and step.what == "discharge")
    assert (discharge.assignments, discharge.written_ms) == ((held,), T0 + 10 * MINUTE)


@pytest.mark.parametrize(
    ("cursor", "expected"),
    [
        (0, ["admit 0", "assign 0", "discharge 40", "message 1", "message 2"]),
        (1, ["admit 0", "assign 0", "message 1", "discharge 40", "message 2"]),
        (2, ["admit 0", "assign 0", "message 1", "message 2", "discharge 40"]),
        (None, ["admit 0", "assign 0", "message 1", "message 2"]),
    ],
)
def test_a_change_made_while_nothing_ran_comes_where_the_scorer_stood(cursor: int | None, expected: list[str]) -> None:
    """However long after; one that was never acted on has changed nothing, and is not told."""
    journal = [*account().journal, entry(10, "discharge recovered", cursor=cursor, late=30)]
    assert told(account(row(1, 1), row(2, 20), journal=journal)) == expected


def test_a_line_from_before_such_notes_comes_by_its_own_time() -> None:
    """A migrated database has one note for all of them, without a time."""
    lines = [entry(0, "admit resp acute-respiratory"), entry(0, "assign", 1), entry(10, "discharge recovered")]
    old = [replace(line, cursor=2, noticed_ms=0) for line in lines]
    of = account(row(1, 1), row(2, 20), journal=old)
    assert told(of) == ["admit 0", "assign 0", "message 1", "discharge 10", "message 2"]


def test_a_device_that_is_given_back_and_given_again_is_told_each_time() -> None:
    """Each line of the journal with the assignment that it was about."""
    first, second = replace(HELD, to_ms=T0 + 5 * MINUTE), replace(HELD, from_ms=T0 + 9 * MINUTE)
    entries = [entry(minute, what, 1, cursor=1) for minute, what in ((5, "return"), (9, "assign"))]
    of = account(row(1, 1), assignments=[first, second], journal=[*account().journal, *entries])
    steps = [step for step in timeline.steps(of, PLANS, watched=False) if isinstance(step, Written)]
    assert [(step.what, step.assignments) for step in steps] == [
        ("admit", ()),
        ("assign", (first,)),
        ("return", (first,)),
        ("assign", (second,)),
    ]


def test_an_act_comes_after_what_had_been_received() -> None:
    """By its own time, where the history does not say otherwise."""
    taken = event(Kind.ACKNOWLEDGED, 3, actor="ann", version=2)
    of = account(row(1, 1), row(2, 3), row(3, 4), events=(event(Kind.RAISED, 1, received_ms=T0 + MINUTE), taken))
    assert told(of)[2:] == ["message 1", "message 2", "acknowledged 3", "message 3"]


def test_the_history_says_what_came_first() -> None:
    """Received before the act and scored after it: the alert worsened after it was taken."""
    events = (
        event(Kind.RAISED, 1, received_ms=T0 + MINUTE),
        event(Kind.ACKNOWLEDGED, 3.01, actor="ann", version=2),
        event(Kind.OUTGREW, 3, version=3, received_ms=T0 + 3 * MINUTE),
    )
    assert told(account(row(1, 1), row(2, 3), events=events))[2:] == ["message 1", "acknowledged 3.01", "message 2"]


def test_an_act_begun_before_what_it_waited_for_comes_after_it() -> None:
    """The command read its clock, and waited while a message was scored."""
    events = (
        event(Kind.RAISED, 1, received_ms=T0 + MINUTE),
        event(Kind.WORSENED, 3, version=2, received_ms=T0 + 3 * MINUTE),
        event(Kind.NOTED, 2.99, actor="ann", version=2),
    )
    assert told(account(row(1, 1), row(2, 3), events=events))[2:] == ["message 1", "message 2", "noted 2.99"]


def until_of(*events: Event, alert: Alert = ALERT) -> list[float | None]:
    """Give until which minute each taking was."""
    steps = timeline.steps(account(row(1, 1), events=events, alert=alert), PLANS, watched=False)
    untils = [step.until_ms for step in steps if isinstance(step, Did)]
    return [None if until_ms is None else (until_ms - T0) / MINUTE for until_ms in untils]


def test_the_end_of_an_acknowledgement_is_found() -> None:
    """From the event of its end, from the alert where it still holds, or not at all where something else ended it."""
    first, second = (event(Kind.ACKNOWLEDGED, at, actor="ann", version=at) for at in (2, 5))
    expired = event(Kind.EXPIRED, 4, version=3)
    holds = replace(ALERT, ack_until_ms=T0 + 50 * MINUTE)
    assert until_of(first, expired, second, alert=holds) == [4, 50]
    assert until_of(first, second, alert=holds) == [None, 50]
    assert until_of(first, event(Kind.OUTGREW, 3, version=3)) == [None]


def test_someone_looks_where_a_deadline_passed_between_two_messages() -> None:
    """Thirty minutes after the last SpO2, before each act, and at the end."""
    of = account(row(1, 0), row(2, 20), row(3, 60), row(4, 70), events=(event(Kind.NOTED, 65, actor="ann"),))
    assert told(of, watched=True) == [
        "look 0",
        "admit 0",
        "look 0",
        "assign 0",
        "message 1",
        "message 2",
        "look 60",
        "message 3",
        "look 65",
        "noted 65",
        "message 4",
        "look 70",
    ]


def test_someone_looks_when_an_owner_s_time_is_up() -> None:
    """Before the message that came next."""
    taken = event(Kind.ACKNOWLEDGED, 1, actor="ann", version=2)
    of = account(row(1, 0), row(2, 10), row(3, 20), events=(taken, event(Kind.EXPIRED, 15, version=3)))
    words = told(of, watched=True)
    assert words[words.index("message 2") + 1 :][:2] == ["look 20", "message 3"]


def test_time_passes_until_the_daemon_s_last_word() -> None:
    """Its last beat, or what it did after that."""
    assert told(account(row(1, 0), monitor=BEAT), watched=True)[-1] == "look 90"
    after = account(row(1, 0), monitor=BEAT, events=(event(Kind.RAISED, 91),))
    assert timeline.steps(after, PLANS, watched=True)[-1].at_ms == T0 + 91 * MINUTE + 1


def test_someone_looks_where_the_history_has_a_step_that_was_told() -> None:
    """At minute 15 the second tier was told: a look comes before the next message, and not before each."""
    raised, step = event(Kind.RAISED, 0, received_ms=T0), event(Kind.ESCALATED, 15, version=2, tier=2, turn=1)
    found = told(account(row(1, 0), row(2, 10), row(3, 20), events=(raised, step)), watched=True)
    assert found[found.index("message 2") + 1 :][:2] == ["look 20", "message 3"]
    assert "look 10" not in found


def test_the_spans_in_which_nobody_looked_are_apart_and_in_order() -> None:
    """Two alerts whose steps were taken late at one look have one span between them."""

    def late(from_minute: float, minute: float) -> Event:
        return event(Kind.ESCALATED, minute, tier=3, turn=2, unwatched_from_ms=T0 + round(from_minute * MINUTE))

    in_time = event(Kind.ESCALATED, 5, tier=2, turn=1)
    found = timeline.unwatched([in_time, late(60, 70), late(10, 20), late(15, 30), late(30, 35)])
    assert [((a - T0) // MINUTE, (b - T0) // MINUTE) for a, b in found] == [(10, 30), (30, 35), (60, 70)]


def test_a_handover_leaves_the_end_of_an_acknowledgement() -> None:
    """It ran out when it was given to, whoever had it by then."""
    ack = event(Kind.ACKNOWLEDGED, 1, actor="ann", version=2)
    accepted = event(Kind.TAKEN, 5, actor="bob", version=3, handover=1, **{"from": "ann"})
    assert until_of(ack, accepted, event(Kind.EXPIRED, 20, version=4)) == [20, 20]


def test_in_a_recording_nobody_looks() -> None:
    """No time passes but that of its readings."""
    assert not [word for word in told(account(row(1, 0), row(2, 600))) if word.startswith("look")]


def test_at_the_end_of_a_recording_the_waits_for_a_repeat_are_over() -> None:
    """As of its last moment, which is not the last of each patient's."""
    beat = replace(BEAT, mode="recording", cycle_ms=T0 + 700 * MINUTE)
    last = timeline.steps(account(row(1, 0), row(2, 600), monitor=beat), PLANS, watched=False)[-1]
    assert last == Settled(at_ms=T0 + 700 * MINUTE)


def faults(*events: Event, evidence: dict[str, int] | None = None, state: State = State.NEW) -> list[str]:
    """Give what befell the whole service by its history, with the alert as it is now."""
    lasting = {"faults": evidence or {}}
    alert = replace(ALERT, stay_no=0, lane=Lane.SYSTEM, evidence=lasting, state=state)
    return told(account(stay=None, assignments=[], journal=[], events=events, alert=alert))


def test_faults_begin_and_end_as_the_history_says() -> None:
    """Raised by one, worsened by another, eased when that was over."""
    raised = event(Kind.RAISED, 1, faults={"broker": T0})
    worsened = event(Kind.WORSENED, 2, faults={"broker": T0, "silent": T0})
    eased = event(Kind.EASED, 3, faults={"broker": T0})
    assert faults(raised, worsened, eased, evidence={"broker": T0}) == [
        "broker begins 1",
        "silent begins 2",
        "silent ends 3",
    ]


def test_a_fault_that_made_no_event_is_known_from_the_alert() -> None:
    """The lesser of two changes nothing when it begins, and stands in the evidence."""
    raised = event(Kind.RAISED, 1, faults={"silent": T0})
    both = {"silent": T0, "broker": T0}
    assert faults(raised, evidence=both) == ["silent begins 1", "broker begins 0"]
    settled = event(Kind.SETTLED, 5, version=2, faults={})
    assert faults(raised, settled, evidence=both, state=State.SETTLED) == [
        "silent begins 1",
        "broker begins 5",
        "silent ends 5",
        "broker ends 5",
    ]


def test_what_people_did_about_a_fault_is_in_its_place() -> None:
    """Between what befell the service, with the end of an acknowledgement as a moment at which someone looked."""
    raised = event(Kind.RAISED, 1, faults={"broker": T0})
    taken = event(Kind.ACKNOWLEDGED, 2, actor="ann", version=2)
    assert faults(raised, taken, event(Kind.EXPIRED, 4, version=3), evidence={"broker": T0}) == [
        "broker begins 1",
        "acknowledged 2",
        "look 4",
    ]
