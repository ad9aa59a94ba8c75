"""The scorer on a real database: what is scored is stored once, whatever stops it, and however the log was cut."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from alerts import store as cases
from alerts.acts import Act
from alerts.model import Outcome
from devices.payloads import decode
from devices.readings import Attempt, Message, Reading, Refused
from devices.simulator.faults import FAULTS
from devices.simulator.fleet import Fleet
from vwmon import scorer as scoring
from vwmon.duty import UNTOLD
from vwmon.patients import plans
from vwmon.patients.admission import Admission
from vwmon.patients.records import By
from vwmon.provenance import Provenance
from vwmon.scorer import Scorer
from vwmon.store import database, listing, registers, scores
from vwmon.store import readings as stored
from vwmon.store.arrivals import Arrival
from vwmon.store.fresh import Fresh
from vwmon.store.log import LogWriter
from vwmon.store.sqlite import Connection
from vwmon.store.verify import verify
from vwmon.ward import Readings

T0 = 1_795_000_000_000
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WELL = {
    "respiratory_rate": 16.0,
    "spo2": 97.0,
    "oxygen": 0.0,
    "systolic_bp": 125.0,
    "heart_rate": 75.0,
    "consciousness": 0.0,
    "temperature": 36.8,
}
ILL = WELL | {"respiratory_rate": 26.0, "spo2": 91.0, "heart_rate": 118.0}  # 3 + 3 + 2: NEWS2 of 8
STORED = {
    "scores": """select stay_no, at_ms, received_ms, late, total_min, total_max, could_be, red, complete, points_min,
        points_max, present from score order by 1, 2""",
    "alerts": """select stay_no, lane, ordinal, state, level, peak, score, peak_score, opened_ms, since_ms, cleared_ms,
        blind_ms, late, due_ms, closed_ms, parts, reds, evidence, version from alert order by 1, 2, 3""",
    "events": """select stay_no, lane, ordinal, kind, actor, at_ms, state_before, state_after from alert_event
        join alert using (alert_no) order by 1, 2, 3, event_no""",
    "conditions": "select * from condition order by 1, 2",
    "cursor": "select cursor from scorer",
}
SCORES = """select stay_no, at_ms, total_min, total_max, could_be, red, complete, points_min, points_max, present
    from score order by 1, 2"""


class Ward:
    """A database with its log, and the scorer that follows it; nobody is told of its alerts."""

    staffing = UNTOLD

    def __init__(self, path: Path, *, batch: int = scoring.BATCH) -> None:
        """Make the database, with nobody in it."""
        self.path, self.db = path, database.create(path)
        self._log, self._batch, self._sent = LogWriter(self.db), batch, 0
        self.scorer = self.started()

    def started(self, now_ms: int = T0) -> Scorer:
        """Start the scorer as after a restart."""
        versions = Provenance(config_hash="test", plans=plans.load_all(), staffing=self.staffing)
        self.scorer = Scorer(self.db, versions, now_ms, batch=self._batch)
        return self.scorer

    def admit(self, patient: str, at_ms: int = T0, *, written_ms: int | None = None, device: str = "") -> None:
        """Admit a patient to a wearable's plan, with a device of that name from the admission on."""
        by = By(actor="test", at_ms=at_ms if written_ms is None else written_ms)
        plan = plans.load("acute-respiratory")
        wanted = Admission(patient=patient, ward="resp", plan=plan, admitted_ms=at_ms, born="1950-01-01")
        registers.admit(self.db, wanted, by)
        registers.add_device(self.db, device or f"of-{patient}", by)
        registers.assign(self.db, device or f"of-{patient}", patient, at_ms, by)

    def discharge(self, patient: str, at_ms: int) -> None:
        """Discharge a patient."""
        registers.discharge(self.db, patient, "recovered", at_ms, By(actor="test", at_ms=at_ms))

    def store(self, *arrivals: Arrival) -> None:
        """Put messages into the log."""
        self._log.append(arrivals, (), arrivals[-1].received_ms)

    def sends(
        self,
        values: dict[str, float],
        minute: float,
        *,
        late_ms: int = 0,
        device: str = "of-p1",
        refused: Sequence[str] = (),
    ) -> None:
        """Put one message into the log, observed at a minute and received `late_ms` after, and score to its end.

        For the vitals that were `refused` it brought something that cannot be.
        """
        self._sent += 1
        at_ms = T0 + round(minute * MINUTE)
        self.store(message(f"{device}-{self._sent}", values, at_ms, at_ms + late_ms, device, refused))
        self.score(at_ms + late_ms)

    def merge(self) -> None:
        """Merge what has been scored."""
        self._log.merge(self.scorer.cursor, 1 << 40)

    def score(self, now_ms: int = T0) -> None:
        """Score to the end of the log, and let the registers' changes act."""
        while self.scorer.cycle(now_ms):
            pass

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Read rows."""
        return self.db.execute(sql).fetchall()

    def stored(self) -> dict[str, list[tuple[Any, ...]]]:
        """Read all that the scorer writes, without the numbers that only say in which order rows were written."""
        return {name: self.rows(sql) for name, sql in STORED.items()}

    def alerts(self) -> list[tuple[Any, ...]]:
        """Read lane, state and level of every alert."""
        return self.rows("select lane, state, level from alert order by stay_no, ordinal")

    def fell_due(self) -> list[tuple[str, int]]:
        """Read which parts are overdue and since which minute."""
        found = cases.load(self.db, [stay.stay_no for stay in registers.stays(self.db)])
        return sorted(
            (part, (gap.due_ms - T0) // MINUTE) for case in found.values() for part, gap in case.overdue.items()
        )


def message(  # noqa: PLR0917 -- what a message says
    name: str, values: dict[str, float], at_ms: int, received_ms: int, device: str, refused: Sequence[str] = ()
) -> Arrival:
    """Build a message whose readings were observed together, some of them refused."""
    readings = tuple(
        Reading(vital=vital, value=value, text=None, observed_ms=at_ms, raw_value=None, raw_unit=None, marks=0)
        for vital, value in values.items()
    )
    attempts = [Attempt(vital=vital, observed_ms=at_ms, sent="999") for vital in refused]
    bad = tuple(
        Refused(vital=one.vital, reason="value_impossible", detail="999", index=at, attempt=one)
        for at, one in enumerate(attempts, start=len(readings))
    )
    body = Message(id=name, seq=None, battery_percent=None, readings=readings, refused=bad)
    return Arrival("resp", device, f"vwmon/resp/{device}/readings", body, received_ms, b"{}")


def _close(db: Connection, stay_no: int, act: Act, outcome: Outcome) -> None:
    """Take the one alert of a stay in hand and close it."""
    name = _acknowledge(db, stay_no, act)
    with database.atomic(db):
        assert cases.close(db, name, act, outcome).refusal is None


def _acknowledge(db: Connection, stay_no: int, act: Act) -> str:
    """Take the one alert of a stay in hand; give its id."""
    with database.atomic(db):
        (name,) = db.execute("select id from alert where stay_no = ?", [stay_no]).fetchone()
        assert cases.acknowledge(db, name, act).refusal is None
    return str(name)


def simulated(seed: int, *, hours: float = 5.0) -> list[Arrival]:
    """Give a small fleet's messages with every fault, received when they were sent, and some values that cannot be.

    The second device never brings a blood pressure or a temperature that can be; of the others now and then one fails.
    """
    fleet = Fleet(patients=3, seed=seed, spot_minutes=10, pace=8, onset_hours=0.5, faults=tuple(FAULTS))
    return [
        Arrival(
            "resp", device, "", decode(spoilt(payload, device, at), device=device, received_ms=at_ms), at_ms, payload
        )
        for at, (at_ms, device, payload) in enumerate(fleet.messages(T0, until_ms=T0 + round(hours * HOUR)))
    ]


def spoilt(payload: bytes, device: str, number: int) -> bytes:
    """Put numbers that cannot be into a message."""
    said = json.loads(payload)
    always = {"systolic_bp", "temperature"} if device == "sim-002" else set()
    for at, one in enumerate(said["readings"]):
        if one["vital"] in always or (number + at) % 11 == 0:
            one["value"] = 99_999
    return json.dumps(said).encode()


def simulated_ward(path: Path, **more: int) -> Ward:
    """Make a ward for that fleet."""
    made = Ward(path, **more)
    for number in range(1, 4):
        made.admit(f"p{number}", device=f"sim-{number:03d}")
    return made


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Callable[..., Ward]]:
    """Make wards with one patient each, p1 with the device of-p1."""
    made: list[Ward] = []

    def make(**more: Any) -> Ward:  # noqa: ANN401 -- options of Ward
        ward = Ward(tmp_path / f"{len(made)}.db", **more)
        ward.admit("p1")
        made.append(ward)
        return ward

    yield make
    for ward in made:
        ward.db.close()


@pytest.fixture
def ward(new: Callable[..., Ward]) -> Ward:
    """One such ward."""
    return new()


def test_a_reading_is_scored_once(ward: Ward) -> None:
    """The cursor stands behind it; another turn, or another scorer, finds nothing to do."""
    ward.sends(ILL, 1)
    before = ward.stored()
    assert [(row[1], row[4]) for row in before["scores"]] == [(T0 + MINUTE, 8)]
    assert before["cursor"] == [(7,)] == [(ward.scorer.cursor,)]
    assert ward.scorer.cycle(T0 + MINUTE) == 0
    assert ward.started().cycle(T0 + MINUTE) == 0
    assert ward.stored() == before


@pytest.mark.parametrize(("owner", "name"), [(scores, "write"), (cases, "save_all"), (scores, "move_cursor")])
def test_what_is_not_committed_has_not_happened(
    new: Callable[..., Ward], monkeypatch: pytest.MonkeyPatch, owner: object, name: str
) -> None:
    """Scores, alerts and cursor are one transaction: cut short there is nothing; done again it is as if undisturbed."""
    cut, whole = new(), new()
    sent = [message(str(n), ILL if n > 3 else WELL, T0 + n * MINUTE, T0 + n * MINUTE, "of-p1") for n in range(9)]
    for each in (cut, whole):
        each.store(*sent)

    done = getattr(owner, name)

    def fail(*what: object) -> None:
        done(*what)
        assert cut.rows("select count(*) from score") != [(0,)]
        raise OSError("the disk is gone")

    with monkeypatch.context() as broken:
        broken.setattr(owner, name, fail)
        with pytest.raises(OSError, match="the disk is gone"):
            cut.scorer.cycle(T0)
    assert cut.stored() == {"scores": [], "alerts": [], "events": [], "conditions": [], "cursor": [(0,)]}
    cut.started()
    for each in (cut, whole):
        each.score()
    assert cut.stored() == whole.stored()
    assert cut.alerts() == [("clinical", "new", 3)]


@pytest.mark.hazard("H10")
@given(seed=st.integers(0, 1000), cuts=st.sets(st.integers(1, 80), min_size=2, max_size=5))
@settings(max_examples=8)
def test_restarts_change_nothing(seed: int, cuts: set[int]) -> None:
    """A scorer that was started anew anywhere in the log writes what one that ran through it writes."""
    sent = simulated(seed)
    with TemporaryDirectory() as folder:
        through, restarted = (simulated_ward(Path(folder) / name) for name in ("through.db", "restarted.db"))
        with closing(through.db), closing(restarted.db):
            for first, last in pairwise([0, *sorted(cuts), len(sent)]):
                for each in (through, restarted):
                    if sent[first:last]:
                        each.store(*sent[first:last])
                    each.score()
                restarted.merge()
                restarted.started()
            assert restarted.stored() == through.stored()
            assert through.rows("select count(*) > 0 from score") == [(1,)]
            assert through.rows("select count(*) > 0 from attempt") == [(1,)]
            assert through.rows("select max(could_be - total_min) >= 6 from score where stay_no = 2") != [(0,)]
            assert [finding.found for finding in verify(Path(folder) / "restarted.db") if not finding.sound] == []


@pytest.mark.hazard("H10")
@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize(("seed", "hours"), [(4, 5.0), (321, 3.0)])  # the second has a silence that is filled late
def test_batches_of_any_size_give_the_same_tables(tmp_path: Path, size: int, seed: int, hours: float) -> None:
    """One message at a time, three rows at a time or all at once."""
    sent = simulated(seed, hours=hours)
    small, large = simulated_ward(tmp_path / "small.db", batch=size), simulated_ward(tmp_path / "large.db")
    with closing(small.db), closing(large.db):
        for each in (small, large):
            each.store(*sent)
            each.score()
        assert small.stored() == large.stored()
        assert ("clinical",) in small.rows("select distinct lane from alert")


@pytest.mark.hazard("H10")
def test_a_late_reading_rescores_what_followed(new: Callable[..., Ward]) -> None:
    """The stored history is that of a ward where every reading came in its time, and no row of the old one is left."""
    late, punctual = new(), new()
    story: Sequence[tuple[float, dict[str, float]]] = [
        (0, WELL),
        (5, {"spo2": 91.0}),
        (10, {"spo2": 91.0}),
        (15, {"heart_rate": 118.0}),
        (20, WELL),
        (30, {"respiratory_rate": 26.0}),
    ]
    for minute, values in story:
        punctual.sends(values, minute)
        if minute != 5:
            late.sends(values, minute)
    before = late.rows(SCORES)
    late.sends({"spo2": 91.0}, 5, late_ms=40 * MINUTE)
    assert before != late.rows(SCORES) == punctual.rows(SCORES)


def test_a_reading_from_before_what_memory_holds_is_scored_the_same(
    new: Callable[..., Ward], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stay whose window was trimmed is read back from the log first."""
    monkeypatch.setattr(scoring, "LEAST_TRIMMED", 0)
    reloaded: list[int] = []
    reload = Scorer._reload

    def reloading(self: Scorer, row: int) -> Readings:
        reloaded.append(row)
        return reload(self, row)

    monkeypatch.setattr(Scorer, "_reload", reloading)
    late, punctual = new(), new()
    hours = [hour / 2 for hour in range(24)]
    for hour in hours:
        for each in (late, punctual):
            if each is punctual or hour != 1:
                each.sends(WELL | {"spo2": 97.0 - hour % 3, "heart_rate": 80.0 + 4 * hour}, 60 * hour)
    assert reloaded == []
    late.sends(WELL | {"spo2": 96.0, "heart_rate": 84.0}, 60, late_ms=12 * HOUR)
    assert reloaded == [0]
    assert late.rows(SCORES) == punctual.rows(SCORES)


