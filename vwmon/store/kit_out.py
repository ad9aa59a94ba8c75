"""Kit that is nobody's any more and has not come back: whoever has it at home may go on measuring with it.

When it goes out and comes back is the registers' to say; every change here is in their transaction.
"""

from vwmon.errors import ConflictError
from vwmon.patients.records import Assignment, Device
from vwmon.store.sqlite import Connection

BY_HAND = "by hand"  # the profile of what stands for people who enter readings: no kit, and nothing to come back
GOES = """insert into kit_out select assignment_no, to_ms, max(?2, to_ms)
    from assignment join device using (device_no) where assignment_no = ?1 and profile <> ?3
    on conflict do update set since_ms = excluded.since_ms"""
COMES = """update kit_out set back_ms = max(since_ms, ?2) where back_ms is null
    and assignment_no in (select assignment_no from assignment where device_no = ?1)"""
OUT = """select device_no, stay_no, from_ms, to_ms from assignment join kit_out using (assignment_no)
    where device_no = ? and back_ms is null"""
# With somebody else, still or up to after a time.
ELSEWHERE = """select patient, back_ms from kit_out join assignment using (assignment_no) join stay using (stay_no)
    where device_no = ?1 and patient <> ?2 and (back_ms is null or back_ms > ?3) order by since_ms desc"""


def goes(db: Connection, assignment_no: int, back_ms: int | None = None) -> None:
    """Note that the device of an assignment that has ended has not come back, where it is kit, or only later."""
    db.execute(GOES, (assignment_no, back_ms, BY_HAND))


def comes(db: Connection, device_no: int, back_ms: int) -> None:
    """Note that a device is out no longer, if it was."""
    db.execute(COMES, (device_no, back_ms))


def of(db: Connection, device_no: int) -> Assignment | None:
    """Give the assignment after which a device has not come back; None when it is not out."""
    row = db.execute(OUT, [device_no]).fetchone()
    return None if row is None else Assignment(**dict(zip(Assignment.__slots__, row, strict=True)))


def check_back(db: Connection, found: Device, patient: str, from_ms: int) -> None:
    """Refuse to give a patient what was at somebody else's home then: ConflictError naming whose."""
    out = db.execute(ELSEWHERE, [found.device_no, patient, from_ms]).fetchone()
    if out is not None:
        way = f"when it has: vwmon devices return {found.device}" if out[1] is None else "choose a later --from"
        raise ConflictError(f"device {found.device!a} had not come back from patient {out[0]!a} at that time; {way}")
