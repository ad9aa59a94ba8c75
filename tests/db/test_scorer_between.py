"""What others do while the scorer holds no lock: between its reading, its scoring and its writing."""

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from alerts import store as cases
from alerts.acts import Act
from alerts.model import Outcome
from tests.db.test_scorer import HOUR, ILL, MINUTE, T0, WELL, Ward, message
from vwmon.errors import StoreBusy
from vwmon.patients import plans
from vwmon.patients.admission import Admission
from vwmon.patients.records import By
from vwmon.quantities import Learnt
from vwmon.scorer import Scorer
from vwmon.store import database, limits, registers, scores
from vwmon.store.log import LogWriter
from vwmon.store.sqlite import Connection
from vwmon.ward import Readings


def _acknowledge(db: Connection, stay_no: int, act: Act) -> str:
    """Take the one alert of a stay in hand; give its id."""
    with database.atomic(db):
        (name,) = db.execute("select id from alert where stay_no = ?", [stay_no]).fetchone()
        assert cases.acknowledge(db, name, act).refusal is None
    return str(name)


def _close(db: Connection, stay_no: int, act: Act, outcome: Outcome) -> None:
    """Take the one alert of a stay in hand and close it."""
    name = _acknowledge(db, stay_no, act)
    with database.atomic(db):
        assert cases.close(db, name, act, outcome).refusal is None


def _discharged(db: Connection) -> None:
    registers.discharge(db, "p1", "recovered", T0 + 12 * MINUTE, By(actor="test", at_ms=T0 + 12 * MINUTE))


def _returned(db: Connection) -> None:
    registers.return_device(db, "of-p1", T0 + 4 * MINUTE, By(actor="test", at_ms=T0 + 12 * MINUTE))


def _moved(db: Connection) -> None:
    by = By(actor="test", at_ms=T0 + 12 * MINUTE)
    plan = plans.load("acute-respiratory")
    registers.return_device(db, "of-p1", T0 + 11 * MINUTE, by)
    registers.admit(db, Admission(patient="p2", ward="resp", plan=plan, admitted_ms=T0, born="1950-01-01"), by)
    registers.assign(db, "of-p1", "p2", T0 + 11 * MINUTE, by)


def _acknowledged(db: Connection) -> None:
    _acknowledge(db, 1, Act(actor="ahmed", now_ms=T0 + 11 * MINUTE, note="phoned"))


def _closed(db: Connection) -> None:
    _close(db, 1, Act(actor="ahmed", now_ms=T0 + 11 * MINUTE, note="phoned"), Outcome.PHONED_STABLE)


def _merged(db: Connection) -> None:
    LogWriter(db).merge(scores.cursor(db), 1000)


def _appended(db: Connection) -> None:
    at_ms = T0 + 13 * MINUTE
    LogWriter(db).append([message("entered-by-hand", ILL, at_ms, at_ms, "of-p1")], (), at_ms)


def _limited(db: Connection) -> None:
    by = By(actor="ahmed", at_ms=T0 + 12 * MINUTE)
    limits.put(db, "p1", "news2_7", {"limit_on": 15, "limit_off": 14}, "agreed", by)


@pytest.mark.parametrize(
    ("meanwhile", "before"),
    [
        (_limited, False),
        (_discharged, False),
        (_returned, False),
        (_moved, False),
        (_acknowledged, True),
        (_closed, True),
        (_merged, False),
        (_appended, False),
    ],
)
def test_what_others_do_between_the_scoring_and_its_writing_is_as_if_done_before_or_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[Connection], None], before: bool
) -> None:
    """No lock is held then: what changes the registers or the log is followed next, what a person did comes first."""
    step = Scorer._step

    def interrupted(self: Scorer, readings: Readings, learnt: Sequence[Learnt]) -> Any:  # noqa: ANN401 -- private to it
        done = step(self, readings, learnt)
        monkeypatch.setattr(Scorer, "_step", step)
        with closing(database.open_writer(tmp_path / "between.db")) as other:
            meanwhile(other)
        return done

    lived = {}
    for name in ("apart", "between"):
        ward = Ward(tmp_path / f"{name}.db")
        with closing(ward.db):
            ward.admit("p1")
            for minute in (0, 5):
                ward.sends(ILL | {"heart_rate": 95.0}, minute)
            assert ward.alerts() == [("clinical", "new", 3)]
            said = message("worse", ILL | {"systolic_bp": 85.0}, T0 + 12 * MINUTE, T0 + 12 * MINUTE, "of-p1")
            if name == "between":
                monkeypatch.setattr(Scorer, "_step", interrupted)
            elif before:
                meanwhile(ward.db)
            ward.store(said)
            ward.scorer.cycle(T0 + 12 * MINUTE)
            if name == "apart" and not before:
                meanwhile(ward.db)
            ward.score(T0 + 13 * MINUTE)
            lived[name] = ward.stored()
    assert lived["between"] == lived["apart"]


def test_a_device_that_was_given_before_it_spoke_is_the_patient_s_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both in the moment between two turns: the registers are read after the log, and the reading is not a late one."""
    ward = Ward(tmp_path / "ward.db")
    following = Scorer._follow_registers

    def given_meanwhile(self: Scorer, now_ms: int) -> None:
        following(self, now_ms)
        if not ward.rows("select 1 from stay where patient = 'p2'"):
            ward.admit("p2")
            ward.store(message("first", ILL, T0 + MINUTE, T0 + MINUTE, "of-p2"))

    monkeypatch.setattr(Scorer, "_follow_registers", given_meanwhile)
    ward.scorer.cycle(T0 + MINUTE)
    ward.score(T0 + HOUR)
    assert [row[:4] for row in ward.stored()["scores"]] == [(1, T0 + MINUTE, T0 + MINUTE, 0)]
    ward.db.close()


def test_a_database_that_is_held_by_another_program_stops_the_scorer_before_it_has_written(
    tmp_path: Path,
) -> None:
    """StoreBusy ends the daemon; what had been scored by then is scored again from the cursor, once."""
    held, free = (Ward(tmp_path / name) for name in ("held.db", "free.db"))
    held.db.execute("pragma busy_timeout = 0")
    for each in (held, free):
        each.admit("p1")
        each.sends(WELL, 0)
        each.store(message("ill", ILL, T0 + MINUTE, T0 + MINUTE, "of-p1"))
    before = held.stored()
    with closing(database.open_writer(tmp_path / "held.db")) as other, database.atomic(other):
        with pytest.raises(StoreBusy):
            held.scorer.cycle(T0 + MINUTE)
        assert held.scorer.cursor == len(WELL)
    assert held.stored() == before
    held.started(T0 + MINUTE)
    for each in (held, free):
        each.score(T0 + MINUTE)
    assert held.stored() == free.stored()
    for each in (held, free):
        each.db.close()
