"""Shares of a whole: what was asked for fills its part, and the rest keeps its proportions.

Here: completing and drawing shares. Not here: what they are shares of.
"""

from collections.abc import Mapping
from typing import Final

WHOLE: Final = 1.0
ROUNDING: Final = 1e-9


def completed(usual: Mapping[str, float], asked: Mapping[str, float]) -> dict[str, float]:
    """Return a share for every name of `usual`: as asked where it was, the others in proportion of what is left.

    ValueError when what was asked for is no part of a whole, or everything has a share and they are not a whole.
    """
    fixed = {name: share for name, share in asked.items() if name in usual}
    left = WHOLE - sum(fixed.values())
    rest = sum(share for name, share in usual.items() if name not in fixed)
    if min(fixed.values(), default=0.0) < 0 or left < -ROUNDING or (left > ROUNDING and not rest):
        raise ValueError(f"the shares of {', '.join(fixed)} add up to {sum(fixed.values()):g}, and must make 1")
    return {name: fixed.get(name, max(left, 0.0) * share / rest if rest else 0.0) for name, share in usual.items()}


def drawn(shares: Mapping[str, float], number: float) -> str:
    """Return the name that a number from 0 up to 1 falls on."""
    passed = 0.0
    for name, share in shares.items():
        passed += share
        if number < passed:
            return name
    return next(name for name in reversed(list(shares)) if shares[name])
