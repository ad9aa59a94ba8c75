"""`vwmon patients plan` prescribes: scale, target and usual values, with who, why, since when and until when."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cli import test_patients_plan as shared
from tests.cli.test_patients_plan import Plan
from tests.conftest import Command, every_breach_at_once
from tests.db.test_scorer import ILL, T0, WELL
from tests.db.test_scorer_prescriptions import LOW, Prescribed
from vwmon.cli import prescription_rows, render
from vwmon.patients.prescriptions import USUAL
from vwmon.store import registers

plan = shared.plan
BY = ("--prescriber", "Dr Ada", "--reason", "gas of today")
MINUTE = 60_000


def at(minute: float) -> str:
    """Write a minute after T0 as people write times."""
    return render.utc(T0 + round(minute * MINUTE))


def test_a_scale_is_prescribed_with_its_target_and_shown_with_its_layer(plan: Plan) -> None:
    """By whom, since when, until when, written by whom; and the limit that the range is."""
    code, said = plan("--spo2-scale", 2, "--target", "88-92", *BY, "--for", "30d", "--as", "ann")
    assert code == 0
    for words in (
        "SpO2 scale 2, target 88-92 %.",
        "by Dr Ada, from",
        "written by ann",
        "gas of today",
        "scored on scale 2, what was before on scale 1, however late",
        "A score that stands was made on scale 1, and stays until the next reading.",
        "it is scale 1 then.",
        "below 88 % is watched",
        "Undo: vwmon patients plan P1 --end spo2-scale --reason TEXT",
    ):
        assert words in said, words
    record = plan.record()
    assert (record["spo2_scale"], record["scale_prescriber"], record["target"]) == (
        2,
        "Dr Ada",
        {"low": 88, "high": 92, "unit": "%"},
    )
    (one,) = record["prescriptions"]
    assert (one["layer"], one["state"], one["author"], one["ended"]) == ("prescription", "in force", "ann", None)
    assert one["until"] is not None
    rule = plan.rule("spo2_below_target")
    assert (rule["limit_on"], rule["level"]) == (87.9, 1)
    assert [(given["layer"], given["author"]) for given in rule["limits"]] == [("prescription", "Dr Ada")]
    shown = plan()[1]
    assert "SpO2 scale 2, prescribed by Dr Ada, target 88-92 %" in shown
    assert "limit by prescription 1: limit_on 87.9, limit_off 87.9; by Dr Ada" in shown


def test_nothing_of_it_is_wider_than_a_terminal(plan: Plan, vwmon: Command) -> None:
    """Nobody scrolls sideways for who prescribed something."""
    plan("--spo2-scale", 2, *BY, "--for", "30d")
    plan("--usual", "weight=82.5", "--reason", "dry weight, agreed in the clinic of the heart failure team in November")
    plan("--spo2-scale", 1, "--target", "94-98", *BY)
    done = vwmon("patients", "plan", "P1", "--config", plan.config)
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_without_a_prescription_the_rule_is_not_in_force(plan: Plan) -> None:
    """It has no limit then, and the plan says that no layer has it on."""
    record = plan.record()
    assert (record["spo2_scale"], record["scale_prescriber"], record["target"]) == (1, None, None)
    assert record["prescriptions"] == []
    assert "spo2_below_target" not in [rule["rule"] for rule in record["rules"]]
    assert "spo2_below_target" in [rule["rule"] for rule in record["not_enabled"]]


def test_a_change_ends_the_one_before_and_both_stay_on_record(plan: Plan) -> None:
    """With what took its place, and the way back as a command."""
    plan("--spo2-scale", 2, *BY)
    said = plan("--spo2-scale", 1, "--target", "94-98", "--prescriber", "Dr Ben", "--reason", "no hypercapnia")[1]
    assert "In the place of: SpO2 scale 2, target 88-92 % (prescription 1)" in said
    assert "Undo: vwmon patients plan P1 --spo2-scale 2 --target 88-92 --prescriber NAME --reason TEXT" in said
    states = {one["prescription"]: (one["state"], one["ended"]) for one in plan.record()["prescriptions"]}
    assert states[1][0] == "over"
    assert (states[1][1]["replaced_by"], states[1][1]["prescriber"]) == (2, "Dr Ben")
    assert states[2] == ("in force", None)


def test_an_end_says_who_ended_it_and_why(plan: Plan) -> None:
    """And it is scale 1 from then on."""
    plan("--spo2-scale", 2, *BY)
    code, said = plan("--end", "spo2-scale", "--reason", "gas normal", "--as", "ben")
    assert (code, "it is scale 1" in said) == (0, True)
    record = plan.record()
    assert record["spo2_scale"] == 1
    assert (record["prescriptions"][0]["ended"]["author"], record["prescriptions"][0]["ended"]["reason"]) == (
        "ben",
        "gas normal",
    )
    assert "over; ended by ben: gas normal" in plan()[1]
    assert plan("--end", "spo2-scale", "--reason", "again")[0] == 3


def test_a_scale_to_come_is_said_to_be_so(plan: Plan) -> None:
    """And does not hold yet."""
    said = plan("--spo2-scale", 2, *BY, "--from", "2999-01-01T00:00:00Z")[1]
    assert "is still to come" in said
    assert "SpO2 scale 2, target 88-92 %: TO COME" in plan()[1]
    assert plan.record()["spo2_scale"] == 1


@pytest.mark.parametrize(
    ("then", "said"),
    [
        (("--end", "spo2-scale", "--reason", "gas normal", "--as", "ben"), "ended by ben: gas normal"),
        (("--spo2-scale", 2, *BY), "prescription 2 in its place"),
    ],
)
def test_what_never_came_to_hold_says_what_kept_it_from_it(plan: Plan, then: tuple[object, ...], said: str) -> None:
    """Another in its place, or its end, and which; it has no time in which it would have held."""
    plan("--spo2-scale", 2, *BY, "--from", "2999-01-01T00:00:00Z")
    assert plan(*then)[0] == 0
    shown = plan()[1]
    assert f"SpO2 scale 2, target 88-92 %: never came to hold; {said} prescription 1 by" in shown
    assert "until 2999" not in shown


def test_a_usual_value_is_stated(plan: Plan) -> None:
    """In the name of who writes it, where nobody else is named; it ends like a scale."""
    code, said = plan("--usual", "weight=82.5", "--reason", "dry weight", "--as", "ann")
    assert (code, "usual body weight 82.5 kg" in said) == (0, True)
    record = plan.record()
    assert record["stated_usual"] == {"weight": 82.5}
    assert record["prescriptions"][0]["prescriber"] == "ann"
    assert "Prescribed: usual body weight 82.5 kg: in force" in plan()[1]
    assert plan("--end", "usual:weight", "--reason", "gained muscle")[0] == 0
    assert plan.record()["stated_usual"] == {}
    assert "out of the ordinary" in plan("--usual", "spo2=9", "--reason", "a slip")[1]


@pytest.mark.hazard("H9")
@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--spo2-scale", 2, "--reason", "gas"), 6, "name who made it with --prescriber"),
        (("--spo2-scale", 1, "--target", "94-98", "--reason", "gas"), 6, "name who made it with --prescriber"),
        (("--spo2-scale", 2, "--prescriber", " ", "--reason", "gas"), 6, "name who made it with --prescriber"),
        (("--spo2-scale", 2, "--prescriber", "Dr A"), 2, "--reason TEXT"),
        (("--spo2-scale", 2, "--target", "90-94", *BY), 6, "88-92 %"),
        (("--spo2-scale", 3, *BY), 2, "there are 1 and 2"),
        (("--spo2-scale", 2, "--target", "92", *BY), 2, "such as 88-92"),
        (("--target", "88-92", *BY), 2, "--spo2-scale"),
        (("--prescriber", "Dr A"), 2, "say what is prescribed"),
        (("--spo2-scale", 2, *BY, "--until", "2020-01-01T00:00:00Z"), 2, "ends after it begins"),
        (("--spo2-scale", 2, *BY, "--until", "2999-01-01T00:00:00Z", "--for", "1d"), 2, "either --until or --for"),
        (("--spo2-scale", 2, *BY, "--from", "2020-01-01T00:00:00Z"), 2, "not on the ward yet"),
        (("--spo2-scale", 2, *BY, "--from", "yesterday"), 2, "not a time"),
        (("--spo2-scale", 2, *BY, "--limit", "news2_5"), 2, "one change at a time"),
        (("--spo2-scale", 2, *BY, "--usual", "weight=80"), 2, "one change at a time"),
        (("--usual", "weight", "--reason", "x"), 2, "such as weight=82.5"),
        (("--usual", "glucose=5", "--reason", "x"), 2, "has no usual value"),
        (("--usual", "spo2=130", "--reason", "x"), 2, "cannot be a usual spo2"),
        (("--usual", "spo2=91"), 2, "--reason TEXT"),
        (("--end", "usual:weight", "--reason", "x"), 3, "no usual weight prescribed"),
        (("--end", "spo2-scale", "--reason", "x", "--for", "1d"), 2, "no --until"),
        (("--limit", "spo2_below_target", "--on", 80, "--off", 80, "--reason", "x"), 2, "another prescription"),
    ],
)
def test_what_cannot_be_prescribed_is_refused_and_nothing_is_written(
    plan: Plan, options: tuple[object, ...], code: int, said: str
) -> None:
    """With what is wrong and what to say instead."""
    found = plan(*options)
    assert found[0] == code, found
    assert said in found[1], found
    assert plan.record()["prescriptions"] == []


@pytest.mark.hazard("H9")
def test_a_child_has_no_scale(plan: Plan, vwmon: Command) -> None:
    """Scales are of NEWS2."""
    child = ("C1", "--ward", "resp", "--born", "2020-05-17", "--pathway", "children", "--config", plan.config)
    assert vwmon("patients", "admit", *child).exit_code == 0
    code, said = plan("--spo2-scale", 2, *BY, patient="C1")
    assert (code, "children are scored with PEWS" in said) == (6, True)


def test_nobody_who_is_on_no_ward_is_prescribed_anything(plan: Plan) -> None:
    """Exit code 3, as for a limit."""
    assert plan("--spo2-scale", 2, *BY, patient="P9")[0] == 3


def test_the_admission_makes_the_first_record(plan: Plan, vwmon: Command) -> None:
    """With who prescribed it, as the interface has it; of scale 1 without a prescriber there is nothing to record."""
    admit = ("P2", "--ward", "resp", "--born", "1948-05-17", "--spo2-scale", 2, "--prescriber", "Dr Osei")
    assert vwmon("patients", "admit", *admit, "--config", plan.config).exit_code == 0
    done = vwmon("patients", "plan", "P2", "--config", plan.config, "--json")
    (one,) = json.loads(done.stdout)["prescriptions"]
    assert (one["prescriber"], one["reason"], one["target"]["low"]) == ("Dr Osei", "prescribed at the admission", 88)
    listed = json.loads(vwmon("patients", "--config", plan.config, "--json").stdout)
    assert {row["patient"]: (row["spo2_scale"], row["scale_prescriber"]) for row in listed} == {
        "P1": (1, ""),
        "P2": (2, "Dr Osei"),
    }


@pytest.fixture
def lived(tmp_path: Path) -> Any:  # noqa: ANN401 -- a ward that is closed after the test
    """A ward with an alert on scale 1, then scale 2, and another alert below the range."""
    with every_breach_at_once():
        ward = Prescribed(tmp_path / "ward.db")
        ward.admit("p1")
        ward.hears(LOW, 10)
        ward.until(20)
        ward.prescribes()
        ward.until(25)
        yield ward
        ward.db.close()


def test_a_score_that_stands_from_before_a_change_says_so(lived: Prescribed) -> None:
    """Until a reading has come."""
    stay = registers.stays_of(lived.db, "p1")[0]
    said = "scored on SpO2 scale 1; scale 2 counts from the next reading on"
    moments = (T0 + 10 * MINUTE, T0 + 21 * MINUTE)
    assert [prescription_rows.standing(stay, one, lived.now_ms) for one in (*moments, None)] == [said, "", ""]
    left = replace(stay, discharged_ms=lived.now_ms)
    assert prescription_rows.standing(left, moments[0], lived.now_ms) == "", "no reading of it will follow"


def test_the_page_of_an_alert_says_on_which_scale_it_rose_and_which_holds(vwmon: Command, lived: Prescribed) -> None:
    """With who prescribed it."""
    (alert,) = lived.open_alerts()
    shown = " ".join(vwmon("alerts", "show", alert, "--db", lived.path).stdout.split())
    assert "SpO2 scale 2, prescribed by Dr Ada, target 88-92 %" in shown
    assert "when it last rose: SpO2 scale 1" in shown
    record = json.loads(vwmon("alerts", "show", alert, "--db", lived.path, "--json").stdout)["prescribed"]
    assert (record["now"]["spo2_scale"], record["last_rise"]["spo2_scale"]) == (2, 1)


def test_an_explanation_names_the_scale_with_its_prescription(vwmon: Command, lived: Prescribed) -> None:
    """As it was known when the alert rose, and the points by that scale."""
    (first,) = lived.open_alerts()
    lived.hears(ILL | {"spo2": 80.0}, 26)
    said = {
        number: " ".join(vwmon("explain", first, "--number", number, "--db", lived.path).stdout.split())
        for number in (1, 2)
    }
    assert "(acute-respiratory 3); SpO2 scale 1 " in said[1]
    assert "SpO2 scale 2, prescribed by Dr Ada, target 88-92 %" in said[2]
    assert "prescription 1 by Dr Ada" in said[2]
    record = json.loads(vwmon("explain", first, "--number", 2, "--db", lived.path, "--json").stdout)
    assert record["plan"]["prescriptions"][0]["prescription"] == 1


def test_an_explanation_does_not_know_what_was_prescribed_later(vwmon: Command, lived: Prescribed) -> None:
    """Of before it or not: the alert rose on scale 1, and its points are those."""
    (first,) = lived.open_alerts()
    lived.prescribes(from_min=5)
    lived.until(27)
    said = vwmon("explain", first, "--db", lived.path)
    assert said.exit_code == 0, said.output
    assert "(acute-respiratory 3); SpO2 scale 1 " in " ".join(said.stdout.split())
    assert "SpO2 89 % 3 " in " ".join(said.stdout.split())


def test_a_stated_usual_is_said_beside_what_was_measured(vwmon: Command, lived: Prescribed) -> None:
    """As the clinician's, and the statistical one apart."""
    lived.prescribes(None, what=USUAL, vital="spo2", usual=91.0)
    lived.hears(WELL | {"spo2": 86.0}, 30)
    shown = " ".join(vwmon("patients", "show", "p1", "--trends", "--db", lived.path).stdout.split())
    assert "is 86 %" in shown or "the last, 86 %" in shown
    assert "the usual that a clinician stated, 91 %." in shown
    assert "Stated by a clinician: usual oxygen saturation 91 %" in shown
