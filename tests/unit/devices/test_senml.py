"""SenML packs: what RFC 8428 says of base values, names, times and units, as a ward's readings."""

import json

import pytest

from devices.errors import PayloadError
from devices.payloads import decode
from devices.readings import MARK_CLOCK_AHEAD, MARK_RECEIPT_TIME, Message
from tests.faults.poison import DEVICE, NOW_MS

NOW_S = NOW_MS // 1000


def read(*records: object) -> Message:
    """Read a pack of records as the device sends it."""
    payload = json.dumps(records).encode()
    return decode(payload, device=DEVICE, received_ms=NOW_MS, content_type="application/senml+json")


def seen(message: Message) -> list[tuple[str, float | None, int]]:
    """Give what was read: vital, value, and seconds before now."""
    return [(one.vital, one.value, (NOW_MS - one.observed_ms) // 1000) for one in message.readings]


def test_base_name_time_and_unit_hold_for_what_follows() -> None:
    """RFC 8428, 4.6: until another record sets them anew."""
    message = read(
        {"bn": "dev-1/", "bt": NOW_S - 60, "bu": "%", "n": "spo2", "v": 93},
        {"n": "spo2", "v": 94, "t": 30},
        {"bu": "beat/min", "n": "heart_rate", "v": 104, "t": 10},
    )
    assert seen(message) == [("spo2", 93, 60), ("spo2", 94, 30), ("heart_rate", 104, 50)]
    assert message.id is None


def test_a_base_value_is_added() -> None:
    """RFC 8428, 4.1: a value is the sum of both."""
    assert seen(read({"bn": "temperature", "bu": "Cel", "bt": NOW_S, "bv": 36, "v": 1.5})) == [("temperature", 37.5, 0)]


@pytest.mark.parametrize(
    ("name", "vital"),
    [
        ("spo2", "spo2"),
        ("urn:dev:mac:0024befffe804ff1:spo2", "spo2"),
        ("dev-1/spo2", "spo2"),
        ("urn:dev:ow:10e2073a01080063/loinc:59408-5", "spo2"),
        ("mdc:150456", "spo2"),
        ("pulse", "heart_rate"),
        ("dev-1/mood", "mood"),
        ("dev-1/moodX1", "moodX1"),
    ],
)
def test_a_name_ends_in_the_vital(name: str, vital: str) -> None:
    """By name, alias or code, after a slash or colon; one that no table knows is kept by its last part."""
    (reading,) = read({"n": name, "v": 97}).readings
    assert reading.vital == vital


@pytest.mark.parametrize(
    ("at", "before_s"), [({}, 0), ({"t": 0}, 0), ({"t": -300}, 300), ({"bt": -300, "t": 60}, 240), ({"t": 5}, 0)]
)
def test_a_small_time_counts_from_now_and_is_marked(at: dict[str, float], before_s: int) -> None:
    """RFC 8428, 4.5.3; the clock is then the ward's, and nothing is measured in the future."""
    (reading,) = read({"n": "spo2", "v": 93, **at}).readings
    assert ((NOW_MS - reading.observed_ms) // 1000, reading.marks) == (before_s, MARK_RECEIPT_TIME)


@pytest.mark.hazard("T8")
def test_a_time_counted_from_now_goes_back_no_further_than_any_other() -> None:
    """Before the year 2000 nothing was measured, and a number that no database holds is never handed on."""
    ago_s = NOW_S - 946_684_800
    assert read({"n": "spo2", "v": 93, "t": -ago_s}).readings[0].observed_ms == 946_684_800_000
    assert [one.reason for one in read({"n": "spo2", "v": 93, "t": -ago_s - 1}).refused] == ["time_past"]


def test_a_time_that_is_infinite_both_ways_is_none() -> None:
    """A base without end and a time without end have no sum."""
    payload = b'[{"bt":1e999,"n":"spo2","v":93,"t":-1e999},{"bt":0,"n":"heart_rate","v":72}]'
    message = decode(payload, device=DEVICE, received_ms=NOW_MS, content_type="application/senml+json")
    assert [one.reason for one in message.refused] == ["time_invalid"]
    assert [one.vital for one in message.readings] == ["heart_rate"]


def test_a_clock_that_is_ahead_is_marked_as_in_every_format() -> None:
    """More than two minutes and up to a day: the time of receipt."""
    (reading,) = read({"n": "spo2", "v": 93, "t": NOW_S + 3600}).readings
    assert (reading.observed_ms, reading.marks) == (NOW_MS, MARK_CLOCK_AHEAD)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"n": "spo2"}, "value_missing"),
        ({"n": "spo2", "s": 4}, "value_missing"),
        ({"n": "spo2", "vs": "high"}, "value_not_a_number"),
        ({"n": "spo2", "vb": True}, "value_not_a_number"),
        ({"n": "spo2", "vd": "aGk"}, "value_not_a_number"),
        ({"n": "spo2", "v": 120}, "value_impossible"),
        ({"n": "spo2", "v": 93, "u": "Pa"}, "unit_unknown"),
        ({"n": "spo2", "v": 93, "t": "now"}, "time_invalid"),
        ({"n": "spo2", "v": 93, "t": 9e8}, "time_past"),
        ({"n": "spo2", "v": 93, "t": 2**28}, "time_past"),
        ({"n": "spo2", "v": "93"}, "value_not_a_number"),
        ({"n": "spo2", "v": 93, "t": 1e30}, "time_future"),
        ({"n": "spo2", "v": 93, "t": -1e9}, "time_past"),
        ({"n": "spo2", "v": 93, "t": -1e300}, "time_past"),
        ({"n": "spo2", "v": 93, "t": -1e308}, "time_invalid"),
        ({"n": "spo2", "v": 93, "t": 1e308}, "time_invalid"),
        ({"n": "spo2", "v": 93, "u": []}, "unit_invalid"),
        ({"n": "spo2", "v": 93, "u": {"%EL": 1}}, "unit_invalid"),
        ({"v": 93}, "vital_missing"),
        ({"n": 7, "v": 93}, "vital_invalid"),
    ],
)
def test_a_record_of_no_use_costs_no_other(record: dict[str, object], reason: str) -> None:
    """It is refused with its reason; the one beside it stands."""
    message = read(record, {"n": "heart_rate", "v": 72})
    assert [one.reason for one in message.refused] == [reason]
    assert [one.vital for one in message.readings] == ["heart_rate"]


