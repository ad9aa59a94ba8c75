"""Limits at work: the next reading is judged by them, in whatever batches, over a restart, and told again."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from alerts import queries, waits
from tests.db.test_scorer import ILL, MINUTE, T0, WELL, message
from tests.db.watched_ward import STAFFING, Watched, differing
from vwmon import explain as engine
from vwmon.config_duty import Ward as WardSettings
from vwmon.config_limits import WardLimit
from vwmon.explain import Explanation
from vwmon.patients import plans
from vwmon.patients.records import By
from vwmon.provenance import Provenance
from vwmon.scorer import Scorer
from vwmon.store import database, limits

POORLY = WELL | {"respiratory_rate": 21.0, "heart_rate": 92.0, "spo2": 95.0}  # 2 + 1 + 1: NEWS2 of 4
FOUR = {"limit_on": 4, "limit_off": 3, "cadence": "at_once"}
FAR = {"limit_on": 15, "limit_off": 14, "cadence": "at_once"}


def ward_limit(changes: Mapping[str, Any], minute: float = 0, to: float | None = None) -> WardLimit:
    """Write a limit of the ward on NEWS2 5, from a minute on."""
    end = None if to is None else T0 + round(to * MINUTE)
    return WardLimit(
        rule="news2_5", author="round", reason="agreed", from_ms=T0 + round(minute * MINUTE), to_ms=end, **changes
    )


class Limited(Watched):
    """A watched ward with limits of its own in the configuration."""

    def __init__(self, path: Path, *ward_limits: WardLimit) -> None:
        """Take the limits of the ward."""
        self.limits = ward_limits
        super().__init__(path)

    def started(self, now_ms: int = T0) -> Scorer:
        """Start the scorer with the configuration as it is."""
        self.scorer = Scorer(self.db, self.versions(), now_ms, batch=self._batch)
        return self.scorer

    def versions(self) -> Provenance:
        """Give what makes its alerts."""
        ward = WardSettings(id="resp", name="Respiratory", limits=tuple(self.limits))
        return Provenance(config_hash="test", plans=plans.load_all(), wards={"resp": ward}, staffing=STAFFING)

    def limit(self, changes: Mapping[str, Any], *, rule: str = "news2_5", for_min: float | None = None) -> None:
        """Set a limit for p1 now."""
        to_ms = None if for_min is None else self.now_ms + round(for_min * MINUTE)
        limits.put(self.db, "p1", rule, changes, "agreed", By(actor="ann", at_ms=self.now_ms), to_ms=to_ms)

    def end_limit(self, rule: str = "news2_5") -> None:
        """End a limit of p1 now."""
        limits.end(self.db, "p1", rule, "over", By(actor="ben", at_ms=self.now_ms))

    def explained(self, alert_id: str, number: int = 1) -> Explanation:
        """Explain an alert with the configuration as it is."""
        with closing(database.open_reader(self.path)) as db:
            return engine.explain(db, alert_id, self.versions(), number)

    def levels(self) -> list[int]:
        """Read the level of every open clinical alert."""
        return [level for lane, state, level in self.alerts() if lane == "clinical" and state != "closed"]


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Limited]:
    """A ward with one patient and no limits."""
    ward = Limited(tmp_path / "ward.db")
    ward.admit("p1")
    with closing(ward.db):
        yield ward


def all_the_same(ward: Limited) -> bool:
    """Explain every time that anything asked for someone; all of it must be as stored."""
    ward.beat()
    return [
        differing(ward.explained(alert, number))
        for alert, asked in ward.every_alert()
        for number in range(1, asked + 1)
    ] == [[] for _, asked in ward.every_alert() for _ in range(asked)]


def test_the_next_reading_after_a_limit_is_judged_by_it(ward: Limited) -> None:
    """Not those before it; and when it is ended, the next one is judged without it."""
    ward.hears(POORLY, 10)
    assert ward.levels() == []
    ward.until(12)
    ward.limit(FOUR)
    ward.until(13)
    assert ward.levels() == []
    ward.hears(POORLY, 20)
    assert ward.levels() == [2]
    assert all_the_same(ward)


@pytest.mark.hazard("H32")
def test_a_limit_that_makes_more_of_what_stands_raises_its_alert(ward: Limited) -> None:
    """With the next reading, though that comes to the same points as all before."""
    for minute in (5, 10, 15):
        ward.hears(POORLY | {"spo2": 93.0}, minute)
    assert ward.levels() == [2]
    ward.until(17)
    ward.limit({"level": 3})
    ward.hears(POORLY | {"spo2": 93.0}, 20)
    assert ward.levels() == [3]
    assert all_the_same(ward)


@pytest.mark.hazard("H32")
def test_what_waits_for_a_repeat_opens_in_its_time_whatever_a_limit_asks_for_since(ward: Limited) -> None:
    """Also where that is a run, and the breach that waits came too late to be one by then."""
    ward.hears(POORLY | {"spo2": 93.0}, 10, late=7)
    ward.until(20)
    ward.limit({"cadence": "continuous", "on_delay": "12m"})
    ward.until(31)
    assert ward.levels() == []
    ward.until(33)
    assert ward.levels() == [2]
    assert all_the_same(ward)


def test_a_limit_that_was_ended_judges_nothing_more(ward: Limited) -> None:
    """The next reading is judged by the table again."""
    ward.until(5)
    ward.limit(FOUR)
    ward.until(8)
    ward.end_limit()
    ward.hears(POORLY, 10)
    assert ward.levels() == []


@pytest.mark.hazard("H32")
def test_a_limit_is_over_when_its_time_is(ward: Limited) -> None:
    """By the time at which a reading is received, not when it was observed."""
    ward.until(5)
    ward.limit(FOUR, for_min=10)
    ward.hears(POORLY, 14, late=1)
    assert ward.levels() == []


def test_a_reading_that_came_in_its_time_is_judged_by_it(ward: Limited) -> None:
    """Up to the last moment."""
    ward.until(5)
    ward.limit(FOUR, for_min=10)
    ward.hears(POORLY, 14, late=0.99)
    assert ward.levels() == [2]
    assert all_the_same(ward)


@pytest.mark.parametrize(
    ("of_ward", "own", "levels"),
    [((), None, []), ((FOUR,), None, [2]), ((FOUR,), FAR, []), ((FAR,), FOUR, [2]), ((FAR,), None, [])],
)
def test_the_patient_s_own_limit_goes_before_the_ward_s(
    tmp_path: Path, of_ward: Sequence[Mapping[str, Any]], own: Mapping[str, Any] | None, levels: list[int]
) -> None:
    """Each side of it: what the ward holds back the patient's may let through, and the other way round."""
    ward = Limited(tmp_path / "ward.db", *(ward_limit(changes) for changes in of_ward))
    ward.admit("p1")
    ward.until(1)
    if own is not None:
        ward.limit(own)
    ward.hears(POORLY, 10)
    assert ward.levels() == levels
    assert all_the_same(ward)
    ward.db.close()


