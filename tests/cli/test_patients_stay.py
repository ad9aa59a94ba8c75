"""The course of a stay as commands: referral, consent, kit, pregnancy, length, correction, transfer."""

import json
import logging
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_patients import ADMIT, BEGAN, BEGAN_MS, Ward, scored
from tests.conftest import Command
from vwmon.clock import Clock
from vwmon.store import database
from vwmon.store.database import atomic

NUMBER = "9434765919"
SECRETS = ("Jonquil", "07700 900123", "Ottoline", NUMBER, "1931-07-04")


@pytest.fixture
def ward(vwmon: Command, tmp_path: Path) -> Ward:
    """The commands on a new database."""
    path = tmp_path / "ward.db"
    database.create(path).close()
    return Ward(vwmon, path)


def stage(ward: Ward, patient: str = "P1") -> str:
    """Read how far a patient has come."""
    return str(ward.record("patients", "show", patient)["stage"])


def every_row(ward: Ward) -> dict[str, str]:
    """Read all that the database holds, by table."""
    with closing(database.open_reader(ward.db)) as opened:
        tables = [name for (name,) in opened.execute("select name from sqlite_schema where type = 'table'")]
        return {name: repr(opened.execute(f"select * from {name}").fetchall()) for name in tables}  # noqa: S608


def on_list(ward: Ward, *arguments: str) -> list[Any]:
    """Read the work list, or what is told of it, while no daemon runs."""
    found: list[Any] = json.loads(ward("alerts", *arguments, "--json")[1])
    return found


def equipped(ward: Ward, patient: str = "P1", device: str = "cuff") -> None:
    """Give a patient a device."""
    ward("devices", "add", device)
    assert ward("devices", "assign", device, patient, "--from", BEGAN)[0] == 0


def test_a_stay_goes_from_the_referral_to_the_return_of_the_kit(ward: Ward) -> None:
    """Each stage follows from what was done; the last from the device that came back."""
    for command, found in (
        (("refer", "P1", "--ward", "resp", "--by", "GP"), "referred"),
        (("accept", "P1"), "accepted"),
        (("admit", "P1", *ADMIT, "--from", BEGAN), "onboarding"),
        (("consent", "P1"), "onboarding"),
    ):
        assert ward("patients", *command)[0] == 0
        assert stage(ward) == found
    equipped(ward)
    assert ward.record("patients", "show", "P1")["lacking"] == ["first reading"]
    ward.sends("cuff", [("heart_rate", 80.0, 10)])
    assert stage(ward) == "active"
    ward("patients", "pause", "P1", "--for", "8h", "--reason", "scan")
    assert stage(ward) == "paused"
    ward("patients", "pause", "P1", "--end")
    ward("patients", "discharge", "P1", "--reason", "recovered")
    assert stage(ward) == "discharged"
    assert ward("devices", "return", "cuff")[0] == 0
    assert stage(ward) == "kit returned"


def test_a_referral_is_listed_and_says_that_nobody_is_watched(ward: Ward) -> None:
    """It is no stay: nothing is expected, and what a program counts as stays is as before."""
    ward("patients", "refer", "P1", "--ward", "resp")
    ward("patients", "admit", "P2", *ADMIT)
    first, second = ward.record("patients")
    assert (first["patient"], first["stage"], first["stay"]) == ("P2", "onboarding", 1)
    assert (second["patient"], second["stage"], second["stay"]) == ("P1", "referred", None)
    out = ward("patients")[1].splitlines()
    assert out[-1] == "1 stay, 1 referred"
    assert "not yet" in next(line for line in out if line.startswith("P1"))
    assert "NOT WATCHED" in ward("patients", "show", "P1")[1]
    with closing(database.open_reader(ward.db)) as opened:
        assert opened.execute("select count(*) from stay where patient = 'P1'").fetchone() == (0,)


