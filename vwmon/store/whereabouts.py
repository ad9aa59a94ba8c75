"""Where kit is after a discharge: a device belongs to nobody from then on, and is with the person until it comes back.

It is back when somebody says so, or gives it to another patient. Whose readings are whose is not decided here.
"""

from dataclasses import dataclass
from typing import Any

from vwmon.patients.records import By
from vwmon.store.sqlite import Connection

BY_HAND = "by hand"  # the profile of what stands for a person who enters readings: nothing to fetch
BACK_ALREADY = """insert or ignore into kit_back (assignment_no, at_ms, actor)
    select assignment_no, to_ms, ?3 from assignment where stay_no = ?1 and to_ms is not null and to_ms >= ?2"""
OUT_OF = f"""from assignment a join stay using (stay_no) join device using (device_no)
    where discharged_ms is not null and a.to_ms >= discharged_ms and profile <> '{BY_HAND}'
    and not exists (select 1 from kit_back where kit_back.assignment_no = a.assignment_no)"""
OUT = f"select distinct stay_no, device {OUT_OF} and (?1 is null or stay_no = ?1) order by device"
WITH = f"select a.device_no, a.stay_no, a.from_ms, a.to_ms {OUT_OF} and a.device_no = ? order by a.assignment_no desc"
BACK = f"""insert into kit_back (assignment_no, at_ms, actor) select a.assignment_no, max(?2, a.to_ms), ?3
    {OUT_OF} and a.device_no = ?1"""
GIVEN = f"""select distinct stay_no, profile = '{BY_HAND}' from assignment join device using (device_no)
    where ?1 is null or stay_no = ?1"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a stay was ever given: a device, or only the means to enter readings by hand."""

    device: bool = False
    by_hand: bool = False


def back_already(db: Connection, stay_no: int, discharged_ms: int, by: By) -> None:
    """Note that what had come back before a discharge was written down is back, though it was for an earlier time."""
    db.execute(BACK_ALREADY, (stay_no, discharged_ms, by.actor))


def bring_back(db: Connection, device_no: int, at_ms: int, by: By) -> tuple[Any, ...] | None:
    """Note that a device is back that was still out, and give its last assignment as a row; None when it was not."""
    row = db.execute(WITH, [device_no]).fetchone()
    if row is None:
        return None
    db.execute(BACK, (device_no, at_ms, by.actor))
    return tuple(row)


def out(db: Connection, stay_no: int | None = None) -> dict[int, list[str]]:
    """Name the devices that are still out after the discharge of a stay, of one or of all."""
    found: dict[int, list[str]] = {}
    for number, device in db.execute(OUT, [stay_no]):
        found.setdefault(number, []).append(device)
    return found


def given(db: Connection, stay_no: int | None = None) -> dict[int, Given]:
    """Give what each stay, or one, was ever given."""
    found: dict[int, Given] = {}
    for number, by_hand in db.execute(GIVEN, [stay_no]):
        before = found.get(number, Given())
        found[number] = Given(device=before.device or not by_hand, by_hand=before.by_hand or bool(by_hand))
    return found