def test_a_limit_above_holds_back_what_the_table_would_raise(ward: Limited) -> None:
    """An agreed limit is the limit; the rule of the highest level still holds."""
    ward.until(1)
    ward.limit(FAR)
    ward.hears(WELL | {"respiratory_rate": 21.0, "heart_rate": 111.0, "spo2": 94.0}, 10)  # 2 + 2 + 1
    ward.hears(WELL | {"respiratory_rate": 21.0, "heart_rate": 111.0, "spo2": 94.0}, 20)
    assert ward.levels() == []
    ward.hears(ILL, 30)
    assert ward.levels() == [3]
    assert all_the_same(ward)


def test_the_limit_of_one_patient_is_nobody_else_s(ward: Limited) -> None:
    """The neighbour on the same ward and pathway is judged by the table."""
    ward.admit("p2")
    ward.until(1)
    ward.limit(FOUR)
    ward.hears(POORLY, 10, device="of-p2")
    assert ward.levels() == []


def test_a_restart_forgets_no_limit(ward: Limited) -> None:
    """Also one that was set while nothing ran."""
    ward.hears(WELL, 1)
    ward.until(2)
    ward.limit(FOUR)
    ward.started(ward.now_ms)
    ward.hears(POORLY, 10)
    assert ward.levels() == [2]
    assert all_the_same(ward)


