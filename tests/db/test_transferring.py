"""A patient goes to another ward: nothing is lost on the way, and nobody owns what they left."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alerts import queries
from alerts.model import Alert
from tests.db.test_publisher import Broker, run, started
from tests.db.test_scorer import ILL, MINUTE, T0, WELL
from tests.db.test_scorer_limits import FAR, FOUR, POORLY, Limited, all_the_same, ward_limit
from tests.db.told_ward import PATIENT, ToldWard, Wire
from tests.unit.alerts_points import person
from vwmon import transferring
from vwmon.config_duty import Ward as WardSettings
from vwmon.duty import Staffing
from vwmon.errors import ConflictError, NotFoundError, UsageError
from vwmon.patients import plans
from vwmon.patients.places import Place, places, spans
from vwmon.patients.records import By, Stay
from vwmon.provenance import Provenance
from vwmon.scorer import Scorer
from vwmon.store import database, limits, pauses, registers, transfers
from vwmon.store.transfers import Wanted


class TwoWards(Limited):
    """The wards resp, whose limit on NEWS2 5 is far off, and frail, whose hours are others and which has none."""

    def versions(self) -> Provenance:
        """Give what makes its alerts."""
        resp = WardSettings(id="resp", name="R", hours="08:00-20:00", limits=tuple(self.limits))
        frail = WardSettings(id="frail", name="F", hours="00:00-24:00", time_zone="Asia/Kolkata")
        wards = (resp, frail)
        return Provenance(
            config_hash="test",
            plans=plans.load_all(),
            wards={ward.id: ward for ward in wards},
            staffing=Staffing(wards=wards, told=True),
        )

    def goes(self, to: str = "frail", reason: str = "closer to home") -> transferring.Transferred:
        """Send p1 to a ward now."""
        wanted = Wanted(patient="p1", to=to, at_ms=self.now_ms, reason=reason)
        act = replace(self.act("ann"), op_id=f"transfer.{self.now_ms}")
        return transferring.transfer(self.db, wanted, By(actor="ann", at_ms=self.now_ms), act)

    def states(self) -> list[tuple[str, str | None]]:
        """Read state and owner of every open alert."""
        return self.rows("select state, owner from alert where state <> 'closed' order by alert_no")


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[TwoWards]:
    """Two wards with one patient, on resp."""
    made = TwoWards(tmp_path / "ward.db", ward_limit(FAR))
    made.admit("p1")
    with closing(made.db):
        yield made


@pytest.mark.hazard("H35")
def test_everything_of_the_stay_goes_along(ward: TwoWards) -> None:
    """The same stay, with its devices, pause, own limit and open alert; only the ward is another."""
    ward.hears(ILL, 5)
    ward.limit({"level": 3, "limit_on": 4, "limit_off": 3})
    stay = registers.open_stay(ward.db, "p1")
    span = (ward.now_ms, ward.now_ms + 60 * MINUTE)
    pauses.give(ward.db, stay, span, "scan", By(actor="ann", at_ms=ward.now_ms))
    before = [ward.rows(f"select * from {name}") for name in ("assignment", "pause", "stay_limit", "score")]  # noqa: S608
    ward.until(7)
    done = ward.goes()
    assert (done.before.ward, done.after.ward, done.after.stay_no) == ("resp", "frail", stay.stay_no)
    assert [ward.rows(f"select * from {name}") for name in ("assignment", "pause", "stay_limit", "score")] == before  # noqa: S608
    assert ward.states() == [("new", None)]
    assert ward.rows("select count(*) from alert where state = 'closed'") == [(0,)]
    assert limits.of_stay(ward.db, stay.stay_no)[0].ended_ms is None


@pytest.mark.hazard("H35")
def test_what_somebody_has_in_hand_asks_anew_and_its_history_says_whose_it_was(ward: TwoWards) -> None:
    """An owner on the ward before would hold back the only call that the other ward gets."""
    ward.hears(ILL, 5)
    (alert_id,) = ward.open_alerts()
    ward.ack(alert_id)
    ward.until(8)
    ward.goes()
    assert ward.states() == [("reraised", None)]
    (last,) = ward.rows("select kind, actor, note from alert_event order by event_no desc limit 1")
    assert last == (
        "unacknowledged",
        "ann",
        "transferred from resp to frail: closer to home, was in the hands of ann",
    )


@pytest.mark.hazard("H35")
def test_a_snoozed_alert_is_on_the_list_again(ward: TwoWards) -> None:
    """What was put off by who left it is not put off for who has it now."""
    ward.limits = ()
    ward.started()
    for minute in (5, 11):
        ward.hears(POORLY | {"spo2": 93.0}, minute)
    (alert_id,) = ward.open_alerts()
    ward.ack(alert_id)
    assert ward.snooze(alert_id, 10).refusal is None
    ward.goes()
    assert ward.rows("select state, snooze_ms from alert where state <> 'closed'") == [("reraised", None)]


def test_the_limits_of_the_other_ward_hold_from_then_on(ward: TwoWards) -> None:
    """Not before: what resp let pass stays passed, and the same values on frail are judged by frail."""
    worse = POORLY | {"spo2": 93.0}
    for minute in (5, 15):
        ward.hears(worse, minute)
    assert ward.open_alerts() == []
    ward.until(18)
    ward.goes()
    for minute in (25, 35):
        ward.hears(worse, minute)
    assert len(ward.open_alerts()) == 1
    ward.goes("resp")
    ward.hears(WELL, 45)
    assert all_the_same(ward)


def test_what_came_on_the_first_ward_is_told_again_as_judged_there(ward: TwoWards) -> None:
    """Not by the ward that the stay ended on: nothing opened on resp, and the same opened on frail."""
    worse = POORLY | {"spo2": 93.0}
    for minute in (5, 15):
        ward.hears(worse, minute)
    ward.until(18)
    ward.goes()
    for minute in (25, 35):
        ward.hears(worse, minute)
    (alert_id,) = ward.open_alerts()
    assert all_the_same(ward)
    assert ward.explained(alert_id).rules[0].limit_on == 5


@pytest.mark.parametrize("at_once", [False, True])
def test_an_alert_of_the_first_ward_is_explained_by_its_limit(ward: TwoWards, *, at_once: bool) -> None:
    """Also where the transfer was written down in the millisecond in which the reading came."""
    ward.limits = (ward_limit(FOUR),)
    ward.started()
    ward.hears(POORLY, 10)
    (alert_id,) = ward.open_alerts()
    ward.until(10 if at_once else 20)
    ward.goes()
    ward.hears(WELL, 30)
    assert all_the_same(ward)
    found = ward.explained(alert_id)
    assert (found.rules[0].limit_on, found.given["news2_5"]["limit_on"].author) == (4, "round")


def test_a_transfer_is_told_again_to_the_bit(ward: TwoWards) -> None:
    """Alerts before and after it, taken in hand before, over a restart, and with readings that come late."""
    ward.hears(ILL, 5)
    (alert_id,) = ward.open_alerts()
    ward.ack(alert_id)
    ward.until(9)
    ward.goes()
    ward.hears(ILL | {"systolic_bp": 85.0}, 12)
    ward.started(ward.now_ms)
    ward.ack(alert_id, by="bob")
    ward.hears(WELL, 30, late=4)
    ward.until(120)
    ward.goes("resp", "back")
    ward.hears(ILL, 130)
    assert all_the_same(ward)


def test_a_scorer_that_was_not_there_at_the_time_has_the_same_terms(ward: TwoWards) -> None:
    """The wards of a stay are read back with when it came to each."""
    ward.until(5)
    ward.goes()
    known = ward.scorer
    ward.score(ward.now_ms)
    after = Scorer(ward.db, ward.versions(), ward.now_ms)
    (now,), (again,) = known._alerting._terms, after._alerting._terms
    opens = [terms.opens.args[0].id for terms in now.terms]  # type: ignore[attr-defined]
    assert opens == [terms.opens.args[0].id for terms in again.terms]  # type: ignore[attr-defined]
    assert (again.starts, opens) == (now.starts, ["resp", "resp", "frail"])
    assert [terms.rules for terms in again.terms] == [terms.rules for terms in now.terms]


@pytest.mark.hazard("H35")
@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"to": "resp"}, ConflictError),
        ({"patient": "p9"}, NotFoundError),
        ({"at_ms": T0 + 6 * MINUTE}, UsageError),
        ({"at_ms": T0 - MINUTE}, UsageError),
        ({"reason": " "}, UsageError),
        ({"to": "Frail!"}, UsageError),
    ],
)
def test_what_cannot_be_leaves_the_patient_where_they_are(
    ward: TwoWards, changed: dict[str, Any], error: type[Exception]
) -> None:
    """The ward they are on, nobody, a time to come or from before, no reason, no ward's name."""
    ward.until(5)
    wanted = replace(Wanted(patient="p1", to="frail", at_ms=T0 + 5 * MINUTE, reason="x"), **changed)
    with pytest.raises(error):
        transferring.transfer(ward.db, wanted, By(actor="ann", at_ms=ward.now_ms), ward.act("ann"))
    assert registers.open_stay(ward.db, "p1").ward == "resp"
    assert transfers.by_stay(ward.db) == {}


