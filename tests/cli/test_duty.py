"""`vwmon duty`: who is told, said as loudly when it is nobody; and what check-config says of a rota."""

import json
from pathlib import Path

import pytest

from tests.conftest import Command
from tests.unit.test_duty import CONFIG, WEEKLY


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The configuration of the tests of the rota."""
    path = tmp_path / "vwmon.toml"
    path.write_text(CONFIG)
    return path


def test_each_ward_and_tier_says_who_is_told(vwmon: Command, config: Path) -> None:
    """At the time that is asked for, with what waits and until when."""
    result = vwmon("duty", "--at", "2026-11-27T21:00:00Z", "--ward", "resp", "--config", config)
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    waits = "level 1 until 2026-11-28T08:00:00Z"
    assert lines[0] == "on duty at 2026-11-27T21:00:00Z"
    assert lines[2] == f"resp closed 1 o.reg (registrar) {waits}"
    assert lines[3] == f"resp closed 2 n.shah (nurse), o.reg (registrar) {waits}"


def test_nobody_is_said_loudly(vwmon: Command, config: Path) -> None:
    """In the list and on standard error, tier by tier."""
    result = vwmon("duty", "--at", "2026-11-27T21:00:00Z", "--ward", "resp", "--config", config)
    assert "NOBODY" in result.stdout
    assert result.stderr == "nobody is on duty: resp, tier 3\n"


def test_programs_are_told_the_same(vwmon: Command, config: Path) -> None:
    """With channels, and the whole service as no ward."""
    result = vwmon("duty", "--at", "2026-11-27T12:00:00Z", "--json", "--config", config)
    rows = json.loads(result.stdout)
    assert [(row["ward"], row["tier"]) for row in rows] == [(w, t) for w in ("resp", "heart", None) for t in (1, 2, 3)]
    assert rows[0] == {
        "at": "2026-11-27T12:00:00Z",
        "ward": "resp",
        "ward_is": "open",
        "tier": 1,
        "people": [
            {"id": "n.shah", "role": "nurse", "channels": ["nurses"]},
            {"id": "j.lowe", "role": "nurse", "channels": []},
        ],
        "waiting_levels": [],
        "opens_at": None,
    }


def test_now_is_the_time_that_is_meant(vwmon: Command, config: Path) -> None:
    """Without --at; and a ward that is not there is not found."""
    assert vwmon("duty", "--config", config).exit_code == 0
    assert vwmon("duty", "--ward", "lung", "--config", config).exit_code == 3


def test_a_rota_that_does_not_hold_is_no_good_configuration(vwmon: Command, config: Path) -> None:
    """A calendar with a name that nobody has is found by the check, and not on the night."""
    (config.parent / "nights.ics").write_text(WEEKLY.replace("o.reg, nurse", "Priya"))
    config.write_text(CONFIG + '[[duty]]\ntier = 3\ncalendar = "nights.ics"\n')
    result = vwmon("check-config", config)
    assert result.exit_code == 8
    assert '"Priya" is neither a person nor a role of one' in result.stderr
    (config.parent / "nights.ics").write_text(WEEKLY)
    assert vwmon("check-config", config).exit_code == 0


def test_a_configuration_without_a_rota_says_what_that_means(vwmon: Command, tmp_path: Path) -> None:
    """It is no fault, and nobody will be called."""
    path = tmp_path / "vwmon.toml"
    path.write_text("")
    assert "the list alone tells of alerts" in vwmon("check-config", path).stdout
