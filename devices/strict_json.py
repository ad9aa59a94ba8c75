"""Strict JSON: bytes to an object or a list, refusing what parsers let pass, with the reason.

No key twice, no NaN or Infinity, UTF-8 without a byte order mark, and no nesting that could exhaust the parser's stack.
Not here: what any field means.
"""

import json
import re
from typing import Any, Final, NoReturn

from devices.errors import PayloadError

DEEPEST: Final = 32

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_INT_CHARS: Final = 18
_SEEN_CHARS: Final = 60
_TOKENS: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]', re.DOTALL)


def object_of(payload: bytes) -> dict[str, Any]:
    """Return the fields of a strictly read JSON object; PayloadError for anything else."""
    parsed = _parse(payload)
    if not isinstance(parsed, dict):
        raise PayloadError("not_an_object", type(parsed).__name__)
    return parsed


def list_of(payload: bytes) -> list[Any]:
    """Return the elements of a strictly read JSON array; PayloadError for anything else."""
    parsed = _parse(payload)
    if not isinstance(parsed, list):
        raise PayloadError("not_an_array", type(parsed).__name__)
    return parsed


def _parse(payload: bytes) -> object:
    if not payload:
        raise PayloadError("empty")
    if payload.startswith(_BYTE_ORDER_MARK):
        raise PayloadError("byte_order_mark")
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PayloadError("not_utf8", f"at byte {error.start}") from None
    _check_depth(text)
    try:
        parsed: object = json.loads(text, object_pairs_hook=_unique, parse_constant=_not_finite, parse_int=_whole)
    except json.JSONDecodeError as error:
        raise PayloadError("not_json", f"{error.msg} at character {error.pos}") from None
    return parsed


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object; PayloadError where a key comes twice, since no rule says which value is meant."""
    fields = dict(pairs)
    if len(fields) != len(pairs):
        keys = [key for key, _ in pairs]
        raise PayloadError("duplicate_key", ascii(next(key for key in keys if keys.count(key) > 1))[:_SEEN_CHARS])
    return fields


def _not_finite(word: str) -> NoReturn:
    """Refuse NaN and the infinities, which Python's parser would take."""
    raise PayloadError("not_finite", word)


def _whole(digits: str) -> int | float:
    """Return a JSON integer; a float where it is longer than any integer here, so that no length costs anything."""
    return int(digits) if len(digits) <= _INT_CHARS else float(digits)


def _check_depth(text: str) -> None:
    """Raise PayloadError for nesting that could exhaust the parser's stack."""
    if text.count("[") + text.count("{") <= DEEPEST:
        return
    depth = 0
    for token in _TOKENS.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token.group(), 0)
        if depth > DEEPEST:
            raise PayloadError("too_deep", f"more than {DEEPEST} levels")