@pytest.mark.hazard("H4")
def test_a_device_of_nobody_is_scored_once_somebody_has_it(ward: Ward) -> None:
    """Its readings wait in the log; assigned from an earlier time on they count, known from the assignment on."""
    ward.sends(ILL, 2, device="stranger")
    assert ward.stored()["scores"] == []
    assert ward.scorer.cursor == 7
    ward.admit("p2", device="stranger")
    ward.score(T0 + 90 * MINUTE)
    assert [row[:5] for row in ward.stored()["scores"]] == [(2, T0 + 2 * MINUTE, T0 + 90 * MINUTE, 0, 8)]
    assert ward.rows("select stay_no, since_ms, opened_ms from alert where lane = 'clinical'") == [
        (2, T0 + 2 * MINUTE, T0 + 90 * MINUTE)
    ]


def test_a_device_that_was_given_back_earlier_takes_its_scores_with_it(ward: Ward) -> None:
    """What it measured after that is no longer the patient's, and a restart sees the same."""
    for minute in (1, 10, 20):
        ward.sends(WELL | {"heart_rate": 75.0 + minute * 2}, minute)
    registers.return_device(ward.db, "of-p1", T0 + 5 * MINUTE, By(actor="test", at_ms=T0 + HOUR))
    ward.score(T0 + HOUR)
    assert [row[1] for row in ward.stored()["scores"]] == [T0 + MINUTE]
    before = ward.stored()
    ward.started().cycle(T0 + HOUR)
    assert ward.stored() == before


