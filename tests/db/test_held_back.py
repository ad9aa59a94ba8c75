"""Faults of the service, of devices, and pauses, on a real database: held back, released, restarted and told again."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from alerts.faults import Finding
from alerts.model import SYSTEM_STAY
from alerts.policy import RULES
from tests.db.test_scorer import HOUR, ILL, MINUTE, T0, WELL
from tests.db.watched_ward import Watched, differing
from vwmon.duty import UNTOLD
from vwmon.errors import NotFoundError
from vwmon.patients.records import By
from vwmon.store import findings, pauses, registers

AFTER = RULES["broker"].off_delay_ms
DUE = 30.0  # the minute at which the patient's first parts fall overdue
FAULTS = (  # of the service: which, since when or over, and when it was found
    ("broker", DUE - 11, DUE - 10),
    ("broker", None, DUE + 30),
    ("lag", DUE + 30.5, DUE + 30.75),
    ("lag", None, DUE + 50),
)
GAP = {name: value for name, value in WELL.items() if name == "spo2"}


class Home(Watched):
    """A ward whose service and devices fail, and whose patient goes out."""

    def finds(
        self,
        rule: str,
        since: float | None,
        *,
        stay_no: int = SYSTEM_STAY,
        what: str = "",
        **figures: Any,  # noqa: ANN401 -- numbers
    ) -> None:
        """Find a fault since a minute, or that it is over, now."""
        since_ms = None if since is None else T0 + round(since * MINUTE)
        finding = Finding(rule=rule, what=what, since_ms=since_ms, at_ms=self.now_ms, figures=figures)
        self.scorer.find(stay_no, [finding], self.now_ms)

    def restarts(self) -> None:
        """Start the scorer again."""
        self.started(self.now_ms)

    def goes(self, hours: float, after: float = 0) -> None:
        """Give the patient a pause of so many hours, from so many minutes on."""
        stay = registers.open_stay(self.db, "p1")
        begins_ms = self.now_ms + round(after * MINUTE)
        span = (begins_ms, begins_ms + round(hours * HOUR))
        pauses.give(self.db, stay, span, "clinic", By(actor="ann", at_ms=self.now_ms))

    def comes_back(self) -> None:
        """End the pause."""
        pauses.end(self.db, registers.open_stay(self.db, "p1"), By(actor="ann", at_ms=self.now_ms))

    def raised(self, lane: str = "technical") -> list[float]:
        """Give the minutes at which an alert of a lane was raised."""
        found = self.rows(f"select opened_ms from alert where lane = '{lane}' order by 1")  # noqa: S608 -- our own
        return [(at_ms - T0) / MINUTE for (at_ms,) in found]


class Untold(Home):
    """Such a ward, of which nobody is told."""

    staffing = UNTOLD


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Callable[..., Home]]:
    """Make wards with one patient each, p1 with the device of-p1, of whom everything was measured at the beginning."""
    made: list[Home] = []

    def make(kind: type[Home] = Home) -> Home:
        ward = kind(tmp_path / f"{len(made)}.db")
        ward.admit("p1")
        ward.hears(WELL, 0)
        made.append(ward)
        return ward

    yield make
    for ward in made:
        ward.db.close()


@pytest.fixture
def ward(new: Callable[..., Home]) -> Home:
    """One such ward."""
    return new()


@pytest.mark.hazard("H11")
def test_a_broker_that_is_gone_is_one_alert_and_none_for_each_patient(ward: Home) -> None:
    """What falls overdue meanwhile is held back; what is so still, a minute after its return, is raised as of then."""
    for number in (2, 3):
        ward.admit(f"p{number}")
        ward.hears(WELL, 0, device=f"of-p{number}")
    ward.until(DUE - 10)
    ward.finds("broker", DUE - 11)
    ward.until(DUE + 30)
    assert (ward.raised(), ward.raised("system")) == ([], [DUE - 10])
    ward.finds("broker", None)
    ward.hears(WELL, DUE + 30.5, device="of-p2")
    ward.until(DUE + 40)
    assert ward.raised() == [DUE + 31, DUE + 31]


def test_a_reading_that_comes_after_the_release_ends_what_fired_by_it(ward: Home) -> None:
    """Also when nobody looked between: it was overdue from the release until the reading came."""
    ward.until(DUE - 10)
    ward.finds("broker", DUE - 11)
    ward.until(DUE + 5)
    ward.finds("broker", None)
    ward.sends(WELL, DUE + 8)
    assert ward.rows("select state, opened_ms from alert where lane = 'technical'") == [
        ("closed", T0 + round((DUE + 6) * MINUTE))
    ]


@pytest.mark.parametrize("rule", ["broker", "silent", "lag"])
def test_the_hold_survives_a_restart(ward: Home, rule: str) -> None:
    """Begun before it, ended after it, and at every moment between."""
    ward.until(DUE - 10)
    ward.finds(rule, DUE - 11)
    ward.restarts()
    ward.until(DUE + 20)
    ward.restarts()
    assert ward.raised() == []
    ward.finds(rule, None)
    ward.restarts()
    ward.until(DUE + 25)
    assert ward.raised() == [DUE + 21]
    assert differing(ward.explained(ward.open_alerts("technical")[0])) == []


def test_a_fault_that_explains_no_silence_holds_nothing_back(ward: Home) -> None:
    """A full disk does not excuse a patient who is not heard of."""
    ward.finds("disk", 0, free_mb=1)
    ward.until(DUE + 5)
    assert ward.raised() == [DUE]


def test_someone_ill_is_raised_and_unseen_whatever_is_held_back(ward: Home) -> None:
    """Technical never suppresses clinical, and sick and unseen is raised at the clinical level during the hold."""
    ward.finds("lag", 0)
    ward.hears(ILL, 5)
    ward.until(DUE + 60)
    assert ward.raised("clinical") == [5]
    assert [level for lane, _, level in ward.alerts() if lane == "technical"] == [3]
    assert [differing(ward.explained(name)) for name, _ in ward.every_alert() if name] == [[], [], []]


def test_a_look_that_comes_late_makes_the_same_alerts(new: Callable[..., Home]) -> None:
    """Looked at every minute, or only when all is over (D4); whoever is told late is told once, and that differs."""

    def lived(*, looks: bool) -> dict[str, list[tuple[Any, ...]]]:
        ward = new(Untold)
        ward.until(DUE - 10)
        for rule, since, minute in FAULTS:
            if looks:
                ward.until(minute)
            ward.now_ms = T0 + round(minute * MINUTE)
            ward.finds(rule, since)
        ward.until(DUE + 90)
        stored = ward.stored()
        # Of the service's own alert a late look escalates one step only.
        return {name: [row for row in stored[name] if row[0]] for name in ("alerts", "events", "conditions")}

    assert lived(looks=True) == lived(looks=False)


def test_what_is_held_back_is_explained_exactly(ward: Home) -> None:
    """A low battery, an overdue part, a broker that goes and comes, someone who takes it: told again to the bit."""
    stay = registers.open_stay(ward.db, "p1").stay_no
    ward.until(30)
    ward.finds("battery_low", 29, stay_no=stay, what="of-p1", device="of-p1", percent=12.0)
    ward.finds("battery_low", None, stay_no=stay, what="of-p1")
    ward.until(DUE - 10)
    ward.finds("broker", DUE - 12)
    ward.until(DUE + 5)
    flat = {"device": "of-p1", "vital": "heart_rate", "value": 71.0, "count": 12}
    ward.finds("frozen", DUE, stay_no=stay, what="of-p1 heart_rate", **flat)
    ward.until(DUE + 30)
    ward.finds("broker", None)
    ward.until(DUE + 35)
    ward.ack(ward.open_alerts("technical")[0])
    ward.until(DUE + 40)
    ward.finds("clock_skew", DUE + 40, stay_no=stay, what="of-p1", device="of-p1", minutes=2)
    ward.until(DUE + 50)
    assert ward.raised() == [30, DUE + 31]
    found = [ward.explained(name, number) for name, count in ward.every_alert() for number in range(1, count + 1)]
    assert len(found) == 4
    assert [differing(one) for one in found] == [[], [], [], []]
    assert {rule.name for one in found for rule in one.rules} >= {"battery_low", "overdue", "frozen", "broker"}


@pytest.mark.hazard("H12")
def test_a_pause_holds_back_silence_until_it_ends_by_itself(ward: Home) -> None:
    """And what is still overdue then is raised as of its end; nothing is raised of the time in it."""
    ward.until(DUE - 10)
    ward.goes(2)
    ward.until(DUE + 60)
    assert ward.raised() == []
    ward.restarts()
    ward.until(DUE + 120)
    assert ward.raised() == [DUE + 110]
    assert differing(ward.explained(ward.open_alerts("technical")[0])) == []


def test_a_pause_that_is_ended_is_looked_at_at_once(ward: Home) -> None:
    """As of when it was ended."""
    ward.goes(24)
    ward.until(DUE + 60)
    ward.comes_back()
    ward.until(DUE + 61)
    assert ward.raised() == [DUE + 60]
    assert differing(ward.explained(ward.open_alerts("technical")[0])) == []
    with pytest.raises(NotFoundError, match="has no pause"):
        ward.comes_back()


@pytest.mark.hazard("H12")
def test_a_pause_holds_back_nothing_that_is_measured(ward: Home) -> None:
    """Readings of someone who is away raise alerts as ever, and so does a battery that runs down."""
    stay = registers.open_stay(ward.db, "p1").stay_no
    ward.goes(24)
    ward.hears(ILL, 5)
    ward.until(10)
    ward.finds("device_disconnected", 6, stay_no=stay, what="of-p1", device="of-p1")
    assert (ward.raised("clinical"), ward.raised()) == ([5], [])
    ward.finds("battery_low", 10, stay_no=stay, what="of-p1", device="of-p1", percent=3.0)
    assert ward.raised() == [10]


def test_a_pause_that_is_given_anew_takes_the_place_of_the_one_before(ward: Home) -> None:
    """The last word holds."""
    ward.until(DUE - 10)
    ward.goes(48)
    ward.goes(1)
    ward.until(DUE + 60)
    assert ward.raised() == [DUE + 50]
    assert [one.ended_ms is None for one in pauses.every(ward.db)] == [False, True]


def test_the_next_patient_is_not_paused(ward: Home) -> None:
    """A pause is one patient's."""
    ward.admit("p2")
    ward.hears(WELL, 0, device="of-p2")
    ward.goes(48)
    ward.until(DUE + 60)
    assert ward.rows("select patient from alert join stay using (stay_no)") == [("p2",)]