def test_the_wards_of_a_stay_come_in_order_and_without_a_gap() -> None:
    """The first from ever, each up to when the next was written down, the last without end."""
    stay = Stay(
        stay_no=1,
        patient="p",
        ward="c",
        pathway="general",
        plan_version="1",
        admitted_ms=0,
        discharged_ms=None,
        discharge_reason=None,
        spo2_scale=1,
        scale_prescriber="",
    )
    assert [place.ward for place in places(stay)] == ["c"]
    assert spans([Place(1, "a"), Place(5, "b")]) == [(Place(1, "a"), 5), (Place(5, "b"), None)]


@pytest.fixture
def told(tmp_path: Path) -> Iterator[ToldWard]:
    """A ward whose people are told."""
    made = ToldWard(tmp_path / "told.db")
    yield made
    made.db.close()


def moved(told: ToldWard, minute: float, to: str = "frailty") -> None:
    """Send the patient to another ward."""
    told.at(minute)
    now_ms = told.clock.now_ms()
    wanted = Wanted(patient=PATIENT, to=to, at_ms=now_ms, reason="closer")
    act = replace(person(minute), op_id=f"transfer.{minute}")
    transferring.transfer(told.db, wanted, By(actor="ann", at_ms=now_ms), act)


def by_ward(wires: dict[str, Wire]) -> dict[str, int]:
    """Count what each ward's own address was sent."""
    return {ward: len(wire.sent) for ward, wire in wires.items()}