def test_a_device_that_was_given_while_nothing_ran_is_scored_at_the_start(ward: Ward) -> None:
    """Its readings are in the log, behind the cursor: the first start after the change scores them, and only that."""
    ward.sends(ILL, 2, device="stranger")
    ward.admit("p2", device="stranger")
    ward.started(T0 + 90 * MINUTE)
    assert [row[:5] for row in ward.stored()["scores"]] == [(2, T0 + 2 * MINUTE, T0 + 90 * MINUTE, 0, 8)]
    assert ward.alerts() == [("clinical", "new", 3)]
    before = ward.stored()
    ward.started(T0 + 95 * MINUTE).cycle(T0 + 95 * MINUTE)
    assert ward.stored() == before


def test_a_device_that_was_taken_while_nothing_ran_takes_its_scores_with_it(ward: Ward) -> None:
    """As it does from a running ward, and what the patient keeps is left as it was."""
    for minute in (1, 10, 20):
        ward.sends(WELL | {"heart_rate": 75.0 + minute * 2}, minute)
    first = ward.stored()["scores"][0]
    registers.return_device(ward.db, "of-p1", T0 + 5 * MINUTE, By(actor="test", at_ms=T0 + HOUR))
    ward.started(T0 + HOUR)
    assert ward.stored()["scores"] == [first]


