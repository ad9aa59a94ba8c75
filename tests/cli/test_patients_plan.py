"""`vwmon patients plan`: what is in force and whose limit it is, and limits set and ended by somebody for a reason."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Command
from vwmon.store import database

CONFIG = """
[store]
path = "ward.db"
[commands]
allow_as = true
[[wards]]
id = "resp"
name = "Respiratory"
[[wards.limits]]
rule = "news2_red"
author = "round"
reason = "agreed by the ward"
from = 2026-11-01T00:00:00Z
on_delay = "10m"
[[wards.limits]]
rule = "news2_5"
author = "round"
reason = "in the winter of the year before"
from = 2025-11-01T00:00:00Z
to = 2026-03-01T00:00:00Z
limit_on = 9
limit_off = 8
"""
ISO = re.compile(r"[0-9]T[0-9]{2}:")  # a time as programs have it
SIX = ("--on", "6", "--off", "5", "--reason", "COPD")


class Plan:
    """The plan of P1, or of another who is named, by the command line."""

    def __init__(self, vwmon: Command, config: Path) -> None:
        """Take the command line and the configuration."""
        self.vwmon, self.config = vwmon, config

    def __call__(self, *arguments: object, patient: str = "P1") -> tuple[int, str]:
        """Run the command; give the exit code and both streams, on one line."""
        done = self.vwmon("patients", "plan", patient, *arguments, "--config", self.config)
        return done.exit_code, " ".join((done.stdout + done.stderr).split())

    def record(self, *arguments: object, patient: str = "P1") -> Any:  # noqa: ANN401 -- whatever the JSON holds
        """Run the command, which must succeed, as JSON."""
        done = self.vwmon("patients", "plan", patient, *arguments, "--config", self.config, "--json")
        assert done.exit_code == 0, done.stderr
        return json.loads(done.stdout)

    def rule(self, name: str) -> Any:  # noqa: ANN401 -- as above
        """Give one rule as it is in force."""
        (found,) = [rule for rule in self.record()["rules"] if rule["rule"] == name]
        return found


@pytest.fixture
def plan(vwmon: Command, tmp_path: Path) -> Plan:
    """A patient with heart failure on a ward with limits."""
    database.create(tmp_path / "ward.db").close()
    config = tmp_path / "vwmon.toml"
    config.write_text(CONFIG, encoding="utf-8")
    admit = ("P1", "--ward", "resp", "--born", "1948-05-17", "--pathway", "heart-failure", "--config", config)
    assert vwmon("patients", "admit", *admit).exit_code == 0
    return Plan(vwmon, config)


@pytest.mark.hazard("H32")
def test_a_plan_shows_what_is_expected_and_the_layer_of_every_limit(plan: Plan) -> None:
    """The table's where none is named; what is over, of the ward or the patient, is in force no more."""
    record = plan.record()
    assert (record["pathway"], record["version"], record["spo2_scale"]) == ("heart-failure", "6", 1)
    assert {"vital": "spo2", "valid_for": "1d", "overdue_after": "1d6h", "layer": "pathway"} in record["vitals"]
    assert {"vital": "weight", "valid_for": "2d", "overdue_after": "1d6h", "layer": "pathway"} in record["vitals"]
    limits = {rule["rule"]: [(one["layer"], one["gives"]) for one in rule["limits"]] for rule in record["rules"]}
    assert limits == {
        "news2_7": [],
        "news2_5": [],
        "news2_red": [("ward", {"on_delay": "10m"})],
        "news2_could_be_5": [],
        "weight_gain": [("pathway", {"enabled": True})],
        "weight_gain_week": [("pathway", {"enabled": True})],
        "answer_breathless": [("pathway", {"enabled": True})],
        "answer_breathless_at_rest": [("pathway", {"enabled": True})],
        "answer_swelling": [("pathway", {"enabled": True})],
    }
    assert [(one["questionnaire"], one["every_days"], one["at"]) for one in record["questionnaires"]] == [
        ("breathlessness", 1, "09:00"),
        ("swelling", 1, "09:00"),
    ]
    code, said = plan()
    assert code == 0
    assert "limit of the ward resp: on_delay 10m; by round from 2026-11-01 00:00+00:00: agreed by the ward" in said
    assert "limit of the pathway heart-failure: enabled true; by heart-failure 6: guidelines" in said
    assert "L2 NEWS2 5 or more (news2_5): from 5 up; over below 4 for 30m; confirmed by a repeat after 5m" in said
    assert "The patient is asked: swelling, at the admission and every day at 09:00, overdue after 12h" in said
    assert "winter" not in said


