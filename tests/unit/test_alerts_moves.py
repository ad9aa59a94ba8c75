"""The table of moves: what it allows, what it forbids, and what each move leaves behind; and the ids of alerts."""

from itertools import pairwise
from typing import Any

import pytest

from alerts import ids, moves
from alerts.errors import AlertConflict, AlertError, AlertRefused, AlertUnknown, IllegalMove
from alerts.model import Case, Event, Kind, Level, State
from alerts.moves import MOVES
from tests.unit.alerts_points import MINUTE, STAY, acked, after, clinical, closed, follow, point, technical

IN = {
    State.NEW: after(point(0, 5)),
    State.ACKNOWLEDGED: acked(after(point(0, 5)), 1),
    State.RERAISED: follow(acked(after(point(0, 5)), 1), point(2, 8)),
    State.SETTLED: after(point(0, 5), point(5, 1), point(36, 1)),
    State.CLOSED: closed(acked(after(point(0, 5)), 1), 10),
}
BY_PEOPLE = {Kind.ACKNOWLEDGED, Kind.TAKEN, Kind.ALSO_SEEN, Kind.NOTED, Kind.CLOSED}


def test_every_kind_of_event_has_its_row() -> None:
    """The table is whole: nothing can happen that it does not describe."""
    assert set(MOVES) == set(Kind)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("kind", Kind)
def test_only_the_moves_of_the_table_can_be_made(kind: Kind, state: State) -> None:
    """Every other pair of state and event is refused, whoever asks."""
    case = IN[state]
    alert = clinical(case)
    assert alert.state == state
    if state in MOVES[kind]:
        moved = moves.move(case, alert, kind, 99 * MINUTE, tier=2)
        assert clinical(moved).state == MOVES[kind][state]
        assert moved.events[-1].state_before == state
        return
    with pytest.raises(IllegalMove, match=f"^an alert that is {state.value} cannot be {kind.value}$"):
        moves.move(case, alert, kind, 99 * MINUTE)


def test_nothing_closes_by_itself_but_what_was_never_urgent() -> None:
    """Only two rows lead to closed: one is a person's, one is for level 1."""
    closing = {kind for kind, row in MOVES.items() if State.CLOSED in row.values() and kind is not Kind.NOTED}
    assert closing == {Kind.CLOSED, Kind.ENDED}


def test_nothing_but_a_person_or_a_held_acknowledgement_makes_an_alert_acknowledged() -> None:
    """No reading and no clock takes an alert off anyone's hands."""
    into = {
        kind for kind, row in MOVES.items() for before, after_ in row.items() if after_ is State.ACKNOWLEDGED != before
    }
    assert into == {Kind.ACKNOWLEDGED, Kind.HELD}


def test_a_move_that_changes_something_makes_a_new_version() -> None:
    """And one that changes nothing does not, so that a version seen stays good for as long as it is true."""
    case = IN[State.NEW]
    moved = moves.move(case, clinical(case), Kind.WORSENED, MINUTE, tier=2)
    assert clinical(moved).version == clinical(case).version + 1
    assert moved.events[-1].version == clinical(moved).version
    noted = moves.move(case, clinical(case), Kind.NOTED, MINUTE, note="x")
    assert noted.alerts == case.alerts
    assert noted.events[-1].version == clinical(case).version


def test_a_quiet_change_leaves_no_trace_but_the_figure() -> None:
    """Running figures are no events; the same figure is no change."""
    case = IN[State.NEW]
    changed = moves.quietly(case, clinical(case), score=6)
    assert (clinical(changed).score, clinical(changed).version) == (6, clinical(case).version)
    assert changed.events == case.events
    assert moves.quietly(changed, clinical(changed), score=6) is changed
    assert clinical(moves.quietly(changed, clinical(changed), score=6, tier=2)).tier == 2


def test_a_second_alert_of_a_lane_cannot_be_raised() -> None:
    """One open alert for each stay and lane, also against a fault of the program."""
    case = IN[State.NEW]
    open_ = f"{clinical(case).id} of stay {STAY} is open in the clinical lane; a second cannot be raised"
    with pytest.raises(IllegalMove, match=f"^{open_}$"):
        moves.raised(case, clinical(case), MINUTE)


def test_a_move_is_kept_with_all_that_was_said_of_it() -> None:
    """Who, when, why, from where to where, and before and after of what changed."""
    case = IN[State.NEW]
    alert = clinical(case)
    said: dict[str, Any] = {"actor": "ahmed", "note": "seen", "because": {"cursor": 7}, "op_id": "op-1"}
    moved = moves.move(case, alert, Kind.ACKNOWLEDGED, 5 * MINUTE, **said, tier=2, due_ms=alert.due_ms, reds=("spo2",))
    event = Event(
        alert_no=alert.alert_no,
        kind=Kind.ACKNOWLEDGED,
        actor="ahmed",
        at_ms=5 * MINUTE,
        state_before=State.NEW,
        state_after=State.ACKNOWLEDGED,
        level_before=Level.URGENT,
        level_after=Level.URGENT,
        version=2,
        note="seen",
        evidence={"cursor": 7},
        op_id="op-1",
        changes={"state": [State.NEW, State.ACKNOWLEDGED], "tier": [1, 2], "reds": [[], ["spo2"]]},
    )
    assert moved.events == (*case.events, event)
    by_itself = moves.move(case, alert, Kind.EASED, 6 * MINUTE, level=Level.WATCH).events[-1]
    assert (by_itself.actor, by_itself.note, by_itself.op_id, by_itself.evidence) == ("vwmon", None, None, {})
    assert (by_itself.level_before, by_itself.level_after) == (Level.URGENT, Level.WATCH)