def test_a_declined_referral_keeps_its_reason_and_a_later_one_is_another(ward: Ward) -> None:
    """Off the list, on it with --all; the person can be referred, or admitted, again."""
    ward("patients", "refer", "P1", "--ward", "resp")
    row = ward.record("patients", "decline", "P1", "--reason", "full")
    assert (row["stage"], row["decline_reason"]) == ("declined", "full")
    assert ward.record("patients") == []
    assert [one["stage"] for one in ward.record("patients", "--all")] == ["declined"]
    assert ward("patients", "refer", "P1", "--ward", "frail")[0] == 0
    assert stage(ward) == "referred"
    assert ward("patients", "admit", "P1", *ADMIT)[0] == 0
    assert [one["stage"] for one in ward.record("patients", "--all")] == ["onboarding"]


@pytest.mark.parametrize(
    ("before", "command", "code"),
    [
        ((), ("accept", "P1"), 3),
        ((), ("decline", "P1", "--reason", "full"), 3),
        ((), ("consent", "P1"), 3),
        ((), ("transfer", "P1", "--to", "frail"), 3),
        ((), ("no-kit", "P1"), 3),
        ((), ("pregnant", "P1"), 3),
        ((), ("expect", "P1", "--days", "3"), 3),
        ((), ("correct", "P1", "--name", "Ann"), 3),
        ((("refer", "P1", "--ward", "resp"),), ("refer", "P1", "--ward", "frail"), 5),
        ((("refer", "P1", "--ward", "resp"), ("accept", "P1")), ("accept", "P1"), 5),
        ((("refer", "P1", "--ward", "resp"),), ("consent", "P1"), 3),
        ((("refer", "P1", "--ward", "resp"),), ("decline", "P1", "--reason", "No room"), 2),
        ((("admit", "P1", *ADMIT),), ("refer", "P1", "--ward", "resp"), 5),
        ((("admit", "P1", *ADMIT),), ("accept", "P1"), 5),
        ((("admit", "P1", *ADMIT),), ("transfer", "P1", "--to", "resp"), 5),
        ((("admit", "P1", *ADMIT),), ("expect", "P1", "--days", "0"), 2),
        ((("admit", "P1", *ADMIT),), ("correct", "P1"), 2),
        ((("admit", "P1", *ADMIT),), ("correct", "P1", "--born", ""), 2),
        ((("admit", "P1", *ADMIT),), ("correct", "P1", "--born", "2020-01-01"), 6),
        ((("admit", "P1", *ADMIT),), ("correct", "P1", "--nhs-number", "9434765918"), 2),
        ((("admit", "P1", *ADMIT),), ("consent", "P1", "--from", "2001-01-01T00:00:00Z"), 2),
        ((), ("admit", "P1", *ADMIT, "--pregnant"), 6),
        ((), ("admit", "P1", *ADMIT, "--days", "0"), 2),
        ((), ("refer", "P1", "--ward", "Resp!"), 2),
    ],
)
def test_what_cannot_be_done_says_so_and_changes_nothing(
    ward: Ward, before: tuple[tuple[str, ...], ...], command: tuple[str, ...], code: int
) -> None:
    """Nobody there 3, somebody was first 5, a rule of care 6, a mistake 2."""
    for one in before:
        assert ward("patients", *one)[0] == 0
    written = every_row(ward)
    found, out, err = ward("patients", *command)
    assert (found, out) == (code, "")
    assert "rror" in err
    assert every_row(ward) == written


@pytest.mark.hazard("H28")
def test_pregnancy_is_refused_with_the_rule_and_where_to_go(ward: Ward) -> None:
    """RCP 2017; the maternity service."""
    code, _, err = ward("patients", "admit", "P1", *ADMIT, "--pregnant")
    assert code == 6
    assert "NEWS2 is not for pregnancy (RCP 2017)" in err
    assert "maternity service" in err


@pytest.mark.hazard("H28")
def test_a_patient_who_is_pregnant_has_no_score_low_or_high(ward: Ward) -> None:
    """Neither on the page nor for a program; from its time on, and until it is taken back."""
    ward("patients", "admit", "P1", *ADMIT)
    scored(ward)
    assert ward.record("patients", "show", "P1")["score"]["total_min"] == 4
    assert ward("patients", "pregnant", "P1", "--from", "2070-01-01T00:00:00Z")[0] == 0
    assert ward.record("patients", "show", "P1")["score"] is not None
    assert ward("patients", "pregnant", "P1")[0] == 0
    record, out = ward.record("patients", "show", "P1"), ward("patients", "show", "P1")[1]
    assert (record["score"], record["pregnant_since"] is not None) == (None, True)
    assert "NEWS2 excluded: pregnancy (RCP 2017): ask the maternity service" in out
    assert "NEWS2 4" not in out
    assert "PREGNANT" in ward("patients")[1]
    assert ward("patients", "pregnant", "P1", "--no")[0] == 0
    assert ward.record("patients", "show", "P1")["score"]["total_min"] == 4


