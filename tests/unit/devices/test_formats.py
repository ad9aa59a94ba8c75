"""Which format a message is read in: by its content type, ours or one that another package brought."""

import json
from collections.abc import Iterator
from importlib.metadata import EntryPoint

import pytest

from devices import payloads
from devices.errors import PayloadError
from devices.payloads import decode, native
from devices.readings import Message
from tests.faults.poison import DEVICE, GOOD, NOW, NOW_MS, coded, fhir

KINDS = {"GROUP": "vwmon.payloads", "type": "application/x-acme"}


def reversed_(payload: bytes, device: str, received_ms: int) -> Message:
    """A maker's own format: ours, backwards."""
    return native.decode(payload[::-1], device, received_ms)


def broken(_entry: EntryPoint) -> None:
    """A package that cannot be imported."""
    raise ImportError("no module named acme")


@pytest.fixture
def _brought(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install another package's decoder."""
    entry = EntryPoint(name=KINDS["type"], value=f"{__name__}:reversed_", group=KINDS["GROUP"])
    monkeypatch.setattr(EntryPoint, "load", lambda _self: reversed_)
    monkeypatch.setattr(payloads, "entry_points", lambda *, group: [entry] if group == KINDS["GROUP"] else [])
    payloads._registered.cache_clear()
    yield
    payloads._registered.cache_clear()


@pytest.mark.usefixtures("_brought")
def test_another_package_brings_its_own_format() -> None:
    """By an entry point named for the content type; parameters and case of that do not matter."""
    message = decode(GOOD[::-1], device=DEVICE, received_ms=NOW_MS, content_type="Application/X-Acme; v=1")
    assert [one.vital for one in message.readings] == ["heart_rate"]
    assert decode(GOOD, device=DEVICE, received_ms=NOW_MS).readings


def test_one_observation_set_is_the_same_in_three_formats() -> None:
    """Vital, value, time and marks; only the ids differ."""
    own = {
        "v": 1,
        "time": NOW,
        "readings": [{"vital": "spo2", "value": 93, "unit": "%"}, {"vital": "pulse", "value": 72}],
    }
    pack = [{"bt": NOW_MS / 1000, "n": "spo2", "u": "%", "v": 93}, {"n": "pulse", "v": 72, "u": "beat/min"}]
    spo2 = json.loads(fhir(code=coded("59408-5"), valueQuantity={"value": 93, "unit": "%"}))
    several = {"resourceType": "Bundle", "entry": [{"resource": spo2}, {"resource": json.loads(fhir())}]}
    read = [
        decode(json.dumps(said).encode(), device=DEVICE, received_ms=NOW_MS, content_type=kind).readings
        for kind, said in (("", own), ("application/senml+json", pack), ("application/fhir+json", several))
    ]
    assert read[0] == read[1] == read[2]


@pytest.mark.usefixtures("_brought")
def test_our_own_format_is_read_also_when_another_package_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A decoder that cannot be loaded costs the messages of its own device, not those of every other."""
    monkeypatch.setattr(EntryPoint, "load", broken)
    assert decode(GOOD, device=DEVICE, received_ms=NOW_MS).readings
    with pytest.raises(ImportError):
        decode(GOOD, device=DEVICE, received_ms=NOW_MS, content_type=KINDS["type"])


def test_a_format_known_to_be_another_is_refused() -> None:
    """CBOR and XML are not taken for JSON, and the maker reads which type was said: its first 80 characters."""
    with pytest.raises(PayloadError, match="content_type_not_supported") as refused:
        decode(b"\xa0", device=DEVICE, received_ms=NOW_MS, content_type="application/cbor")
    assert refused.value.detail == "'application/cbor'"
    with pytest.raises(PayloadError) as refused:
        decode(b"\xa0", device=DEVICE, received_ms=NOW_MS, content_type="application/cbor; v=" + "é" * 80)
    assert len(refused.value.detail) == 80


def test_a_message_that_is_too_large_is_refused_with_its_size() -> None:
    """In bytes, so that the maker sees by how much."""
    with pytest.raises(PayloadError, match="too_large") as refused:
        decode(b" " * 65537, device=DEVICE, received_ms=NOW_MS)
    assert refused.value.detail == "65537 bytes"
