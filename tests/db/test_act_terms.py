"""People who act on a stay with limits of its own, on a pause, or under a fault: by its terms, and told again."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from alerts.faults import Finding
from alerts.model import SYSTEM_STAY, Outcome
from tests.db.test_scorer import HOUR, MINUTE, T0
from tests.db.test_scorer_limits import FOUR, POORLY, Limited, all_the_same, ward_limit
from tests.db.watched_ward import STAFFING, differing
from vwmon import explain as engine
from vwmon import terms
from vwmon.cli.acting import Acting
from vwmon.cli.standing import standing_of
from vwmon.config_duty import Ward as WardSettings
from vwmon.duty import Staffing
from vwmon.patients.records import By
from vwmon.provenance import Provenance
from vwmon.store import database, pauses, registers

WATCH = {"limit_on": 4, "limit_off": 3, "level": 1, "cadence": "spot", "on_delay": "5m"}
WATCH_AT_ONCE = {"limit_on": 4, "limit_off": 3, "level": 1, "cadence": "at_once"}


class Own(Limited):
    """A watched ward with staffed hours, whose patient has limits of their own."""

    staffing = STAFFING

    def versions(self) -> Provenance:
        """Give what makes its alerts, with the hours of the ward."""
        return replace(super().versions(), staffing=self.staffing)

    @property
    def stay_no(self) -> int:
        """Give the number of the one stay."""
        return registers.open_stay(self.db, "p1").stay_no

    def has_low_battery(self) -> str:
        """Let the patient's device run low now; the alert of it."""
        low = {"device": "of-p1", "percent": 12.0}
        finding = Finding(rule="battery_low", what="of-p1", since_ms=self.now_ms, at_ms=self.now_ms, figures=low)
        self.scorer.find(self.stay_no, [finding], self.now_ms)
        (alert_id,) = self.open_alerts("technical")
        return alert_id

    def goes(self, hours: float) -> None:
        """Give the patient a pause from now on."""
        stay = registers.open_stay(self.db, "p1")
        span = (self.now_ms, self.now_ms + round(hours * HOUR))
        pauses.give(self.db, stay, span, "clinic", By(actor="ann", at_ms=self.now_ms))

    def opened(self, lane: str) -> list[tuple[float, int]]:
        """Give the minute and the level at which each alert of a lane opened."""
        found = self.rows(f"""select opened_ms, level_after from alert join alert_event using (alert_no)
            where lane = '{lane}' and kind = 'raised' order by 1""")  # noqa: S608 -- our own
        return [((at_ms - T0) / MINUTE, level) for at_ms, level in found]


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Own]:
    """A ward with one patient."""
    ward = Own(tmp_path / "ward.db")
    ward.admit("p1")
    with closing(ward.db):
        yield ward


def test_an_act_finds_a_wait_that_is_over_at_the_stay_s_own_level(ward: Own) -> None:
    """Nobody had looked since: the act lets the breach open, under the limit that made it a breach."""
    ward.limit(WATCH)
    ward.hears(POORLY, 10)
    battery = ward.has_low_battery()
    ward.until(24)
    ward.now_ms = T0 + 25 * MINUTE + 30_000
    ward.note(battery)
    assert ward.opened("clinical") == [(25, 1)]
    ward.until(29)
    assert all_the_same(ward)


def test_a_wait_that_was_over_before_its_limit_ended_opens_under_the_limit(ward: Own) -> None:
    """An act much later goes by what was in force when the wait was over."""
    ward.limit(WATCH, for_min=27)
    ward.hears(POORLY, 10)
    battery = ward.has_low_battery()
    ward.until(24)
    ward.now_ms = T0 + 28 * MINUTE
    ward.note(battery)
    assert ward.opened("clinical") == [(25, 1)]


