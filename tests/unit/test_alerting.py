"""From scores to the work list: which points are followed, and that what cannot matter costs nothing."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import policy, verdicts
from alerts import store as cases
from alerts.acts import Act
from alerts.faults import Finding
from alerts.model import SYSTEM_STAY, Case, Lane
from tests.unit.alerts_points import limit
from vwmon import points
from vwmon.alerting import Alerting, breaching
from vwmon.kernels.windows import NEVER_AGE
from vwmon.patients.limits import BY_THE_TABLE, Course
from vwmon.patients.records import Stay
from vwmon.pipeline import Gaps, Scores
from vwmon.scoring.charts import PARTS
from vwmon.store import attempts, database
from vwmon.store.sqlite import Connection
from vwmon.ward import PlanTable
from vwmon.windows import NEVER

T0 = 1_795_000_000_000
MINUTE = 60_000
HOUR = 60 * MINUTE
SPO2, TEMPERATURE = PARTS.index("spo2"), PARTS.index("temperature")
STAYS = tuple(
    Stay(
        stay_no=number,
        patient=f"p{number}",
        ward="resp",
        pathway="general",
        plan_version="1",
        admitted_ms=T0,
        discharged_ms=None,
        discharge_reason=None,
        spo2_scale=1,
        scale_prescriber="",
    )
    for number in (11, 12, 13)
)
PLANS = PlanTable(
    spo2_scale=np.ones(3, dtype=np.int8),
    expected=np.tile(np.array([part == SPO2 for part in range(7)]), (3, 1)),
    valid_ms=np.full((3, 7), 12 * HOUR),
    overdue_ms=np.full((3, 7), HOUR),
    admitted_ms=np.full(3, T0),
)
NO_GAPS = Gaps(**dict.fromkeys(Gaps.__slots__, np.zeros(0, dtype=np.int64)))


def column(rows: Sequence[dict[str, Any]], name: str, usual: object, kind: type) -> Any:  # noqa: ANN401 -- any array
    """Build one column from what rows say of it."""
    return np.array([row.get(name, usual) for row in rows], dtype=kind)


def scored(*rows: dict[str, Any]) -> Scores:
    """Build scores: `stay`, `minute`, `total` on the respiratory rate and SpO2, `late`, `could_be`, `red`, `age_ms`."""
    total = column(rows, "total", 0, np.int64)
    at_ms = T0 + column(rows, "minute", 0, np.int64) * MINUTE
    each = np.zeros((len(rows), 7), dtype=np.int8)
    each[:, 0], each[:, 1] = np.minimum(total, 3), np.clip(total - 3, 0, 3)
    each[:, 6], each[:, 4] = np.clip(total - 6, 0, 3), np.clip(total - 9, 0, 3)
    return Scores(
        wave=column(rows, "wave", 0, np.int64),
        stay=column(rows, "stay", 0, np.int64),
        at_ms=at_ms,
        received_ms=at_ms + 2000,
        rescored_from_ms=at_ms,
        late=column(rows, "late", 0, np.bool_),
        points_min=each,
        points_max=each,
        present=np.ones((len(rows), 7), dtype=bool),
        values=np.full((len(rows), 7), 90.0),
        age_ms=np.tile(column(rows, "age_ms", 0, np.int64)[:, None], (1, 7)),
        refused_age_ms=np.tile(column(rows, "refused_age_ms", NEVER_AGE, np.int64)[:, None], (1, 7)),
        total_min=total,
        total_max=total,
        red=column(rows, "red", 0, np.bool_),
        complete=np.ones(len(rows), dtype=bool),
        could_be=np.maximum(total, column(rows, "could_be", 0, np.int64)),
        changed=np.ones(len(rows), dtype=bool),
    )


def gap(stay: int, due: int, ended: int, part: int = SPO2) -> Gaps:
    """Build one episode of an awaited part, in minutes."""
    found = {"stay": stay, "part": part, "due_ms": T0 + due * MINUTE, "ended_ms": T0 + ended * MINUTE}
    last = {"last_ms": T0 + (due - 60) * MINUTE if due > 60 else NEVER}
    columns = {"wave": 0, **found, **last, "received_ms": T0 + ended * MINUTE + 2000}
    return Gaps(**{name: np.array([value], dtype=np.int64) for name, value in columns.items()})


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    """An empty database in a transaction."""
    with closing(database.create(tmp_path / "ward.db")) as opened, database.atomic(opened):
        yield opened


@pytest.fixture
def alerting(db: Connection) -> Alerting:
    """The cases of three stays that are well; the service's versions are number 1, theirs 21, 22 and 23."""
    return enrolled(db)


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The stays whose cases are read, call by call."""
    asked: list[list[int]] = []
    load = cases.load

    def loading(db: Connection, stay_nos: Sequence[int]) -> dict[int, Case]:
        asked.append(list(stay_nos))
        return load(db, stay_nos)

    monkeypatch.setattr(cases, "load", loading)
    return asked


def enrolled(db: Connection, stays: Sequence[Stay] = STAYS) -> Alerting:
    """Begin with these stays, as after a start."""
    made = Alerting(db, PLANS, 1)
    made.enrol(stays, PLANS, (21, 22, 23))
    return made


def step(alerting: Alerting, scores: Scores, gaps: Gaps) -> None:
    """Follow the points of a step and keep what comes of them, as the scorer does."""
    alerting.keep(alerting.follow(scores, gaps))


def states(db: Connection) -> list[tuple[int, str, str, int]]:
    """Read which alerts there are."""
    return db.execute("select stay_no, lane, state, level from alert order by stay_no, lane").fetchall()


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.booleans()), min_size=1, max_size=20))
def test_the_quick_look_at_columns_agrees_with_the_rules(rows: list[tuple[int, int, bool]]) -> None:
    """Row by row it marks what alerts.policy marks point by point."""
    made = scored(*({"total": total, "could_be": could, "red": red} for total, could, red in rows))
    expected = [verdicts.breaching(points.point(made, i, 11, PARTS), policy.BASE) for i in range(len(rows))]
    assert breaching(made).tolist() == expected


def test_points_that_cannot_matter_are_not_looked_at(alerting: Alerting, loaded: list[list[int]]) -> None:
    """A ward that is well costs no question to the database."""
    loaded.clear()
    step(alerting, scored({"stay": 0}, {"stay": 1, "total": 4}), NO_GAPS)
    assert loaded == []


@pytest.mark.usefixtures("at_once")
def test_only_the_stay_with_a_breach_is_followed(alerting: Alerting, loaded: list[list[int]], db: Connection) -> None:
    """One question for all of them, and an alert under the versions of its own plan."""
    loaded.clear()
    step(alerting, scored({"stay": 0}, {"stay": 1, "total": 5, "red": True}, {"stay": 2}), NO_GAPS)
    assert loaded == [[12]]
    assert states(db) == [(12, "clinical", "new", 2)]
    assert db.execute("select provenance_no from alert").fetchone() == (22,)


def test_a_stay_with_something_open_is_followed_at_every_point(alerting: Alerting, db: Connection) -> None:
    """Also at good ones: they are what settles the alert; and the same after a restart."""
    step(alerting, scored({"total": 8, "red": True}), NO_GAPS)
    step(alerting, scored({"minute": 10}), NO_GAPS)
    step(enrolled(db), scored({"minute": 45}), NO_GAPS)
    assert states(db) == [(11, "clinical", "settled", 3)]


@pytest.mark.usefixtures("at_once")
def test_points_of_one_stay_are_followed_wave_by_wave(alerting: Alerting, db: Connection) -> None:
    """A late unit's points come after those it came after, although they are older."""
    step(
        alerting,
        scored(
            {"minute": 30, "total": 5, "red": True},
            {"minute": 10, "total": 7, "red": True, "late": True, "wave": 1},
        ),
        NO_GAPS,
    )
    told = db.execute("select kind, level_after from alert_event order by event_no").fetchall()
    assert told == [("raised", 2), ("worsened", 3)]
    assert states(db) == [(11, "clinical", "new", 3)]
    assert db.execute("select late from alert").fetchone() == (1,)


