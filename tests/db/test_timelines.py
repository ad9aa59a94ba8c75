"""What became of an alert, read from its history: how long nobody could see its patient."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from alerts import timelines
from alerts.burden import Timeline
from alerts.model import Lane
from tests.db.test_scorer import MINUTE, WELL
from tests.db.watched_ward import Watched

ILL = WELL | {"spo2": 84.0, "respiratory_rate": 26.0}


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Watched]:
    """A ward with one patient, of whom an emergency is on the list."""
    ward = Watched(tmp_path / "ward.db")
    with closing(ward.db):
        ward.admit("p1")
        ward.hears(ILL, 5)
        yield ward


def clinical(ward: Watched) -> Timeline:
    """Give what became of the one clinical alert."""
    found = timelines.timelines(ward.db, 0, ward.now_ms, lambda _stay, _at: True, {0: ward.now_ms})
    (alert,) = [one for one in found if one.lane is Lane.CLINICAL]
    return alert


def test_an_alert_is_blind_from_when_its_patient_fell_silent_until_something_is_heard(alone: Watched) -> None:
    """And, while nothing is, until now."""
    alone.until(24 * 60)
    silent_ms = clinical(alone).blind_ms
    assert silent_ms > 0
    alone.until(25 * 60)
    assert clinical(alone).blind_ms == silent_ms + 60 * MINUTE
    alone.hears(ILL, 25 * 60 + 1)
    heard_ms = clinical(alone).blind_ms
    assert heard_ms == silent_ms + 61 * MINUTE
    alone.until(25 * 60 + 5)
    assert clinical(alone).blind_ms == heard_ms