@pytest.mark.hazard("H28")
def test_an_alert_of_a_patient_who_is_pregnant_still_comes_and_says_so(ward: Ward, at_alert: Callable[[], str]) -> None:
    """Nothing is silenced; there is a flag, no score, and the first reason says why."""
    alert_id = at_alert()
    (row,) = on_list(ward)
    assert (row["id"], row["score"] is not None, row["flags"]) == (alert_id, True, [])
    ward("patients", "pregnant", "P1")
    (row,) = on_list(ward)
    assert (row["id"], row["score"], row["flags"]) == (alert_id, None, ["pregnant"])
    assert row["why"][0] == "NEWS2 excluded: pregnancy"
    assert "PREGNANT" in ward("alerts")[1]


@pytest.fixture
def at_alert(ward: Ward) -> Callable[[], str]:
    """Make an alert of a patient whose score is 8."""

    def make() -> str:
        from tests.db.test_scorer import ILL
        from vwmon.patients import plans
        from vwmon.provenance import Provenance
        from vwmon.scorer import Scorer

        ward("patients", "admit", "P1", *ADMIT, "--from", BEGAN)
        equipped(ward)
        now_ms = Clock().now_ms()
        minute = (now_ms - BEGAN_MS) / 60_000 - 1
        ward.sends("cuff", [(vital, value, int(minute)) for vital, value in ILL.items()])
        with closing(database.open_writer(ward.db)) as opened:
            Scorer(opened, Provenance(config_hash="", plans=plans.load_all()), now_ms).cycle(now_ms)
        return str(on_list(ward)[0]["id"])

    return make


def test_a_transfer_shows_the_alert_on_the_other_ward_and_what_had_it_in_hand(
    ward: Ward, at_alert: Callable[[], str]
) -> None:
    """The owner is told of, in words and in the alert's history; nothing is closed."""
    alert_id = at_alert()
    assert ward("alerts", "ack", alert_id, "-m", "phoned")[0] == 0
    code, out, _ = ward("patients", "transfer", "P1", "--to", "frail", "--reason", "bed nearer home")
    assert code == 0
    assert "Transferred P1 from resp to frail" in out
    assert f"Open alerts, now frail's: {alert_id} (L3, was with " in out
    (row,) = on_list(ward, "--ward", "frail")
    assert (row["state"], row["owner"]) == ("reraised", None)
    assert on_list(ward, "--ward", "resp") == []
    events = on_list(ward, "log", alert_id)
    assert "transferred from resp to frail: bed nearer home, was in the hands of" in events[-1]["note"]
    record = ward.record("patients", "show", "P1")
    assert [(one["from"], one["to"], one["reason"]) for one in record["transfers"]] == [
        ("resp", "frail", "bed nearer home")
    ]
    assert record["devices"] == ["cuff"]
    assert "from resp to frail: bed nearer home" in ward("patients", "show", "P1")[1]


def test_a_ward_that_is_not_configured_gets_nobody(vwmon: Command, ward: Ward, tmp_path: Path) -> None:
    """A slip would put a patient, with open alerts, where nobody looks."""
    config = tmp_path / "vwmon.toml"
    config.write_text(f"[store]\npath = '{ward.db}'\n[[wards]]\nid = 'resp'\nname = 'R'\n", encoding="utf-8")
    ward("patients", "admit", "P1", *ADMIT)
    done = vwmon("patients", "transfer", "P1", "--to", "rsep", "--config", config)
    assert (done.exit_code, "there are resp" in done.stderr) == (3, True)