def test_a_finding_is_kept_once(ward: Home) -> None:
    """The daemon finds the same each second."""
    for _ in range(3):
        ward.finds("disk", 0, free_mb=1)
    ward.restarts()
    ward.finds("disk", 0, free_mb=1)
    assert [one.finding.since_ms for one in findings.of_stay(ward.db, SYSTEM_STAY)] == [T0]
    ward.finds("disk", None)
    ward.finds("disk", None)
    assert len(findings.of_stay(ward.db, SYSTEM_STAY)) == 2
    assert ward.scorer.standing == {}


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
@example(349)  # a pause given between an act and the next message
def test_a_ward_of_faults_is_told_again_to_the_bit(seed: int) -> None:
    """Whatever fails, whoever goes out, whatever is sent, whoever acts, however often the daemon starts again."""
    chance = random.Random(seed)
    with TemporaryDirectory() as folder:
        ward = Home(Path(folder) / "ward.db")
        try:
            ward.admit("p1")
            stay = registers.open_stay(ward.db, "p1").stay_no
            ward.hears(WELL, 0)
            for _ in range(25):
                ward.until((ward.now_ms - T0) / MINUTE + chance.choice((1, 7, 20, 45)))
                _befalls(ward, stay, chance)
            ward.until((ward.now_ms - T0) / MINUTE + 50)
            for name, count in ward.every_alert():
                assert differing(ward.explained(name, count)) == []
        finally:
            ward.db.close()


