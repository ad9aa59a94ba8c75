"""Every breach lies in exactly one alert, every alert has its breaches, and nothing overlaps: on whole wards.

What breaches is the brute force's to say, from the readings; which alerts there were is read from the database, their
state at any moment from the history. Nothing is asked of the code that raised them.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest

from tests.golden.oracle import QUARTER, Patient, Score
from tests.golden.wards import Ward, by_patient
from vwmon.store.sqlite import Connection

FOREVER = 1 << 60


@dataclass(frozen=True, kw_only=True)
class Episode:
    """An alert as the database has it; `cleared_ms` is when its readings had become good again, if they had."""

    since_ms: int
    opened_ms: int
    cleared_ms: int | None
    closed_ms: int | None
    peak: int

    @property
    def over_ms(self) -> int:
        """Say until when its breaches last."""
        return FOREVER if self.cleared_ms is None else self.cleared_ms

    def covers(self, at_ms: int) -> bool:
        """Say whether a moment lies in it: from the first breach to the first reading of the recovery."""
        return self.since_ms <= at_ms < self.over_ms


def episodes(db: Connection, lane: str) -> dict[str, list[Episode]]:
    """Read the alerts of a lane by patient, in the order of the raise."""
    found = by_patient(
        db,
        f"""select patient, since_ms, opened_ms, cleared_ms, closed_ms, peak
            from alert join stay using (stay_no) where lane = '{lane}' order by stay_no, ordinal""",  # noqa: S608
    )
    names = ("since_ms", "opened_ms", "cleared_ms", "closed_ms", "peak")
    return {patient: [Episode(**dict(zip(names, row, strict=True))) for row in rows] for patient, rows in found.items()}


def level(score: Score) -> int:
    """Give the level of what a score breaches; 0 for nothing."""
    if score.total_min >= 7:
        return 3
    if score.total_min >= 5 or score.red:
        return 2
    return 1 if score.could_be >= 5 else 0


def unanswered(patient: Patient, at_ms: int) -> bool:
    """Say whether a moment lies in a wait that came to nothing: a good reading, a closing or the end came first."""
    waits = [*patient.denied, *patient.dropped]
    return any(since_ms <= at_ms < until_ms or since_ms == at_ms == until_ms for _, since_ms, until_ms in waits)


def test_every_breach_that_counts_lies_in_exactly_one_alert(ward: Ward, db: Connection) -> None:
    """No moment in two; in none only what waited for a repeat, a quarter of an hour at most, and was not borne out."""
    found = episodes(db, "clinical")
    astray = []
    for patient, truth in ward.truth.items():
        for score in filter(level, truth.moments):
            times = sum(episode.covers(score.at_ms) for episode in found[patient])
            if times > 1 or (times == 0 and (level(score) == 3 or not unanswered(truth, score.at_ms))):
                astray.append((patient, score, times))
    assert astray == []
    waits = [wait for truth in ward.truth.values() for wait in (*truth.denied, *truth.dropped)]
    assert all(until_ms - since_ms <= QUARTER for _, since_ms, until_ms in waits)


def test_every_alert_has_breaches_and_none_worse_than_its_peak(ward: Ward, db: Connection) -> None:
    """One at the moment since which it stands, and the worst of those in it are of the level of its peak."""
    wrong = []
    for patient, alerts in episodes(db, "clinical").items():
        for episode in alerts:
            inside = {score.at_ms: level(score) for score in ward.truth[patient].moments if episode.covers(score.at_ms)}
            if not inside.get(episode.since_ms) or max(inside.values()) != episode.peak:
                wrong.append((patient, episode))
    assert wrong == []
    assert any(episodes(db, "clinical").values())


@pytest.mark.parametrize("lane", ["clinical", "technical"])
def test_alerts_of_one_patient_and_lane_never_overlap(db: Connection, lane: str) -> None:
    """The next is raised when the last is closed, and what it stands on is later than the recovery of the last."""
    pairs = [pair for alerts in episodes(db, lane).values() for pair in pairwise(alerts)]
    overlapping = [
        (last, after)
        for last, after in pairs
        if last.closed_ms is None or after.opened_ms < last.closed_ms or after.since_ms < last.over_ms
    ]
    assert overlapping == []


def test_no_alert_comes_later_than_the_time_for_a_repeat(db: Connection) -> None:
    """From the first breach of it to the raise, at most a quarter of an hour; none at all at level 3."""
    waited = [
        (episode.opened_ms - episode.since_ms, episode)
        for alerts in episodes(db, "clinical").values()
        for episode in alerts
    ]
    assert [episode for wait_ms, episode in waited if not 0 <= wait_ms <= QUARTER] == []


def test_no_level_3_breach_is_without_an_open_alert_of_level_3_at_that_moment(ward: Ward, db: Connection) -> None:
    """By the history of the alert, not by what was put on it later: it was on the list, active, and of that level."""
    history = by_patient(
        db,
        """select patient, event.at_ms, state_after, level_after from alert_event as event
           join alert using (alert_no) join stay using (stay_no) where lane = 'clinical' order by event_no""",
    )
    hidden = [
        (patient, score.at_ms)
        for patient, truth in ward.truth.items()
        for score in truth.moments
        if level(score) == 3 and standing(history[patient], score.at_ms) != ("active", 3)
    ]
    assert hidden == []


def standing(events: Sequence[tuple[int, str, int]], at_ms: int) -> tuple[str, int]:
    """Give whether a patient had an active alert at a moment, and of which level, by the events up to then."""
    last = bisect_right(events, at_ms, key=lambda event: event[0]) - 1
    if last < 0:
        return "none", 0
    _, state, level_ = events[last]
    return ("active" if state in {"new", "reraised", "acknowledged"} else state), level_


def test_the_wards_have_breaches_of_every_level(ward: Ward) -> None:
    """So that none of the above is about nothing; the monitor's patient and those at home were never that ill."""
    levels = Counter(level(score) for found in ward.truth.values() for score in found.moments)
    worst = {"mimic2_numerics": 2, "tihm_home": 2}.get(ward.name, 3)
    assert {name for name in levels if name} == set(range(1, worst + 1))
