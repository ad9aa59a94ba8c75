"""The poison corpus: payloads that must do no harm, each with the one reason it is refused for.

Data only. A payload is refused whole (`whole`), or one of its readings or fields is (`whole` is False) and the message
still counts as received. Times are against NOW_MS; the device that sends them is DEVICE.
"""

import json
from typing import Final, NamedTuple

NOW: Final = "2026-11-22T09:15:00Z"
NOW_MS: Final = 1_795_338_900_000
DEVICE: Final = "dev-1"
DEEP: Final = 60_000


class Poison(NamedTuple):
    """One payload, the reason it must be refused for, and whether that is the whole message."""

    name: str
    payload: bytes
    reason: str
    whole: bool = True
    content_type: str = ""


def text(**fields: object) -> bytes:
    """Write a message that would be good but for `fields`; a field of None is left out."""
    message: dict[str, object] = {
        "v": 1,
        "id": "p-1",
        "time": NOW,
        "readings": [{"vital": "heart_rate", "value": 72, "unit": "/min"}],
    }
    message.update(fields)
    return json.dumps({key: value for key, value in message.items() if value is not None}).encode()


def reading(**fields: object) -> bytes:
    """Write a message of one reading that would be good but for `fields`; a field of None is left out."""
    one: dict[str, object] = {"vital": "heart_rate", "value": 72, "unit": "/min"}
    one.update(fields)
    return text(readings=[{key: value for key, value in one.items() if value is not None}])


def value(written: str, vital: str = "heart_rate") -> bytes:
    """Write a message of one reading whose value is written just so."""
    return b'{"v":1,"id":"p-1","time":"%s","readings":[{"vital":"%s","value":%s}]}' % (
        NOW.encode(),
        vital.encode(),
        written.encode(),
    )


def coded(*loinc: str) -> dict[str, object]:
    """Write a FHIR code by its LOINC codes."""
    return {"coding": [{"system": "http://loinc.org", "code": code} for code in loinc]}


def fhir(**fields: object) -> bytes:
    """Write an Observation of one heart rate that would be good but for `fields`; a field of None is left out."""
    said: dict[str, object] = {
        "resourceType": "Observation",
        "id": "p-1",
        "status": "final",
        "code": coded("8867-4"),
        "effectiveDateTime": NOW,
        "valueQuantity": {"value": 72, "system": "http://unitsofmeasure.org", "code": "/min"},
    }
    said.update(fields)
    return json.dumps({key: value for key, value in said.items() if value is not None}).encode()


GOOD: Final = text()

