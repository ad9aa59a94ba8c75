"""What was found wrong with devices and with the whole service, each time anew or over: kept as it was noticed.

The log does not hold these facts; a stay is told again with them. What follows from a finding is alerts.faults'.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from alerts import store as cases
from alerts.faults import Finding
from alerts.model import SYSTEM_STAY
from vwmon.store.sqlite import Connection

Key = tuple[int, str, str]  # a stay, a rule, and what it was found of

COLUMNS = "stay_no, rule, what, since_ms, at_ms, figures, noticed_ms, cursor"
WRITE = f"insert into finding ({COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?)"
STANDING = f"""select {COLUMNS} from finding join (
    select max(finding_no) as finding_no from finding group by stay_no, rule, what) using (finding_no)
    where since_ms is not null"""
OF_STAY = f"select {COLUMNS} from finding where stay_no = ? order by finding_no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A finding, when the daemon noticed it, and how far the log was scored then."""

    stay_no: int
    finding: Finding
    noticed_ms: int
    cursor: int

    @property
    def key(self) -> Key:
        """Give what it is about."""
        return self.stay_no, self.finding.rule, self.finding.what


def write(db: Connection, noticed: Iterable[Found]) -> None:
    """Keep findings, inside the caller's transaction."""
    db.executemany(WRITE, [_row(one) for one in noticed])


def standing(db: Connection) -> dict[Key, Finding]:
    """Give what was found and is not over."""
    return {one.key: one.finding for one in map(_found_in, db.execute(STANDING))}


def known(db: Connection) -> dict[Key, Finding]:
    """Give what stands, with the faults of the whole service that a version before this one left without a finding."""
    found, case = standing(db), cases.load(db, [SYSTEM_STAY])[SYSTEM_STAY]
    told = {rule for stay_no, rule, _ in found if stay_no == SYSTEM_STAY}
    left = [one for one in case.conditions.values() if one.standing and one.rule not in told]
    older = {
        (SYSTEM_STAY, one.rule, ""): Finding(rule=one.rule, since_ms=one.since_ms, at_ms=one.since_ms) for one in left
    }
    return older | found


def of_stay(db: Connection, stay_no: int) -> list[Found]:
    """Give all that was ever found of a stay, in order; stay 0 is the whole service."""
    return [_found_in(row) for row in db.execute(OF_STAY, [stay_no])]


def _row(one: Found) -> Sequence[object]:
    found = one.finding
    figures = json.dumps(dict(found.figures), separators=(",", ":"), ensure_ascii=False)
    return (one.stay_no, found.rule, found.what, found.since_ms, found.at_ms, figures, one.noticed_ms, one.cursor)


def _found_in(row: Sequence[object]) -> Found:
    stay_no, rule, what, since_ms, at_ms, figures, noticed_ms, cursor = row
    finding = Finding(rule=rule, what=what, since_ms=since_ms, at_ms=at_ms, figures=json.loads(figures))  # type: ignore[arg-type]
    return Found(stay_no=stay_no, finding=finding, noticed_ms=noticed_ms, cursor=cursor)  # type: ignore[arg-type]
