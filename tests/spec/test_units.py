"""Every vital in every unit: what is taken, what it becomes, and what no unit can make true."""

import itertools
from fractions import Fraction

import pytest

from devices.errors import UnitError
from devices.payloads import decode
from devices.readings import MARK_QUESTIONED, Message
from devices.vitals import VITALS, Vital

NOW_MS = 1_795_338_900_000
PAIRS = [(vital, unit) for vital in VITALS.values() for unit in vital.conversions]
EVERY_UNIT = sorted(
    {unit for vital in VITALS.values() for unit in (*vital.plain_units, *vital.conversions) if unit is not None}
)

# By hand: what a value in another unit is, to six decimals.
ANCHORS = [
    ("temperature", 98.6, "[degF]", 37.0),
    ("temperature", 98.6, "degF", 37.0),
    ("temperature", 100.4, "degF", 38.0),
    ("temperature", 102.38, "[degF]", 39.1),
    ("skin_temperature", 86.0, "degF", 30.0),
    ("skin_temperature", 86.0, "[degF]", 30.0),
    ("systolic_bp", 16.0, "kPa", 120.010201),
    ("diastolic_bp", 10.0, "kPa", 75.006376),
    ("mean_bp", 12.0, "kPa", 90.007651),
    ("weight", 154.0, "[lb_av]", 69.853225),
    ("weight", 154.0, "lb", 69.853225),
    ("muscle_mass", 100.0, "lb", 45.359237),
    ("muscle_mass", 100.0, "[lb_av]", 45.359237),
    ("glucose", 90.0, "mg/dL", 4.994950),
    ("fio2", 28.0, "%", 0.28),
    ("fio2", 21.0, "%", 0.21),
    ("oxygen", 1.0, "0/1", 1.0),
    ("oxygen", 0.0, "0/1", 0.0),
    ("fev1", 2400.0, "mL", 2.4),
    ("fvc", 3100.0, "mL", 3.1),
    ("peak_flow", 7.5, "L/s", 450.0),
    ("hrv_sdnn", 0.045, "s", 45.0),
    ("hrv_rmssd", 0.032, "s", 32.0),
    ("sleep_duration", 7.5, "h", 27000.0),
    ("sleep_duration", 430.0, "min", 25800.0),
    ("urine_output", 1.5, "L", 1500.0),
    ("activity", 2.5, "h", 150.0),
    ("af_burden", 6.0, "h", 25.0),
    ("af_burden", 36.0, "min", 2.5),
    ("crp", 1.2, "mg/dL", 12.0),
    ("lactate", 18.02, "mg/dL", 2.0),
]

# What one unit's number would be under another's name, and the unit it is then likely in: each must be refused (H6).
MIX_UPS = [
    ("temperature", 98.6, "Cel", "degF"),
    ("temperature", 96.9, "Cel", "degF"),
    ("temperature", 98.6, None, "degF"),
    ("temperature", 36.8, "[degF]", "degC"),
    ("temperature", 36.9, "degF", "degC"),
    ("temperature", 310.0, "Cel", "K"),
    ("skin_temperature", 74.13, "degC", "degF"),
    ("spo2", 0.97, "%", "fraction"),
    ("spo2", 0.97, None, "fraction"),
    ("spo2", 1.0, "%", "fraction"),
    ("systolic_bp", 16.0, "mm[Hg]", "kPa"),
    ("systolic_bp", 29.3, None, "kPa"),
    ("systolic_bp", 120.0, "kPa", "mmHg"),
    ("diastolic_bp", 10.0, "mmHg", "kPa"),
    ("diastolic_bp", 75.0, "kPa", "mmHg"),
    ("mean_bp", 12.0, None, "kPa"),
    ("mean_bp", 90.0, "kPa", "mmHg"),
    ("glucose", 95.0, "mmol/L", "mg/dL"),
    ("glucose", 5.5, "mg/dL", "mmol/L"),
    ("fio2", 28.0, "fraction", "%"),
    ("fio2", 28.0, None, "%"),
    ("fio2", 0.28, "%", "fraction"),
    ("peak_flow", 7.5, "L/min", "L/s"),
    ("fev1", 2400.0, "L", "mL"),
    ("body_water", 0.52, "%", "fraction"),
    ("weight", 510.0, "kg", "lb"),
    ("weight", 70_500.0, "kg", "g"),
]
CANNOT_BE = {"value_impossible", "value_zero", "unit_slip"}


