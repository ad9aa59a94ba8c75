"""A process that acknowledges every alert of a database as fast as it can, in someone's name."""

import sys

from alerts import store
from alerts.acts import Act
from vwmon.store.sqlite import module


def main(path: str, name: str) -> None:
    """Acknowledge every alert, each in a transaction of its own."""
    db = module.connect(path, timeout=60, isolation_level=None)
    for (alert_id,) in db.execute("select id from alert order by id").fetchall():
        db.execute("begin immediate")
        store.acknowledge(db, alert_id, Act(actor=name, now_ms=60_000, note="mine"))
        db.execute("commit")
    db.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