def test_a_change_that_was_not_followed_to_its_end_is_followed_again(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in the middle of it, a scorer has changed nothing; the next one does it."""
    ward.sends(ILL, 2, device="stranger")
    ward.admit("p2", device="stranger")

    def fail(*_: object) -> None:
        raise OSError("the disk is gone")

    with monkeypatch.context() as broken:
        broken.setattr(registers, "notice", fail)
        with pytest.raises(OSError, match="the disk is gone"):
            ward.scorer.cycle(T0 + HOUR)
    assert ward.stored()["scores"] == []
    ward.started(T0 + HOUR)
    assert len(ward.stored()["scores"]) == 1


def test_a_patient_whose_device_goes_home_is_not_scored_again(ward: Ward) -> None:
    """What was told to the alerts once is not told again: an alert in someone's hands stays as it is."""
    for minute in range(0, 90, 10):
        ward.sends(ILL if minute >= 60 else WELL, minute)
    _acknowledge(ward.db, 1, Act(actor="ahmed", now_ms=T0 + 81 * MINUTE, note="phoned"))
    before = ward.stored()
    registers.return_device(ward.db, "of-p1", T0 + 90 * MINUTE, By(actor="test", at_ms=T0 + 90 * MINUTE))
    ward.score(T0 + 91 * MINUTE)
    ward.started(T0 + 91 * MINUTE)
    assert ward.stored() == before


@pytest.mark.hazard("H24")
def test_a_patient_who_left_while_nothing_ran_has_nothing_open_after_the_start(new: Callable[..., Ward]) -> None:
    """What is expected of a patient who has gone must not stand on the list for ever; once ended it is left alone."""
    running, down = new(), new()
    for ward in (running, down):
        for patient in ("p2", "p3"):
            ward.admit(patient)
        ward.sends(ILL, 1)
        ward.scorer.tick(T0 + 2 * HOUR)
        _close(ward.db, 3, Act(actor="ahmed", now_ms=T0 + 2 * HOUR, note="battery changed"), Outcome.TECHNICAL_FIXED)
        assert ward.alerts()[-1] == ("technical", "closed", 1)
        ward.admit("p4", T0 + 178 * MINUTE)
        ward.sends(ILL, 179, device="of-p4")
        for patient in ("p1", "p2", "p3", "p4"):
            ward.discharge(patient, T0 + 3 * HOUR)
    running.score(T0 + 4 * HOUR)
    down.started(T0 + 4 * HOUR)
    assert [row[1] for row in down.alerts()] == ["settled", "settled", "closed", "closed", "settled"]
    assert (down.stored(), down.fell_due()) == (running.stored(), [])
    for ward in (running, down):
        before = ward.stored()
        ward.started(T0 + 5 * HOUR)
        assert ward.stored() == before


@pytest.mark.hazard("H24")
def test_a_discharge_ends_what_is_expected_and_raises_nothing_more(ward: Ward) -> None:
    """A technical alert closes, what was urgent awaits its outcome, and late news adds no alert."""
    ward.admit("p2")
    ward.sends(ILL, 1)
    ward.scorer.tick(T0 + 2 * HOUR)
    assert ward.alerts() == [("clinical", "new", 3), ("technical", "new", 3), ("technical", "new", 1)]
    for patient in ("p1", "p2"):
        ward.discharge(patient, T0 + 3 * HOUR)
    ward.score(T0 + 3 * HOUR)
    ended = ward.alerts()
    assert [row[:2] for row in ended] == [("clinical", "settled"), ("technical", "settled"), ("technical", "closed")]
    assert ward.fell_due() == []
    ward.sends(ILL | {"systolic_bp": 85.0}, 170, late_ms=HOUR)
    ward.sends(ILL, 200)
    ward.scorer.tick(T0 + DAY)
    assert ward.alerts() == ended
    assert ward.scorer.stays == 0


@pytest.mark.hazard("H2", "H24")
def test_a_reading_is_overdue_by_the_clock_as_of_when_it_was_due(ward: Ward) -> None:
    """Thirty minutes after the last of a wearable's vitals, not a moment earlier, and dated then however late."""
    ward.sends(WELL, 0)
    ward.scorer.tick(T0 + 30 * MINUTE)
    assert ward.fell_due() == []
    ward.scorer.tick(T0 + 50 * MINUTE)
    wearable = ["heart_rate", "respiratory_rate", "spo2"]
    assert ward.fell_due() == [(part, 30) for part in wearable]
    assert ward.rows("select lane, level, since_ms, opened_ms from alert") == [
        ("technical", 1, T0 + 30 * MINUTE, T0 + 30 * MINUTE)
    ]
    ward.sends(WELL, 60)
    assert ward.fell_due() == []


def test_readings_that_arrive_late_are_judged_by_their_own_time(new: Callable[..., Ward]) -> None:
    """A recording published days later is not overdue by the clock; silence after its last arrival is."""
    ward = new()
    for minute in range(0, 60, 10):
        ward.sends(WELL, minute, late_ms=10 * DAY)
    last_ms = T0 + 50 * MINUTE + 10 * DAY
    for span, parts in ((20, 0), (30, 0), (31, 3)):
        ward.scorer.tick(last_ms + span * MINUTE)
        assert len(ward.fell_due()) == parts, span


@pytest.mark.hazard("H7")
def test_silence_is_found_though_the_clock_was_ahead_when_the_last_reading_came(ward: Ward) -> None:
    """It came, as it seemed, an hour or a year late; once the clock is right, that is no reason to wait as long."""
    for minute in (0, 15):
        ward.sends(WELL, minute, late_ms=365 * DAY)
    ward.scorer.tick(T0 + 20 * MINUTE)
    assert ward.fell_due() == []
    ward.scorer.tick(T0 + 46 * MINUTE)
    assert ward.fell_due() == [(part, 45) for part in ("heart_rate", "respiratory_rate", "spo2")]


def test_how_far_a_stay_had_come_is_known_after_a_restart(ward: Ward) -> None:
    """What is older than its latest reading is late news then as before."""
    ward.sends(WELL, 10)
    ward.started()
    ward.sends({"spo2": 91.0}, 5, late_ms=HOUR)
    assert ward.rows("select at_ms, late from score order by at_ms") == [(T0 + 5 * MINUTE, 1), (T0 + 10 * MINUTE, 0)]


def test_what_arrives_late_does_so_after_a_restart_too(ward: Ward) -> None:
    """How far behind a stay's readings come is read back with them."""
    ward.sends(WELL, 0, late_ms=10 * DAY)
    ward.started(T0 + 10 * DAY)
    ward.scorer.tick(T0 + 10 * DAY + 20 * MINUTE)
    assert ward.fell_due() == []


@pytest.mark.parametrize("late", [0, 10 * DAY])
def test_the_next_moment_at_which_something_falls_due_is_known(ward: Ward, late: int) -> None:
    """A tick just before it finds nothing, and one at it does; then comes the next, of vitals that may wait longer."""
    ward.sends(WELL, 0, late_ms=late)
    due_ms = ward.scorer.next_due_ms(T0 + late)
    assert due_ms == T0 + late + 30 * MINUTE + 1
    ward.scorer.tick(due_ms - 1)
    assert ward.fell_due() == []
    ward.scorer.tick(due_ms)
    assert len(ward.fell_due()) == 3
    later_ms = ward.scorer.next_due_ms(due_ms)
    assert later_ms is not None
    ward.scorer.tick(later_ms - 1)
    assert len(ward.fell_due()) == 3
    ward.scorer.tick(later_ms)
    assert len(ward.fell_due()) > 3


def test_the_end_of_an_acknowledgement_is_a_moment_at_which_something_falls_due(ward: Ward) -> None:
    """And of a ward without patients nothing ever does."""
    ward.sends(ILL, 0)
    (alert_id,) = ward.rows("select id from alert")[0]
    with database.atomic(ward.db):
        act = Act(actor="ann", now_ms=T0 + MINUTE, note="phoned")
        cases.acknowledge(ward.db, alert_id, act, for_ms=5 * MINUTE)
    assert ward.scorer.next_due_ms(T0) == T0 + 6 * MINUTE
    ward.discharge("p1", T0 + MINUTE)
    ward.score(T0 + MINUTE)
    assert ward.scorer.next_due_ms(T0) is None


@pytest.mark.parametrize(("span", "overdue"), [(29, 0), (31, 3)])
def test_a_patient_written_down_late_is_waited_for_from_then_on(ward: Ward, span: int, overdue: int) -> None:
    """Two days between admission and register: the plan's wait begins when the register says so."""
    ward.discharge("p1", T0)
    ward.admit("p2", T0, written_ms=T0 + 2 * DAY)
    ward.score(T0 + 2 * DAY)
    ward.scorer.tick(T0 + 2 * DAY + span * MINUTE)
    assert len(ward.fell_due()) == overdue


@pytest.mark.hazard("H19")
def test_the_lag_is_how_long_the_oldest_reading_has_waited(ward: Ward) -> None:
    """Nothing waits, nothing lags; a clock that stepped back gives no negative lag."""
    assert ward.scorer.lag_ms(T0) == 0
    ward.store(message("a", WELL, T0, T0 + 500, "of-p1"), message("b", WELL, T0, T0 + 900, "of-p1"))
    assert [ward.scorer.lag_ms(T0 + span) for span in (1500, 0)] == [1000, 0]
    ward.score()
    assert ward.scorer.lag_ms(T0 + DAY) == 0


def test_a_vital_heard_for_the_first_time_while_running_is_scored(ward: Ward) -> None:
    """The register of vitals is read again when the log holds one that is not known; an unknown name scores nothing."""
    ward.sends({"spo2": 97.0}, 0)
    ward.sends({"mood": 3.0, "heart_rate": 135.0}, 1)
    assert [row[4] for row in ward.stored()["scores"]] == [0, 3]


@pytest.mark.hazard("H18")
def test_every_score_says_by_which_versions_it_was_made(ward: Ward) -> None:
    """Software, chart, plan and configuration, and those of the next software beside them."""
    ward.sends(WELL, 0)
    versions = replace(Provenance(config_hash="other", plans=plans.load_all()), software="next", _numbers={})
    ward.scorer = Scorer(ward.db, versions, T0)
    ward.sends(ILL, 1)
    rows = ward.rows("select plan, config_hash, software = 'next' from score join provenance using (provenance_no)")
    assert rows == [("acute-respiratory 3", "test", 0), ("acute-respiratory 3", "other", 1)]
    assert scores.cursor(ward.db) == 14


def lived(path: Path, fresh: Fresh | None) -> dict[str, list[tuple[Any, ...]]]:
    """Live through forty minutes: words, repeats, new vitals, another process, a scorer that lags and is restarted."""
    ward = Ward(path)
    ward.admit("p1")
    log, versions = LogWriter(ward.db, fresh), Provenance(config_hash="test", plans=plans.load_all())
    scorer = Scorer(ward.db, versions, T0, fresh=fresh)
    for number in range(40):
        at_ms = T0 + number * MINUTE
        values = ILL if number % 9 > 4 else WELL | {f"unheard-of-{number // 15}": 1.0}
        values = {} if number % 6 == 5 else values
        said = message(f"m{number}", values, at_ms, at_ms, "of-p1", ["spo2", "gcs"] if number % 3 == 2 else [])
        (LogWriter(ward.db) if number in {11, 30} else log).append([said, said], (), at_ms + 700)
        if number == 20:
            scorer = Scorer(ward.db, versions, at_ms, fresh=fresh)
        while number % 3 and scorer.cycle(at_ms):
            pass
    scorer.cycle(T0 + HOUR)
    return ward.stored()


def test_a_log_that_is_handed_on_scores_as_one_that_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same scores and alerts; and what was handed on is not read again."""
    read = lived(tmp_path / "read.db", None)
    read_back: list[int] = []
    rows_after = stored.rows_after

    def counting(*asked: Any) -> list[stored.LogRow]:  # noqa: ANN401 -- passed on as it is
        found = rows_after(*asked)
        read_back.append(len(found))
        return found

    monkeypatch.setattr(stored, "rows_after", counting)
    handed = lived(tmp_path / "handed.db", Fresh())
    assert handed == read
    assert len(read["alerts"]) == 1
    assert 0 < sum(read_back) < 40 * len(ILL) / 4


NO_BLOOD_PRESSURE = {vital: value for vital, value in WELL.items() if vital != "systolic_bp"} | {"heart_rate": 112.0}
COULD_BE = "select state, level, late, since_ms, opened_ms from alert where lane = 'clinical'"


@pytest.mark.hazard("H8")
def test_a_refused_reading_raises_what_could_be_when_no_repeat_comes(ward: Ward) -> None:
    """Two points for the pulse and a pressure that came as nonsense: not when it is overdue, and why."""
    ward.sends(NO_BLOOD_PRESSURE, 0)
    assert ward.alerts() == []
    ward.sends({}, 10, refused=["systolic_bp"])
    assert ward.rows("select at_ms, total_min, could_be from score") == [(T0, 2, 2), (T0 + 10 * MINUTE, 2, 5)]
    known_ms = T0 + 10 * MINUTE
    asked = "select rule, vitals, asked_ms, due_ms, state from request"
    assert ward.rows(asked) == [("news2_could_be_5", "systolic_bp", known_ms, known_ms + 15 * MINUTE, "queued")]
    ward.scorer.tick(known_ms + 15 * MINUTE - 1)
    assert ward.alerts() == []
    ward.scorer.tick(known_ms + 20 * MINUTE)
    assert ward.rows(COULD_BE) == [("new", 1, 0, known_ms, known_ms + 15 * MINUTE)]
    assert [row[4] for row in ward.rows(asked)] == ["over"]
    (evidence,) = ward.rows("select evidence from alert")[0]
    assert json.loads(evidence)["refused"] == {"systolic_bp": {"age_ms": 0, "sent": "999"}}
    assert json.loads(evidence)["rules"] == ["news2_could_be_5"]


@pytest.mark.usefixtures("at_once")
def test_a_good_reading_ends_it_and_a_further_refusal_does_not(ward: Ward) -> None:
    """Half an hour of good readings clears the alert; an attempt then is not one of them, nor does it undo them."""
    ward.sends(NO_BLOOD_PRESSURE, 0, refused=["systolic_bp"])
    ward.sends({"systolic_bp": 120.0, "heart_rate": 112.0}, 10)
    ward.sends({}, 40, refused=["spo2"])
    assert [row[:2] for row in ward.rows(COULD_BE)] == [("new", 1)]
    ward.sends({"heart_rate": 112.0}, 40)
    assert [row[:2] for row in ward.rows(COULD_BE)] == [("closed", 1)]


def test_an_attempt_is_no_reading_wherever_readings_are_counted_or_shown(ward: Ward) -> None:
    """Not stored, not the latest, not heard, not the end of a silence; the log's numbers go on."""
    ward.sends(WELL, 0)
    ward.scorer.tick(T0 + 40 * MINUTE)
    before = (ward.fell_due(), ward.scorer.last_received_ms, ward.scorer.last_observed_ms, ward.scorer.readings)
    latest = stored.latest(ward.db)
    ward.sends({}, 45, refused=["spo2", "heart_rate"])
    ward.scorer.tick(T0 + 50 * MINUTE)
    after = (ward.fell_due(), ward.scorer.last_received_ms, ward.scorer.last_observed_ms, ward.scorer.readings)
    assert after == before
    assert before[0] == [("heart_rate", 30), ("respiratory_rate", 30), ("spo2", 30)]
    assert (ward.scorer.cursor, ward.scorer.readings, ward.started().readings) == (9, 7, 7)
    assert stored.latest(ward.db) == latest
    assert len(stored.history(ward.db, [1])) == len(listing.readings(ward.db, listing.Wanted(limit=99))) == 7
    ward.merge()
    assert stored.latest(ward.db) == latest
    assert [finding.found for finding in verify(ward.path) if not finding.sound] == []


def test_words_beside_attempts_are_readings(ward: Ward) -> None:
    """A vital that no table knows came as words: it has no number either, and is counted and heard."""
    word = Reading(vital="mood", value=None, text="low", observed_ms=T0, raw_value=None, raw_unit=None, marks=8)
    said = message("m", {}, T0, T0 + 7, "of-p1", ["spo2"])
    body = replace_readings(said.message, (word,))
    ward.store(Arrival("resp", "of-p1", said.topic, body, T0 + 7, b"{}"))
    ward.score()
    assert (ward.scorer.readings, ward.scorer.last_received_ms) == (1, T0 + 7)
    assert ward.rows("select at_ms, could_be from score") == [(T0, 3)]


def replace_readings(body: Message, readings: tuple[Reading, ...]) -> Message:
    """Give a message with these readings."""
    return Message(id=body.id, seq=None, battery_percent=None, readings=readings, refused=body.refused)


def test_the_same_message_again_changes_nothing(ward: Ward) -> None:
    """A device that had no receipt sends it again: no attempt more, no score, no event."""
    said = message("m", NO_BLOOD_PRESSURE, T0, T0, "of-p1", ["systolic_bp"])
    ward.store(said)
    ward.score()
    before = (ward.stored(), ward.rows("select * from attempt"), ward.rows("select * from quarantine"))
    ward.store(said, said)
    ward.score()
    assert (ward.stored(), ward.rows("select * from attempt"), ward.rows("select * from quarantine")) == before


@pytest.mark.parametrize("between", [{}, {"heart_rate": 80.0}])
def test_a_refusal_that_is_told_again_without_an_id_changes_no_alert(ward: Ward, between: dict[str, float]) -> None:
    """Nothing tells that it is the same; what could be stays what it was, and nobody is asked again."""
    said = message("m", NO_BLOOD_PRESSURE, T0, T0, "of-p1", ["systolic_bp"])
    said = structs.replace(said, message=structs.replace(said.message, id=None))
    ward.store(said)
    ward.score()
    ward.sends(between, 5)
    scores, before = ward.rows(SCORES), ward.stored()
    ward.store(structs.replace(said, received_ms=T0 + 10 * MINUTE))
    ward.score(T0 + 10 * MINUTE)
    assert ward.rows("select count(*) from attempt") == [(2,)]
    assert ward.rows(SCORES) == scores
    assert {name: ward.stored()[name] for name in ("alerts", "events", "conditions")} == {
        name: before[name] for name in ("alerts", "events", "conditions")
    }


@pytest.mark.usefixtures("at_once")
def test_a_late_attempt_is_told_of_the_present_and_not_of_the_past(new: Callable[..., Ward]) -> None:
    """It raises what could be now, as of now; the history is that of a ward where it came in its time."""
    late, punctual = new(), new()
    for minute in (0, 10, 20, 30):
        punctual.sends(
            NO_BLOOD_PRESSURE if minute != 10 else {}, minute, refused=["systolic_bp"] if minute == 10 else []
        )
        if minute != 10:
            late.sends(NO_BLOOD_PRESSURE, minute)
    assert late.alerts() == []
    late.sends({}, 10, late_ms=21 * MINUTE, refused=["systolic_bp"])
    assert late.rows(SCORES) == punctual.rows(SCORES)
    assert late.rows(COULD_BE) == [("new", 1, 0, T0 + 30 * MINUTE, T0 + 31 * MINUTE)]


def test_an_attempt_from_before_what_memory_holds_is_scored_the_same(
    new: Callable[..., Ward], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stay whose attempts were trimmed, or that is started anew, is read back from the log with them."""
    monkeypatch.setattr(scoring, "LEAST_TRIMMED", 0)
    late, punctual = new(), new()
    halves = [half * 30 for half in range(20)]
    for minute in halves:
        for each in (late, punctual):
            refused = ["systolic_bp", "gcs"] if minute % 120 == 0 else []
            if each is punctual or minute != 60:
                each.sends({"heart_rate": 112.0 + minute / 60}, minute, refused=refused)
    late.started()
    late.sends({"heart_rate": 113.0}, 60, late_ms=12 * HOUR)
    assert late.rows(SCORES) == punctual.rows(SCORES)
    assert late.rows("select max(could_be - total_min) from score") == [(3 * 4,)]


@pytest.mark.usefixtures("at_once")
def test_an_attempt_belongs_to_whoever_had_the_device_then(ward: Ward) -> None:
    """Nobody's counts for nobody; once the register says whose it was, it is that stay's, with what was sent."""
    ward.sends({"heart_rate": 112.0}, 2, device="stranger", refused=["systolic_bp"])
    ward.admit("p2", device="stranger")
    ward.score(T0 + 5 * MINUTE)
    assert ward.rows("select stay_no, could_be - total_min from score") == [(2, 3)]
    (evidence,) = ward.rows("select evidence from alert where lane = 'clinical'")[0]
    assert json.loads(evidence)["refused"]["systolic_bp"]["sent"] == "999"


@pytest.mark.hazard("H4")
@pytest.mark.parametrize("stopped", [False, True])
def test_a_device_that_changes_hands_takes_its_readings_along_also_when_nothing_runs(
    tmp_path: Path, stopped: bool
) -> None:
    """Returned and given to another as of before its last readings: they are the other's, whenever that was written."""
    ward = Ward(tmp_path / "ward.db")
    ward.admit("p1")
    ward.admit("p2")
    ward.sends(WELL, 1)
    ward.sends(ILL, 30)
    by = By(actor="test", at_ms=T0 + HOUR)
    registers.return_device(ward.db, "of-p1", T0 + 20 * MINUTE, by)
    registers.assign(ward.db, "of-p1", "p2", T0 + 20 * MINUTE, by)
    if stopped:
        ward.started(T0 + 2 * HOUR)
    ward.score(T0 + 2 * HOUR)
    assert ward.rows("select stay_no, at_ms, received_ms, total_min from score order by 1, 2") == [
        (1, T0 + MINUTE, T0 + MINUTE, 0),
        (2, T0 + 30 * MINUTE, T0 + 2 * HOUR, 8),
    ]
    raised = "select stay_no, state from alert where lane = 'clinical' order by 1"
    assert ward.rows(raised) == [(1, "new"), (2, "new")]


def test_an_attempt_alone_is_a_device_that_was_heard(ward: Ward) -> None:
    """Given to a patient afterwards, the device's only word counts: it was refused, and it was the patient's."""
    ward.sends({}, 2, device="stranger", refused=["systolic_bp", "spo2"])
    ward.admit("p2", device="stranger")
    ward.score(T0 + 5 * MINUTE)
    assert ward.rows("select stay_no, could_be from score") == [(2, 6)]
