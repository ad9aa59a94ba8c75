"""Taking away what is kept of stays whose time is over: alerts and notifications; of their history the links stay.

An event that goes leaves its number and its two hashes, so that the chain can be followed past it, and is named by the
removal, which is sealed into the chain itself. Which stays, and why, is the caller's; so is the transaction.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

from alerts import chain, schema
from alerts.model import Connection
from alerts.store import head

# Children before what they refer to. `gone` holds the stays, `gone_alert` their alerts.
_TAKEN: Final = (
    """delete from delivery where notification_no in
        (select notification_no from notification join gone_alert using (alert_no))""",
    "delete from notification where alert_no in (select alert_no from gone_alert)",
    "delete from request where stay_no in (select stay_no from gone)",
    "delete from handover_item where alert_no in (select alert_no from gone_alert)",
    """delete from handover where handover_no in (select handover_no from gone_handover)
        and not exists (select 1 from handover_item where handover_item.handover_no = handover.handover_no)""",
    "delete from condition where stay_no in (select stay_no from gone)",
    "delete from alert_event where alert_no in (select alert_no from gone_alert)",
    "update alert set recurrence_of = null where recurrence_of in (select alert_no from gone_alert)",
    "delete from alert where alert_no in (select alert_no from gone_alert)",
)
_LINKS: Final = """insert into alert_event_gone (event_no, previous, hash, removal_no)
    select event_no, previous, hash, ? from alert_event where alert_no in (select alert_no from gone_alert)"""
_LEFT: Final = "select event_no, hash from alert_event_gone where removal_no = ? order by event_no"
_SEAL: Final = """insert into removal (event_no, actor, at_ms, note, evidence, host, previous, hash)
    values (?, ?, ?, ?, ?, ?, ?, ?)"""


def take_away(db: Connection, stay_nos: Sequence[int]) -> int:
    """Take away the alerts of some stays; give the number under which the removal has to be sealed.

    Nothing of them may be open: that is the caller's to know.
    """
    number = head(db)[0] + 1
    db.execute("create temp table gone as select value as stay_no from json_each(?)", [json.dumps(list(stay_nos))])
    db.execute("create temp table gone_alert as select alert_no from alert where stay_no in (select stay_no from gone)")
    db.execute(
        "create temp table gone_handover as select handover_no from handover_item join gone_alert using (alert_no)"
    )
    db.execute(_LINKS, [number])
    db.execute("drop trigger alert_event_kept")
    for statement in _TAKEN:
        db.execute(statement)
    db.execute(schema.KEPT)
    for table in ("gone_handover", "gone_alert", "gone"):
        db.execute(f"drop table {table}")
    return number


def seal(db: Connection, number: int, actor: str, at_ms: int, note: str, counts: dict[str, int], host: str) -> None:  # noqa: PLR0913, PLR0917 -- who took what away, when and why
    """Write the removal of that number into the history: by whom, why, how much of what, and which events went."""
    last, previous = head(db)
    if last + 1 != number:
        raise ValueError(f"event {number} is not the next one")
    evidence = {"counts": counts, "events": chain.digest(db.execute(_LEFT, [number]).fetchall())}
    event: dict[str, Any] = dict.fromkeys(chain.FIELDS)
    event |= {"event_no": number, "kind": chain.REMOVED, "actor": actor, "at_ms": at_ms, "note": note, "host": host}
    event["evidence"] = json.dumps(evidence, sort_keys=True)
    hash_ = chain.link(previous, event)
    db.execute(_SEAL, [number, actor, at_ms, note, event["evidence"], host, previous, hash_])