class OfWard:
    """Whoever is on duty for a ward: one person, with an address of the ward's name."""

    def __init__(self, ward: str) -> None:
        """Take the ward."""
        self.id, self.channels = f"someone of {ward}", (ward,)


@pytest.mark.hazard("H35")
@pytest.mark.parametrize("in_hand", [False, True])
def test_the_people_of_the_other_ward_are_told_once(told: ToldWard, *, in_hand: bool) -> None:
    """Also of what had been told before, and of what was in hand there: nobody of that ward knows of it."""
    wires = {"resp": Wire(), "frailty": Wire()}
    sender = told.sender(wires, lambda ward, *_: [OfWard(ward)])
    alert = told.scored(0, 7)
    sender.turn()
    if in_hand:
        told.acked(alert.id, 1)
    sender.turn()
    assert by_ward(wires) == {"resp": 1, "frailty": 0}
    moved(told, 2)
    for _ in range(3):
        sender.turn()
    assert by_ward(wires) == {"resp": 1, "frailty": 1}


@pytest.mark.hazard("H35")
def test_what_still_waited_for_the_ward_before_goes_to_the_other(told: ToldWard) -> None:
    """Nothing is told to people who no longer have the patient."""
    wires = {"resp": Wire(trouble="down"), "frailty": Wire()}
    sender = told.sender(wires, lambda ward, *_: [OfWard(ward)])
    told.scored(0, 7)
    sender.turn()
    moved(told, 2)
    wires["resp"].trouble = None
    told.at(10)
    for _ in range(3):
        sender.turn()
    assert by_ward(wires) == {"resp": 0, "frailty": 1}


def test_a_broker_shows_the_alert_on_the_other_ward_alone_and_hubs_are_asked_where_they_listen(told: ToldWard) -> None:
    """What is kept on the ward before is cleared; a hub that was set up there is still reached."""
    broker = Broker()
    publisher = started(told, broker)
    run(publisher)
    alert: Alert = told.scored(0, 7)
    run(publisher)
    broker.came()
    moved(told, 1)
    run(publisher)
    kept = {one.topic: one.payload for one in broker.came()}
    assert kept[f"vwmon/resp/alerts/{alert.id}"] == b""
    assert b'"ward":"frailty"' in kept[f"vwmon/frailty/alerts/{alert.id}"]
    registers.add_device(told.db, "hub", By(actor="ann", at_ms=0))
    registers.assign(told.db, "hub", PATIENT, 0, By(actor="ann", at_ms=0))
    with database.atomic(told.db):
        told.db.execute(
            "insert into request (stay_no, rule, vitals, asked_ms, due_ms) values (?, 'x', 'spo2', 0, ?)",
            [told.stay_no, told.clock.now_ms() + MINUTE],
        )
    run(publisher)
    assert {one.topic for one in broker.came()} == {"vwmon/frailty/hub/requests", "vwmon/resp/hub/requests"}


@pytest.mark.hazard("H35")
def test_the_list_of_each_ward_has_the_alert_in_turn(told: ToldWard) -> None:
    """Never both, never neither."""
    from vwmon.cli import stay_lookups

    told.scored(0, 7)
    now_ms = told.clock.now_ms()

    def listed(ward: str) -> int:
        wanted = queries.Wanted(ward=ward)
        return len(queries.work_list(told.db, stay_lookups.lookups(told.db, now_ms), now_ms, wanted))

    assert (listed("resp"), listed("frailty")) == (1, 0)
    moved(told, 1)
    assert (listed("resp"), listed("frailty")) == (0, 1)
