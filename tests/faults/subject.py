"""A process for faults to be done to: it stores a ward's messages, says which are stored, scores and merges them.

`python -m tests.faults.subject DATABASE SEED START_MS COUNT [PRAGMA ...]` goes through the same messages each time it
is started, as devices do that have no receipt yet, and prints the number of each batch once it is committed. A pragma
alters the connection beforehand: for checkpoints that come sooner, or for a fault that is to be found.
"""

import sys
from contextlib import closing
from pathlib import Path

from tests.faults import ward
from vwmon.patients import plans
from vwmon.provenance import Provenance
from vwmon.scorer import Scorer
from vwmon.store import database
from vwmon.store.log import LogWriter

BATCH = 8
PLANS = plans.load_all()


def work(path: Path, seed: int, start_ms: int, count: int, *pragmas: str) -> None:
    """Store, say so, score, merge: batch after batch."""
    sent = ward.Load(ward.brief(seed), start_ms, count).more(count)
    with closing(database.open_writer(path)) as db:
        for pragma in pragmas:
            db.execute(f"pragma {pragma}")
        log = LogWriter(db)
        engine = Scorer(db, Provenance(config_hash="test", plans=PLANS), start_ms)
        for first in range(0, count, BATCH):
            batch = sent[first : first + BATCH]
            last = log.append([ward.arrival(one) for one in batch], (), batch[-1].at_ms).last_seq
            print(first + len(batch), flush=True)  # noqa: T201 -- its word that they are stored
            while engine.cycle(batch[-1].at_ms):
                pass
            log.merge(last, BATCH * 2)


if __name__ == "__main__":
    work(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), *sys.argv[5:])