def test_a_plan_says_what_is_measured_when_and_what_was_to_be_asked(plan: Plan) -> None:
    """No pathway knows a person's target range or dry weight: whoever reads the plan sees what had to be said."""
    record, (code, said) = plan.record(), plan()
    assert "weight once a day" in record["schedule"]
    assert "heart failure team" in record["in_hours"]
    assert "999" in record["out_of_hours"]
    assert record["ask"][0] == "weight without excess fluid, and whether a rise is wanted"
    assert code == 0
    assert "To be measured: pulse, blood pressure, SpO2 and weight once a day" in said
    assert said.count("To be asked: ") == len(record["ask"])
    assert "To be asked: SpO2 target range (scale 2 only as prescribed, with --prescriber)" in said


def test_a_plan_names_who_prescribed_the_second_scale(plan: Plan, vwmon: Command) -> None:
    """A target range of 88 to 92 % is somebody's decision, and the plan says whose."""
    admit = ("P2", "--ward", "resp", "--born", "1948-05-17", "--pathway", "copd", "--config", plan.config)
    assert vwmon("patients", "admit", *admit, "--spo2-scale", "2").exit_code == 6
    assert vwmon("patients", "admit", *admit, "--spo2-scale", "2", "--prescriber", "Dr Lee").exit_code == 0
    said = vwmon("patients", "plan", "P2", "--config", plan.config).stdout
    assert "pathway copd 3, SpO2 scale 2, prescribed by Dr Lee" in said


def test_a_limit_is_set_by_somebody_for_a_reason_and_shown_with_both(plan: Plan) -> None:
    """What it takes the place of is said, and how to undo it."""
    code, said = plan("--limit", "news2_5", *SIX, "--for", "2d", "--as", "ann")
    assert code == 0
    assert "Set for P1, from the next reading on: NEWS2 6 or more, from 6 up; over below 5" in said
    assert "Undo: vwmon patients plan P1 --end news2_5" in said
    code, said = plan("--limit", "news2_5", "--off-delay", "90m", "--reason", "tired", "--as", "ben")
    assert "In the place of this patient's own limit: limit_off 5, limit_on 6; by ann" in said
    rule = plan.rule("news2_5")
    assert (rule["limit_on"], rule["off_delay"]) == (5, "1h30m")
    (limit,) = rule["limits"]
    assert (limit["layer"], limit["author"], limit["reason"], limit["until"]) == ("stay", "ben", "tired", None)
    own = [(one["author"], one["in_force"], one["ended_by"]) for one in plan.record()["own_limits"]]
    assert own == [("ann", False, "ben"), ("ben", True, None)]


def test_a_limit_ends_when_it_was_said_or_when_somebody_ends_it(plan: Plan) -> None:
    """Either way the table, or a wider layer, is in force again."""
    row = plan.record("--limit", "news2_5", *SIX, "--until", "2999-01-01T00:00:00Z")
    assert (row["until"], row["changes"]) == ("2999-01-01T00:00:00Z", {"limit_on": 6, "limit_off": 5})
    assert plan.rule("news2_5")["limit_on"] == 6
    code, said = plan("--end", "news2_5", "--reason", "well again")
    assert code == 0
    assert "From the next reading on: NEWS2 5 or more, from 5 up" in said
    assert plan.rule("news2_5")["limits"] == []
    assert plan("--end", "news2_5")[0] == 3