WHOLE: Final = (
    Poison("empty", b"", "empty"),
    Poison("blank", b" \n\t ", "not_json"),
    Poison("one NUL", b"\0", "not_json"),
    Poison("NULs", b"\0" * 64, "not_json"),
    Poison("oversize by one byte", GOOD + b" " * (65537 - len(GOOD)), "too_large"),
    Poison("oversize by far", b"x" * 1_000_000, "too_large"),
    Poison("byte order mark", b"\xef\xbb\xbf" + GOOD, "byte_order_mark"),
    Poison("UTF-16 with its mark", GOOD.decode().encode("utf-16"), "not_utf8"),
    Poison("UTF-16 without its mark", GOOD.decode().encode("utf-16-le"), "not_json"),
    Poison("UTF-32", GOOD.decode().encode("utf-32"), "not_utf8"),
    Poison("bytes of no encoding", b"\xff\xfe\xfd", "not_utf8"),
    Poison("bad UTF-8 in the id", GOOD.replace(b"p-1", b"p-\xff"), "not_utf8"),
    Poison("bad UTF-8 in a field that is ignored", GOOD[:-1] + b', "more": "\xc3\x28"}', "not_utf8"),
    Poison("bad UTF-8 in a key", GOOD[:-1] + b', "mo\xffre": 1}', "not_utf8"),
    Poison("overlong UTF-8", GOOD.replace(b"p-1", b"\xc0\xaf"), "not_utf8"),
    Poison("raw surrogate", GOOD.replace(b"p-1", b"\xed\xa0\x80"), "not_utf8"),
    Poison("truncated", GOOD[:-5], "not_json"),
    Poison("bytes after the end", GOOD + b"x", "not_json"),
    Poison("NUL after the end", GOOD + b"\0", "not_json"),
    Poison("two messages", GOOD + GOOD, "not_json"),
    Poison("trailing comma", GOOD[:-1] + b",}", "not_json"),
    Poison("comment", GOOD[:-1] + b"/* */}", "not_json"),
    Poison("single quotes", GOOD.replace(b'"', b"'"), "not_json"),
    Poison("control character in a string", GOOD.replace(b"p-1", b"p\x01"), "not_json"),
    Poison("line break in a string", GOOD.replace(b"p-1", b"p\n1"), "not_json"),
    Poison("XML", b"<readings/>", "not_json"),
    Poison("CSV", b"time,vital,value\n", "not_json"),
    Poison("MessagePack", b"\x81\xa1v\x01", "not_utf8"),
    Poison("compressed", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", "not_utf8"),
    Poison("NaN", value("NaN"), "not_finite"),
    Poison("Infinity", value("Infinity"), "not_finite"),
    Poison("minus Infinity", value("-Infinity"), "not_finite"),
    Poison("NaN in a field that is ignored", GOOD[:-1] + b', "more": NaN}', "not_finite"),
    Poison("leading zero", value("072"), "not_json"),
    Poison("plus sign", value("+72"), "not_json"),
    Poison("no digit before the point", value(".5"), "not_json"),
    Poison("no digit after the point", value("72."), "not_json"),
    Poison("hexadecimal", value("0x48"), "not_json"),
    Poison("digits with a gap", value("7_2"), "not_json"),
    Poison("duplicate key in a reading", GOOD.replace(b'"value": 72', b'"value": 97, "value": 12'), "duplicate_key"),
    Poison("duplicate key in the message", GOOD[:-1] + b', "id": "p-2"}', "duplicate_key"),
    Poison("duplicate list of readings", GOOD[:-1] + b', "readings": []}', "duplicate_key"),
    Poison("duplicate key hidden by an escape", GOOD[:-1] + b', "\\u0069d": "p-2"}', "duplicate_key"),
    Poison("duplicate key in a field that is ignored", GOOD[:-1] + b', "more": {"a": 1, "a": 2}}', "duplicate_key"),
    Poison("depth bomb of lists", b"[" * DEEP, "too_deep"),
    Poison("depth bomb of lists, closed", b"[" * 30_000 + b"]" * 30_000, "too_deep"),
    Poison("depth bomb of objects", b'{"a":' * 12_000, "too_deep"),
    Poison("depth bomb in a field that is ignored", b'{"more":' + b"[" * DEEP, "too_deep"),
    Poison("depth bomb as a value", value("[" * DEEP), "too_deep"),
    Poison("null", b"null", "not_an_object"),
    Poison("list", b"[]", "not_an_object"),
    Poison("list of messages", b"[" + GOOD + b"]", "not_an_object"),
    Poison("number", b"97", "not_an_object"),
    Poison("string", b'"97"', "not_an_object"),
    Poison("true", b"true", "not_an_object"),
    Poison("empty object", b"{}", "readings_missing"),
    Poison("no list of readings", text(readings=None), "readings_missing"),
    Poison("readings an object", text(readings={"heart_rate": 72}), "readings_missing"),
    Poison("readings null", GOOD[: GOOD.index(b"[")] + b"null}", "readings_missing"),
    Poison("readings text", text(readings="none"), "readings_missing"),
    Poison("readings empty", text(readings=[]), "no_readings"),
    Poison("version 2", text(v=2), "version_not_supported"),
    Poison("version 0", text(v=0), "version_not_supported"),
    Poison("version as text", text(v="1"), "version_not_supported"),
    Poison("version true", text(v=True), "version_not_supported"),
    Poison("version of many digits", GOOD.replace(b'"v": 1', b'"v": ' + b"9" * 5000), "version_not_supported"),
    Poison("another device's name", text(device="dev-2"), "other_device"),
    Poison("another device's name, in capitals", text(device="DEV-1"), "other_device"),
    Poison("device a number", text(device=1), "other_device"),
    Poison("id a number", text(id=17), "id_invalid"),
    Poison("id empty", text(id=""), "id_invalid"),
    Poison("id too long", text(id="x" * 129), "id_invalid"),
    Poison("id with a control character", text(id="p\u0007"), "id_invalid"),
    Poison("id that turns text around", text(id="p\u202e1"), "id_invalid"),
    Poison("id with a line separator", text(id="p\u20281"), "id_invalid"),
    Poison("id a lone surrogate", text(id="\ud800"), "id_invalid"),
    Poison("id a list", text(id=["p-1"]), "id_invalid"),
    Poison("not SenML", GOOD, "not_an_array", content_type="application/senml+json"),
    Poison("not FHIR", GOOD, "fhir_invalid", content_type="Application/FHIR+JSON; charset=utf-8"),
    Poison("SenML in CBOR", GOOD, "content_type_not_supported", content_type="application/senml+cbor"),
    Poison("SenML of nothing", b"[]", "no_readings", content_type="application/senml+json"),
    Poison(
        "SenML to come",
        b'[{"bver":11,"n":"spo2","v":93}]',
        "version_not_supported",
        content_type="application/senml+json",
    ),
    Poison(
        "SenML not understood", b'[{"n":"spo2","v":93,"x_":1}]', "senml_invalid", content_type="application/senml+json"
    ),
    Poison("SenML of numbers", b"[1,2]", "senml_invalid", content_type="application/senml+json"),
    Poison("SenML of another", b'[{"n":"dev-2/spo2","v":93}]', "other_device", content_type="application/senml+json"),
    Poison("FHIR of a patient", b'{"resourceType":"Patient"}', "fhir_invalid", content_type="application/fhir+json"),
    Poison("FHIR of nothing", b'{"resourceType":"Bundle"}', "no_readings", content_type="application/fhir+json"),
)

IN_PART: Final = tuple(
    Poison(*one, whole=False)
    for one in (
        ("number beyond any", value("1e999"), "value_not_finite"),
        ("number of many digits", value("9" * 5000), "value_not_finite"),
        ("number of many digits for an unknown vital", value("9" * 5000, "mood"), "value_not_finite"),
        ("huge number", value("1e300"), "value_impossible"),
        ("2 to the 63rd", value(str(2**63)), "value_impossible"),
        ("2 to the 64th", value(str(2**64)), "value_impossible"),
        ("minus zero", value("-0.0"), "value_zero"),
        ("below zero", value("-72"), "value_impossible"),
        ("heart rate of a sensor that is off", value("0"), "value_zero"),
        ("saturation as a fraction", reading(vital="spo2", value=0.97, unit="%"), "unit_slip"),
        ("saturation over 100", reading(vital="spo2", value=100.5, unit="%"), "value_impossible"),
        ("Fahrenheit as Celsius", reading(vital="temperature", value=98.6, unit="Cel"), "unit_slip"),
        ("Celsius as Fahrenheit", reading(vital="temperature", value=36.8, unit="[degF]"), "unit_slip"),
        ("kPa as mmHg", reading(vital="systolic_bp", value=16, unit="mm[Hg]"), "unit_slip"),
        ("mmHg as kPa", reading(vital="systolic_bp", value=120, unit="kPa"), "unit_slip"),
        ("mg/dL as mmol/L", reading(vital="glucose", value=95, unit="mmol/L"), "unit_slip"),
        ("mmol/L as mg/dL", reading(vital="glucose", value=5.5, unit="mg/dL"), "unit_slip"),
        ("oxygen neither yes nor no", reading(vital="oxygen", value=2, unit="0/1"), "value_impossible"),
        ("half a coma score", reading(vital="gcs", value=14.5, unit="{score}"), "value_not_whole"),
        ("true for a number", value("true"), "value_not_a_number"),
        ("number as text", value('"97"'), "value_not_a_number"),
        ("text with a NUL", value('"\\u0000"'), "value_not_a_number"),
        ("list for a number", value("[72]"), "value_not_a_number"),
        ("object for a number", value('{"n":72}'), "value_not_a_number"),
        ("null for a number", value("null"), "value_missing"),
        ("no value", reading(value=None), "value_missing"),
        ("letter of no level", value('"X"', "consciousness"), "value_not_a_choice"),
        ("letter in lower case", value('"a"', "consciousness"), "value_not_a_choice"),
        ("number for a level", value("0", "consciousness"), "value_not_a_choice"),
        ("word for oxygen", value('"steam"', "oxygen"), "value_not_a_choice"),
        ("list for an unknown vital", value("[1]", "mood"), "value_invalid"),
        ("true for an unknown vital", value("true", "mood"), "value_invalid"),
        ("essay for an unknown vital", value(f'"{"x" * 257}"', "mood"), "value_invalid"),
        ("escape code for an unknown vital", value('"\\u001b[2J"', "mood"), "value_invalid"),
        ("lone surrogate for an unknown vital", value('"\\udc00"', "mood"), "value_invalid"),
        ("unit of another vital", reading(unit="kg"), "unit_unknown"),
        ("unit in capitals", reading(unit="BPM"), "unit_unknown"),
        ("unit of a word", reading(vital="oxygen", value="air", unit="kg"), "unit_unknown"),
        ("unit a lone surrogate", reading(unit="\ud800"), "unit_invalid"),
        ("unit a number", reading(unit=1), "unit_invalid"),
        ("unit too long", reading(unit="m" * 65), "unit_invalid"),
        ("no vital", reading(vital=None), "vital_missing"),
        ("vital empty", reading(vital=""), "vital_invalid"),
        ("vital a number", reading(vital=1), "vital_invalid"),
        ("vital an answer", reading(vital="answer:wellbeing.compared"), "vital_reserved"),
        ("vital a set of answers", reading(vital="answers:wellbeing"), "vital_reserved"),
        ("vital too long", reading(vital="x" * 65), "vital_invalid"),
        ("vital with a space", reading(vital="heart rate"), "vital_invalid"),
        ("vital a lone surrogate", reading(vital="\ud83d"), "vital_invalid"),
        ("vital with an escape code", reading(vital="\x1b[31m"), "vital_invalid"),
        ("reading a number", text(readings=[72]), "reading_not_an_object"),
        ("reading null", text(readings=[None]), "reading_not_an_object"),
        ("reading a list", text(readings=[["heart_rate", 72]]), "reading_not_an_object"),
        ("time without a zone", text(time="2026-11-22T09:15:00"), "time_without_zone"),
        ("reading's time without a zone", reading(time="2026-11-22 09:15"), "time_without_zone"),
        ("time a number", text(time=1_795_338_900), "time_invalid"),
        ("time empty", text(time=""), "time_invalid"),
        ("date alone", text(time="2026-11-22"), "time_invalid"),
        ("30 February", text(time="2026-02-30T09:15:00Z"), "time_invalid"),
        ("hour 24", text(time="2026-11-22T24:00:00Z"), "time_invalid"),
        ("leap second at noon", text(time="2026-06-30T12:00:60Z"), "time_invalid"),
        ("zone of 25 hours", text(time="2026-11-22T09:15:00+25:00"), "time_invalid"),
        ("digits of another script", text(time="२०२६-११-२२T09:15:00Z"), "time_invalid"),
        ("time of 60,000 characters", text(time="2026-11-22T09:15:00." + "0" * 60_000 + "Z"), "time_invalid"),
        ("year 0", text(time="0000-01-01T00:00:00Z"), "time_invalid"),
        ("year 1", text(time="0001-01-01T00:00:00+14:00"), "time_past"),
        ("clock never set", text(time="1970-01-01T00:00:00Z"), "time_past"),
        ("last second of 1999", text(time="1999-12-31T23:59:59.999Z"), "time_past"),
        ("a day and a second ahead", text(time="2026-11-23T09:15:01Z"), "time_future"),
        ("year 9999", text(time="9999-12-31T23:59:59.999-14:00"), "time_future"),
        ("sequence below zero", text(seq=-1), "seq_invalid"),
        ("sequence too large", text(seq=2**53 + 1), "seq_invalid"),
        ("sequence of many digits", GOOD[:-1] + b', "seq": ' + b"9" * 5000 + b"}", "seq_invalid"),
        ("sequence a fraction", text(seq=1.5), "seq_invalid"),
        ("sequence true", text(seq=True), "seq_invalid"),
        ("sequence as text", text(seq="1"), "seq_invalid"),
        ("battery over full", text(battery_percent=101), "battery_invalid"),
        ("battery below empty", text(battery_percent=-0.5), "battery_invalid"),
        ("battery as text", text(battery_percent="81%"), "battery_invalid"),
        ("battery true", text(battery_percent=True), "battery_invalid"),
        ("battery beyond any", GOOD[:-1] + b', "battery_percent": 1e999}', "battery_invalid"),
    )
)

_OBSERVATIONS: Final[tuple[tuple[str, str, dict[str, object]], ...]] = (
    ("FHIR entered in error", "not_final", {"status": "entered-in-error"}),
    ("FHIR without a status", "not_final", {"status": None}),
    ("FHIR of two vitals", "codes_disagree", {"code": coded("8867-4", "59408-5")}),
    ("FHIR below a number", "value_not_a_number", {"valueQuantity": {"value": 70, "comparator": "<"}}),
    ("FHIR with a day for a time", "time_invalid", {"effectiveDateTime": "2026-11-22"}),
    ("FHIR with a reason for no value", "value_missing", {"valueQuantity": None}),
)
_OF_A_PATIENT: Final = b'{"resourceType":"Bundle","id":"p-1","entry":[{"resource":{"resourceType":"Patient"}}]}'
FHIR: Final = "application/fhir+json"
FHIR_IN_PART: Final = (
    *(Poison(name, fhir(**fields), reason, False, FHIR) for name, reason, fields in _OBSERVATIONS),  # noqa: FBT003
    Poison("FHIR bundle of a patient", _OF_A_PATIENT, "not_an_observation", whole=False, content_type=FHIR),
)

CORPUS: Final = (*WHOLE, *IN_PART, *FHIR_IN_PART)
