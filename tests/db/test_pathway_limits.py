"""The limits of a shipped pathway, on a real database: what a reading at home raises, and when that is over."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.db.test_beside import Home
from tests.db.watched_ward import differing


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Home]:
    """A ward with p1 on oximetry at home, and p2 with the same readings on the COPD pathway."""
    home = Home(tmp_path / "ward.db")
    home.enters("p1", "covid-oximetry")
    home.enters("p2", "copd")
    yield home
    home.db.close()


def clinical(home: Home) -> list[tuple[int, int, str]]:
    """Give stay, level and state of every clinical alert."""
    return home.rows("select stay_no, level, state from alert where lane = 'clinical' order by 1")


def saturation(home: Home, value: float, hour: float) -> None:
    """Let both measure the same, with a pulse."""
    home.hour(hour)
    for device in ("of-p1", "of-p2"):
        home.sends({"spo2": value, "heart_rate": 80.0}, hour * 60, device=device)
    home.looks()


@pytest.mark.parametrize(("value", "raised"), [(95, []), (94, [(1, 2, "new")]), (93, [(1, 2, "new")])])
def test_93_and_94_are_urgent_once_a_repeat_bears_them_out(
    ward: Home, value: float, raised: list[tuple[int, int, str]]
) -> None:
    """And 95 is well. The same saturation raises nothing on a pathway whose target is the person's own."""
    saturation(ward, value, 1)
    assert clinical(ward) == []
    saturation(ward, value, 1.2)
    assert clinical(ward) == raised


def test_92_is_an_emergency_at_once_and_is_explained(ward: Home) -> None:
    """What the procedure sends to 999 waits for no repeat; the other rule waits for its own."""
    saturation(ward, 92, 1)
    assert clinical(ward) == [(1, 3, "new")]
    (name,) = ward.open_alerts()
    ward.beat()
    assert differing(ward.explained(name)) == []
    ((evidence,),) = ward.rows("select evidence from alert where lane = 'clinical'")
    assert "spo2_93" in evidence
