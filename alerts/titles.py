"""What a rule is called as it stands for one stay: a title says its limit, so a moved limit is another title. Pure.

Evidence keeps what a limit of some layer made of a rule: by the time that someone reads of a breach, the limit may be
over. Of rules as the table has them nothing is kept.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from alerts.model import Level
from alerts.policy import POLICY, RULES, Cadence, Rule, Side

MINUTE_MS: Final = 60_000
# How a field of a rule is read back from evidence: those that its title and its level come from.
FIELDS: Final[Mapping[str, Any]] = {
    "level": Level,
    "side": Side,
    "limit_on": float,
    "cadence": Cadence,
    "on_delay_ms": int,
}
SAID: Final = frozenset(FIELDS) - {"level"}


def kept(rules: Iterable[Rule]) -> dict[str, dict[str, Any]]:
    """Give what is kept in evidence of rules that some limit moved, by their names."""
    return {rule.name: {name: _plain(getattr(rule, name)) for name in FIELDS} for rule in rules if _moved(rule, FIELDS)}


def rule_of(name: str, evidence: Mapping[str, Any]) -> Rule | None:
    """Give a rule as it stood when something was borne out; None for one that the table no longer has."""
    rule, moved = RULES.get(name), evidence.get("limits", {}).get(name)
    if rule is None or moved is None:
        return rule
    return replace(rule, **{field: read(moved[field]) for field, read in FIELDS.items()})


def title(rule: Rule) -> str:
    """Give what people call a rule: the table's title, or one with the limit that it was moved to."""
    was = RULES.get(rule.name, rule)
    if not _moved(rule, SAID) and rule.at_once == was.at_once:
        return rule.title
    if rule.quantity in {"total", "could_be"}:
        could_be = "could be " if rule.quantity == "could_be" else ""
        return f"{POLICY.charts[rule.chart].title} {could_be}{rule.limit_on:g} or more"
    if not rule.named:
        return rule.title
    beyond = "or more" if rule.side is Side.ABOVE else "or less"
    kind, _, vital = rule.quantity.partition(":")
    part = POLICY.labels.get(vital)
    if kind != "value" or part is None:
        return f"{rule.title}: {rule.limit_on:g} {beyond}{_confirmed(rule)}"
    prescribed = f"{rule.title}: " if rule.prescribed else ""
    unit = f" {part.unit}" if part.unit else ""
    return f"{prescribed}{part.label} {rule.limit_on:g}{unit} {beyond}{_confirmed(rule)}"


def title_of(name: str, evidence: Mapping[str, Any]) -> str:
    """Give what a rule was called when something was borne out; its name where the table no longer has it."""
    rule = rule_of(name, evidence)
    return name if rule is None else title(rule)


def moved(evidence: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give the titles of those rules behind some evidence that have another by a limit, each with the table's."""
    for name in evidence.get("rules", ()):
        rule = rule_of(name, evidence)
        if rule is not None and (now := title(rule)) != rule.title:
            yield now, rule.title


def _moved(rule: Rule, fields: Iterable[str]) -> bool:
    was = RULES.get(rule.name, rule)
    return any(getattr(rule, name) != getattr(was, name) for name in fields)


def _confirmed(rule: Rule) -> str:
    if rule.at_once:
        return ""
    return " twice" if rule.cadence is Cadence.SPOT else f" for {_minutes(rule.on_delay_ms)}"


def _minutes(span_ms: int) -> str:
    return f"{span_ms / MINUTE_MS:g} min"


def _plain(value: Any) -> Any:  # noqa: ANN401 -- a field of a rule
    return value.value if isinstance(value, Level | Side | Cadence) else value
