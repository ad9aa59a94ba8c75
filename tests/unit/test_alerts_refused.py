"""What a person reads when an act is refused, word for word: what stands in the way, and what to do."""

from collections.abc import Callable

import pytest

from alerts import acts, deadlines, lifecycle
from alerts.acts import Act, Answer
from alerts.errors import AlertConflict, AlertError, AlertRefused
from alerts.model import Alert, Case, Lane, Level, Outcome
from tests.unit.alerts_points import HOUR, MINUTE, acked, after, clinical, closed, follow, person, point, technical

RAISED = after(point(0, 5))
HELD = acked(RAISED, 1)
EMERGENCY = after(point(0, 7))
SETTLED = after(point(0, 5), point(5, 1), point(36, 1))
CLOSED = closed(HELD, 10)
ENDED = after(point(0, 3, could_be=6), point(5, 1), point(40, 1))
BLIND = lifecycle.overdue(acked(after(point(0, spo2=3)), 1), "spo2", 5 * MINUTE, 5 * MINUTE)
FOLLOWED = acked(follow(CLOSED, point(20, 5)), 21)


def silent(case: Case) -> Case:
    """Give a case both of whose alerts are in hand: the patient was last seen ill, and says nothing."""
    case = deadlines.tick(lifecycle.overdue(case, "spo2", HOUR, HOUR), HOUR)
    return acked(acked(case, 61), 61, lane=Lane.TECHNICAL)


SILENT = silent(acked(after(point(0, spo2=3, heart_rate=2, temperature=2)), 1))


def acknowledge(case: Case, act: Act, for_ms: int | None = None) -> Answer:
    """Try to take the clinical alert in hand."""
    return acts.acknowledge(case, clinical(case), act, for_ms=for_ms)


def close(case: Case, act: Act, outcome: Outcome = Outcome.PHONED_STABLE, lane: Lane = Lane.CLINICAL) -> Answer:
    """Try to close the alert of a lane."""
    return acts.close(case, case.alerts[lane], act, outcome)


def snooze(case: Case, act: Act, for_ms: int = MINUTE) -> Answer:
    """Try to put the clinical alert off."""
    return acts.snooze(case, clinical(case), act, for_ms)


REFUSED: dict[str, tuple[Callable[[], Answer], type[AlertError], str]] = {
    "ack without a word": (
        lambda: acknowledge(RAISED, person(1, note="")),
        AlertRefused,
        "{id} is L2: say with -m what is being done",
    ),
    "ack for too long": (
        lambda: acknowledge(RAISED, person(1), 61 * MINUTE),
        AlertRefused,
        "{id} is L2: at most 1 h, and more than nothing",
    ),
    "ack of another's": (
        lambda: acknowledge(HELD, person(4, "lowe")),
        AlertConflict,
        '{id} is owned by ahmed since 3 min ago ("phoned"). Recorded that you have seen it. --take takes over',
    ),
    "ack of another's who said nothing": (
        lambda: acknowledge(acked_silently(), person(4, "lowe")),
        AlertConflict,
        "{id} is owned by ahmed since 3 min ago. Recorded that you have seen it. --take takes over",
    ),
    "ack of what settled": (
        lambda: acknowledge(SETTLED, person(50)),
        AlertConflict,
        "{id} has settled meanwhile; close it with an outcome: vwmon alerts close {id}",
    ),
    "ack of what was closed": (
        lambda: acknowledge(CLOSED, person(40)),
        AlertConflict,
        "{id} was closed 30 min ago (phoned-stable)",
    ),
    "ack of what ended": (lambda: acknowledge(ENDED, person(50)), AlertConflict, "{id} was closed 9 min ago"),
    "ack of what rose since its revision": (
        lambda: acknowledge(EMERGENCY, person(1, seen_level=Level.URGENT, seen_version=4)),
        AlertConflict,
        "{id} changed since revision 4: level L2 -> L3. Review: vwmon alerts show {id}",
    ),
    "ack of what rose since it was read": (
        lambda: acknowledge(EMERGENCY, person(1, seen_level=Level.URGENT)),
        AlertConflict,
        "{id} changed since it was read: level L2 -> L3. Review: vwmon alerts show {id}",
    ),
    "note without words": (
        lambda: acts.note(RAISED, clinical(RAISED), person(1, note="")),
        AlertRefused,
        "{id}: a note needs words",
    ),
    "offer to its owner": (
        lambda: acts.offer(HELD, clinical(HELD), person(2), "ahmed"),
        AlertConflict,
        "{id} is in the hands of ahmed already",
    ),
    "offer to nobody": (
        lambda: acts.offer(HELD, clinical(HELD), person(2), None),
        AlertConflict,
        "{id} is offered to nobody",
    ),
    "snooze of nobody's": (
        lambda: snooze(RAISED, person(2)),
        AlertRefused,
        "{id} is in nobody's hands; only what was acknowledged can be put off",
    ),
    "snooze of another's": (
        lambda: snooze(HELD, person(2, "lowe")),
        AlertConflict,
        "{id} is in the hands of ahmed, who alone can put it off",
    ),
    "snooze of an emergency": (
        lambda: snooze(acked(EMERGENCY, 1), person(2)),
        AlertRefused,
        "{id} is L3: an emergency is never put off",
    ),
    "snooze unseen": (
        lambda: snooze(BLIND, person(6)),
        AlertRefused,
        "{id} stands on readings that are overdue; it is not put off unseen",
    ),
    "snooze for too long": (
        lambda: snooze(HELD, person(2), HOUR),
        AlertRefused,
        "{id}: for more than nothing, and at most until its acknowledgement ends in 59 min",
    ),
    "snooze of what rose": (
        lambda: snooze(HELD, person(2, seen_level=Level.WATCH)),
        AlertConflict,
        "{id} changed since it was read: level L1 -> L2. Review: vwmon alerts show {id}",
    ),
    "wake of what is on the list": (
        lambda: acts.wake(HELD, clinical(HELD), person(2)),
        AlertConflict,
        "{id} is on the list",
    ),
    "wake of what was closed": (
        lambda: acts.wake(CLOSED, clinical(CLOSED), person(40)),
        AlertConflict,
        "{id} was closed 30 min ago (phoned-stable)",
    ),
    "unack of nobody's": (
        lambda: acts.unacknowledge(RAISED, clinical(RAISED), person(2)),
        AlertConflict,
        "{id} is in nobody's hands: vwmon alerts ack {id}",
    ),
    "unack of another's": (
        lambda: acts.unacknowledge(HELD, clinical(HELD), person(2, "lowe", "")),
        AlertRefused,
        "{id} is in the hands of ahmed: say with -m why it is taken from them",
    ),
    "close of nobody's": (
        lambda: close(RAISED, person(2)),
        AlertRefused,
        "{id} still stands and nobody has it in hand: vwmon alerts ack {id} first",
    ),
    "close unseen": (
        lambda: close(BLIND, person(6)),
        AlertRefused,
        "{id} stands on readings that are overdue; it closes with a fresh one, or as transferred",
    ),
    "close as other without a word": (
        lambda: close(HELD, person(2, note=""), Outcome.OTHER),
        AlertRefused,
        "{id}: the outcome other needs a note: -m",
    ),
    "reopen of what is open": (
        lambda: acts.reopen(HELD, clinical(HELD), person(2)),
        AlertConflict,
        "{id} is open",
    ),
    "reopen of what ended": (
        lambda: acts.reopen(ENDED, clinical(ENDED), person(50)),
        AlertConflict,
        "{id} ended by itself 9 min ago; nobody closed it",
    ),
    "reopen without a word": (
        lambda: acts.reopen(CLOSED, clinical(CLOSED), person(20, note="")),
        AlertRefused,
        "{id} was closed: say with -m why it was a mistake",
    ),
    "reopen long after": (
        lambda: acts.reopen(closed(HELD, 40), clinical(closed(HELD, 40)), person(13 * 60 + 10)),
        AlertConflict,
        "{id} was closed 12 h ago: too long ago to reopen",
    ),
}


