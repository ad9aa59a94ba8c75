"""A ward that closes at night: which way its alerts go then, and what those who open it are told of the night."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alerts import lifecycle, store
from alerts.acts import Act
from alerts.model import SYSTEM_STAY, Case, Outcome
from tests.cli.test_alerts_commands import Ward, ward
from tests.conftest import Command
from tests.unit.alerts_points import AT_ONCE, HOUR, MINUTE, Point, person, point
from vwmon.clock import Clock
from vwmon.duty import Staffing
from vwmon.store.database import atomic

__all__ = ["ward"]  # a fixture

CONFIG = """
[[wards]]
id = "resp"
name = "Respiratory"
time_zone = "UTC"
hours = "08:00-20:00"
[[wards]]
id = "hf"
name = "Heart failure"
time_zone = "UTC"
[[people]]
id = "o.reg"
role = "registrar"
[[duty]]
ward = "resp"
tier = 1
who = ["registrar"]
hours = "closed"
"""

pytestmark = pytest.mark.usefixtures("at_once")


class Nights:
    """A ward whose hours are kept, at times of the second day of 1970."""

    def __init__(self, ward: Ward, config: Path, patch: pytest.MonkeyPatch) -> None:
        """Begin at 18:00 of the first day."""
        self.ward, self.config, self._patch = ward, config, patch
        self.config.write_text(CONFIG)

    def at(self, hour: float) -> None:
        """Let it be some hour, counted from the beginning of the first day, with the daemon at work."""
        now_ms = round(hour * HOUR)
        self._patch.setattr(Clock, "now_ms", lambda _: now_ms)
        self.ward.beat(cycle_ms=now_ms - 3000, last_received_ms=now_ms - 8000)

    def falls_ill(self, stay: int, hour: float, total: int, **more: Any) -> None:  # noqa: ANN401 -- of a score
        """Let a patient have a score at an hour."""
        scored = point(hour * 60, total, **more)
        self.change(stay, lambda case: follow(case, scored, stay))

    def change(self, stay: int, change: Any) -> None:  # noqa: ANN401 -- case to case
        """Change the case of a stay."""
        self.ward.change(stay, change)

    def asks(self, *words: object) -> Any:  # noqa: ANN401 -- a result
        """Run a command on the work list."""
        return Command()("alerts", *words, "--config", self.config, "--db", self.ward.path)

    def lists(self, *words: object) -> dict[str, dict[str, Any]]:
        """Give the list for programs, by patient (or lane)."""
        result = self.asks(*words, "--json")
        assert result.exit_code == 0, result.output
        return {row["patient"] or row["lane"]: row for row in json.loads(result.stdout)}


def follow(case: Case, scored: Point, stay: int) -> Case:
    """Observe a score on a ward that is told, and on which a breach counts at once."""
    from vwmon.config_duty import Ward as Settings

    wards = (Settings(id="resp", name="R", time_zone="UTC", hours="08:00-20:00"),)
    terms = Staffing(wards=wards, told=True).terms("resp" if stay < 3 else "hf")
    return lifecycle.observe(case, scored, replace(terms, rules=AT_ONCE.rules))


@pytest.fixture
def nights(ward: Ward, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nights:
    """At 23:00: one of level 1 and one of level 2 on a closed ward, one of level 1 on one that never closes."""
    nights = Nights(ward, tmp_path / "hours.toml", monkeypatch)
    watching = {"missing": ("temperature",), "could_be": 6}
    nights.falls_ill(1, 22, 0, **watching)
    nights.falls_ill(2, 22.9, 5)
    nights.falls_ill(3, 22, 0, **watching)
    nights.at(23)
    return nights


def test_the_list_says_which_way_an_alert_goes(nights: Nights) -> None:
    """It is on the list all night: level 1 due when the ward opens, level 2 at once, to those on duty out of hours."""
    rows = nights.lists()
    assert [(rows[p]["route"], rows[p]["waits_until"]) for p in ("p-1", "p-2", "p-3")] == [
        ("waits", "1970-01-02T08:00:00Z"),
        ("out-of-hours", None),
        ("ward", None),
    ]
    assert [rows[p]["due_at"] for p in ("p-1", "p-2")] == ["1970-01-02T08:00:00Z", "1970-01-01T23:09:02Z"]
    shown = nights.asks().stdout
    assert "waits for the ward to open at 1970-01-02T08:00:00Z; " in shown
    assert "out of hours: goes to those on duty now; " in shown
    assert "raised 6 min ago on NEWS2 5" in shown


def test_one_alert_names_who_is_on_duty_for_it(nights: Nights) -> None:
    """And says of what waits that nobody is told before then."""
    assert "on duty for it, tier 1: o.reg (registrar)" in nights.asks("show", nights.ward.id(2)).stdout
    assert "nobody is told before then" in nights.asks("show", nights.ward.id(1)).stdout
    assert "on duty for it, tier 1: NOBODY" in nights.asks("show", nights.ward.id(3)).stdout


def test_when_the_ward_opens_every_alert_goes_to_it(nights: Nights) -> None:
    """Nothing waits by day."""
    nights.at(32.5)
    assert {row["route"] for row in nights.lists().values()} == {"ward"}
    with atomic(nights.ward.db):
        store.acknowledge(nights.ward.db, nights.ward.id(2), Act(actor="ann", now_ms=round(32.5 * HOUR), note="phoned"))
    assert nights.lists()["p-2"]["route"] is None, "it is in someone's hands"


def test_the_morning_is_told_what_the_night_brought(nights: Nights) -> None:
    """What came up and what changed since 20:00, the most urgent first, with what happened; not what stood before."""
    nights.at(32)
    with atomic(nights.ward.db):
        store.note(nights.ward.db, nights.ward.id(2), person(30 * 60, "o.reg", "slept well"))
    rows = nights.lists("--catch-up")
    assert list(rows) == ["p-2", "p-1"], "the other ward never closes"
    assert {row["ward_closed_at"] for row in rows.values()} == {"1970-01-01T20:00:00Z"}
    assert [event["kind"] for event in rows["p-2"]["happened"]] == ["raised", "noted"]
    lines = nights.asks("--catch-up").stdout.splitlines()
    assert lines[0] == (
        "resp closed at 1970-01-01T20:00:00Z; since then something happened to 2 alerts, 2 of them open"
    )
    assert lines[1].endswith("L2 (patient p-2, ward resp) NEW")
    assert 'o.reg "slept well"' in "\n".join(lines)


def test_what_stood_before_the_ward_closed_and_did_not_change_is_no_news(nights: Nights) -> None:
    """After a second night in which nothing happened it is on the list, and was in the evening."""
    nights.at(56)
    assert nights.lists("--catch-up") == {}
    assert "something happened to 0 alerts" in nights.asks("--catch-up").stdout
    assert len(nights.lists()) == 3


def test_what_was_closed_overnight_is_told_too(nights: Nights) -> None:
    """And what befell the whole service."""
    with atomic(nights.ward.db):
        name, at = nights.ward.id(2), 25 * 60
        assert store.acknowledge(nights.ward.db, name, person(at, "o.reg")).refusal is None
        assert store.close(nights.ward.db, name, person(at + 1, "o.reg"), Outcome.PHONED_STABLE).refusal is None
    nights.change(SYSTEM_STAY, lambda case: lifecycle.overdue(case, "broker", 26 * HOUR, 26 * HOUR + MINUTE))
    nights.at(32)
    rows = nights.lists("--catch-up")
    assert (rows["p-2"]["state"], rows["p-2"]["outcome"]) == ("closed", "phoned-stable")
    assert "system" in rows
    assert "3 alerts, 2 of them open" in nights.asks("--catch-up").stdout
    assert set(nights.lists("--catch-up", "--level", "2+")) == {"system", "p-2"}
    assert set(nights.lists("--catch-up", "--patient", "p-2")) == {"p-2"}


def test_a_ward_that_never_closes_has_no_night(nights: Nights) -> None:
    """It says what to ask instead."""
    result = nights.asks("--catch-up", "--ward", "hf")
    assert result.exit_code == 2
    assert "vwmon alerts --since 12h" in result.stderr


def test_a_list_that_may_be_out_of_date_says_so_here_too(nights: Nights) -> None:
    """First of all, and with exit code 4."""
    nights.at(32)
    nights.ward.beat(cycle_ms=20 * HOUR)
    result = nights.asks("--catch-up")
    assert result.exit_code == 4
    assert result.stdout.startswith("NOT MONITORING")
