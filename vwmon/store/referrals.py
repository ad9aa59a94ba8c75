"""Referrals: who was to be taken, at whose wish, and whether they were. A person is a local identifier here."""

from typing import NamedTuple

from vwmon.errors import NotFoundError
from vwmon.patients.records import By, Referral
from vwmon.store.sqlite import Connection

COLUMNS = ", ".join(Referral.__slots__)
WRITE = f"insert into referral (patient, ward, source, referred_ms) values (?, ?, ?, ?) returning {COLUMNS}"
OPEN = "where patient = ? and stay_no is null and declined_ms is null"
ACCEPT = f"update referral set accepted_ms = ? {OPEN} returning {COLUMNS}"
DECLINE = f"update referral set declined_ms = ?, decline_reason = ? {OPEN} returning {COLUMNS}"
Row = tuple[object, ...]


class Wish(NamedTuple):
    """Whom which ward is asked to take, by whom, and when (ms UTC)."""

    patient: str
    ward: str
    source: str
    at_ms: int


def every(db: Connection, patient: str | None = None) -> list[Referral]:
    """Give the referrals of everyone, or of one patient, in order."""
    rows = db.execute(
        f"select {COLUMNS} from referral where ?1 is null or patient = ?1 order by referral_no", [patient]
    )
    return [_referral(row) for row in rows]


def write(db: Connection, wish: Wish) -> Referral:
    """Write a referral, in the caller's transaction."""
    return _referral(db.execute(WRITE, wish).fetchone())


def accept(db: Connection, patient: str, by: By) -> Referral:
    """Note that the open referral of a patient is accepted."""
    return _one(db.execute(ACCEPT, (by.at_ms, patient)).fetchone(), patient)


def decline(db: Connection, patient: str, reason: str, by: By) -> Referral:
    """Note that the open referral of a patient is declined, and why."""
    return _one(db.execute(DECLINE, (by.at_ms, reason, patient)).fetchone(), patient)


def _one(row: Row | None, patient: str) -> Referral:
    if row is None:
        raise NotFoundError(f"patient {patient!a} has no open referral; see: vwmon patients")
    return _referral(row)


def _referral(row: Row) -> Referral:
    return Referral(**dict(zip(Referral.__slots__, row, strict=True)))  # type: ignore[arg-type]