def test_an_episode_that_the_log_shows_is_told_before_the_reading_that_ended_it(
    alerting: Alerting, db: Connection
) -> None:
    """Overdue from when it was due, ended by the reading: raised and over, in that order."""
    step(alerting, scored({"minute": 90}), gap(0, 60, 90))
    assert states(db) == [(11, "technical", "closed", 1)]
    assert db.execute("select since_ms - ?, closed_ms - ? from alert", [T0, T0]).fetchone() == (
        60 * MINUTE,
        90 * MINUTE + 2000,
    )


def test_what_was_overdue_together_is_one_alert_though_its_readings_come_one_by_one(
    alerting: Alerting, db: Connection
) -> None:
    """SpO2 comes when the temperature is still awaited: the alert goes on until that comes, as it does by the clock."""
    both = np.isin(np.arange(7), (SPO2, TEMPERATURE))
    alerting.enrol(STAYS, replace(PLANS, expected=np.tile(both, (3, 1))), (21, 22, 23))
    first, second = scored({"minute": 90}), scored({"minute": 100})
    first.age_ms[0, TEMPERATURE] = 90 * MINUTE
    step(alerting, first, gap(0, 60, 90))
    assert states(db) == [(11, "technical", "new", 1)]
    step(alerting, second, NO_GAPS)
    assert states(db) == [(11, "technical", "closed", 1)]
    assert db.execute("select since_ms - ?, cleared_ms - ? from alert", [T0, T0]).fetchone() == (
        60 * MINUTE,
        100 * MINUTE,
    )


