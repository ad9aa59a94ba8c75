"""F24, F26: a migration that is killed at each statement, and backups made under load."""

import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

from tests.faults import ward
from tests.faults.matrix import Profile, Row, Tally, Trial, added
from vwmon.store import backup, database
from vwmon.store.log import LogWriter
from vwmon.store.sqlite import module
from vwmon.store.verify import counts, verify

SCHEMAS = Path(__file__).parents[2] / "db"
KILLED_AT = """
import os, signal, sys
from pathlib import Path
from vwmon.store import database, schema
from alerts import schema as alerts_schema

left = int(sys.argv[2])

def counted(run):
    def one_by_one(db, *statements):
        global left
        for statement in statements:
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
            run(db, statement)
    return one_by_one

schema._run, alerts_schema._run = counted(schema._run), counted(alerts_schema._run)
database.migrate(Path(sys.argv[1]))
"""


def migrated(trial: Trial) -> Tally:
    """Kill the migration of an old database at its n-th statement, for every n; then it is as before, or goes on."""
    tallies, place = [], 0
    while True:
        path = trial.folder / f"old-{place}.db"
        _old(path)
        before = path.read_bytes()
        ended = subprocess.run(
            [sys.executable, "-c", KILLED_AT, str(path), str(place)], capture_output=True, text=True, check=False
        )
        tallies.append(_goes_on(path, before, place))
        place += max(1, 60 // trial.runs)
        if ended.returncode == 0:
            return added(tallies)


def _old(path: Path) -> None:
    with closing(module.connect(path)) as db:
        db.executescript((SCHEMAS / "schema_v1.sql").read_text(encoding="utf-8"))
        db.execute(f"pragma application_id = {database.APPLICATION_ID}")
        rows = [("vwmon", name) for name in OLD_STEPS] + [("alerts", "m001_work_list")]
        db.executemany("insert into _sqlite_migrations (migration_set, name, applied_at) values (?, ?, '')", rows)
        for table, values in {"register_version": "1, 0", "log": "1, 0, 0, 0", "scorer": "1, 0"}.items():
            db.execute(f"insert into {table} values ({values})")  # noqa: S608 -- our own
        db.execute("insert into device (device, added_ms, registered) values ('hub-1', 0, 1)")
        db.commit()


OLD_STEPS = ("m001_registers", "m002_log", "m003_what_went_wrong", "m004_scores")


def _goes_on(path: Path, before: bytes, place: int) -> Tally:
    copies = sorted(path.parent.glob(f"{path.name}.before-*"))
    database.migrate(path)
    with closing(database.open_reader(path)) as db:
        kept = db.execute("select count(*) from device").fetchone() == (1,)
    broken = [f"statement {place}: {one.check}" for one in verify(path) if not one.sound]
    if path.read_bytes() != before and not (copies or sorted(path.parent.glob(f"{path.name}.before-*"))):
        broken.append(f"statement {place}: changed without a copy of before")
    return Tally(runs=1, lost=0 if kept else 1, broken=tuple(broken))


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


def _runs(ci: int, release: int) -> dict[Profile, int]:
    return {Profile.SMOKE: 2, Profile.CI: ci, Profile.RELEASE: release}


ROWS = (
    Row(id="F24", fault="a migration killed at each statement", do=migrated, runs=_runs(60, 60)),
    Row(id="F26", fault="a backup under load, restored", do=backed_up, runs=_runs(5, 200), apart=True),
)
