"""How often an alert came up lately, and whether that is so often that its plan needs a look. Pure."""

from collections.abc import Sequence

from alerts.policy import POLICY


def risen(rises: Sequence[int], at_ms: int) -> tuple[int, ...]:
    """Give when an alert came up lately, now that it has come up again."""
    return (*lately(rises, at_ms), at_ms)


def lately(rises: Sequence[int], now_ms: int) -> tuple[int, ...]:
    """Give those times at which an alert came up that still count towards flapping."""
    return tuple(rise_ms for rise_ms in rises if now_ms - rise_ms < POLICY.flapping_over_ms)


def flapping(rises: Sequence[int], now_ms: int) -> bool:
    """Tell whether an alert has come up so often lately that its plan needs a look; it is never muted for that."""
    return len(lately(rises, now_ms)) > POLICY.flapping_rises
