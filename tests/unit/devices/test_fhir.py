"""FHIR R4 Observations and Bundles of them, as devices and UK Core write them, as a ward's readings."""

import json
from typing import Any

import pytest

from devices.errors import PayloadError
from devices.payloads import decode
from devices.readings import MARK_RECEIPT_TIME, Message
from tests.faults.poison import DEVICE, NOW, NOW_MS, coded, fhir

SNOMED = "http://snomed.info/sct"


def read(payload: bytes) -> Message:
    """Read a payload as the device sends it."""
    return decode(payload, device=DEVICE, received_ms=NOW_MS, content_type="application/fhir+json")


def observation(**fields: object) -> dict[str, Any]:
    """Give an Observation of one heart rate but for `fields`."""
    made: dict[str, Any] = json.loads(fhir(**fields))
    return made


def bundle(*resources: object, **fields: object) -> bytes:
    """Write a Bundle of these resources."""
    said = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]}
    return json.dumps(said | fields).encode()


def quantity(value: float, unit: str) -> dict[str, object]:
    """Write a quantity in a UCUM unit."""
    return {"value": value, "system": "http://unitsofmeasure.org", "code": unit}


def test_an_observation_is_a_message_of_one_reading() -> None:
    """Its id is the message's, so that it gets a receipt."""
    message = read(fhir())
    assert message.id == "p-1"
    (reading,) = message.readings
    assert (reading.vital, reading.value, reading.observed_ms, reading.marks) == ("heart_rate", 72, NOW_MS, 0)


def test_a_blood_pressure_is_read_from_its_components() -> None:
    """As the vital-signs profile has it: two values under one code and one time."""
    parts = [
        {"code": coded("8480-6"), "valueQuantity": quantity(128, "mm[Hg]")},
        {"code": coded("8462-4"), "valueQuantity": quantity(76, "mm[Hg]")},
    ]
    message = read(fhir(code=coded("85354-9"), valueQuantity=None, component=parts))
    assert [(one.vital, one.value) for one in message.readings] == [("systolic_bp", 128), ("diastolic_bp", 76)]
    assert message.refused == ()


def test_a_bundle_is_one_message_with_every_observation() -> None:
    """Its own id names it, and what is no observation costs no other."""
    spo2 = observation(id="o-2", code=coded("59408-5"), valueQuantity=quantity(93, "%"))
    message = read(bundle(observation(), spo2, {"resourceType": "Device"}, id="b-1"))
    assert message.id == "b-1"
    assert [(one.vital, one.value) for one in message.readings] == [("heart_rate", 72), ("spo2", 93)]
    assert [(one.reason, one.index) for one in message.refused] == [("not_an_observation", 2)]


@pytest.mark.parametrize(
    ("system", "code", "vital"),
    [
        ("http://loinc.org", "2708-6", "spo2"),
        (SNOMED, "431314004", "spo2"),
        (SNOMED, "86290005", "respiratory_rate"),
        ("urn:iso:std:iso:11073:10101", "150456", "spo2"),
        ("urn:iso:std:iso:11073:10101", "19384", "spo2"),
    ],
)
def test_codes_of_three_systems_are_known(system: str, code: str, vital: str) -> None:
    """LOINC, SNOMED CT and IEEE 11073, the last also by its 16-bit term."""
    code_of = {"coding": [{"system": "urn:mine", "code": "x"}, {"system": system, "code": code}]}
    (reading,) = read(fhir(code=code_of, valueQuantity={"value": 20})).readings
    assert reading.vital == vital


@pytest.mark.parametrize(("code", "letter"), [("248234008", 0), ("130987000", 1), ("422768004", 4)])
def test_consciousness_comes_as_a_concept(code: str, letter: int) -> None:
    """As UK Core's examples of ACVPU have it."""
    said = {"coding": [{"system": SNOMED, "code": code}]}
    acvpu = {"coding": [{"system": SNOMED, "code": "1104441000000107"}]}
    (reading,) = read(fhir(code=acvpu, valueQuantity=None, valueCodeableConcept=said)).readings
    assert (reading.vital, reading.value) == ("consciousness", letter)


def test_air_and_oxygen_come_as_concepts() -> None:
    """Air is 0; oxygen without a flow is 1, as in the ward's own format."""
    inspired = {"coding": [{"system": SNOMED, "code": "301282008"}]}
    for code, value in (("722742002", 0), ("371825009", 1)):
        said = {"coding": [{"system": SNOMED, "code": code}]}
        (reading,) = read(fhir(code=inspired, valueQuantity=None, valueCodeableConcept=said)).readings
        assert (reading.vital, reading.value) == ("oxygen", value)


def test_a_concept_that_is_no_choice_is_an_attempt() -> None:
    """Somebody looked, and what was found is not known."""
    acvpu = {"coding": [{"system": SNOMED, "code": "1104441000000107"}]}
    said = {"coding": [{"system": SNOMED, "code": "1"}]}
    (refused,) = read(fhir(code=acvpu, valueQuantity=None, valueCodeableConcept=said)).refused
    assert (refused.reason, refused.attempt is not None) == ("value_not_a_choice", True)