def test_a_limit_of_the_ward_that_begins_later_judges_from_then_on(tmp_path: Path) -> None:
    """An alert of before is still explained by what held then, when the ward writes a new limit below the old."""
    ward = Limited(tmp_path / "ward.db", ward_limit(FOUR))
    ward.admit("p1")
    ward.hears(POORLY, 10)
    (before,) = ward.open_alerts()
    ward.until(30)
    ward.limits = (ward_limit(FOUR, to=30), ward_limit(FAR, minute=30))
    ward.started(ward.now_ms)
    ward.hears(POORLY, 40)
    ward.beat()
    assert differing(ward.explained(before)) == []
    given = ward.explained(before).given["news2_5"]["limit_on"]
    assert (given.layer, given.author, given.changes["limit_on"]) == ("ward", "round", 4)
    ward.db.close()


def lives(ward: Limited, chance: random.Random) -> None:
    """Live through some hours: readings good and bad, some late, and limits that come, change and go."""
    acts: Sequence[Callable[[], None]] = (
        lambda: ward.limit(FOUR),
        lambda: ward.limit(FOUR | {"level": 3}, for_min=chance.choice([3, 25])),
        lambda: ward.limit(FAR | {"off_delay": "1h"}),
        lambda: ward.limit({"enabled": False}, rule="news2_red"),
        lambda: ward.limit({"limit_on": 4, "limit_off": 3, "cadence": "continuous", "on_delay": "7m"}),
    )
    for turn in range(40):
        minute = 3 * turn + 4
        if chance.random() < 0.25:
            ward.until(minute - chance.choice([0, 1.5]))
            chance.choice(acts)()
        elif chance.random() < 0.3 and any(one.ended_ms is None for one in limits.of_stay(ward.db, 1)):
            ward.until(minute - 1)
            for one in limits.of_stay(ward.db, 1):
                if one.until_ms is None:
                    ward.end_limit(one.rule)
        ward.hears(chance.choice([WELL, POORLY, POORLY, ILL]), minute, late=chance.choice([0, 0, 0.5]))
        if chance.random() < 0.1:
            ward.started(ward.now_ms)
        if chance.random() < 0.2:
            ward.someone_acts(chance)


@pytest.mark.parametrize("seed", range(8))
def test_whatever_limits_come_and_go_every_alert_is_told_again_to_the_bit(tmp_path: Path, seed: int) -> None:
    """In the order of the log, whatever people and restarts there were between."""
    ward = Limited(tmp_path / "ward.db", ward_limit({"off_delay": "20m"}, to=60), ward_limit({"level": 3}, minute=90))
    ward.admit("p1")
    lives(ward, random.Random(seed))
    assert ward.every_alert()
    assert all_the_same(ward)
    ward.db.close()


@pytest.mark.parametrize("batch", [1, 7, 10_000])
def test_limits_judge_alike_however_the_log_is_cut(tmp_path: Path, batch: int) -> None:
    """A backlog in one piece and message by message: what was in force when each was received decides."""
    found = []
    for size in (batch, 3):
        ward = Limited(tmp_path / f"{batch}-{size}.db", ward_limit(FOUR, minute=30, to=62), ward_limit(FAR, minute=70))
        ward._batch = size
        ward.admit("p1")
        ward.started()
        for turn in range(40):
            at_ms = T0 + (3 * turn + 1) * MINUTE
            ward.store(message(f"m{turn}", [WELL, POORLY, POORLY, ILL][turn * 7 % 4], at_ms, at_ms + 500, "of-p1"))
        ward.score(T0 + 200 * MINUTE)
        found.append(ward.stored())
        ward.db.close()
    assert found[0] == found[1]
    assert found[0]["alerts"]


def test_a_plan_that_names_a_rule_that_is_gone_stops_the_daemon_with_what_to_do(ward: Limited) -> None:
    """A limit that somebody relies on is never left out in silence."""
    ward.db.execute(
        "insert into stay_limit (stay_no, rule, changes, author, reason, from_ms) values (1, 'gone', ?, 'a', 'b', 5)",
        ['{"level": 1}'],
    )
    with pytest.raises(Exception, match="gone of stay 1 by a: there is no such rule"):
        ward.started()


