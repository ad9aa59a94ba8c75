"""Strict JSON: what is taken, to the last digit and level, and what a refusal says to whoever looks for the reason."""

import pytest

from devices import strict_json
from devices.errors import PayloadError


@pytest.mark.parametrize(
    ("payload", "reason", "detail"),
    [
        (b"[1]", "not_an_object", "list"),
        (b'"a"', "not_an_object", "str"),
        (b'{"a":"\xff"}', "not_utf8", "at byte 6"),
        (b'{"a":1', "not_json", "Expecting ',' delimiter at character 6"),
        (b'{"a":1,"b":2,"c":3,"b":4}', "duplicate_key", "'b'"),
        (b'{"a":NaN}', "not_finite", "NaN"),
        (b'{"a":' + b"[" * 32 + b"]" * 32 + b"}", "too_deep", "more than 32 levels"),
    ],
)
def test_a_refusal_says_what_was_seen_and_where(payload: bytes, reason: str, detail: str) -> None:
    """The maker of a device finds the byte, the key or the kind that is wrong."""
    with pytest.raises(PayloadError) as caught:
        strict_json.object_of(payload)
    assert (caught.value.reason, caught.value.detail) == (reason, detail)


def test_an_object_is_no_list() -> None:
    """And it says what it was instead."""
    with pytest.raises(PayloadError, match="not_an_array: dict"):
        strict_json.list_of(b"{}")
    assert strict_json.list_of(b"[1]") == [1]


@pytest.mark.parametrize("level", [b"[%s]", b'{"a":%s}', b"[[],%s]", b'{"b":{},"a":%s}', b'["[{]}",%s]'])
def test_levels_are_counted_as_they_open_and_close(level: bytes) -> None:
    """However many lists and objects there are beside each other or within texts, 31 under the first are taken."""
    inner = b"[]"
    for _ in range(30):
        inner = level % inner
    assert strict_json.object_of(b'{"a":' + inner + b"}")
    with pytest.raises(PayloadError, match="too_deep"):
        strict_json.object_of(b'{"a":' + level % inner + b"}")
    wide = b'{"a":[' + b",".join([b"[]", b"{}"] * 40) + b"]}"
    assert len(strict_json.object_of(wide)["a"]) == 80


def test_the_longest_integer_is_exact_and_a_longer_one_costs_nothing() -> None:
    """Eighteen digits are a whole number; nineteen are a float, as they are to every score."""
    found = strict_json.list_of(b"[999999999999999999,1000000000000000000,-99999999999999999,%s]" % (b"9" * 20_000))
    assert [type(one) for one in found] == [int, float, int, float]
    assert found[0] == 999_999_999_999_999_999
