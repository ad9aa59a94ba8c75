"""Pathways as data: the TOML files under pathways/ become plans, checked before anything is expected of a patient.

Here: the loader and its checks. What a missing reading leads to is not decided here.
"""

import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from alerts.evidence import ANSWER
from alerts.policy import MOVABLE, RULES, Layer, Limit
from vwmon import durations
from vwmon.errors import ChartError, NotFoundError
from vwmon.patients import limits
from vwmon.patients.chart_names import NEWS2, PEWS
from vwmon.patients.records import AskedSet, Expected, Plan

CANARY = "canary"  # of made-up patients: nobody is told of their alerts, and no number counts them
PATHWAYS = (
    "general",
    "acute-respiratory",
    "copd",
    "covid-oximetry",
    "heart-failure",
    "frailty",
    "cardiac-surgery-waiting-list",
    "post-operative",
    "hypertension",
    "diabetes",
    "children",
    CANARY,
)
QUESTIONNAIRES = ("wellbeing", "breathlessness", "swelling", "wound", "appointment")
VITALS = frozenset({"respiratory_rate", "spo2", "oxygen", "systolic_bp", "heart_rate", "consciousness", "temperature"})
PARTS_OF: Mapping[str, frozenset[str]] = {
    NEWS2: VITALS,
    PEWS: VITALS - {"consciousness", "temperature"} | {"respiratory_distress", "capillary_refill"},
}
FEEDS = {"gcs": "consciousness", "fio2": "oxygen"}  # vitals that stand in for a part of the score
KEYS = {"version", "title", "source", "schedule", "in_hours", "out_of_hours", "ask", "vitals"}
OPTIONAL = {"days"}
VITAL_KEYS = {"valid_for", "overdue_after"}
LIMIT_KEYS = {"rule", "source"}
ASKED_KEYS = {"name", "every", "at", "overdue_after", "source"}
UNUSABLE = (KeyError, ValueError, TypeError, AttributeError, RecursionError)  # not TOML, or not of this form
CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
FOLDER = Path(__file__).parent / "pathways"
ALWAYS_MS = 0  # a pathway's limits have always held: another version of it is another pathway


def load(pathway: str) -> Plan:
    """Give the plan of a pathway. NotFoundError names those there are; ChartError says what a file contradicts."""
    plan = find(pathway)
    if plan is None:
        raise NotFoundError(f"there is no pathway {pathway!a}; there are {', '.join(PATHWAYS)}")
    return plan


def find(pathway: str) -> Plan | None:
    """Give the plan of a pathway, reading no other; None for one that is no more, or never was."""
    return _read(pathway) if pathway in PATHWAYS else None


@cache
def load_all() -> Mapping[str, Plan]:
    """Give every plan of the package by pathway; ChartError also for what stands in no table of vitals."""
    return {name: _known(_read(name)) for name in PATHWAYS}


def parse(pathway: str, content: str) -> Plan:
    """Read one plan from TOML text. ChartError when it is not TOML, or has a key, span or vital that is wrong."""
    return _known(_plan(pathway, content))


@cache
def _read(pathway: str) -> Plan:
    return _plan(pathway, (FOLDER / f"{pathway}.toml").read_text(encoding="utf-8"))


def _known(plan: Plan) -> Plan:
    """Give a plan back; ChartError when a vital of it is in no table of vitals."""
    from devices.vitals import VITALS as TABLE  # noqa: PLC0415 -- it loads slowly, and a list does without

    unknown = [vital for vital in plan.expected if vital not in TABLE]
    if unknown:
        raise ChartError(f"the pathway {plan.pathway} cannot be used: {unknown[0]!a} is in no table of vitals")
    return plan


def _plan(pathway: str, content: str) -> Plan:
    try:
        table = tomllib.loads(content)
        limited, listed = table.pop("limits", []), table.pop("questionnaires", [])
        chart = table.pop("chart", NEWS2)
        parts = _parts(chart)
        _only(table, KEYS, OPTIONAL)
        version = str(table["version"])
        wanted = {name: expected(name, entry) for name, entry in table["vitals"].items()}
        sets = tuple(asked_set(entry) for entry in listed)
        if not wanted:
            raise ValueError("it expects nothing")
        return Plan(
            pathway=pathway,
            version=version,
            title=_said(table, "title"),
            source=_said(table, "source"),
            schedule=_said(table, "schedule"),
            in_hours=_said(table, "in_hours"),
            out_of_hours=_said(table, "out_of_hours"),
            ask=_asked(table["ask"]),
            days=_days(table.get("days")),
            vitals={name: one for name, one in wanted.items() if name in parts},
            beside={name: one for name, one in wanted.items() if name not in parts},
            limits=(*(_limit(pathway, version, entry) for entry in limited), *_answered(pathway, version, sets)),
            questionnaires=sets,
            chart=chart,
        )
    except UNUSABLE as error:
        raise ChartError(f"the pathway {pathway} cannot be used: {error}") from error