def test_a_silence_of_several_parts_is_one_alert_as_when_the_clock_finds_it(alerting: Alerting, db: Connection) -> None:
    """A device that was away and comes back is one item, not one for each thing that it measures."""
    back = Gaps.joined([gap(0, 60, 180, part=PARTS.index("heart_rate")), gap(0, 70, 180)])
    step(alerting, scored({"minute": 180}), back)
    parts, due_ms = np.array([PARTS.index("heart_rate"), SPO2]), T0 + np.array([60, 70]) * MINUTE
    alerting.fall_overdue(np.array([1, 1]), parts, due_ms, np.array([T0, T0 + 10 * MINUTE]), T0 + 2 * HOUR)
    step(alerting, scored({"minute": 180, "stay": 1}), replace(back, stay=back.stay + 1))
    told = [
        db.execute(
            """select kind, alert_event.at_ms - ? from alert_event join alert using (alert_no)
                where stay_no = ? order by event_no""",
            [T0, stay],
        ).fetchall()
        for stay in (11, 12)
    ]
    assert told[0] == told[1] == [("raised", 60 * MINUTE), ("ended", 180 * MINUTE + 2000)]


def test_an_episode_says_when_its_part_had_come_before(alerting: Alerting, db: Connection) -> None:
    """Or that it never had: of a part that comes and goes, "never came" would be wrong."""
    step(alerting, scored({"minute": 180}), gap(0, 70, 180))
    step(alerting, scored({"minute": 180, "stay": 1}), gap(1, 60, 180))
    found = [cases.load(db, [stay])[stay].conditions["overdue"].gaps["spo2"].last_ms for stay in (11, 12)]
    assert found == [T0 + 10 * MINUTE, None]


def test_a_part_that_is_awaited_is_overdue_once(alerting: Alerting, loaded: list[list[int]], db: Connection) -> None:
    """By the clock or by a point: told again it is not even looked at."""
    loaded.clear()
    rows, parts, due_ms = np.array([1]), np.array([SPO2]), np.array([T0 + HOUR])
    for _ in range(2):
        alerting.fall_overdue(rows, parts, due_ms, np.array([-1]), T0 + 2 * HOUR)
    assert [asked for asked in loaded if asked] == [[12]]
    gaps = cases.load(db, [12])[12].overdue
    assert {part: (found.due_ms, found.last_ms) for part, found in gaps.items()} == {"spo2": (T0 + HOUR, None)}


