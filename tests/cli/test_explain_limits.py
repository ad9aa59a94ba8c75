"""`vwmon explain` of alerts that a limit or a number by its name raised: whose it was, and what was said."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import Command
from tests.db.test_scorer_limits import FOUR, POORLY, Limited
from tests.db.test_scorer_quantities import DAYS, Hearts


def said(vwmon: Command, path: Path, alert: str) -> str:
    """Explain an alert, which must be the same to the bit; give the page on one line."""
    done = vwmon("explain", alert, "--db", path)
    assert done.exit_code == 0, done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    return " ".join(done.stdout.split())


@pytest.mark.hazard("H32")
def test_a_page_names_the_limit_behind_an_alert(vwmon: Command, tmp_path: Path) -> None:
    """Under its rule: whose it is, what it gives, by whom, until when and why."""
    ward = Limited(tmp_path / "ward.db")
    with closing(ward.db):
        ward.admit("p1")
        ward.until(1)
        ward.limit(FOUR, for_min=60)
        ward.hears(POORLY, 10)
        (alert,) = ward.open_alerts()
        ward.beat()
    page = said(vwmon, ward.path, alert)
    assert "NEWS2 4 or more (news2_5): from 4 on; over when below 3" in page
    assert "this patient's own limit: cadence at_once, limit_off 3, limit_on 4; by ann from 2026-" in page
    assert ": agreed" in page
    record = json.loads(vwmon("explain", alert, "--db", ward.path, "--json").stdout)
    (limit,) = record["rules"][0]["limits"]
    assert (limit["layer"], limit["author"], limit["until"]) == ("stay", "ann", "2026-11-18T12:07:40Z")


def test_a_page_says_the_number_that_raised_an_alert(vwmon: Command, tmp_path: Path) -> None:
    """With its sentence, the reading that brought it, and the pathway whose rule it is."""
    ward = Hearts(tmp_path / "ward.db")
    with closing(ward.db):
        ward.admit("p1")
        for day, kg in ((0, 80.0), (1, 82.5)):
            ward.weighs(kg, day * DAYS)
        ward.until(DAYS + 20)
        (alert,) = ward.open_alerts()
    page = said(vwmon, ward.path, alert)
    assert "L1 body weight up within 3 days (weight_gain): from 2 up; over below 1.5" in page
    assert "limit of the pathway heart-failure: enabled true; by heart-failure 6" in page
    assert "NUMBERS trend:weight.rise_3d: body weight 82.5 kg is 2.5 kg above the lowest of the last 3 d, 80.0" in page
    assert "reading 2 of of-p1" in page
    assert "A number by its name raised it" in page
