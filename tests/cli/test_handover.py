"""`vwmon handover`: begun, shown and accepted, as people and programs see it, and who is told of what goes wrong."""

import json
from typing import Any

import pytest

from alerts import handovers
from alerts.acts import Act
from alerts.model import Kind
from tests.cli.test_alerts_commands import NOW, Ward, busy, ward
from tests.conftest import Command
from tests.unit.alerts_points import MINUTE
from vwmon.clock import Clock
from vwmon.store.database import atomic

__all__ = ["busy", "ward"]  # fixtures


@pytest.fixture
def hand(vwmon: Command, busy: Ward, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> "Hand":  # noqa: ANN401 -- a path
    """The ward, on which people may name themselves."""
    config = tmp_path / "shared.toml"
    config.write_text("[commands]\nallow_as = true\n")
    return Hand(vwmon, busy, str(config), monkeypatch)


class Hand:
    """People at one machine."""

    def __init__(self, vwmon: Command, ward: Ward, config: str, patch: pytest.MonkeyPatch) -> None:
        """Begin at minute 200."""
        self.ward, self._vwmon, self._config, self._patch = ward, vwmon, config, patch

    def does(self, who: str, *words: object) -> Any:  # noqa: ANN401 -- a result
        """Let someone run a command."""
        return self._vwmon(*words, "--as", who, "--config", self._config, "--db", self.ward.path)

    def ack(self, who: str, *stays: int) -> list[str]:
        """Let someone take alerts in hand."""
        names = [self.ward.id(stay) for stay in stays]
        assert self.does(who, "alerts", "ack", *names, "-m", "phoned").exit_code == 0
        return names

    def shows(self, *, code: int = 0) -> list[dict[str, Any]]:
        """Give what is being handed over, as programs see it."""
        result = self._vwmon("handover", "show", "--json", "--db", self.ward.path)
        assert result.exit_code == code
        found: list[dict[str, Any]] = json.loads(result.stdout)
        return found

    def said(self) -> str:
        """Give it as people see it."""
        return str(self._vwmon("handover", "show", "--db", self.ward.path).stdout)

    def at(self, minute: float) -> None:
        """Let it be some minute, with the daemon at work."""
        self._patch.setattr(Clock, "now_ms", lambda _: round(minute * MINUTE))
        self.ward.beat(cycle_ms=round(minute * MINUTE) - 3000)

    def owner(self, stay: int) -> str | None:
        """Say who has a stay's alert."""
        result = self._vwmon("alerts", "show", self.ward.id(stay), "--json", "--db", self.ward.path)
        owner: str | None = json.loads(result.stdout)["owner"]
        return owner


def test_nothing_in_hand_is_nothing_to_hand_over(hand: Hand) -> None:
    """It says so, and nothing waits to be accepted."""
    result = hand.does("shah", "handover", "start")
    assert (result.exit_code, result.stdout) == (0, "You have no alert in hand: there is nothing to hand over.\n")
    assert hand.shows() == []
    assert hand.said() == "Nothing is being handed over.\n"


def test_all_that_one_has_is_handed_over_and_stays_ones_own(hand: Hand) -> None:
    """The most urgent first, each as it stands, with whom, and until when it must be accepted."""
    first, second = hand.ack("shah", 1, 2)
    result = hand.does("shah", "handover", "start", "-m", "p-1 waits for the visit")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == (
        "shah hands over since 1970-01-01T03:20:00Z, to be accepted by 1970-01-01T03:50:00Z; 2 of 2 not accepted: "
        '"p-1 waits for the visit"'
    )
    assert (
        f"{first} L3 (patient p-1, ward resp) ACKED: with shah until 1970-01-01T03:50:00Z, not accepted"
        in result.stdout
    )
    (one,) = hand.shows()
    assert [item["alert"]["id"] for item in one["items"]] == [first, second]
    assert (one["from"], one["waiting"], one["overdue"]) == ("shah", 2, False)
    assert one["items"][0]["was"]["level"] == 3
    assert (hand.owner(1), hand.owner(2)) == ("shah", "shah")


def test_another_accepts_one_by_one_or_all(hand: Hand) -> None:
    """It is theirs then, until the same time; with the last the handover is over."""
    first, _ = hand.ack("shah", 1, 2)
    hand.does("shah", "handover", "start")
    result = hand.does("lowe", "handover", "accept", first)
    assert (result.exit_code, f"{first} L3" in result.stdout, "until 1970-01-01T03:50:00Z" in result.stdout) == (
        0,
        True,
        True,
    )
    assert (hand.owner(1), hand.owner(2)) == ("lowe", "shah")
    assert "accepted by lowe at 1970-01-01T03:20:00Z" in hand.said()
    assert hand.does("lowe", "handover", "accept", "--all").exit_code == 0
    assert (hand.owner(2), hand.shows()) == ("lowe", [])


def test_the_second_to_accept_is_told_who_was_first(hand: Hand) -> None:
    """Exit code 5, and the first keeps it."""
    first, second = hand.ack("shah", 1, 2)
    hand.does("shah", "handover", "start")
    assert hand.does("lowe", "handover", "accept", first).exit_code == 0
    late = hand.does("reed", "handover", "accept", first)
    assert (late.exit_code, f"{first} was accepted by lowe 0 s ago" in late.stderr) == (5, True)
    assert hand.does("lowe", "handover", "accept", second).exit_code == 0
    late = hand.does("reed", "handover", "accept", second)
    assert (late.exit_code, f"{second} was accepted by lowe" in late.stderr) == (5, True)
    assert hand.owner(1) == "lowe"


def test_what_one_gave_one_does_not_accept(hand: Hand) -> None:
    """A safety rule: exit code 6."""
    (first,) = hand.ack("shah", 1)
    hand.does("shah", "handover", "start")
    assert hand.does("shah", "handover", "accept", first).exit_code == 6
    assert hand.shows()[0]["waiting"] == 1


def test_what_is_in_no_handover_cannot_be_accepted(hand: Hand) -> None:
    """Nor all of nothing; both are said as what is not there."""
    (first,) = hand.ack("shah", 1)
    assert hand.does("lowe", "handover", "accept", first).exit_code == 3
    none = hand.does("lowe", "handover", "accept", "--all")
    assert (none.exit_code, none.stderr.splitlines()[-1]) == (
        3,
        "error: nothing waits to be accepted; see: vwmon handover show",
    )
    assert hand.does("lowe", "handover", "accept").exit_code == 2
    assert hand.does("lowe", "handover", "accept", first, "--all").exit_code == 2


def test_of_several_who_hand_over_one_is_named(hand: Hand) -> None:
    """Nobody takes over a ward that they did not mean to."""
    hand.ack("shah", 1)
    hand.ack("reed", 2)
    hand.does("shah", "handover", "start")
    hand.does("reed", "handover", "start")
    assert hand.does("lowe", "handover", "accept", "--all").exit_code == 2
    assert hand.does("lowe", "handover", "accept", "--all", "--from", "reed").exit_code == 0
    assert (hand.owner(1), hand.owner(2)) == ("shah", "lowe")


def test_what_comes_back_meanwhile_is_everyones_and_the_handover_is_over(hand: Hand) -> None:
    """Its acknowledgement ran out before anyone accepted: exit code 5, and what to do."""
    (first,) = hand.ack("shah", 1)
    hand.does("shah", "handover", "start")
    hand.at(231)
    late = hand.does("lowe", "handover", "accept", first)
    assert (late.exit_code, f"asks again, and shah has it no longer: vwmon alerts ack {first}" in late.stderr) == (
        5,
        True,
    )
    assert hand.shows() == []


def test_a_handover_that_nobody_accepts_in_time_says_so(hand: Hand) -> None:
    """Half an hour; its time is in the table that the daemon looks at."""
    hand.ack("shah", 2)
    hand.does("shah", "handover", "start")
    hand.at(231)
    assert "OVERDUE since 1970-01-01T03:50:00Z" in hand.said()
    assert hand.shows()[0]["overdue"] is True
    assert hand.ward.db.execute("select due_ms, ended_ms from handover").fetchall() == [(NOW + 30 * MINUTE, None)]


def test_beginning_again_takes_along_what_is_left_and_gains_no_time(hand: Hand) -> None:
    """What came since is in it too, and it is to be accepted no later than the first."""
    hand.ack("shah", 2)
    hand.does("shah", "handover", "start")
    hand.at(210)
    hand.ack("shah", 1)
    hand.does("shah", "handover", "start")
    (one,) = hand.shows()
    assert (one["waiting"], one["due_at"]) == (2, "1970-01-01T03:50:00Z")


def test_a_closed_alert_leaves_nothing_to_accept(hand: Hand) -> None:
    """The daemon ends such a handover: nobody is called for what is over."""
    (first,) = hand.ack("shah", 1)
    hand.does("shah", "handover", "start")
    assert hand.does("shah", "alerts", "close", first, "--outcome", "phoned-stable").exit_code == 0
    with atomic(hand.ward.db):
        handovers.end(hand.ward.db, NOW + MINUTE)
    assert hand.shows() == []


def test_what_another_takes_without_accepting_is_theirs_and_no_longer_handed_over(hand: Hand) -> None:
    """They acknowledged it themselves: nobody is called for want of someone who accepts."""
    (first,) = hand.ack("shah", 1)
    hand.does("shah", "handover", "start")
    assert hand.does("reed", "alerts", "ack", first, "--take", "-m", "I go").exit_code == 0
    with atomic(hand.ward.db):
        handovers.end(hand.ward.db, NOW + MINUTE)
    assert hand.shows() == []
    late = hand.does("lowe", "handover", "accept", first)
    assert (late.exit_code, "is owned by reed since" in late.stderr) == (5, True)


def test_what_was_taken_in_hand_anew_is_not_handed_over_any_more(hand: Hand) -> None:
    """It ran out, the handover was over, and its owner has it again."""
    (first,) = hand.ack("shah", 1)
    hand.does("shah", "handover", "start")
    hand.at(231)
    assert hand.does("lowe", "handover", "accept", first).exit_code == 5
    hand.ack("shah", 1)
    assert hand.does("lowe", "handover", "accept", first).exit_code == 3
    assert hand.owner(1) == "shah"


def test_a_change_since_it_was_handed_over_is_shown(hand: Hand) -> None:
    """What was level 2 and is level 3 says both."""
    hand.ack("shah", 2)
    hand.does("shah", "handover", "start")
    with atomic(hand.ward.db):
        hand.ward.db.execute("update handover_item set was = json_set(was, '$.level', 1)")
    assert "L2 (patient p-2, ward resp) ACKED (was L1 when handed over): with shah" in hand.said()


def test_the_acts_are_in_the_history(hand: Hand) -> None:
    """Who handed over and who took over, with their words."""
    (first,) = hand.ack("shah", 1)
    hand.does("shah", "handover", "start", "-m", "visit at nine")
    hand.does("lowe", "handover", "accept", first, "-m", "will do")
    rows = hand.ward.db.execute("select kind, actor, note from alert_event order by event_no desc limit 2").fetchall()
    assert rows == [(Kind.TAKEN, "lowe", "will do"), (Kind.OFFERED, "shah", "visit at nine")]


def test_one_of_two_writers_wins(hand: Hand) -> None:
    """Both read it as theirs to take; the transaction of the second finds it gone."""
    (first,) = hand.ack("shah", 1)
    hand.does("shah", "handover", "start")
    with atomic(hand.ward.db):
        won = handovers.accept(hand.ward.db, first, Act(actor="lowe", now_ms=NOW))
    assert won.refusal is None
    assert hand.does("reed", "handover", "accept", first).exit_code == 5
    assert hand.owner(1) == "lowe"
