"""F26: backups made under load, restored elsewhere."""

import threading
from contextlib import closing
from pathlib import Path

from tests.faults import ward
from tests.faults.matrix import Profile, Row, Tally, Trial, added
from vwmon.store import backup, database
from vwmon.store.log import LogWriter
from vwmon.store.verify import counts, verify


def backed_up(trial: Trial) -> Tally:
    """Make a backup while messages are stored and merged, restore it elsewhere, and count what it holds."""
    path, devices, start_ms = trial.folder / "vwmon.db", ward.fleet(trial.seed), ward.start_of(100_000 * trial.runs)
    ward.make(path, start_ms, devices)
    stop = threading.Event()
    load = ward.Load(devices, start_ms, 100_000 * trial.runs)
    traffic = threading.Thread(target=_traffic, args=(path, load, stop))
    traffic.start()
    try:
        copies = [
            (trial.folder / f"copy-{number}.db", trial.folder / f"again-{number}.db") for number in range(trial.runs)
        ]
        tallies = [_restored(path, *each) for each in copies]
    finally:
        stop.set()
        traffic.join()
    return added(tallies)


def _traffic(path: Path, load: ward.Load, stop: threading.Event) -> None:
    with closing(database.open_writer(path)) as db:
        log = LogWriter(db)
        while not stop.is_set():
            log.append([ward.arrival(one) for one in load.more(50)], (), load.sent[-1].at_ms)


def _restored(path: Path, copy: Path, again: Path) -> Tally:
    before = counts(path)
    backup.backup(path, copy)
    backup.restore(copy, again, 0)
    held = counts(again)
    broken = [one.check for one in verify(again) if not one.sound]
    if held != counts(copy):
        broken.append("the restored database holds something else than its copy")
    lost = sum(max(0, before[table] - held[table]) for table in before)
    for file in (copy, again):
        database.remove(file)
    return Tally(runs=1, lost=lost, broken=tuple(broken))


ROWS = (
    Row(
        id="F26",
        fault="a backup under load, restored",
        do=backed_up,
        runs={Profile.SMOKE: 2, Profile.CI: 5, Profile.RELEASE: 200},
        apart=True,
    ),
)