def test_an_act_during_a_pause_raises_nothing_that_it_holds_back(ward: Own) -> None:
    """Closing looks at the stay anew; what is overdue stays held back, and is raised when the pause ends."""
    ward.limit(WATCH_AT_ONCE)
    ward.hears(POORLY, 10)
    (alert_id,) = ward.open_alerts()
    ward.ack(alert_id)
    ward.goes(2)
    ward.until(90)
    assert ward.end(alert_id, Outcome.TRANSFERRED).refusal is None
    assert ward.opened("technical") == []
    ward.until(135)
    assert ward.opened("technical") == [(130, 1)]
    assert all_the_same(ward)


def test_an_act_during_a_fault_of_the_service_raises_nothing_that_it_holds_back(ward: Own) -> None:
    """As in a pause: a broker that is down explains the silence."""
    ward.limit(WATCH_AT_ONCE)
    ward.hears(POORLY, 10)
    (alert_id,) = ward.open_alerts()
    ward.ack(alert_id)
    ward.scorer.find(SYSTEM_STAY, [Finding(rule="broker", since_ms=ward.now_ms, at_ms=ward.now_ms)], ward.now_ms)
    ward.until(90)
    ward.end(alert_id, Outcome.TRANSFERRED)
    assert ward.opened("technical") == []
    assert all_the_same(ward)


def test_the_first_act_after_a_pause_finds_what_it_held_back(ward: Own) -> None:
    """As of the end of the pause, as a daemon would have that had looked first."""
    ward.limit(WATCH_AT_ONCE)
    ward.hears(POORLY, 10)
    (alert_id,) = ward.open_alerts()
    ward.ack(alert_id)
    ward.goes(2)
    ward.until(129)
    ward.now_ms = T0 + 130 * MINUTE + 20_000
    ward.note(alert_id)
    assert ward.opened("technical") == [(130, 1)]
    ward.until(140)
    assert all_the_same(ward)


def test_the_whole_service_has_the_terms_of_no_stay(ward: Own) -> None:
    """It is always staffed, and nothing holds it back."""
    of_service = terms.of_stay(ward.db, SYSTEM_STAY, ward.versions().layers(), STAFFING)
    night_ms = T0 + 14 * HOUR
    assert of_service.at(night_ms).opens(night_ms) == night_ms
    assert terms.of_stay(ward.db, ward.stay_no, ward.versions().layers(), STAFFING).at(0).opens(night_ms) > night_ms


def test_a_recording_on_a_ward_with_hours_is_told_again_with_them(tmp_path: Path) -> None:
    """Nobody is told of a recording, and yet what falls due at night is due when the ward opens."""

    class Recorded(Own):
        staffing = Staffing(wards=STAFFING.wards)

    ward = Recorded(tmp_path / "recorded.db")
    with closing(ward.db):
        ward.admit("p1", T0)
        ward.limit(WATCH_AT_ONCE)
        ward.sends(POORLY, 10 * 60)
        ward.score(T0 + 600 * MINUTE)
        (alert_id,) = ward.open_alerts()
        (due_ms,) = ward.rows("select due_ms from alert where lane = 'clinical'")[0]
        assert due_ms > T0 + 20 * HOUR
        ward.beat()
        ward.db.execute("update monitor set mode = 'recording'")
        with closing(database.open_reader(ward.path)) as db:
            told = replace(ward.versions(), staffing=STAFFING)
            assert differing(engine.explain(db, alert_id, told)) == []


def test_the_commands_act_by_the_limits_and_the_hours_of_the_configuration(ward: Own) -> None:
    """The ward's own limit and its hours are those that a command goes by; of a recording it tells nobody."""
    settings = WardSettings(id="resp", name="Respiratory", hours="08:00-20:00", limits=(ward_limit(FOUR),))
    ward.beat()
    person = Acting(ward.db, standing_of(ward.db), "ann", "ack", [settings])
    found, night_ms = person.act("phoned").terms_of(ward.stay_no).at(T0 + MINUTE), T0 + 14 * HOUR
    assert found.rules.rules["news2_5"].limit_on == 4
    assert (found.told, found.opens(night_ms) > night_ms) == (True, True)