def test_a_value_only_said_to_be_lower_is_an_attempt_that_says_so() -> None:
    """An oximeter's "<70" is no 70 and no silence."""
    (refused,) = read(fhir(code=coded("59408-5"), valueQuantity={"value": 70, "comparator": "<", "unit": "%"})).refused
    assert refused.reason == "value_not_a_number"
    assert refused.attempt is not None
    assert "<70" in refused.attempt.sent


@pytest.mark.parametrize("unit", ["{Breaths}/min", "/min", "{breaths}/min"])
def test_units_are_taken_as_uk_core_and_ucum_write_them(unit: str) -> None:
    """Official examples differ among themselves."""
    (reading,) = read(fhir(code=coded("9279-1"), valueQuantity=quantity(18, unit))).readings
    assert (reading.vital, reading.value) == ("respiratory_rate", 18)


def test_fahrenheit_is_converted_and_kept_as_it_came() -> None:
    """As in the ward's own format."""
    (reading,) = read(fhir(code=coded("8310-5"), valueQuantity=quantity(101.3, "[degF]"))).readings
    assert (reading.value, reading.raw_value, reading.raw_unit) == (38.5, 101.3, "[degF]")


def test_a_period_counts_by_its_end_and_no_time_is_that_of_receipt() -> None:
    """The value is of when the measurement was over."""
    period = {"start": "2026-11-22T09:00:00Z", "end": "2026-11-22T09:10:00Z"}
    (reading,) = read(fhir(effectiveDateTime=None, effectivePeriod=period)).readings
    assert NOW_MS - reading.observed_ms == 300_000
    (reading,) = read(fhir(effectiveDateTime=None)).readings
    assert (reading.observed_ms, reading.marks) == (NOW_MS, MARK_RECEIPT_TIME)
    (refused,) = read(fhir(effectiveDateTime=None, effectiveTiming={})).refused
    assert refused.reason == "time_invalid"


def test_a_revision_has_its_version_in_its_name() -> None:
    """Else its id would be that of the value it corrects, and it would count as a repeat."""
    assert read(fhir(status="corrected", meta={"versionId": "2"})).id == "p-1/2"
    assert read(fhir(status="amended")).id is None


def test_another_device_is_refused_and_an_address_elsewhere_is_not_ours() -> None:
    """The topic says who sent it."""
    with pytest.raises(PayloadError, match="other_device"):
        read(fhir(device={"reference": "Device/dev-2"}))
    assert read(fhir(device={"reference": f"Device/{DEVICE}"})).readings
    assert read(fhir(device={"reference": "https://maker.example/Device/0001"})).readings


def test_who_the_patient_is_goes_nowhere() -> None:
    """A subject is part of the profile; nothing of it is read."""
    message = read(
        fhir(subject={"reference": "Patient/9434765919", "display": "Ann Odd"}, performer=[{"display": "X"}])
    )
    assert "9434765919" not in repr(message)
    assert "Odd" not in repr(message)


@pytest.mark.parametrize(
    "mangled",
    [
        {"code": None},
        {"code": {"coding": "x"}},
        {"code": {"coding": [3, None]}},
        {"valueQuantity": 7},
        {"component": 7, "valueQuantity": None},
        {"component": [7], "valueQuantity": None},
        {"effectivePeriod": [], "effectiveDateTime": None},
        {"device": 7},
        {"id": {}, "meta": 3},
        {"status": []},
        {"status": {}},
    ],
)
def test_whatever_shape_its_fields_have_it_is_read_or_refused(mangled: dict[str, object]) -> None:
    """Never an error that nobody foresaw; `when` it was said stands."""
    message = read(fhir(**{"effectiveDateTime": NOW} | mangled))
    assert message.readings or message.refused


@pytest.mark.parametrize("kind", [{}, [], None, 7])
def test_a_resource_whose_type_is_no_word_is_none(kind: object) -> None:
    """Refused for what it is, with the id that it has."""
    with pytest.raises(PayloadError) as caught:
        read(json.dumps({"resourceType": kind, "id": "p-1"}).encode())
    assert (caught.value.reason, caught.value.message_id) == ("fhir_invalid", "p-1")
    message = read(bundle({"resourceType": kind}, observation()))
    assert [one.reason for one in message.refused] == ["not_an_observation"]
    assert len(message.readings) == 1


def test_a_code_that_no_table_knows_is_kept_and_not_scored() -> None:
    """By its code, else by its words."""
    (reading,) = read(fhir(code=coded("99999-9"))).readings
    assert reading.vital == "loinc:99999-9"
    (reading,) = read(fhir(code={"text": "mood today"})).readings
    assert reading.vital == "mood_today"
