"""`vwmon patients plan`: what one patient is asked of their own, shown with its layer, set, ended and refused."""

import json
from pathlib import Path

import pytest

from tests.cli.test_patients_plan import CONFIG, Plan
from tests.conftest import Command
from vwmon.store import database

OFTEN = ("--valid-for", "8h", "--overdue-after", "10h", "--reason", "unstable at discharge")


@pytest.fixture
def plan(vwmon: Command, tmp_path: Path) -> Plan:
    """A patient with heart failure, one with COVID at home, and a child."""
    database.create(tmp_path / "ward.db").close()
    config = tmp_path / "vwmon.toml"
    config.write_text(CONFIG, encoding="utf-8")
    who = {
        "P1": ("1948-05-17", "heart-failure"),
        "V1": ("1948-05-17", "covid-oximetry"),
        "C1": ("2020-05-17", "children"),
    }
    for patient, (born, pathway) in who.items():
        admit = (patient, "--ward", "resp", "--born", born, "--pathway", pathway, "--config", config)
        assert vwmon("patients", "admit", *admit).exit_code == 0
    return Plan(vwmon, config)


def test_a_plan_says_of_each_vital_which_layer_it_is_from_and_who_decided(plan: Plan) -> None:
    """Until a time, by somebody, for a reason; what the pathway says stands beside it and comes back with --end."""
    code, said = plan("--schedule", "spo2", *OFTEN, "--for", "7d", "--as", "anna")
    assert code == 0
    assert "From now on, for P1: spo2: counts for 8h, overdue after 10h; by anna from" in said
    assert "until" in said
    assert said.endswith("Undo: vwmon patients plan P1 --end spo2")
    record = plan.record()
    assert {"vital": "spo2", "valid_for": "8h", "overdue_after": "10h", "layer": "stay"} in record["vitals"]
    assert {"vital": "weight", "valid_for": "2d", "overdue_after": "1d6h", "layer": "pathway"} in record["vitals"]
    (own,) = record["own_schedules"]
    assert (own["what"], own["asked"], own["author"], own["reason"]) == (
        "spo2",
        {"valid_for": "8h", "overdue_after": "10h"},
        "anna",
        "unstable at discharge",
    )
    _, shown = plan()
    assert "spo2 8h 10h the patient's own" in shown
    code, said = plan("--end", "spo2", "--reason", "stable")
    assert code == 0
    assert "From now on, by pathway heart-failure: spo2 counts for 1d, overdue after 1d6h." in said
    assert plan("--end", "spo2")[0] == 3


@pytest.mark.hazard("H8")
def test_what_is_not_asked_is_shown_so_and_the_score_is_said_to_stay_incomplete(plan: Plan, vwmon: Command) -> None:
    """Not as measured, not as normal, and not as overdue."""
    code, said = plan("--not-asked", "systolic_bp", "--reason", "the cuff hurts")
    assert code == 0
    assert "NEWS2 stays incomplete without systolic blood pressure: a bound, never normal." in said
    _, shown = plan()
    assert "systolic_bp - not asked the patient's own" in shown
    assert "NEWS2 stays incomplete without systolic blood pressure" in shown
    page = vwmon("patients", "show", "P1", "--config", plan.config)
    assert ["systolic_bp", "never", "came", "-", "not", "asked"] in [line.split() for line in page.stdout.splitlines()]
    record = json.loads(vwmon("patients", "show", "P1", "--config", plan.config, "--json").stdout)
    assert record["not_asked"] == ["systolic_bp"]
    assert "systolic_bp" not in [one["vital"] for one in record["expects"]]


