"""Spans of time as people write them in configuration, pathways and options: "15m", "1h30m", "7d".

Here: the two directions between such a text and whole milliseconds. Not here: points in time, or the clock.
"""

import re

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
UNIT_MS = {"w": 7 * DAY_MS, "d": DAY_MS, "h": HOUR_MS, "m": MINUTE_MS, "s": 1000, "ms": 1}
PART = re.compile(r"([0-9]+)(ms|[wdhms])")
WHOLE = re.compile(r"(?:[0-9]+(?:ms|[wdhms]))+")


def parse(text: str) -> int:
    """Read a span such as "15m" or "1h30m", in milliseconds.

    Units run from the largest to the smallest, each at most once, so that a slip of the keyboard is noticed.
    ValueError says what is wrong.
    """
    if not WHOLE.fullmatch(text):
        raise ValueError(f'"{text}" is not a span of time; write it as "15m" or "1h30m" (units w d h m s ms)')
    parts = [(int(amount), UNIT_MS[unit]) for amount, unit in PART.findall(text)]
    sizes = [size for _, size in parts]
    if sizes != sorted(set(sizes), reverse=True):
        raise ValueError(f'"{text}" names its units twice or out of order; write the largest first, as in "1h30m"')
    return sum(amount * size for amount, size in parts)


def text(span_ms: int) -> str:
    """Write a span of whole milliseconds the shortest way that `parse` reads back; ValueError below zero."""
    if span_ms < 0:
        raise ValueError(f"a span of {span_ms} ms is below zero")
    parts = []
    for unit, size in UNIT_MS.items():
        amount, span_ms = divmod(span_ms, size)
        if amount:
            parts.append(f"{amount}{unit}")
    return "".join(parts) or "0s"