def test_a_rule_is_switched_on_and_off_for_one_patient(plan: Plan) -> None:
    """What is off is listed as such, with who switched it off."""
    assert plan("--disable", "weight_gain", "--reason", "is to gain weight", "--as", "ann")[0] == 0
    (off,) = [rule for rule in plan.record()["not_enabled"] if rule["limits"]]
    assert (off["rule"], off["limits"][0]["author"], off["limits"][0]["gives"]) == (
        "weight_gain",
        "ann",
        {"enabled": False},
    )
    assert "not enabled" in plan()[1]
    assert plan("--enable", "weight_gain", "--on", "3", "--off", "2", "--reason", "stable now")[0] == 0
    assert plan.rule("weight_gain")["limit_on"] == 3


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--limit", "news2_5", "--on", "6", "--off", "5"), 2, "needs a reason"),
        (("--limit", "news2_5", "--on", "6", "--reason", "x"), 2, "--on and --off"),
        (("--limit", "news2_5", "--reason", "x"), 2, "changes nothing"),
        (("--limit", "news2_5", "--on", "4", "--off", "5", "--reason", "x"), 2, "wrong side"),
        (("--limit", "news2_55", *SIX), 2, "there are news2_7, news2_5"),
        (("--limit", "overdue", "--level", "3", "--reason", "x"), 2, "no rule about a patient"),
        (("--limit", "news2_5", *SIX, "--for", "2d", "--until", "2999-01-01T00:00:00Z"), 2, "either"),
        (("--limit", "news2_5", *SIX, "--until", "2020-01-01T00:00:00Z"), 2, "ends before it begins"),
        (("--limit", "news2_5", *SIX, "--until", "2999-01-01T00:00:00"), 2, "zone"),
        (("--limit", "news2_5", *SIX, "--off-delay", "soon"), 2, "span"),
        (("--limit", "news2_5", "--enable", "news2_5", *SIX), 2, "one change at a time"),
        (("--limit", "news2_5", "--cadence", "spot", "--reason", "x"), 2, "with its on_delay"),
        (("--end", "news2_5", "--on", "6", "--off", "5"), 2, "a --reason only"),
        (("--on", "6", "--off", "5"), 2, "say of which rule"),
        (("--disable", "news2_7", "--reason", "x"), 6, "a rule of level 3"),
        (("--limit", "news2_7", "--level", "2", "--reason", "x"), 6, "a rule of level 3"),
        (("--end", "news2_5"), 3, "no limit on"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    plan: Plan, arguments: tuple[str, ...], code: int, said: str
) -> None:
    """With what is wrong, and the exit code that scripts rely on."""
    before = plan.record()["rules"]
    done, text = plan(*arguments)
    assert (done, said in text) == (code, True), text
    assert plan.record()["rules"] == before
    assert plan.record()["own_limits"] == []


def test_the_page_is_80_columns_wide(plan: Plan, vwmon: Command) -> None:
    """However much there is to say of a limit."""
    long = ("--limit", "news2_5", "--on", "6", "--off", "5", "--reason", "a reason that goes on and on " * 5)
    for arguments in (long, (), ("--end", "news2_5")):
        done = vwmon("patients", "plan", "P1", *arguments, "--config", plan.config)
        assert done.exit_code == 0
        assert max(map(len, done.stdout.splitlines())) <= 80


def test_every_time_is_told_on_the_clock_of_the_ward(plan: Plan) -> None:
    """A plan, and every answer to a change of one, has one form of times: nobody counts hours in the head."""
    plan.config.write_text(CONFIG.replace('"Respiratory"', '"Respiratory"\ntime_zone = "Asia/Tokyo"'), encoding="utf-8")
    until = ("--reason", "COPD", "--until", "2999-01-01T00:00:00Z")
    often = ("--schedule", "spo2", "--valid-for", "8h", "--overdue-after", "10h", *until)
    scale = ("--spo2-scale", "2", "--prescriber", "Dr Lee", *until)
    for change in (("--limit", "news2_5", "--on", "6", "--off", "5", *until), often, scale):
        code, said = plan(*change)
        assert (code, "until 2999-01-01 09:00+09:00" in said) == (0, True), said
        assert ISO.search(said) is None, said
    code, said = plan()
    assert said.count("until 2999-01-01 09:00+09:00") == 4
    assert "by round from 2026-11-01 09:00+09:00: agreed by the ward" in said
    assert ISO.search(said) is None, said
    for ended in ("news2_5", "spo2"):
        assert ISO.search(plan("--end", ended)[1]) is None


def test_nobody_s_plan_is_not_found(plan: Plan, vwmon: Command) -> None:
    """Nor is a limit set for who has left; the plan can still be read."""
    assert plan(patient="P9")[0] == 3
    assert plan("--limit", "news2_5", *SIX)[0] == 0
    assert vwmon("patients", "discharge", "P1", "--reason", "recovered", "--config", plan.config).exit_code == 0
    assert plan("--limit", "news2_5", *SIX)[0] == 3
    assert plan("--end", "news2_5")[0] == 3
    assert len(plan.record()["own_limits"]) == 1