def _befalls(ward: Home, stay: int, chance: random.Random) -> None:
    """Let one of many things happen, a moment after the last look: a daemon looks around before it lets time pass."""
    ward.now_ms += 1
    minute = (ward.now_ms - T0) / MINUTE
    rule = chance.choice(("battery_low", "frozen", "device_disconnected"))
    chance.choice(
        (
            lambda: ward.hears(chance.choice((WELL, ILL, GAP)), minute),
            lambda: ward.finds(chance.choice(("broker", "lag", "disk")), minute),
            lambda: _mends(ward),
            lambda: ward.finds(rule, minute, stay_no=stay, what="of-p1", device="of-p1", vital="spo2"),
            lambda: ward.finds(rule, None, stay_no=stay, what="of-p1"),
            lambda: ward.goes(chance.choice((1, 5))),
            lambda: ward.someone_acts(chance),
            ward.restarts,
        )
    )()


def _mends(ward: Home) -> None:
    for name in ("broker", "lag", "disk"):
        ward.finds(name, None)


def test_the_end_of_a_fault_is_not_known_from_before_it_began(ward: Home) -> None:
    """What came before a device was lost does not say that it is there: the fault stands, in its row as on the list."""
    ward.until(20)
    ward.finds("disk", 19, free_mb=1)
    over = Finding(rule="disk", since_ms=None, at_ms=T0 + 18 * MINUTE)
    ward.scorer.find(SYSTEM_STAY, [over], ward.now_ms)
    assert [one.finding.since_ms for one in findings.of_stay(ward.db, SYSTEM_STAY)] == [T0 + 19 * MINUTE]
    ward.finds("disk", None)
    assert ward.scorer.standing == {}