@pytest.mark.parametrize(
    ("record", "detail"),
    [
        ({"n": "spo2", "v": 93, "t": "now"}, "'now'"),
        ({"n": "spo2", "v": 93, "t": 1e308}, "1e+308"),
        ({"n": "spo2", "v": 93, "t": 9e8}, "900000000.0"),
    ],
)
def test_a_refused_record_is_named_by_its_place_and_what_it_said(record: dict[str, object], detail: str) -> None:
    """Records that say nothing count too, so that the place is the one in the pack."""
    message = read({"bn": "dev-1/"}, {"note": 1}, record, {"n": "pulse", "v": 72})
    assert [(one.index, one.detail) for one in message.refused] == [(2, detail)]
    assert len(message.readings) == 1


def test_what_is_only_said_once_holds_for_the_record_that_leaves_it_out() -> None:
    """RFC 8428, 4.1: a unit, a value and a name of the base alone; and a record of a sum is one of no value."""
    temperatures = read({"n": "temperature", "bu": "degF", "v": 99.5}, {"n": "temperature", "v": 100.4}).readings
    assert [one.raw_unit for one in temperatures] == ["degF", "degF"]
    (spo2,) = read({"n": "spo2", "bv": 93}).readings
    assert spo2.value == 93
    assert read({"bu": "%EL", "v": 40}).battery_percent == 40
    assert [one.reason for one in read({"bn": "spo2"}, {"s": 4}).refused] == ["value_missing"]


@pytest.mark.parametrize("value", [True, "93"])
def test_a_base_value_is_added_to_numbers_only(value: object) -> None:
    """True is no 1, and a word is no number."""
    assert [one.reason for one in read({"n": "spo2", "bv": 92, "v": value}).refused] == ["value_not_a_number"]


def test_another_device_is_known_by_the_first_part_of_a_name() -> None:
    """However many parts follow."""
    with pytest.raises(PayloadError, match="other_device"):
        read({"n": "dev-2/left/spo2", "v": 93})


@pytest.mark.parametrize(("charge", "kept"), [(0, 0), (100, 100), (100.5, None), (101, None), (-1, None), (True, None)])
def test_a_charge_is_a_share(charge: float, kept: float | None) -> None:
    """From nothing to all of it; any other is none, and costs no reading."""
    message = read({"n": "spo2", "v": 93}, {"u": "%EL", "v": charge})
    assert (message.battery_percent, len(message.readings)) == (kept, 1)


@pytest.mark.parametrize(
    ("records", "reason", "detail"),
    [
        ([{"n": "spo2", "bv": True}], "senml_invalid", "bv True"),
        ([{"bver": 11, "n": "spo2", "v": 93}], "version_not_supported", "bver 11"),
        ([[1]], "senml_invalid", "a record is [1]"),
        ([{"n": "spo2", "v": 93, "must_": 1}], "senml_invalid", "the field 'must_'"),
        ([], "no_readings", ""),
        ([{"bn": "dev-1/"}], "no_readings", ""),
    ],
)
def test_a_pack_that_is_refused_says_why(records: list[object], reason: str, detail: str) -> None:
    """With the field or the record that it is refused for."""
    with pytest.raises(PayloadError) as caught:
        read(*records)
    assert (caught.value.reason, caught.value.detail) == (reason, detail)


def test_words_are_taken_where_the_vital_has_them() -> None:
    """Consciousness as a letter, oxygen as a word."""
    assert [one.value for one in read({"n": "consciousness", "vs": "C"}, {"n": "oxygen", "vs": "air"}).readings] == [
        1,
        0,
    ]


def test_the_energy_left_is_the_battery() -> None:
    """RFC 8428, 12.1: %EL is a level of energy, and no reading."""
    message = read({"n": "dev-1/battery", "u": "%EL", "v": 81}, {"n": "spo2", "v": 93})
    assert (message.battery_percent, len(message.readings), message.refused) == (81, 1, ())
    assert read({"n": "battery", "u": "%EL", "v": 181}, {"n": "spo2", "v": 93}).battery_percent is None


@pytest.mark.parametrize("base", [{"bt": "x"}, {"bn": 7}, {"bu": 1}, {"bv": True}, {"bver": 10.5}])
def test_a_base_that_is_none_refuses_the_pack(base: dict[str, object]) -> None:
    """What follows would rest on it."""
    with pytest.raises(PayloadError, match="senml_invalid"):
        read({"n": "spo2", "v": 93, **base})