def _parts(chart: object) -> frozenset[str]:
    if not isinstance(chart, str) or chart not in PARTS_OF:
        raise ValueError(f"chart is one of {', '.join(PARTS_OF)}")
    return PARTS_OF[chart]


def _said(table: Mapping[str, Any], name: str) -> str:
    said = table[name]
    if not isinstance(said, str) or not said.strip():
        raise ValueError(f"{name} says nothing")
    return said


def _asked(questions: object) -> tuple[str, ...]:
    """Read what is to be asked at admission; a plan for everyone always leaves something to ask."""
    if not isinstance(questions, list) or not questions or not all(isinstance(one, str) and one for one in questions):
        raise ValueError("ask is a list of what is to be asked at admission")
    return tuple(questions)


def expected(vital: str, entry: Mapping[str, Any]) -> Expected:
    """Read how a vital is wanted; KeyError or ValueError for what is no such table."""
    if vital in FEEDS:
        raise ValueError(f"{vital} stands in for {FEEDS[vital]}, which is what a plan asks for")
    _only(entry, VITAL_KEYS)
    found = Expected(valid_ms=durations.parse(entry["valid_for"]), overdue_ms=durations.parse(entry["overdue_after"]))
    if not found.valid_ms or not found.overdue_ms:
        raise ValueError(f"{vital} has a span of nothing")
    return found


def _limit(pathway: str, version: str, entry: Mapping[str, Any]) -> Limit:
    """Read what a pathway says of one rule; its source is the reason, and its version the author."""
    _only({name: value for name, value in entry.items() if name not in MOVABLE}, LIMIT_KEYS)
    found = Limit(
        rule=limits.rule_name(entry["rule"]),
        layer=Layer.PATHWAY,
        subject=pathway,
        changes={name: entry[name] for name in MOVABLE if name in entry},
        author=f"{pathway} {version}",
        reason=str(entry["source"]),
        from_ms=ALWAYS_MS,
    )
    if wrong := limits.faults(found):
        raise ValueError("; ".join(wrong))
    return found


def asked_set(entry: Mapping[str, Any]) -> AskedSet:
    """Read how one questionnaire is asked; KeyError or ValueError for what is no such table."""
    _only(entry, ASKED_KEYS)
    name, every_ms, at = entry["name"], durations.parse(entry["every"]), entry["at"]
    if name not in QUESTIONNAIRES:
        raise ValueError(f"there is no questionnaire {name!a}")
    clock = CLOCK.fullmatch(str(at))
    if every_ms < durations.DAY_MS or every_ms % durations.DAY_MS or clock is None:
        raise ValueError(f"{name} is asked every so many whole days, at a time of day such as 10:00")
    overdue_ms = durations.parse(entry["overdue_after"])
    if not overdue_ms or not str(entry["source"]).strip():
        raise ValueError(f"{name} is overdue after a span, and asked for a reason with a source")
    return AskedSet(
        questionnaire=name,
        every_days=every_ms // durations.DAY_MS,
        at_minute=60 * int(clock[1]) + int(clock[2]),
        overdue_ms=overdue_ms,
        source=str(entry["source"]),
    )


def _answered(pathway: str, version: str, sets: Iterable[AskedSet]) -> Iterator[Limit]:
    """Let the rules about answers count where these are asked for."""
    for one in sets:
        for rule in RULES.values():
            if rule.quantity.startswith(f"{ANSWER}{one.questionnaire}."):
                yield Limit(
                    rule=rule.name,
                    layer=Layer.PATHWAY,
                    subject=pathway,
                    changes={"enabled": True},
                    author=f"{pathway} {version}",
                    reason=f"{one.questionnaire} is asked on this pathway; {rule.source}",
                    from_ms=ALWAYS_MS,
                )


def _days(value: object) -> int | None:
    """Read how long the source says that a stay lasts."""
    if value is None or (type(value) is int and value > 0):
        return value
    raise ValueError("days is a whole number of days, above 0")


def _only(table: Mapping[str, Any], keys: set[str], optional: Collection[str] = ()) -> None:
    unknown = set(table) - keys - set(optional)
    missing = keys - set(table)
    if unknown or missing:
        raise ValueError(f"keys {sorted(unknown)} are unknown, keys {sorted(missing)} are missing")
