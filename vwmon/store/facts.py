"""What is noted of a stay from a time on: consent, that there is no kit, pregnancy, how long it is expected to last.

Rows are only ever added; of each kind the one written last holds. Which may be noted when is vwmon.patients.stages'.
"""

from collections.abc import Mapping
from typing import NamedTuple

from vwmon.patients.admission import Admission
from vwmon.patients.records import By, Fact
from vwmon.store.sqlite import Connection

COLUMNS = ", ".join(Fact.__slots__)
CONSENT, KIT, PREGNANCY, EXPECTED_DAYS = "consent", "kit", "pregnancy", "expected_days"
YES, NO = "yes", "no"
WRITE = "insert into stay_fact (stay_no, what, value, from_ms, actor, written_ms) values (?, ?, ?, ?, ?, ?)"
# In the order of writing, so that the last of a kind is what is left of it.
LATEST = f"select {COLUMNS} from stay_fact where ?1 is null or stay_no = ?1 order by fact_no"
PREGNANT = f"""select stay_no, from_ms, value from stay_fact where what = '{PREGNANCY}' order by fact_no"""


class Said(NamedTuple):
    """What is to be noted: of which kind, what, and from when on (ms UTC)."""

    what: str
    value: str
    from_ms: int


def write(db: Connection, stay_no: int, said: Said, by: By) -> None:
    """Note something of a stay, in the caller's transaction."""
    db.execute(WRITE, (stay_no, *said, by.actor, by.at_ms))


def of_admission(db: Connection, wanted: Admission, stay_no: int, by: By) -> None:
    """Note what an admission says beside who and where."""
    if wanted.expected_days is not None:
        write(db, stay_no, Said(EXPECTED_DAYS, str(wanted.expected_days), wanted.admitted_ms), by)
    if wanted.no_kit:
        write(db, stay_no, Said(KIT, NO, wanted.admitted_ms), by)


def latest(db: Connection, stay_no: int | None = None) -> dict[int, dict[str, Fact]]:
    """Give what holds of each stay, or of one, by kind."""
    found: dict[int, dict[str, Fact]] = {}
    for row in db.execute(LATEST, [stay_no]):
        fact = Fact(**dict(zip(Fact.__slots__, row, strict=True)))
        found.setdefault(fact.stay_no, {})[fact.what] = fact
    return found


def pregnant(db: Connection, now_ms: int) -> Mapping[int, int]:
    """Give the stays of who is pregnant at a time, and since when: to these NEWS2 does not apply."""
    said = {stay_no: (from_ms, value) for stay_no, from_ms, value in db.execute(PREGNANT) if from_ms <= now_ms}
    return {stay_no: from_ms for stay_no, (from_ms, value) in said.items() if value == YES}