def test_a_stay_that_goes_on_longer_than_expected_is_shown_and_nothing_ends(ward: Ward) -> None:
    """In the list and on the page; a pathway whose source says how long is that by default, any other nothing."""
    ward("patients", "admit", "P1", *ADMIT, "--from", BEGAN, "--days", "1")
    ward("patients", "admit", "P2", "--ward", "resp", "--born", "1950-01-01", "--pathway", "covid-oximetry")
    ward("patients", "admit", "P3", "--ward", "resp", "--born", "1950-01-01")
    first, second, third = ward.record("patients")
    assert (first["overrun"], first["expected_until"]) == (True, "2026-11-21T09:00:00Z")
    assert (second["overrun"], second["expected_days"]) == (False, 14)
    assert (third["overrun"], third["expected_days"], third["expected_until"]) == (False, None, None)
    over = next(line for line in ward("patients")[1].splitlines() if line.startswith("P1"))
    assert over.endswith(" over")
    assert "OVERRUN" in ward("patients", "show", "P1")[1]
    ward("patients", "expect", "P1", "--days", "3000")
    assert ward.record("patients")[0]["overrun"] is False


def test_kit_that_is_still_out_is_named_until_it_is_back(ward: Ward) -> None:
    """By whoever has it, the longest first; not what came back before, nor what only stands for a hand."""
    for patient, device in (("P1", "cuff"), ("P2", "scale")):
        ward("patients", "admit", patient, *ADMIT, "--from", BEGAN)
        equipped(ward, patient, device)
    equipped(ward, "P1", "oximeter")
    ward("devices", "return", "oximeter")
    ward("readings", "add", "P1", "spo2=95", "--by", "phone")
    ward("patients", "discharge", "P1", "--reason", "recovered", "--at", "2026-11-21T09:00:00Z")
    ward("patients", "discharge", "P2", "--reason", "recovered")
    last = ward("patients")[1].splitlines()[-1]
    assert last.startswith("kit still out: P1 (cuff, ")
    assert "P2 (scale, 0 s" in last or "P2 (scale" in last
    row = ward.record("patients", "show", "P1")
    assert (row["kit_out"], row["kit_out_since"]) == (["cuff"], "2026-11-21T09:00:00Z")
    assert "KIT STILL OUT since 2026-11-21" in ward("patients", "show", "P1")[1]
    assert ward("devices", "return", "cuff")[1].startswith("Device cuff is back from P1")
    assert ward("devices", "return", "cuff")[0] == 3
    ward("patients", "admit", "P3", *ADMIT)
    assert ward("devices", "assign", "scale", "P3")[0] == 5
    assert ward("devices", "return", "scale")[0] == 0
    assert ward("devices", "assign", "scale", "P3")[0] == 0
    assert "kit still out" not in ward("patients")[1]


def test_a_patient_without_kit_is_not_waited_for_with_one(ward: Ward) -> None:
    """Said at the admission or later; a reading that comes by phone says so too."""
    ward("patients", "admit", "P1", *ADMIT, "--no-kit")
    ward("patients", "admit", "P2", "--ward", "resp", "--born", "1950-01-01")
    assert ward.record("patients", "show", "P1")["lacking"] == ["consent", "first reading"]
    assert ward.record("patients", "show", "P2")["lacking"] == ["kit", "consent", "first reading"]
    ward("patients", "no-kit", "P2")
    assert ward.record("patients", "show", "P2")["lacking"] == ["consent", "first reading"]
    ward("patients", "no-kit", "P2", "--undo")
    ward("readings", "add", "P2", "spo2=95", "--by", "phone")
    assert ward.record("patients", "show", "P2")["lacking"] == ["consent"]


def test_consent_that_is_withdrawn_stops_nothing_by_itself(ward: Ward) -> None:
    """A person decides what follows; the page shows that it lacks."""
    ward("patients", "admit", "P1", *ADMIT, "--no-kit")
    ward("patients", "consent", "P1")
    assert "consent" not in ward.record("patients", "show", "P1")["lacking"]
    assert "Still watched" in ward("patients", "consent", "P1", "--refused")[1]
    record = ward.record("patients", "show", "P1")
    assert (record["discharged_at"], record["lacking"]) == (None, ["consent", "first reading"])


