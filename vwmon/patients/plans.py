"""Pathways as data: the TOML files under pathways/ become plans, checked before anything is expected of a patient.

Here: the loader and its checks. What a missing reading leads to is not decided here.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from alerts.policy import MOVABLE, Layer, Limit
from vwmon import durations
from vwmon.errors import ChartError, NotFoundError
from vwmon.patients import limits
from vwmon.patients.records import Expected, Plan

PATHWAYS = ("general", "acute-respiratory", "heart-failure", "frailty")
VITALS = frozenset({"respiratory_rate", "spo2", "oxygen", "systolic_bp", "heart_rate", "consciousness", "temperature"})
FEEDS = {"gcs": "consciousness", "fio2": "oxygen"}  # vitals that stand in for a part of the score
KEYS = {"version", "title", "source", "vitals"}
VITAL_KEYS = {"valid_for", "overdue_after"}
LIMIT_KEYS = {"rule", "source"}
ALWAYS_MS = 0  # a pathway's limits have always held: another version of it is another pathway


def load(pathway: str) -> Plan:
    """Give the plan of a pathway. NotFoundError names those there are; ChartError says what a file contradicts."""
    plans = load_all()
    if pathway not in plans:
        raise NotFoundError(f"there is no pathway {pathway!a}; there are {', '.join(plans)}")
    return plans[pathway]


@cache
def load_all() -> Mapping[str, Plan]:
    """Give every plan of the package by pathway."""
    folder = files("vwmon.patients") / "pathways"
    return {name: parse(name, (folder / f"{name}.toml").read_text(encoding="utf-8")) for name in PATHWAYS}


def parse(pathway: str, content: str) -> Plan:
    """Read one plan from TOML text. ChartError when it is not TOML, or has a key or span that does not belong."""
    try:
        table = tomllib.loads(content)
        limited = table.pop("limits", [])
        _only(table, KEYS)
        version = str(table["version"])
        return Plan(
            pathway=pathway,
            version=version,
            title=str(table["title"]),
            source=str(table["source"]),
            vitals={name: _expected(name, entry) for name, entry in table["vitals"].items()},
            limits=tuple(_limit(pathway, version, entry) for entry in limited),
        )
    except (tomllib.TOMLDecodeError, KeyError, ValueError) as error:
        raise ChartError(f"the pathway {pathway} cannot be used: {error}") from error


def _expected(vital: str, entry: Mapping[str, Any]) -> Expected:
    if vital not in VITALS:
        raise ValueError(f"{vital!a} is no part of the score")
    _only(entry, VITAL_KEYS)
    expected = Expected(
        valid_ms=durations.parse(entry["valid_for"]), overdue_ms=durations.parse(entry["overdue_after"])
    )
    if not expected.valid_ms or not expected.overdue_ms:
        raise ValueError(f"{vital} has a span of nothing")
    return expected


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


def _only(table: Mapping[str, Any], keys: set[str]) -> None:
    unknown = set(table) - keys
    missing = keys - set(table)
    if unknown or missing:
        raise ValueError(f"keys {sorted(unknown)} are unknown, keys {sorted(missing)} are missing")
