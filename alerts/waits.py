"""What waits to be confirmed, in the words of the public interface: breaches that are no alert yet. Read only.

A wait is of a rule as it stood when its breach was seen, limits of every layer counted; its evidence says so.
"""

from typing import Final

from alerts import reasons, titles
from alerts.model import Condition, Connection
from alerts.queries import Lookups, Record, Whose, utc
from alerts.rows import CONDITION_COLUMNS, condition_of

# Column names are our own.
_PENDING: Final = f"""select stay_no, {", ".join(CONDITION_COLUMNS[1:])} from condition where state = 'pending'
    order by due_ms is null, due_ms, stay_no, rule"""  # noqa: S608


def pending(db: Connection, lookups: Lookups) -> list[Record]:
    """Give the breaches that wait to be confirmed, those that open soonest first; when they open, unless denied."""
    found = [(row[0], condition_of(row[1:])) for row in db.execute(_PENDING)]
    whose = lookups.whose({stay_no for stay_no, _ in found}) if found else {}
    return [_waiting(stay_no, condition, whose.get(stay_no)) for stay_no, condition in found]


def _waiting(stay_no: int, condition: Condition, whose: Whose | None) -> Record:
    evidence = condition.evidence
    rule, values = titles.rule_of(condition.rule, evidence), evidence.get("values", {})
    scoring = [part for part, points in evidence.get("points", {}).items() if points]
    return {
        "stay": stay_no,
        "ward": whose.ward if whose is not None else None,
        "patient": whose.patient if whose is not None else None,
        "person": whose.person if whose is not None else None,
        "rule": condition.rule,
        "title": titles.title_of(condition.rule, evidence),
        "level": rule.level.value if rule is not None else None,
        "lane": rule.lane.value if rule is not None else None,
        "since": utc(condition.since_ms),
        "seen_at": utc(condition.seen_ms),
        "opens_at": utc(condition.due_ms),
        "seen": [reasons.phrase(part, values.get(part)) for part in scoring],
    }
