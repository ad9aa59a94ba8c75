"""Whether a ward may be taken for watched, by all that its database says: for probes, and for people who ask.

What the daemon beats, whether the canary comes round, and whether the books agree. Lists ask vwmon.store.monitor alone:
the alert that goes with either of the others stands on them.
"""

from json import dumps
from typing import Final

from vwmon.store import canary
from vwmon.store.monitor import Monitor, distrust
from vwmon.store.sqlite import Connection

BOOKS: Final = {
    "unaccounted": "not all that was received is accounted for",
    "unraised": "a score asks for an alert and has none",
    "recount": "readings counted anew do not come to what is stored",
    "damaged": "the database is not sound: vwmon db verify",
}
_STANDING = """select rule from condition where stay_no = 0 and state not in ('absent', 'pending')
    and rule in (select value from json_each(?)) order by rule"""


def doubt(db: Connection, found: Monitor | None, now_ms: int) -> str | None:
    """Say why the ward is not to be taken for watched; None when it is, and for a recording."""
    reason = distrust(found, now_ms)
    if reason is not None or found is None or found.mode == "recording":
        return reason
    lost = canary.trouble(canary.read(db), now_ms)
    if lost is not None:
        return f"NOT MONITORING: a made-up reading did not come round; {lost}"
    wrong = unbalanced(db)
    return f"NOT TO BE TRUSTED: {'; '.join(wrong)}" if wrong else None


def unbalanced(db: Connection) -> list[str]:
    """Say what of the books does not agree, as long as the alert of it has a reason to stand."""
    return [BOOKS[rule] for (rule,) in db.execute(_STANDING, [dumps(list(BOOKS))])]
