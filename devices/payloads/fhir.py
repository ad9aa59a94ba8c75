"""FHIR R4 in JSON: an Observation, or a Bundle of them, to a Message.

Here: codes, values, components and times as FHIR has them; of subject and performer nothing is read or kept. Not here:
which values are taken (acceptance), so that every format judges alike.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final

from devices import acceptance, strict_json, topics, vitals
from devices.acceptance import Stamp
from devices.errors import PayloadError, ReadingError
from devices.readings import Message, Reading, Refused
from devices.vitals import Vital

Fields = Mapping[str, Any]

ID_CHARS: Final = 128
SYSTEMS: Final[Mapping[str, str]] = {
    "http://loinc.org": "loinc",
    "http://snomed.info/sct": "sct",
    "urn:iso:std:iso:11073:10101": "mdc",
}
# Tuples: where a word belongs there may be an object, which no set can be asked for.
READ: Final = ("Observation", "Bundle")
STANDING: Final = ("final", "amended", "corrected", "preliminary")
REVISED: Final = ("amended", "corrected")
UCUM: Final = "http://unitsofmeasure.org"


def decode(payload: bytes, device: str, received_ms: int) -> Message:
    """Return the message; PayloadError with its reason when nothing of it can be used."""
    resource = strict_json.object_of(payload)
    kind, message_id = resource.get("resourceType"), _id(resource)
    if kind not in READ:
        raise PayloadError("fhir_invalid", acceptance.seen(kind), message_id=message_id)
    resources = [resource] if kind == "Observation" else _entries(resource, message_id)
    outcomes = list(chain.from_iterable(_judged(resources, device, message_id, received_ms)))
    if not outcomes:
        raise PayloadError("no_readings", message_id=message_id)
    return Message(
        id=message_id,
        seq=None,
        battery_percent=None,
        readings=tuple(one for one in outcomes if isinstance(one, Reading)),
        refused=tuple(one for one in outcomes if isinstance(one, Refused)),
    )


def _entries(bundle: Fields, message_id: str | None) -> list[object]:
    listed = bundle.get("entry", [])
    if not isinstance(listed, list):
        raise PayloadError("fhir_invalid", f"entry {acceptance.seen(listed)}", message_id=message_id)
    return [_fields(entry).get("resource") for entry in listed]


def _id(resource: Fields) -> str | None:
    """Return what names this message: the resource's id; of a revision, which has the same, with its version."""
    word = resource.get("id")
    if not isinstance(word, str) or not 0 < len(word) <= ID_CHARS or not word.isprintable():
        return None
    if resource.get("status") not in REVISED:
        return word
    version = _fields(resource.get("meta")).get("versionId")
    return f"{word}/{version}"[:ID_CHARS] if isinstance(version, str) and version.isprintable() else None


def _judged(
    resources: Sequence[object], device: str, message_id: str | None, received_ms: int
) -> Iterator[Iterator[Reading | Refused]]:
    for index, resource in enumerate(resources):
        fields = _fields(resource)
        if fields.get("resourceType") != "Observation":
            yield iter([_refused(index, "not_an_observation", fields.get("resourceType"))])
            continue
        if (named := _device(fields)) is not None and named != device:
            raise PayloadError("other_device", message_id=message_id)
        if fields.get("status") not in STANDING:
            yield iter([_refused(index, "not_final", fields.get("status"))])
            continue
        yield _observed(index, fields, received_ms)


def _observed(index: int, resource: Fields, received_ms: int) -> Iterator[Reading | Refused]:
    """Yield what an observation says: its own value, those of its components, or that it has none."""
    stamp = _stamp(resource, received_ms)
    components = resource.get("component", [])
    parts = [_fields(one) for one in components] if isinstance(components, list) else []
    if not parts or any(name.startswith("value") for name in resource):
        yield _one(index, resource, stamp)
    for part in parts:
        yield _one(index, part, stamp)


def _one(index: int, said: Fields, stamp: Stamp | ReadingError) -> Reading | Refused:
    """Judge one code and value."""
    try:
        vital = _vital(said.get("code"))
    except ReadingError as error:
        return Refused(vital=None, reason=error.reason, detail=error.detail, index=index)
    return acceptance.judge(
        index=index,
        vital=vital.name if vital is not None else _first_code(said.get("code")),
        value=_value(said, vital),
        unit=_unit(_fields(said.get("valueQuantity"))),
        observed=stamp,
    )


def _vital(code: object) -> Vital | None:
    """Return the vital that the codes mean; ReadingError where they mean several, None where the table knows none."""
    found = [vital for word in _codes(code) if (vital := vitals.find(word)) is not None]
    if len({vital.name for vital in found}) > 1:
        raise ReadingError("codes_disagree", ", ".join(sorted({vital.name for vital in found})))
    return found[0] if found else None


def _codes(code: object) -> Iterator[str]:
    """Yield the codes of a concept as the table of vitals writes them."""
    codings = _fields(code).get("coding", [])
    for coding in map(_fields, codings if isinstance(codings, list) else []):
        system = SYSTEMS.get(str(coding.get("system")))
        if system is not None and isinstance(coding.get("code"), str):
            yield f"{system}:{coding['code']}"


def _first_code(code: object) -> str | None:
    """Return a name for what no table knows: its first code, or its text."""
    text = _fields(code).get("text")
    return next(_codes(code), text.replace(" ", "_")[:64] if isinstance(text, str) else None)


def _value(said: Fields, vital: Vital | None) -> object:
    """Return the value, whichever of FHIR's kinds it is; None where there is none.

    One that is only above or below a number is words, "<70", which no vital is taken in.
    """
    if "valueQuantity" in said:
        quantity = _fields(said["valueQuantity"])
        than = quantity.get("comparator")
        return quantity.get("value") if than is None else f"{than}{quantity.get('value')}"
    if "valueCodeableConcept" in said:
        concept = said["valueCodeableConcept"]
        coded = vital.coded if vital is not None else {}
        known = next((coded[word] for word in _codes(concept) if word in coded), None)
        return known if known is not None else _first_code(concept)
    return next((said[name] for name in ("valueInteger", "valueString") if name in said), None)


def _unit(quantity: Fields) -> object:
    """Return the unit: its UCUM code where it has one, else as it is printed."""
    if quantity.get("system") == UCUM and quantity.get("code") is not None:
        return quantity["code"]
    return quantity.get("unit")


def _stamp(resource: Fields, received_ms: int) -> Stamp | ReadingError:
    """Return when it was observed: its effective time, or the end of its period."""
    period = _fields(resource.get("effectivePeriod"))
    if "effectiveTiming" in resource:
        return ReadingError("time_invalid", "a timing")
    sent = next(
        (resource[name] for name in ("effectiveDateTime", "effectiveInstant") if name in resource),
        period.get("end", period.get("start")),
    )
    try:
        return acceptance.stamp(sent, received_ms)
    except ReadingError as error:
        return error


def _device(resource: Fields) -> str | None:
    """Return the device that an observation names in the ward's own terms, "Device/oxi-1"; None for any other."""
    reference = _fields(resource.get("device")).get("reference")
    name = reference.removeprefix("Device/") if isinstance(reference, str) else ""
    return name if topics.is_name(name) else None


def _refused(index: int, reason: str, what: object) -> Refused:
    return Refused(vital=None, reason=reason, detail=acceptance.seen(what), index=index)


def _fields(value: object) -> Fields:
    """Return an object's fields; none for what is no object."""
    return value if isinstance(value, dict) else {}
