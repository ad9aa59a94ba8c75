"""The settings of a ward's own limits: [[wards.limits]]. What they do to the rules is vwmon.patients.limits'."""

from dataclasses import dataclass

from alerts.policy import MOVABLE, Layer, Limit
from vwmon.patients import limits
from vwmon.patients.limits import instant, movable, rule_name
from vwmon.toml_records import setting, text


def said(value: object) -> str:
    """Read a line of text that says something."""
    line = text(value)
    if not line.strip():
        raise ValueError("it must say something")
    return line


@dataclass(frozen=True, kw_only=True)
class WardLimit:
    """[[wards.limits]]: what a ward says of one rule otherwise than the table; None leaves a field as it is."""

    rule: str = setting(rule_name)
    author: str = setting(said)
    reason: str = setting(said)
    from_ms: int = setting(instant)
    to_ms: int | None = setting(instant, None)
    enabled: bool | None = setting(movable("enabled"), None)
    level: int | None = setting(movable("level"), None)
    side: str | None = setting(movable("side"), None)
    limit_on: float | None = setting(movable("limit_on"), None)
    limit_off: float | None = setting(movable("limit_off"), None)
    cadence: str | None = setting(movable("cadence"), None)
    on_delay: str | None = setting(movable("on_delay"), None)
    off_delay: str | None = setting(movable("off_delay"), None)
    unsure: str | None = setting(movable("unsure"), None)
    late: bool | None = setting(movable("late"), None)

    def of(self, ward: str) -> Limit:
        """Give it as the rules take it."""
        return Limit(
            rule=self.rule,
            layer=Layer.WARD,
            subject=ward,
            changes=limits.given({name: getattr(self, name) for name in MOVABLE}),
            author=self.author,
            reason=self.reason,
            from_ms=self.from_ms,
            to_ms=self.to_ms,
        )
