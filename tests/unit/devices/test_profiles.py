"""Kinds of device as data: every one that is shipped can be used, and one that contradicts itself cannot."""

import pytest

from devices.errors import VitalsError
from devices.profiles import PROFILES, SLEEPERS, VERSION, load
from devices.vitals import VITALS

GOOD = """
version = "1"
[profile.oximeter]
title = "An oximeter"
sends = ["spo2", "heart_rate"]
every = "when it is used"
sleeps = true
battery = "two cells"
artefacts = ["cold hands"]
source = "a page"
"""


def test_every_profile_sends_what_the_table_of_vitals_knows() -> None:
    """A reading of it has a unit, a range and a reason for both."""
    assert VERSION == "2"
    for name, profile in PROFILES.items():
        assert name == name.lower()
        assert [vital for vital in profile.sends if vital not in VITALS] == []
        assert profile.artefacts
        assert profile.source


def test_the_kinds_that_a_virtual_ward_gives_out_are_there() -> None:
    """From the finger oximeter to what was implanted years ago."""
    assert set(PROFILES) == {
        "pulse-oximeter",
        "blood-pressure-cuff",
        "thermometer",
        "scale",
        "spirometer",
        "glucose-meter",
        "chest-patch",
        "wrist-wearable",
        "implanted-cardiac-device",
        "point-of-care-test",
    }


def test_an_implanted_device_sends_the_day_as_a_summary() -> None:
    """None of it is a reading of now, so none of it is a part of the score."""
    sends = PROFILES["implanted-cardiac-device"].sends
    assert {"thoracic_impedance", "activity", "night_heart_rate", "af_burden"} <= set(sends)
    assert "heart_rate" not in sends


def test_what_is_worn_does_not_sleep_and_what_is_picked_up_does() -> None:
    """A lost connection means something of the one only."""
    assert set(PROFILES) - SLEEPERS == {"chest-patch", "wrist-wearable"}


@pytest.mark.parametrize(
    ("vital", "value", "unit", "canonical"),
    [
        ("af_burden", 6, "h", 25),
        ("af_burden", 72, "min", 5),
        ("activity", 2.5, "h", 150),
        ("thoracic_impedance", 66, "Ohm", 66),
        ("crp", 1.2, "mg/dL", 12),
        ("lactate", 18.02, "mg/dL", 2),
        ("night_heart_rate", 71, "bpm", 71),
    ],
)
def test_a_summary_and_a_blood_test_come_in_the_units_that_are_used(
    vital: str, value: float, unit: str, canonical: float
) -> None:
    """A burden in hours of the day is a share of it."""
    assert VITALS[vital].canonical(value, unit) == canonical


@pytest.mark.parametrize(
    ("vital", "possible", "unusual", "impossible"),
    [
        ("af_burden", (0, 100), (), (-1, 101)),
        ("activity", (0, 1440), (), (-1, 1441)),
        ("thoracic_impedance", (65, 73), (15, 250), (0, 1001)),
        ("crp", (0, 200), (201, 900), (-1, 1001)),
        ("lactate", (0.3, 20), (0.2, 25), (0, 41)),
        ("night_heart_rate", (40, 150), (25, 200), (0, 351)),
    ],
)
def test_the_ranges_of_the_new_vitals_are_those_of_their_reasons(
    vital: str, possible: tuple[float, ...], unusual: tuple[float, ...], impossible: tuple[float, ...]
) -> None:
    """Beyond the analyser's range is kept and marked; beyond what can be is refused."""
    one = VITALS[vital]
    assert all(one.possible(value) and not one.unusual(value) for value in possible)
    assert all(one.possible(value) and one.unusual(value) for value in unusual)
    assert not any(one.possible(value) for value in impossible)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ('"spo2", "heart_rate"', '"spo2", "mood"'),
        ('"spo2", "heart_rate"', '"spo2", "spo2"'),
        ('"spo2", "heart_rate"', ""),
        ('source = "a page"', 'source = ""'),
        ('source = "a page"', ""),
        ('source = "a page"', 'source = "a page"\nnote = "x"'),
        ("sleeps = true", 'sleeps = "yes"'),
        ("version", "= ="),
    ],
)
def test_a_profile_with_a_fault_is_refused(was: str, becomes: str) -> None:
    """An unknown vital or key, a missing one: nothing is believed of a device by accident."""
    assert load(GOOD)[1]["oximeter"].sends == ("spo2", "heart_rate")
    with pytest.raises(VitalsError):
        load(GOOD.replace(was, becomes))


def test_only_a_published_interval_is_an_interval() -> None:
    """Of the kinds that are shipped one has a source; no days without whose words they are."""
    published = {name: one.calibration.days for name, one in PROFILES.items() if one.calibration is not None}
    assert published == {"blood-pressure-cuff": 365}
    for broken in ("calibration = { days = 365 }", 'calibration = { days = 0, source = "a page" }'):
        with pytest.raises(VitalsError):
            load(GOOD + broken)
