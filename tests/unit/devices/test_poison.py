"""Every payload of the poison corpus is refused for exactly its reason, and changes nothing for the next one."""

import sys
import tracemalloc
from contextlib import nullcontext, suppress

import pytest

from devices.errors import OF_ANSWERS, REASONS, PayloadError
from devices.payloads import decode
from devices.readings import MESSAGE_LEVEL, Message
from tests.faults.poison import CORPUS, DEVICE, FHIR_IN_PART, GOOD, IN_PART, NOW_MS, WHOLE, Poison


def read(poison: Poison) -> Message:
    """Decode one payload as the ward would."""
    return decode(poison.payload, device=DEVICE, received_ms=NOW_MS, content_type=poison.content_type)


@pytest.mark.hazard("H4", "H26", "T2")
@pytest.mark.parametrize("poison", WHOLE, ids=lambda poison: poison.name)
def test_a_message_of_no_use_is_refused_whole_for_its_one_reason(poison: Poison) -> None:
    """PayloadError carries the reason, and its detail is text that any log or database takes."""
    with pytest.raises(PayloadError) as caught:
        read(poison)
    assert caught.value.reason == poison.reason
    assert caught.value.detail.isascii()
    assert len(caught.value.detail) <= 100


@pytest.mark.hazard("H26")
@pytest.mark.parametrize("poison", [*IN_PART, *FHIR_IN_PART], ids=lambda poison: poison.name)
def test_a_fault_in_part_of_a_message_leaves_the_message_its_receipt(poison: Poison) -> None:
    """The id survives, one refusal carries the reason, and a fault of the message's own fields costs no reading."""
    message = read(poison)
    assert message.id == "p-1"
    assert [one.reason for one in message.refused] == [poison.reason]
    (refused,) = message.refused
    assert refused.detail.isascii()
    assert refused.vital is None or refused.vital.isascii()
    assert len(message.readings) == (1 if refused.index == MESSAGE_LEVEL else 0)


def test_the_corpus_is_large_and_without_repeats() -> None:
    """At least 60 payloads, each of its own name and bytes."""
    assert len(CORPUS) >= 60
    assert len({poison.name for poison in CORPUS}) == len(CORPUS)
    assert len({(poison.payload, poison.content_type) for poison in CORPUS}) == len(CORPUS)


def test_every_reason_has_a_payload_and_every_payload_a_reason_that_is_explained() -> None:
    """The table of reasons and the corpus name the same faults."""
    assert {poison.reason for poison in CORPUS} == set(REASONS) - set(OF_ANSWERS)


def test_the_next_good_message_is_read_after_each() -> None:
    """No payload leaves anything behind that the next one meets."""
    before = decode(GOOD, device=DEVICE, received_ms=NOW_MS)
    for poison in CORPUS:
        with suppress(PayloadError):
            read(poison)
        assert decode(GOOD, device=DEVICE, received_ms=NOW_MS) == before


def test_refused_messages_tell_their_id_where_it_could_be_read() -> None:
    """So that the ward can send the receipt that ends a device's resending."""
    told = {}
    for poison in WHOLE:
        if poison.content_type:
            continue
        with pytest.raises(PayloadError) as caught:
            read(poison)
        told[poison.reason] = caught.value.message_id
    readable = {"version_not_supported", "other_device", "no_readings"}
    assert {reason for reason, named in told.items() if named == "p-1"} >= readable
    assert all(named in {None, "p-1"} for named in told.values())


@pytest.mark.hazard("T7")
def test_poison_takes_little_memory() -> None:
    """Not one of the deepest and longest takes more than 5 MB to refuse."""
    worst = [poison for poison in CORPUS if len(poison.payload) > 20_000]
    tracemalloc.start()
    try:
        for poison in worst:
            with pytest.raises(PayloadError) if poison.whole else nullcontext():
                read(poison)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.hazard("T7")
def test_depth_is_refused_the_same_from_a_deep_stack() -> None:
    """The limit of depth is a number of levels, not what happens to be left of the interpreter's stack."""

    def deeper(levels: int) -> str:
        if levels:
            return deeper(levels - 1)
        with pytest.raises(PayloadError) as caught:
            decode(b'{"more":' + b"[" * 33 + b"]" * 33 + b"}", device=DEVICE, received_ms=NOW_MS)
        return caught.value.reason

    assert deeper(0) == deeper(sys.getrecursionlimit() // 3) == "too_deep"
