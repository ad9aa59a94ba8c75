"""FHIR as it should not come, or hardly ever does: what each refusal names, and what of it is still read."""

import json

import pytest

from devices.errors import PayloadError
from devices.readings import Message
from tests.faults.poison import NOW_MS, coded, fhir
from tests.unit.devices.test_fhir import bundle, observation, quantity, read

UCUM = "http://unitsofmeasure.org"


@pytest.mark.parametrize(
    ("resource", "reason", "detail"),
    [
        ({"resourceType": "Patient", "id": "b-1"}, "fhir_invalid", "'Patient'"),
        ({"resourceType": "Bundle", "id": "b-1", "entry": 7}, "fhir_invalid", "entry 7"),
        ({"resourceType": "Bundle", "id": "b-1", "entry": []}, "no_readings", ""),
        ({"resourceType": "Bundle", "id": "b-1"}, "no_readings", ""),
        (json.loads(bundle(observation(device={"reference": "Device/dev-2"}), id="b-1")), "other_device", ""),
    ],
)
def test_a_message_that_is_refused_is_named(resource: object, reason: str, detail: str) -> None:
    """By its id, so that its device hears that it was kept, and with what was seen."""
    with pytest.raises(PayloadError) as caught:
        read(json.dumps(resource).encode())
    assert (caught.value.reason, caught.value.detail, caught.value.message_id) == (reason, detail, "b-1")


def test_each_refusal_in_a_bundle_has_its_place_and_what_was_seen() -> None:
    """And none costs another resource."""
    message = read(
        bundle(
            observation(status="cancelled"),
            {"resourceType": "Device"},
            observation(valueQuantity=quantity(0, "/min")),
            observation(code=coded("8867-4", "59408-5")),
            observation(
                valueQuantity=None, component=[{"code": coded("8480-6"), "valueQuantity": quantity(0, "mm[Hg]")}]
            ),
            observation(effectiveTiming={}),
            observation(),
        )
    )
    assert [(one.index, one.reason, one.detail, one.vital) for one in message.refused] == [
        (0, "not_final", "'cancelled'", None),
        (1, "not_an_observation", "'Device'", None),
        (2, "value_zero", "heart_rate 0 /min", "heart_rate"),
        (3, "codes_disagree", "heart_rate, spo2", None),
        (4, "value_zero", "systolic_bp 0 mm[Hg]", "systolic_bp"),
        (5, "time_invalid", "a timing", "heart_rate"),
    ]
    assert [one.vital for one in message.readings] == ["heart_rate"]


@pytest.mark.parametrize(
    ("word", "taken"), [("a", "a"), ("x" * 128, "x" * 128), ("x" * 129, None), ("", None), ("\x07", None), (7, None)]
)
def test_an_id_is_short_printable_text(word: object, taken: str | None) -> None:
    """One that is not names nothing, and the readings stand."""
    message = read(fhir(id=word))
    assert (message.id, len(message.readings)) == (taken, 1)


def test_a_value_beside_components_is_read_too() -> None:
    """As a pulse oximeter's profile has it: the saturation, and the flow of oxygen as a component."""
    part = {"code": coded("8867-4"), "valueQuantity": quantity(72, "/min")}
    message = read(fhir(code=coded("59408-5"), valueQuantity=quantity(93, "%"), component=[part]))
    assert values(message) == [("spo2", 93), ("heart_rate", 72)]


def values(message: Message) -> list[tuple[str, float | str | None]]:
    """Give what was read: the vital, and its value or words."""
    return [(one.vital, one.value if one.text is None else one.text) for one in message.readings]


@pytest.mark.parametrize(
    "coding", [7, [{"system": "http://loinc.org", "code": 7}], [{"system": "urn:mine", "code": "x"}]]
)
def test_what_is_no_code_here_leaves_the_words(coding: object) -> None:
    """A code that is no text, one of another system, and a list that is none."""
    assert values(read(fhir(code={"coding": coding, "text": "mood"}))) == [("mood", 72)]


def test_words_for_a_vital_are_cut_to_a_name() -> None:
    """Sixty-four characters, as any name has."""
    ((name, _),) = values(read(fhir(code={"text": "mood today " * 9})))
    assert (len(name), name[:11]) == (64, "mood_today_")


def test_what_no_table_knows_is_kept_in_any_kind_of_value() -> None:
    """A concept in words, a whole number, and a text."""
    kinds = {"valueCodeableConcept": {"text": "fine"}, "valueInteger": 7, "valueString": "well"}
    found = [read(fhir(code=coded("99999-9"), valueQuantity=None, **{kind: said})) for kind, said in kinds.items()]
    assert [values(message) for message in found] == [
        [("loinc:99999-9", "fine")],
        [("loinc:99999-9", 7)],
        [("loinc:99999-9", "well")],
    ]


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ({"value": 101.3, "unit": "degF"}, [("temperature", 38.5)]),
        ({"value": 37.5, "system": UCUM, "unit": "zzz"}, []),
        ({"value": 37.5, "system": "urn:mine", "code": "zzz", "unit": "Cel"}, [("temperature", 37.5)]),
        ({"value": 37.5, "system": "urn:mine", "code": "Cel", "unit": "zzz"}, []),
    ],
)
def test_a_unit_is_its_ucum_code_else_what_is_printed(said: object, taken: object) -> None:
    """A code of another system is no unit here; one that is not known is refused, not left out."""
    message = read(fhir(code=coded("8310-5"), valueQuantity=said))
    assert values(message) == taken
    assert [one.reason for one in message.refused] == ([] if taken else ["unit_unknown"])


@pytest.mark.parametrize(
    "when",
    [
        {"effectiveInstant": "2026-11-22T09:10:00Z"},
        {"effectivePeriod": {"start": "2026-11-22T09:10:00Z"}},
        {"effectivePeriod": {"start": "2026-11-22T09:00:00Z", "end": "2026-11-22T09:10:00Z"}},
    ],
)
def test_every_kind_of_time_is_read(when: dict[str, object]) -> None:
    """An instant, and a period that has only begun, counts by its beginning."""
    (reading,) = read(fhir(effectiveDateTime=None, **when)).readings
    assert (NOW_MS - reading.observed_ms, reading.marks) == (300_000, 0)