def test_a_single_vital_is_judged_where_the_plan_asks_for_it(ward: Limited) -> None:
    """A pulse that scores too little for the table is looked at for this patient, at every point, and not next door."""
    ward.admit("p2")
    ward.until(1)
    ward.limit({"enabled": True, "cadence": "at_once"}, rule="heart_rate_110")
    ward.hears(WELL | {"heart_rate": 111.0}, 5)
    ward.hears(WELL | {"heart_rate": 111.0}, 6, device="of-p2")
    assert ward.levels() == [1]
    (alert,) = ward.open_alerts()
    ward.beat()
    assert [rule.name for rule in ward.explained(alert).rules] == ["heart_rate_110"]
    assert all_the_same(ward)


def test_a_breach_that_waits_is_judged_by_what_was_in_force_when_it_came(ward: Limited) -> None:
    """Switching its rule off does not hide it; good readings end it then, and nothing new begins."""
    ward.until(1)
    ward.limit(
        {"enabled": True, "limit_on": 100, "limit_off": 99, "cadence": "spot", "on_delay": "5m"}, rule="heart_rate_110"
    )
    ward.hears(WELL | {"heart_rate": 105.0}, 5)
    ward.until(8)
    ward.end_limit("heart_rate_110")
    ward.until(21)
    assert ward.levels() == [1]
    assert all_the_same(ward)
    for minute in (22, 40, 54):
        ward.hears(WELL, minute)
    assert ward.levels() == []
    ward.hears(WELL | {"heart_rate": 105.0}, 60)
    ward.until(90)
    assert ward.levels() == []
    assert all_the_same(ward)


def test_what_falls_due_is_judged_by_what_is_in_force_then_whenever_somebody_looks(tmp_path: Path) -> None:
    """A wait that is over while a limit holds opens at its level, though nobody looked before the limit had ended."""
    found = []
    for name, looks in (("often", True), ("late", False)):
        ward = Limited(tmp_path / f"{name}.db")
        ward.admit("p1")
        ward.until(1)
        limit = {"enabled": True, "limit_on": 100, "limit_off": 99, "cadence": "spot", "on_delay": "5m", "level": 2}
        ward.limit(limit, rule="heart_rate_110", for_min=24)
        ward.hears(WELL | {"heart_rate": 105.0}, 5)
        if not looks:
            ward.now_ms = T0 + 29 * MINUTE
        ward.until(29.5)
        found.append((ward.levels(), ward.rows("select opened_ms, level, peak from alert")))
        ward.db.close()
    assert found[0][0] == [2]
    assert found[0] == found[1]


def test_an_explanation_names_no_limit_that_nobody_had_noticed(ward: Limited) -> None:
    """One that was being written while the reading was scored judged nothing, whatever time it bears."""
    ward.hears(ILL, 10)
    (alert,) = ward.open_alerts()
    by = By(actor="ann", at_ms=T0 + 5 * MINUTE)
    limits.put(ward.db, "p1", "news2_7", {"limit_on": 8, "limit_off": 7}, "agreed", by)
    ward.until(12)
    found = ward.explained(alert)
    assert differing(found) == []
    assert found.given.get("news2_7", {}) == {}
    assert found.rules[0].limit_on == 7


def test_what_waits_is_listed_under_the_limit_it_breached_also_once_that_is_over(ward: Limited) -> None:
    """By its title and at its level, whatever the limit is by the time that someone looks."""
    ward.limit({"limit_on": 4, "limit_off": 3, "level": 1, "cadence": "spot", "on_delay": "5m"})
    ward.hears(POORLY, 10)
    ward.end_limit()
    asked = queries.Lookups(whose=lambda _: {}, scores=lambda _: {})
    (row,) = waits.pending(ward.db, asked)
    assert (row["title"], row["level"]) == ("NEWS2 4 or more", 1)
    ward.until(26)
    (alert_id,) = ward.open_alerts()
    assert ward.explained(alert_id).event.evidence["limits"]["news2_5"]["limit_on"] == 4
    assert all_the_same(ward)
