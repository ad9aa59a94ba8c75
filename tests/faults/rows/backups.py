"""F26: backups made while readings are stored, scored and merged, restored elsewhere; one of them of a million rows."""

import threading
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from tests.faults import ward
from tests.faults.matrix import Profile, Row, Tally, Trial, added
from tests.integration.broker import wait_until
from vwmon.duty import Staffing
from vwmon.patients import plans
from vwmon.provenance import Provenance
from vwmon.scorer import Scorer
from vwmon.store import anchors, backup, database, outbox
from vwmon.store.log import LogWriter, merge
from vwmon.store.sqlite import Connection
from vwmon.store.verify import counts, verify

BATCH, TAIL = 50, 200  # messages at a time, of which the last never comes; readings that wait for their merging
A_RUN = 20_000  # messages at most
SHARE = ward.PATIENTS // ward.FEW_PATIENTS  # as many minutes more for as many messages
ILL_S, MEANWHILE_S = 60, 30
MANY, ROWS_AT_ONCE, RESTORED_S = 20, 1_000_000, 60
# What only ever grows: what is merged moves from the log, and is counted with it.
HELD = {
    "stays": "select count(*) from stay",
    "readings": "select (select count(*) from reading_log) + (select count(*) from reading)",
    "merged readings": "select count(*) from reading",
    "gaps": "select count(*) from sequence_gap",
    "scores": "select count(*) from score",
    "alerts": "select count(*) from alert where lane = 'clinical'",
    "events of alerts": "select count(*) from alert_event",
    "messages to people": "select count(*) from notification",
}
# A million rows that are merged and scored, each a second after the one before, of the device that has any.
MORE_ROWS = """insert into reading (day, seq, device_no, vital_no, observed_ms, value, marks, received_ms, recorded_ms,
        unit)
    with recursive row (n) as (select 1 union all select n + 1 from row where n < ?)
    select (observed_ms + n * 1000) / 86400000, seq + n, device_no, vital_no, observed_ms + n * 1000, value, marks,
        received_ms + n * 1000, recorded_ms + n * 1000, unit
    from row, (select * from reading order by seq desc limit 1)"""
MORE_TOLD = (
    "update log set last_seq = last_seq + ?1, merged_seq = merged_seq + ?1",
    "update scorer set cursor = cursor + ?",
)


def backed_up(trial: Trial) -> Tally:
    """Make a backup while messages are stored, scored and merged, restore it elsewhere, and count what it holds."""
    path, devices = trial.folder / "vwmon.db", ward.brief(trial.seed)
    most = A_RUN * (trial.runs + 1)
    start_ms = ward.start_of(SHARE * most)
    ward.make(path, start_ms, devices)
    traffic = Traffic(path, ward.Load(devices, start_ms, most), start_ms)
    traffic.start()
    tallies: list[Tally] = []
    try:
        traffic.until_ill()
        tallies += [_meanwhile(path, trial.folder / f"copy-{number}.db", traffic) for number in range(trial.runs)]
    except AssertionError as in_vain:
        tallies.append(Tally(runs=0, broken=(str(in_vain),)))
    finally:
        traffic.end()
    tallies.append(Tally(runs=0, broken=traffic.trouble, said=f"{traffic.stored:,} messages meanwhile"))
    if trial.runs >= MANY:
        tallies.append(_large(path, trial.folder / "large.db", ROWS_AT_ONCE))
    return added(tallies)


class Traffic(threading.Thread):
    """Messages that are stored, scored and merged in a thread, until end()."""

    def __init__(self, path: Path, load: ward.Load, start_ms: int) -> None:
        """Name the database, and what is to be stored."""
        super().__init__()
        self.path, self.stored = path, 0
        self.trouble: tuple[str, ...] = ()
        self._load, self._start_ms, self._over = load, start_ms, threading.Event()

    def run(self) -> None:
        """Store and score; what ends it before its time is kept."""
        try:
            with closing(database.open_writer(self.path)) as db:
                self._work(db)
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is told
            self.trouble = (f"the traffic ended: {error!r}",)

    def _work(self, db: Connection) -> None:
        told = Provenance(config_hash="test", plans=plans.load_all(), staffing=Staffing(told=True))
        log, engine = LogWriter(db), Scorer(db, told, self._start_ms)
        outbox.begin(db, self._start_ms)
        while not self._over.is_set():
            *batch, _lost = self._load.more(BATCH)
            now_ms = batch[-1].at_ms
            last = log.append([ward.arrival(one) for one in batch], (), now_ms).last_seq
            self.stored += len(batch)
            while engine.cycle(now_ms):
                pass
            log.merge(last - TAIL, BATCH * 10)

    def until_ill(self) -> None:
        """Wait until somebody has an alert, and there is some of everything else."""
        wait_until(lambda: bool(self.trouble) or all(_held(self.path).values()), "there is some of everything", ILL_S)

    def until_more(self, stored: int) -> None:
        """Wait until more has been stored than that; what has ended by itself stores no more."""
        wait_until(lambda: bool(self.trouble) or self.stored > stored, "more is stored", MEANWHILE_S)

    def end(self) -> None:
        """End it."""
        self._over.set()
        self.join()


def _meanwhile(path: Path, copy: Path, traffic: Traffic) -> Tally:
    before, stored = _held(path), traffic.stored
    tally = _restored(before, path, copy)
    traffic.until_more(stored)
    return replace(tally, said="")


def _restored(before: Mapping[str, int], path: Path, copy: Path) -> Tally:
    """Back a database up and restore it elsewhere, where there has to be what was there before, and some of each."""
    again = copy.with_stem(f"{copy.stem}-again")
    backup.backup(path, copy)
    begun = time.monotonic()
    backup.restore(copy, again, 0)
    took_s = time.monotonic() - begun
    held = _held(again)
    broken = [one.check for one in verify(again) if not one.sound]
    if counts(again) != counts(copy):
        broken.append("the restored database holds something else than its copy")
    broken += [f"no {what} in a copy" for what, count in held.items() if not count]
    if took_s > RESTORED_S:
        broken.append(f"restoring takes more than {RESTORED_S} s")
    for file in (copy, again):
        database.remove(file)
        anchors.beside(file).unlink(missing_ok=True)
    lost = sum(max(0, before[what] - held[what]) for what in before)
    return Tally(runs=1, lost=lost, broken=tuple(broken), said=f"restored in {took_s:.1f} s")


def _large(path: Path, large: Path, rows: int) -> Tally:
    """Restore a ward that has so many rows more."""
    backup.backup(path, large)
    with closing(database.open_writer(large)) as db:
        merge(db, _last_seq(db), _last_seq(db))
        with database.atomic(db):
            for statement in (MORE_ROWS, *MORE_TOLD):
                db.execute(statement, [rows])
    tally = _restored(_held(large), large, large.with_stem("large-copy"))
    return replace(tally, runs=0, said=f"{rows:,} rows {tally.said}")


def _last_seq(db: Connection) -> int:
    return int(db.execute("select last_seq from log").fetchone()[0])


def _held(path: Path) -> Mapping[str, int]:
    with closing(database.open_reader(path)) as db:
        return {what: int(db.execute(sql).fetchone()[0]) for what, sql in HELD.items()}


ROWS = (
    Row(
        id="F26",
        fault="a backup under load, restored",
        do=backed_up,
        runs={Profile.SMOKE: 2, Profile.CI: 5, Profile.RELEASE: 200},
        apart=True,
    ),
)
