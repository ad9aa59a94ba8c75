"""Spans of time in which something is held back, and the pause that a person gives a patient. Pure.

A span is from one moment up to and without another. What is held back in it still holds: it counts once the span is
over. Who gives a pause and where it is stored is not known here.
"""

from collections.abc import Iterable
from typing import Final

from alerts.errors import AlertRefused

Span = tuple[int, int]

LASTS: Final = 1 << 62  # the end of a span that has none yet
LONGEST_MS: Final = 72 * 3_600_000
HELD_BACK: Final = ("overdue", "device_disconnected")  # what a pause holds back: silence, and nothing that is measured


def free_ms(spans: Iterable[Span], at_ms: int) -> int:
    """Give the first moment from `at_ms` on that lies in none of the spans; LASTS while one of them has no end."""
    for from_ms, to_ms in sorted(spans):
        if from_ms <= at_ms < to_ms:
            at_ms = to_ms
    return at_ms


def span(now_ms: int, from_ms: int | None, until_ms: int) -> Span:
    """Give the span of a pause; AlertRefused for one that is too long, already over, or begins before it is given.

    What has been raised stays raised: a pause that began earlier could not have held it back.
    """
    begins_ms = now_ms if from_ms is None else from_ms
    if begins_ms < now_ms:
        raise AlertRefused("a pause cannot begin before it is given; leave --from out to begin now")
    if until_ms <= begins_ms:
        raise AlertRefused("a pause must end after it begins")
    if until_ms - begins_ms > LONGEST_MS:
        raise AlertRefused("a pause lasts 72 h at most; give another when it ends, or discharge the patient")
    return begins_ms, until_ms


def running(spans: Iterable[Span], now_ms: int) -> Span | None:
    """Give the pause that a patient is on at a moment, the one that ends last; None where there is none."""
    return max((one for one in spans if one[0] <= now_ms < one[1]), key=lambda one: one[1], default=None)