def sent(vital: str, value: float, unit: str | None) -> Message:
    """Decode a message of one reading."""
    named = "" if unit is None else f',"unit":"{unit}"'
    payload = f'{{"v":1,"time":"2026-11-22T09:15:00Z","readings":[{{"vital":"{vital}","value":{value!r}{named}}}]}}'
    return decode(payload.encode(), device="dev-1", received_ms=NOW_MS)


@pytest.mark.hazard("H6")
@pytest.mark.parametrize(("vital", "value", "unit", "canonical"), ANCHORS)
def test_values_in_other_units_become_the_canonical_ones(vital: str, value: float, unit: str, canonical: float) -> None:
    """Each conversion gives what was worked out by hand, and keeps what was sent."""
    (reading,) = sent(vital, value, unit).readings
    assert reading.value == pytest.approx(canonical, abs=5e-7)
    assert (reading.raw_value, reading.raw_unit) == (value, unit)


@pytest.mark.hazard("H6")
def test_every_conversion_has_an_anchor() -> None:
    """No other unit is taken on trust."""
    assert {(vital, unit) for vital, _, unit, _ in ANCHORS} == {(vital.name, unit) for vital, unit in PAIRS}


@pytest.mark.hazard("H6")
@pytest.mark.parametrize(("vital", "value", "unit", "likely"), MIX_UPS)
def test_one_units_number_under_anothers_name_is_refused_by_the_likely_slip(
    vital: str, value: float, unit: str | None, likely: str
) -> None:
    """It is kept in quarantine with the unit that it was likely in; nothing is converted, and no reading comes."""
    message = sent(vital, value, unit)
    assert not message.readings
    (one,) = message.refused
    assert (one.reason, one.detail) == ("unit_slip", f"{vital} {value:g} {unit or VITALS[vital].unit}, likely {likely}")
    assert one.attempt is not None
    assert one.attempt.sent.endswith(f", likely {likely}")


@pytest.mark.parametrize(
    ("vital", "value", "unit"), [("oxygen", 2.0, "0/1"), ("temperature", -17.8, "Cel"), ("mean_bp", 801.0, None)]
)
def test_what_would_be_usual_in_no_unit_names_none(vital: str, value: float, unit: str | None) -> None:
    """A guess is made where there is one to make."""
    assert [one.reason for one in sent(vital, value, unit).refused] == ["value_impossible"]


def test_a_value_that_is_possible_as_sent_is_never_taken_for_a_slip() -> None:
    """A weight of 170 kg may be 170 lb, and a glucose of 15 mmol/L is not 15 mg/dL: they are stored as they came."""
    for vital, value in (("weight", 170.0), ("weight", 11.0), ("glucose", 15.0), ("temperature", 46.0)):
        (reading,) = sent(vital, value, None).readings
        assert (reading.value, reading.raw_value) == (value, None)


@pytest.mark.parametrize("vital", [one for one in VITALS.values() if one.low > 0], ids=lambda one: one.name)
def test_a_zero_that_cannot_be_is_nothing_measured(vital: Vital) -> None:
    """In every unit: a sensor that is off says 0."""
    for unit in (None, *vital.conversions):
        assert [one.reason for one in sent(vital.name, 0.0, unit).refused] == ["value_zero"]


@pytest.mark.hazard("H6")
@pytest.mark.parametrize(("vital", "unit"), PAIRS, ids=lambda one: getattr(one, "name", one))
def test_a_conversion_there_and_back_is_the_same_to_a_billionth(vital: Vital, unit: str) -> None:
    """Against exact fractions, over the whole possible range."""
    how = vital.conversions[unit]
    add, multiply, divide = (Fraction(str(part)) for part in (how.add, how.multiply, how.divide))
    values = how.only or tuple(vital.low + (vital.high - vital.low) * step / 97 for step in range(98))
    for value in values:
        other = Fraction(value) * divide / multiply - add
        back = vital.canonical(float(other), unit)
        assert abs(back - value) <= 1e-9 * max(abs(value), 1.0)


