"""The breaches that wait to be confirmed, as plain dictionaries: a delay that is stored must be there to be seen.

Read only. What confirms or denies them is alerts.conditions'.
"""

from typing import Final

from alerts import reasons
from alerts.model import Condition, Connection
from alerts.policy import RULES
from alerts.queries import Lookups, Record, Whose, utc
from alerts.rows import CONDITION_COLUMNS, condition_of

# Column names are our own; every value is a parameter.
_PENDING: Final = f"""select stay_no, {", ".join(CONDITION_COLUMNS[1:])} from condition where state = 'pending'
    order by due_ms is null, due_ms, stay_no, rule"""  # noqa: S608


def pending(db: Connection, lookups: Lookups) -> list[Record]:
    """Give the breaches that wait to be confirmed, those that open soonest first; when they open, unless denied."""
    found = [(row[0], condition_of(row[1:])) for row in db.execute(_PENDING)]
    whose = lookups.whose({stay_no for stay_no, _ in found}) if found else {}
    return [_waiting(stay_no, condition, whose.get(stay_no)) for stay_no, condition in found]


def _waiting(stay_no: int, condition: Condition, whose: Whose | None) -> Record:
    rule, evidence = RULES.get(condition.rule), condition.evidence
    values = evidence.get("values", {})
    scoring = [part for part, points in evidence.get("points", {}).items() if points]
    return {
        "stay": stay_no,
        "ward": whose.ward if whose is not None else None,
        "patient": whose.patient if whose is not None else None,
        "person": whose.person if whose is not None else None,
        "rule": condition.rule,
        "title": rule.title if rule is not None else condition.rule,
        "level": rule.level.value if rule is not None else None,
        "lane": rule.lane.value if rule is not None else None,
        "since": utc(condition.since_ms),
        "seen_at": utc(condition.seen_ms),
        "opens_at": utc(condition.due_ms),
        "seen": [reasons.phrase(part, values.get(part)) for part in scoring],
    }