def acked_silently() -> Case:
    """Give a case of level 1 that ahmed acknowledged at minute 1 without a word."""
    case = after(point(0, 3, could_be=6))
    return acts.acknowledge(case, clinical(case), person(1, note="")).case


@pytest.mark.parametrize("what", REFUSED)
def test_a_refusal_says_what_stands_in_the_way_and_what_to_do(what: str) -> None:
    """In these words, with this exit code's class, and with the alert as it was."""
    act, error, words = REFUSED[what]
    answer = act()
    alert = clinical(answer.case)
    assert (type(answer.refusal), str(answer.refusal)) == (error, words.format(id=alert.id))


def test_a_closed_alert_names_the_one_that_followed_it() -> None:
    """That is the one to look at."""
    first, newer = clinical(CLOSED), clinical(FOLLOWED)
    refusal = acts.reopen(FOLLOWED, first, person(22)).refusal
    assert isinstance(refusal, AlertConflict)
    assert str(refusal) == f"{first.id} was followed by {newer.id}: vwmon alerts show {newer.id}"


def test_what_is_over_is_not_reopened_and_a_note_is_offered() -> None:
    """A silence that has ended holds no longer."""
    case = lifecycle.overdue(Case(stay_no=7), "spo2", 0, 0)
    case = closed(acked(case, 1, lane=Lane.TECHNICAL), 2, lane=Lane.TECHNICAL)
    over = lifecycle.returned(case, "spo2", 3 * MINUTE, 3 * MINUTE)
    alert: Alert = technical(over)
    refusal = acts.reopen(over, alert, person(5)).refusal
    assert str(refusal) == f"{alert.id}: what made it is over; put words on record with: vwmon alerts note {alert.id}"


def test_the_silence_of_someone_who_was_last_seen_ill_is_not_closed_unseen() -> None:
    """Not the silence's alert while the patient's stands; but the patient's, as transferred, and then the other."""
    silence, ill = technical(SILENT), clinical(SILENT)
    refusal = close(SILENT, person(62), lane=Lane.TECHNICAL).refusal
    assert isinstance(refusal, AlertRefused)
    assert str(refusal) == (f"{silence.id}: the patient is sick and unseen while {ill.id} is open; get a reading first")
    gone = close(SILENT, person(62), Outcome.TRANSFERRED)
    assert gone.refusal is None
    assert close(gone.case, person(62), lane=Lane.TECHNICAL).refusal is None