@pytest.mark.hazard("H6")
@pytest.mark.parametrize(
    ("vital", "unit"),
    [(vital, unit) for vital, unit in itertools.product(VITALS.values(), EVERY_UNIT)],
    ids=lambda one: getattr(one, "name", one),
)
def test_a_vital_is_taken_in_its_own_units_only(vital: Vital, unit: str) -> None:
    """The whole matrix of vitals and units that the table knows: taken as listed, refused otherwise."""
    middle = float(round((vital.usual_low + vital.usual_high) / 2))
    if unit in vital.plain_units:
        assert vital.canonical(middle, unit) == middle
        return
    if unit in vital.conversions:
        only = vital.conversions[unit].only
        assert vital.possible(vital.canonical(only[0] if only else _back(vital, unit, middle), unit))
        return
    with pytest.raises(UnitError):
        vital.canonical(middle, unit)
    if vital.numeric:
        assert [one.reason for one in sent(vital.name, middle, unit).refused] == ["unit_unknown"]


def _back(vital: Vital, unit: str, value: float) -> float:
    """Return a canonical value in another unit."""
    how = vital.conversions[unit]
    return value * how.divide / how.multiply - how.add


@pytest.mark.hazard("H26")
@pytest.mark.parametrize("vital", [one for one in VITALS.values() if one.numeric], ids=lambda one: one.name)
def test_the_edges_of_what_is_possible_are_where_the_table_says(vital: Vital) -> None:
    """The last value inside is taken, the first outside refused, at both ends."""
    step = 1.0 if vital.whole else (vital.high - vital.low) * 1e-6
    for inside, outside in ((vital.low, vital.low - step), (vital.high, vital.high + step)):
        (reading,) = sent(vital.name, inside, None).readings
        assert reading.value == inside
        assert {one.reason for one in sent(vital.name, outside, None).refused} < CANNOT_BE


@pytest.mark.hazard("H26")
@pytest.mark.parametrize("vital", [one for one in VITALS.values() if one.numeric], ids=lambda one: one.name)
def test_what_is_possible_but_not_usual_is_kept_and_marked(vital: Vital) -> None:
    """Outside the home range a reading is questioned, inside it is not, and its value stands either way."""
    for value in (vital.usual_low, vital.usual_high, vital.low, vital.high):
        (reading,) = sent(vital.name, value, None).readings
        assert reading.value == value
        unusual = value < vital.usual_low or value > vital.usual_high
        assert reading.marks == (MARK_QUESTIONED if unusual else 0)


# Section 2 of the interface: name, aliases, canonical unit, and the units also taken.
INTERFACE = [
    ("respiratory_rate", "resp_rate", "/min", ["breaths/min"]),
    ("spo2", "spo2", "%", []),
    ("oxygen", "supplemental_oxygen", "L/min", ["0/1"]),
    ("fio2", "fio2", "fraction", ["%"]),
    ("systolic_bp", "systolic_bp", "mm[Hg]", ["mmHg", "kPa"]),
    ("diastolic_bp", "diastolic_bp", "mm[Hg]", ["mmHg", "kPa"]),
    ("mean_bp", "mean_bp", "mm[Hg]", ["mmHg", "kPa"]),
    ("heart_rate", "pulse", "/min", ["bpm"]),
    ("temperature", "temperature", "Cel", ["degC", "[degF]", "degF"]),
    ("weight", "weight", "kg", ["[lb_av]", "lb"]),
    ("glucose", "glucose", "mmol/L", ["mg/dL"]),
]


@pytest.mark.parametrize(("name", "alias", "unit", "also"), INTERFACE)
def test_the_interfaces_table_is_the_one_in_force(name: str, alias: str, unit: str, also: list[str]) -> None:
    """Names, aliases and units of the public interface are taken as written."""
    vital = VITALS[name]
    assert vital.unit == unit
    assert set(also) <= vital.plain_units | set(vital.conversions)
    middle = (vital.usual_low + vital.usual_high) / 2
    (reading,) = sent(alias, middle, unit).readings
    assert (reading.vital, reading.value, reading.raw_unit) == (name, middle, None)


def test_consciousness_is_taken_in_its_five_letters() -> None:
    """A, C, V, P, U are 0 to 4, and the letters come back."""
    vital = VITALS["consciousness"]
    assert [vital.label(number) for number in range(5)] == ["A", "C", "V", "P", "U"]
    assert dict(vital.choices) == {"A": 0, "C": 1, "V": 2, "P": 3, "U": 4}
