"""Whether what a power cut left of a database is a beginning of what was written: readings, alerts, who is told."""

from contextlib import closing
from pathlib import Path

from vwmon.store import database

READINGS = """select * from (select seq, device_no, vital_no, observed_ms, value from {of}.reading
    union all select seq, device_no, vital_no, observed_ms, value from {of}.reading_log)
    where seq <= (select last_seq from cut.log) order by seq"""
EVENTS = "select event_no, hash from {of}.alert_event where event_no <= (select max(event_no) from cut.alert_event)"
TOLD = """select notification_no, alert_no, cycle, tier, turn, level from {of}.notification
    where notification_no <= (select max(notification_no) from cut.notification)"""
WRITTEN = {"readings": READINGS, "events of alerts": EVENTS, "notifications": TOLD}


def differences(written: Path, cut: Path) -> tuple[str, ...]:
    """Name what in a database that was cut off is not as it was written."""
    with closing(database.open_reader(written)) as db:
        db.execute("attach ? as cut", [str(cut)])
        differ = [
            what
            for what, sql in WRITTEN.items()
            if db.execute(sql.format(of="main")).fetchall() != db.execute(sql.format(of="cut")).fetchall()
        ]
    return tuple(f"the {what} are no beginning of what was written" for what in differ)
