"""Rules and the limits on them as rows for programs and words for people: what a plan and an explanation show."""

from collections.abc import Mapping
from typing import Any

from alerts import titles
from alerts.model import Level
from alerts.policy import Layer, Limit, Rule, Side
from vwmon import durations
from vwmon.cli.register_rows import utc_or_none
from vwmon.cli.render import Here, utc

WHOSE: Mapping[str, str] = {
    Layer.WARD: "limit of the ward",
    Layer.PATHWAY: "limit of the pathway",
    Layer.PRESCRIPTION: "limit by prescription",
    Layer.STAY: "this patient's own limit",
}


def limit_row(limit: Limit) -> dict[str, Any]:
    """Give a limit as a row."""
    return {
        "rule": limit.rule,
        "layer": limit.layer.value,
        "subject": limit.subject,
        "changes": dict(limit.changes),
        "author": limit.author,
        "reason": limit.reason,
        "from": utc(limit.from_ms) if limit.layer is not Layer.PATHWAY else None,
        "until": utc_or_none(limit.to_ms),
    }


def rule_row(rule: Rule) -> dict[str, Any]:
    """Give a rule as it is in force as a row."""
    return {
        "rule": rule.name,
        "title": titles.title(rule),
        "level": rule.level.value,
        "enabled": rule.enabled,
        "quantity": rule.quantity,
        "side": rule.side.value,
        "limit_on": rule.limit_on,
        "limit_off": rule.limit_off,
        "cadence": rule.cadence.value,
        "on_delay": durations.text(rule.on_delay_ms),
        "off_delay": durations.text(rule.off_delay_ms),
        "unsure": rule.unsure.value,
        "late": rule.late,
        "source": rule.source,
    }


def given_rows(given: Mapping[str, Limit]) -> list[dict[str, Any]]:
    """Give the limits that a rule has fields from, each once, with those that it gives."""
    found: list[tuple[Limit, dict[str, Any]]] = []
    for field, limit in given.items():
        if (row := next((row for one, row in found if one is limit), None)) is None:
            found.append((limit, row := limit_row(limit) | {"gives": {}}))
        row["gives"][field] = limit.changes[field]
    return [row for _, row in found]


def from_which(limit: Mapping[str, Any], gives: Mapping[str, Any], here: Here) -> str:
    """Say whose limit it is, what it gives, who set it, why, from when and until when."""
    whose = WHOSE[limit["layer"]]
    named = "" if limit["layer"] == Layer.STAY else f" {limit['subject']}"
    said = ", ".join(f"{field} {_value(value)}" for field, value in gives.items())
    since = f" from {here(limit['from'])}" if limit["from"] else ""
    until = f" until {here(limit['until'])}" if limit["until"] else ""
    return f"{whose}{named}: {said}; by {limit['author']}{since}{until}: {limit['reason']}"


def limits_of(rule: Mapping[str, Any]) -> str:
    """Say where a rule over a number begins to hold, and where it is over."""
    if rule["quantity"] == "red":
        return "from a single 3 on; over without one"
    above = rule["side"] == Side.ABOVE
    on, off = (f"{rule[name]:g}" for name in ("limit_on", "limit_off"))
    return f"from {on} {'up' if above else 'down'}; over {'below' if above else 'above'} {off}"


def condition(rule: Mapping[str, Any]) -> str:
    """Say when a rule holds, how a breach of it is confirmed, and when it is over."""
    confirmed = {
        "spot": f"confirmed by a repeat after {rule['on_delay']}",
        "continuous": f"going on for {rule['on_delay']}",
    }
    how = "" if rule["level"] == Level.EMERGENCY else confirmed.get(rule["cadence"], "")
    return f"{limits_of(rule)} for {rule['off_delay']}{f'; {how}' if how else ''}"


def _value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)