def test_a_point_at_which_a_part_is_overdue_says_so(alerting: Alerting, db: Connection) -> None:
    """Another vital comes, SpO2 is ninety minutes old: overdue since the plan's hour after it; not if it came late."""
    stale = {"minute": 90, "age_ms": 90 * MINUTE}
    step(alerting, scored(stale | {"stay": 0, "late": True}, stale | {"stay": 1}), NO_GAPS)
    found = cases.load(db, [11, 12])
    assert [found[number].overdue.keys() for number in (11, 12)] == [set(), {"spo2"}]
    assert found[12].overdue["spo2"].due_ms == T0 + HOUR
    step(alerting, scored({"stay": 1, "minute": 95, "age_ms": 0}), NO_GAPS)
    assert cases.load(db, [12])[12].overdue == {}


def test_a_discharge_ends_what_is_open_and_silences_the_stay(alerting: Alerting, db: Connection) -> None:
    """What was urgent waits for its outcome; no later point raises it again."""
    step(alerting, scored({"total": 8, "red": True}), NO_GAPS)
    gone = [replace(stay, discharged_ms=T0 + HOUR, discharge_reason="recovered") for stay in STAYS]
    alerting.enrol(gone, PLANS, (21, 22, 23))
    alerting.end([0, 1, 2], T0 + HOUR)
    ill = {"total": 9, "red": True, "minute": 50}
    step(alerting, scored(ill | {"stay": 0}, ill | {"stay": 1}), NO_GAPS)
    assert states(db) == [(11, "clinical", "settled", 3)]


def test_the_service_has_alerts_of_its_own(alerting: Alerting, db: Connection) -> None:
    """Raised once as of when it began, lowered when it is over, under the service's own versions."""
    for _ in range(2):
        alerting.find(SYSTEM_STAY, [Finding(rule="broker", since_ms=T0, at_ms=T0 + 2 * MINUTE)])
    assert states(db) == [(SYSTEM_STAY, "system", "new", 2)]
    assert db.execute("select since_ms, provenance_no from alert").fetchall() == [(T0, 1)]
    alerting.find(SYSTEM_STAY, [Finding(rule="broker", since_ms=None, at_ms=T0 + 5 * MINUTE)])
    case = cases.load(db, [SYSTEM_STAY])[SYSTEM_STAY]
    assert not case.alerts[Lane.SYSTEM].active
    alerting.find(SYSTEM_STAY, [Finding(rule="silent", since_ms=None, at_ms=T0 + 5 * MINUTE)])
    assert len(states(db)) == 1


def test_an_acknowledgement_that_runs_out_acts_as_of_then(alerting: Alerting, db: Connection) -> None:
    """Half an hour at level 3: the tick after it gives the alert back to everybody."""
    step(alerting, scored({"total": 8, "red": True}), NO_GAPS)
    (name,) = db.execute("select id from alert").fetchone()
    cases.acknowledge(db, name, Act(actor="ahmed", now_ms=T0 + 3 * MINUTE, note="phoned"))
    for minute, state in ((32, "acknowledged"), (40, "reraised")):
        alerting.tick(T0 + minute * MINUTE)
        assert states(db) == [(11, "clinical", state, 3)]
    (at_ms,) = db.execute("select at_ms from alert_event where kind = 'expired'").fetchone()
    assert at_ms == T0 + 33 * MINUTE


@pytest.mark.usefixtures("at_once")
def test_what_a_person_did_while_a_step_was_followed_is_allowed_for(alerting: Alerting, db: Connection) -> None:
    """Acknowledged between the following and the writing: the step is followed again, and nothing of it is lost."""
    step(alerting, scored({"total": 5, "red": True}), NO_GAPS)
    followed = alerting.follow(scored({"minute": 10, "total": 8, "red": True}), NO_GAPS)
    (name,) = db.execute("select id from alert").fetchone()
    cases.acknowledge(db, name, Act(actor="ahmed", now_ms=T0 + 9 * MINUTE, note="phoned"))
    alerting.keep(followed)
    assert db.execute("select state, level, owner from alert").fetchall() == [("reraised", 3, "ahmed")]
    kinds = [kind for (kind,) in db.execute("select kind from alert_event order by event_no")]
    assert kinds == ["raised", "acknowledged", "outgrew"]


