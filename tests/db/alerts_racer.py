"""A process that races others on one database, in someone's name: to open alerts, or to acknowledge every one.

It says when it is ready and waits for a line before it begins, so that all of them begin at once.
"""

import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from alerts import store
from alerts.acts import Act
from tests.unit.alerts_points import follow, point
from vwmon.store.database import atomic, open_writer
from vwmon.store.sqlite import Connection

STAYS = 1000


def open_all(db: Connection, _name: str) -> None:
    """Raise an alert for every stay that has none, as a scorer does: loaded and saved in one transaction."""
    for stay in range(1, STAYS + 1):
        with atomic(db):
            case = store.load(db, [stay])[stay]
            store.save(db, case, follow(case, replace(point(0, 5), stay=stay)), None)


def acknowledge_all(db: Connection, name: str) -> None:
    """Acknowledge every alert, each in a transaction of its own; say of each what came of it."""
    for (alert_id,) in db.execute("select id from alert order by id").fetchall():
        with atomic(db):
            acted = store.acknowledge(db, alert_id, Act(actor=name, now_ms=60_000, note="mine"))
        sys.stdout.write(f"{alert_id} {acted.alert.owner} {acted.refusal or 'done'}\n")


def main(path: str, name: str, verb: str) -> None:
    """Race once there is a line to read."""
    with closing(open_writer(Path(path))) as db:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        {"open": open_all, "ack": acknowledge_all}[verb](db, name)


if __name__ == "__main__":
    main(*sys.argv[1:])