@pytest.mark.hazard("H32")
@pytest.mark.parametrize(
    ("patient", "arguments", "why"),
    [
        ("V1", ("--not-asked", "spo2"), "spo2_93 of level 3 could not hold any more"),
        ("V1", ("--no-questionnaire", "breathlessness"), "answer_breathless_at_rest of level 3 could not hold"),
        ("C1", ("--not-asked", "consciousness"), "not_alert of level 3 could not hold any more"),
        ("V1", ("--schedule", "spo2", "--valid-for", "25h", "--overdue-after", "30h"), "spo2 counts at most 1d"),
        (
            "V1",
            ("--schedule", "spo2", "--valid-for", "8h", "--overdue-after", "9d"),
            "spo2 is waited for at most 1w1d",
        ),
    ],
)
def test_what_a_rule_of_level_3_stands_on_cannot_be_taken_away(
    plan: Plan, patient: str, arguments: tuple[str, ...], why: str
) -> None:
    """Nor made so old that it counts long after it was measured: exit code 6, and nothing is changed."""
    code, said = plan(*arguments, "--reason", "tired of it", patient=patient)
    assert code == 6
    assert why in said
    assert plan.record(patient=patient)["own_schedules"] == []


@pytest.mark.hazard("H32")
def test_parts_can_be_left_out_only_as_long_as_level_3_can_be_reached(plan: Plan) -> None:
    """Of what is left, seven points must be possible, or the emergency would be switched off by the back door."""
    assert plan("--not-asked", "systolic_bp", "--reason", "no cuff")[0] == 0
    code, said = plan("--not-asked", "heart_rate", "--reason", "no cuff")
    assert code == 6
    assert "news2_7 of level 3 could not hold any more if heart_rate were not asked" in said
    assert [one["what"] for one in plan.record()["own_schedules"]] == ["systolic_bp"]


def test_a_questionnaire_of_ones_own_is_shown_with_the_rules_that_look_at_it(plan: Plan) -> None:
    """Every second day; the pathway's own questions can be left out."""
    wound = (
        "--questionnaire",
        "wound",
        "--every",
        "2d",
        "--at",
        "09:30",
        "--overdue-after",
        "12h",
        "--reason",
        "ulcer",
    )
    code, said = plan(*wound)
    assert code == 0
    assert "Rules that look at the answers: answer_wound, answer_wound_fever." in said
    assert plan("--no-questionnaire", "swelling", "--reason", "blind")[0] == 0
    record = plan.record()
    asked = {one["questionnaire"]: (one["every_days"], one["at"], one["layer"]) for one in record["questionnaires"]}
    assert asked == {"breathlessness": (1, "09:00", "pathway"), "wound": (2, "09:30", "stay")}
    assert "answer_wound_fever" in [rule["rule"] for rule in record["rules"]]
    assert plan("--end", "wound")[0] == 0
    assert "answer_wound_fever" not in [rule["rule"] for rule in plan.record()["rules"]]
    code, said = plan("--end", "wound")
    assert (code, "has no schedule of 'wound' of their own" in said) == (3, True), said


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--schedule", "spo2", "--valid-for", "8h", "--reason", "x"), "--schedule needs --overdue-after"),
        (("--schedule", "spo2", "--valid-for", "8", "--overdue-after", "9h", "--reason", "x"), "is not a span of time"),
        (("--schedule", "sp02", *OFTEN), "is in no table of vitals"),
        (("--schedule", "gcs", *OFTEN), "gcs stands in for consciousness"),
        (("--schedule", "spo2", "--valid-for", "8h", "--overdue-after", "9h"), "it needs a reason"),
        (("--not-asked", "temperature", "--reason", "x"), "temperature is not asked on pathway heart-failure"),
        (("--not-asked", "weight", "--every", "1d", "--reason", "x"), "--every is not for --not-asked"),
        (("--limit", "news2_5", "--valid-for", "8h", "--reason", "x"), "--valid-for is not for --limit"),
        (("--valid-for", "8h"), "say of what, with --schedule VITAL"),
        (
            ("--questionnaire", "mood", "--every", "1d", "--at", "9:00", "--overdue-after", "1d", "--reason", "x"),
            "there is no",
        ),
        (
            ("--questionnaire", "wound", "--every", "1d", "--at", "9:00", "--overdue-after", "1d", "--reason", "x"),
            "such as 10:00",
        ),
    ],
)
def test_what_is_no_schedule_is_refused_with_what_is_wrong(plan: Plan, arguments: tuple[str, ...], why: str) -> None:
    """In the words of a pathway's file; nothing is written."""
    code, said = plan(*arguments)
    assert (code, why in said) == (2, True), said
    assert plan.record()["own_schedules"] == []
    assert plan.record()["own_schedules"] == []