def test_a_case_is_read_again_only_when_something_happened(
    alerting: Alerting, loaded: list[list[int]], db: Connection
) -> None:
    """A patient who stays as ill costs no question for each reading; what a person did is seen at the next one."""
    ill = {"total": 8, "red": True}
    step(alerting, scored(ill), NO_GAPS)
    for minute in (1, 2, 3):
        step(alerting, scored(ill | {"minute": minute}), NO_GAPS)
    loaded.clear()
    step(alerting, scored(ill | {"minute": 4}), NO_GAPS)
    assert [asked for asked in loaded if asked] == []
    (name,) = db.execute("select id from alert").fetchone()
    cases.note(db, name, Act(actor="ahmed", now_ms=T0 + 5 * MINUTE, note="phoned"))
    step(alerting, scored(ill | {"minute": 6}), NO_GAPS)
    assert [asked for asked in loaded if asked] == [[11], [11]]


@pytest.mark.usefixtures("at_once")
def test_what_happened_to_one_patient_costs_no_question_for_another(
    alerting: Alerting, loaded: list[list[int]]
) -> None:
    """What a step writes itself is known: only the case that it changed is read again."""
    ill = {"total": 5, "red": True}
    for minute in (0, 1):
        step(alerting, scored(ill | {"stay": 0, "minute": minute}, ill | {"stay": 1, "minute": minute}), NO_GAPS)
    step(alerting, scored({"stay": 0, "minute": 2, "total": 8, "red": True}), NO_GAPS)
    loaded.clear()
    step(alerting, scored(ill | {"stay": 1, "minute": 3}), NO_GAPS)
    assert [asked for asked in loaded if asked] == []
    step(alerting, scored({"stay": 0, "minute": 4, "total": 8, "red": True}), NO_GAPS)
    assert [asked for asked in loaded if asked] == [[11]]


@pytest.mark.parametrize("end", ["overdue", "ack"])
def test_a_case_that_time_has_changed_is_read_again(alerting: Alerting, db: Connection, end: str) -> None:
    """A part that fell overdue by the clock, or an acknowledgement that ran out, is not forgotten at the next point."""
    ill = {"total": 8, "red": True}
    step(alerting, scored(ill), NO_GAPS)
    step(alerting, scored(ill | {"minute": 1}), NO_GAPS)
    (name,) = db.execute("select id from alert where lane = 'clinical'").fetchone()
    cases.acknowledge(db, name, Act(actor="ahmed", now_ms=T0 + 2 * MINUTE, note="phoned"))
    step(alerting, scored(ill | {"minute": 3}), NO_GAPS)
    if end == "ack":
        alerting.tick(T0 + 40 * MINUTE)
    else:
        alerting.fall_overdue(np.array([0]), np.array([SPO2]), np.array([T0 + HOUR]), np.array([T0]), T0 + HOUR)
    step(alerting, scored(ill | {"minute": 41, "age_ms": 2 * HOUR if end == "overdue" else 0}), NO_GAPS)
    expected = {"ack": [("clinical", "reraised")], "overdue": [("clinical", "reraised"), ("technical", "new")]}
    assert [row[1:3] for row in states(db)] == expected[end]