def test_a_raise_is_kept_with_every_figure_that_the_alert_began_with() -> None:
    """From nothing; its evidence and its number stand in the event itself."""
    case = moves.raised(Case(stay_no=STAY), clinical(IN[State.NEW]), 3 * MINUTE)
    alert, (event,) = clinical(case), case.events
    known = {name: getattr(alert, name) for name in moves.AUDITED}
    assert event == Event(
        alert_no=alert.alert_no,
        kind=Kind.RAISED,
        actor="vwmon",
        at_ms=3 * MINUTE,
        state_before=None,
        state_after=State.NEW,
        level_before=None,
        level_after=Level.URGENT,
        version=1,
        note=None,
        evidence=alert.evidence,
        changes={name: [None, moves.plain(value)] for name, value in known.items() if value is not None},
    )
    assert {"evidence", "version", "id"}.isdisjoint(event.changes or {})
    assert (event.changes or {})["level"] == [None, Level.URGENT]
    assert case.past == ()


def test_nothing_can_be_raised_by_a_table_that_lacks_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table is asked for a raise, too."""
    monkeypatch.setitem(moves.MOVES, Kind.RAISED, {})
    with pytest.raises(IllegalMove, match="an alert that is None cannot be raised"):
        moves.raised(Case(stay_no=STAY), clinical(IN[State.NEW]), MINUTE)


def test_a_closed_alert_that_is_replaced_is_kept() -> None:
    """The case remembers it until it is saved."""
    case = follow(IN[State.CLOSED], point(20, 6))
    assert [alert.id for alert in case.past] == [clinical(IN[State.CLOSED]).id]
    assert clinical(case).id != case.past[0].id


def test_a_note_on_a_closed_alert_leaves_the_one_that_followed_it() -> None:
    """It is said of the old one, and the new one is still the one that is open."""
    case = follow(IN[State.CLOSED], point(20, 6))
    noted = moves.move(case, clinical(IN[State.CLOSED]), Kind.NOTED, 21 * MINUTE, note="the family rang")
    assert clinical(noted) == clinical(case)
    assert noted.events[-1].alert_no == case.past[0].alert_no


def test_an_alert_of_another_lane_has_the_next_ordinal() -> None:
    """Ordinals count the alerts of a stay, whatever their lane."""
    both = acked_and_silent()
    assert (clinical(both).ordinal, technical(both).ordinal) == (1, 2)


def acked_and_silent() -> Case:
    """An acknowledged clinical alert and a technical one."""
    from alerts import lifecycle

    return lifecycle.overdue(IN[State.ACKNOWLEDGED], "temperature", MINUTE, MINUTE)


def test_numbers_of_alerts_never_meet() -> None:
    """Every pair of stay and ordinal has its own number and id, in any order of arrival."""
    numbers = [ids.number(stay, ordinal) for stay in range(400) for ordinal in range(1, 40)]
    assert len(set(numbers)) == len(numbers)
    assert len({ids.name(number) for number in numbers}) == len(numbers)


@pytest.mark.hazard("H14")
def test_ids_are_short_and_cannot_be_misread() -> None:
    """Four characters for the first million; no I, L, O or U; neighbours look nothing alike."""
    names = [ids.name(ids.number(STAY, ordinal)) for ordinal in range(1, 200)]
    assert {len(name) for name in names} == {4}
    assert not set("".join(names)) & set("ILOU")
    assert all(sum(a != b for a, b in zip(*pair, strict=True)) >= 1 for pair in pairwise(names))
    assert len(ids.name(2**20)) == 5
    assert len(ids.name(2**40)) == 9


@pytest.mark.parametrize(("typed", "meant"), [("k7qd", "K7QD"), (" K7QD\n", "K7QD"), ("Oil0", "0110")])
def test_an_id_is_understood_as_people_write_it(typed: str, meant: str) -> None:
    """Small letters, spaces, O for nought, I and L for one."""
    assert ids.spelt(typed) == meant


def test_each_refusal_has_its_exit_code() -> None:
    """What a command ends with is said once, here."""
    codes = {kind: kind.exit_code for kind in (AlertError, AlertUnknown, AlertConflict, AlertRefused)}
    assert codes == {AlertError: 1, AlertUnknown: 3, AlertConflict: 5, AlertRefused: 6}
