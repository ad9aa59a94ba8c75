"""What identifies a person, or reaches them: a table of its own, read for one stay at a time and joined to nothing.

Journals and logs say which fields were written, never a value.
"""

import json
from dataclasses import asdict
from datetime import date
from typing import Any

from vwmon.errors import ConflictError
from vwmon.patients.admission import Admission
from vwmon.patients.chart_names import PEWS
from vwmon.patients.records import Identity
from vwmon.store.sqlite import Connection

COLUMNS = ", ".join(Identity.__slots__)
WRITE = f"insert or replace into identity ({COLUMNS}) values ({', '.join('?' * len(Identity.__slots__))})"
ON_A_WARD = "select patient from stay where stay_no = ? and discharged_ms is null and patient <> ?"


def of_stay(db: Connection, stay_no: int) -> Identity:
    """Give what identifies the person of a stay."""
    row = db.execute(f"select {COLUMNS} from identity where stay_no = ?", [stay_no]).fetchone()
    return Identity(**dict(zip(Identity.__slots__, row, strict=True)))


def admitted(wanted: Admission, stay_no: int) -> Identity:
    """Give what an admission says of the person, as that of a stay."""
    said = {name: getattr(wanted, name) for name in Identity.__slots__ if name != "stay_no"}
    return Identity(stay_no=stay_no, **said)


def write(db: Connection, person: Identity) -> None:
    """Write what identifies the person of a stay, in the caller's transaction."""
    db.execute(WRITE, [getattr(person, name) for name in Identity.__slots__])


def check_free(db: Connection, nhs_number: str | None, patient: str) -> None:
    """Raise ConflictError when somebody under another identifier is on a ward with an NHS number: one person, twice."""
    if nhs_number is None:
        return
    for (stay_no,) in db.execute("select stay_no from identity where nhs_number = ?", [nhs_number]).fetchall():
        other = db.execute(ON_A_WARD, (stay_no, patient)).fetchone()
        if other is not None:
            raise ConflictError(
                f"patient {other[0]!a} is on a ward with this NHS number: the same person, or a number to be corrected"
            )


def stay_columns(wanted: Admission) -> dict[str, Any]:
    """Give an admission by the columns of its stay: of a child's date of birth, what scoring needs of it."""
    plan = {"pathway": wanted.plan.pathway, "plan_version": wanted.plan.version}
    return asdict(wanted) | plan | {"age_bands": _age_bands(wanted)}


def _age_bands(wanted: Admission) -> str:
    """Give when the bands of age of a child's chart begin, as JSON, 0 for those begun by the admission."""
    if wanted.recorded_ages_ms:
        return json.dumps(wanted.recorded_ages_ms)
    if wanted.plan.chart != PEWS or wanted.born is None:
        return ""
    from vwmon.scoring import ages, charts  # a chart is read for children only

    years = charts.load(PEWS).age_context["age_band"]
    starts = ages.starts_ms(date.fromisoformat(wanted.born), years, wanted.zone)
    return json.dumps([0 if start <= wanted.admitted_ms else start for start in starts])