def test_an_identity_is_corrected_field_by_field(ward: Ward) -> None:
    """What is not named stays; an empty text takes a field away."""
    ward("patients", "admit", "P1", *ADMIT, "--name", "Ann", "--contact", "0123", "--next-of-kin", "Ben")
    row = ward.record("patients", "correct", "P1", "--name", "Anne", "--contact", "", "--nhs-number", "943 476 5919")
    assert row["corrected"] == ["contact", "name", "nhs_number"]
    assert "Anne" not in json.dumps(row)
    record = ward.record("patients", "show", "P1")
    assert (record["name"], record["contact"], record["next_of_kin"]) == ("Anne", None, "Ben")
    assert (record["nhs_number"], record["born"]) == (NUMBER, "1948-05-17")


def test_one_nhs_number_is_not_on_the_ward_twice(ward: Ward) -> None:
    """Two identifiers for one person would part their readings; after the discharge the number is free."""
    ward("patients", "admit", "P1", *ADMIT, "--nhs-number", NUMBER)
    code, _, err = ward("patients", "admit", "P2", *ADMIT, "--nhs-number", NUMBER)
    assert (code, "'P1'" in err, NUMBER in err) == (5, True, False)
    ward("patients", "admit", "P2", *ADMIT)
    assert ward("patients", "correct", "P2", "--nhs-number", NUMBER)[0] == 5
    ward("patients", "discharge", "P1", "--reason", "recovered")
    assert ward("patients", "correct", "P2", "--nhs-number", NUMBER)[0] == 0


def test_no_journal_log_or_other_table_ever_holds_what_identifies_a_person(
    ward: Ward, caplog: pytest.LogCaptureFixture
) -> None:
    """Planted in every field, by every way; then looked for in every table but their own, and in what is said."""
    caplog.set_level(logging.DEBUG)
    who = ("--name", "Jonquil", "--contact", "07700 900123", "--next-of-kin", "Ottoline", "--nhs-number", NUMBER)
    said = ward("patients", "admit", "P1", "--ward", "resp", "--born", "1931-07-04", *who)
    told = ward("patients", "correct", "P1", *who, "--born", "1931-07-04")
    listed = ward("patients", "--all")
    ward("patients", "transfer", "P1", "--to", "frail")
    ward("patients", "discharge", "P1", "--reason", "recovered")
    rows = every_row(ward)
    shown = repr((said, told, listed, caplog.text))
    for secret in SECRETS:
        assert secret in rows["identity"]
        assert [name for name, content in rows.items() if secret in content] == ["identity"]
        assert secret not in shown
    assert "correct born contact name next_of_kin nhs_number" in rows["register_log"]


def test_a_name_that_a_spreadsheet_would_run_is_kept_and_written_out_harmless(ward: Ward) -> None:
    """Whole for a program that reads JSON, marked as text in CSV."""
    name = '=HYPERLINK("http://x")'
    ward("patients", "admit", "P1", *ADMIT, "--name", name)
    assert ward.record("patients", "show", "P1")["name"] == name
    out = ward("patients", "show", "P1", "--format", "csv")[1]
    assert "'=HYPERLINK" in out
    assert ",=HYPERLINK" not in out
    assert ',"=HYPERLINK' not in out


def test_a_database_from_before_asks_for_no_kit_that_left_long_ago(ward: Ward) -> None:
    """What was never kept is not made up: a discharge of before is over."""
    ward("patients", "admit", "P1", *ADMIT, "--from", BEGAN)
    equipped(ward)
    ward("patients", "discharge", "P1", "--reason", "recovered")
    with closing(database.open_writer(ward.db)) as opened, atomic(opened):
        for table in ("referral", "transfer", "stay_fact", "kit_out"):
            opened.execute(f"drop table {table}")
        for column in ("contact", "next_of_kin"):
            opened.execute(f"alter table identity drop column {column}")
        for column in ("calibrated_ms", "calibration_due", "retired_ms", "retired_reason"):
            opened.execute(f"alter table device drop column {column}")
        opened.execute("delete from _sqlite_migrations where name in ('m010_stays', 'm013_kit')")
    assert ward("patients")[0] != 0
    assert ward("db", "migrate")[0] == 0
    assert "kit still out" not in ward("patients")[1]
    assert ward.record("patients", "show", "P1")["contact"] is None