@pytest.mark.usefixtures("at_once")
def test_what_was_sent_is_read_only_for_points_that_are_followed_and_refused(
    alerting: Alerting, db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ward of which nothing was refused costs no question; else one is asked for all, and its answer is evidence."""
    asked: list[set[tuple[int, int]]] = []

    def sent(_db: Connection, what: set[tuple[int, int]]) -> dict[tuple[int, str, int], str]:
        asked.append(what)
        return {(12, "weight", T0): "0 kg", (12, "spo2", T0): "120 %"}

    monkeypatch.setattr(attempts, "sent", sent)
    step(alerting, scored({"total": 5, "red": True}, {"stay": 2, "refused_age_ms": 5}), NO_GAPS)
    assert asked == []
    step(alerting, scored({"stay": 1, "minute": 1, "total": 2, "could_be": 5, "refused_age_ms": MINUTE}), NO_GAPS)
    assert asked == [{(12, T0)}]
    found = cases.load(db, [12])[12].alerts[Lane.CLINICAL].evidence["refused"]
    assert found["spo2"] == {"age_ms": MINUTE, "sent": "120 %"}
    assert {part: tried["sent"] for part, tried in found.items() if part != "spo2"} == dict.fromkeys(
        set(PARTS) - {"spo2"}, ""
    )


def test_a_stay_with_something_pending_is_followed_at_every_point(alerting: Alerting, db: Connection) -> None:
    """Also at good points, which deny it; the same after a restart, and no alert has been raised."""
    breach = {"total": 5, "red": True}
    step(alerting, scored(breach), NO_GAPS)
    assert states(db) == []
    assert len(cases.load(db, [11])[11].pending) == 2
    step(enrolled(db), scored({"minute": 10}), NO_GAPS)
    assert cases.load(db, [11])[11].quiet
    alerting.tick(T0 + HOUR)
    assert states(db) == []


def test_a_wait_that_is_over_opens_by_the_clock_and_the_stay_is_followed_on(alerting: Alerting, db: Connection) -> None:
    """As of its deadline under its own versions; good points then settle it as any other."""
    step(alerting, scored({"stay": 1, "total": 5, "red": True}), NO_GAPS)
    alerting.tick(T0 + HOUR)
    assert states(db) == [(12, "clinical", "new", 2)]
    assert db.execute("select opened_ms - ?, provenance_no from alert", [T0]).fetchone() == (15 * MINUTE + 2000, 22)
    for minute in (70, 101):
        step(alerting, scored({"stay": 1, "minute": minute}), NO_GAPS)
    assert states(db) == [(12, "clinical", "settled", 2)]


@pytest.mark.parametrize("ticked", [False, True])
def test_what_fell_due_between_two_points_acts_in_its_order(
    alerting: Alerting, db: Connection, *, ticked: bool
) -> None:
    """A breach opens after a quarter of an hour, then its SpO2 is overdue after an hour: raised, then blind."""
    step(alerting, scored({"total": 5, "red": True}), NO_GAPS)
    if ticked:
        alerting.fall_overdue(np.array([0]), np.array([SPO2]), np.array([T0 + HOUR]), np.array([T0]), T0 + 90 * MINUTE)
    step(alerting, scored({"minute": 90, "total": 5, "red": True, "age_ms": 90 * MINUTE}), NO_GAPS)
    told = db.execute(
        "select kind, at_ms - ? from alert_event where kind <> 'noted' order by event_no", [T0]
    ).fetchall()
    assert [one for one in told if one[0] in {"raised", "blinded"}][:1] == [("raised", 15 * MINUTE + 2000)]
    assert ("blinded", HOUR) in told


def test_a_plan_that_asks_for_a_number_by_its_name_is_followed_at_every_point(
    db: Connection, loaded: list[list[int]]
) -> None:
    """A score that is no breach may hold a number that is one; a stay with other limits is looked at from those on."""
    made = Alerting(db, PLANS, 1)
    loose = Course.of([limit("spo2_80", enabled=True)])
    low = Course.of([limit("news2_5", limit_on=3, limit_off=2)])
    made.enrol(STAYS, PLANS, (21, 22, 23), [BY_THE_TABLE, loose, low])
    loaded.clear()
    step(made, scored(*({"stay": stay, "total": 3} for stay in range(3))), NO_GAPS)
    assert loaded == [[12, 13]]
    assert cases.load(db, [13])[13].pending.keys() == {"news2_5"}
