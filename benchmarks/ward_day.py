"""A day of a whole ward of people at home, and how its cost grows. Prints JSON on its last line.

Wards of a quarter of --patients, of --patients, and of four times as many, with the shares of docs/simulator.md, one
after the other: a real mosquitto, `vwmon run` as a process on a database of its own, and `vwmon alerts` asked every
few seconds as somebody at the work list does, all on two cores.

What is modelled. The devices' day is made ahead into a file and shifted so that it ends now. All but its last hours are
published as fast as the daemon takes them, with two readings for each stay on their way, some five minutes of the day
whatever the ward's size, as if every device were that much behind; the last --paced hours, with the round of eight in
the evening in them, in their own time at --speed, so that the last reading is measured and sent now. The daemon runs on
the machine's clock, for which a stay that is silent counts from when it was registered, just before: nobody falls
overdue for the hours before the run, and those who never send are taken to be phoned. Everyone is on the pathway
`general`, which asks for all of NEWS2, so that who wears a patch or measures in the morning alone falls overdue in the
rest when the log is scored to its end: a noisy ward. One message in 500 is sent twice.

What is measured. CPU time of the daemon's process, all threads, from when it is subscribed until the last reading is
scored, by the readings published: nothing of the devices, the broker or the lists is in it, and what else the machine
does hardly is. Lag is from before a message is given to the broker until another process, which looks every 20 ms,
sees the scorer's cursor past it, in the paced part. Memory per stay is what the daemon's peak grows by from the
smallest ward to the largest, by the stays between. `growth` is the CPU time per reading of the largest ward over that
of the smallest, in the part published flat out: paced, a small ward's readings cost more each, because every commit has
few of them, and `growth_paced` and `growth_day` are below 1 for that. Messages of one stay that are scored together
cost less each, which is why the wards are the same time behind: with the same number of readings on their way, a small
ward has sixteen times as many of each stay in a batch, and growth would be measured that is not there in life. In life
the log is merged by the clock; flat out it is in portions (vwmon.merging), of which the smallest ward does not have one
in a few hours, so that only a day of all its hours charges each ward for its merges: over four, some 4 CPU seconds per
million readings are counted for the largest ward alone.
`idle_share` is the CPU time that watching costs a second when nothing comes: what grows with the stays and not with the
readings is all of it.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

import ward_day_load as load
from ingest import CORES
from ingest_load import Publisher
from ingest_rig import Daemon, Look, broker, make_ward, wait_for
from ward_day_load import ENDS_MS, Sample, Sent

from vwmon.clock import Clock
from vwmon.durations import HOUR_MS
from vwmon.store import database

TIMES = 4  # between two wards
ON_THEIR_WAY = 2  # readings for each stay that are published and not scored yet: some minutes of the day
LOOK_S, LIST_S = 0.02, 5.0
# What is accounted for without counting the readings, an attempt being refused too; and the count, once, at the end.
ACCOUNT = """select (select last_seq from log), (select count(*) from attempt),
    (select count(*) from quarantine where vital is not null)"""
STORED = "select (select count(*) from reading) + (select count(*) from reading_log)"
SEQS = """with asked (place, device_no, at_ms) as materialized (
        select key, device_no, cast(value ->> 1 as integer) from json_each(?) join device on device = value ->> 0)
    select place, max(seq) from (
        select place, seq from asked cross join reading using (device_no)
            where day = at_ms / 86400000 and observed_ms = at_ms
        union all select place, seq from reading_log join asked using (device_no) where observed_ms = at_ms)
    group by place"""

Figures = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of a day: what was published, and the looks at the daemon before it and after it was scored."""

    sent: Sent
    before: Look
    after: Look

    @property
    def cpu_s(self) -> float:
        """Give the daemon's CPU time."""
        return self.after.cpu_s - self.before.cpu_s

    @property
    def seconds(self) -> float:
        """Give how long it took."""
        return self.after.at_s - self.before.at_s


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One work list: how long it took, its CPU time, its exit code, and how many alerts were on it."""

    seconds: float
    cpu_s: float
    code: int
    alerts: int


def main() -> None:
    """Make the day, run each ward, say the figures, and print the line."""
    asked = arguments()
    cores = sorted(os.sched_getaffinity(0))[:CORES]
    os.sched_setaffinity(0, cores)
    sizes = [max(1, asked.patients // TIMES), asked.patients, asked.patients * TIMES]
    wards = []
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        folder = Path(name)
        day = (asked.keep or folder) / f"day-{sizes[-1]}-{asked.hours:g}h.tsv"
        load.make(day, sizes[-1], asked.hours)
        for patients in sizes:
            wards.append(one_ward(folder / f"{patients}", day, patients, asked))
            print(json.dumps(wards[-1]), flush=True)
    run = {"hours": asked.hours, "paced_hours": asked.paced, "speed": asked.speed, "cores": len(cores)}
    print(json.dumps(result(*wards) | run))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, default=6000, help="the middle of three wards")
    parser.add_argument("--hours", type=float, default=24.0, help="how long the day is")
    parser.add_argument("--paced", type=float, default=2.0, help="its last hours, published in their time")
    parser.add_argument("--speed", type=float, default=60.0, help="how fast that time runs")
    parser.add_argument("--idle", type=float, default=15.0, help="seconds for which nothing is sent afterwards")
    parser.add_argument("--folder", type=Path, default=None, help="where databases are made")
    parser.add_argument("--keep", type=Path, default=None, help="make the day in this folder, or use the one there")
    asked = parser.parse_args()
    asked.paced = min(asked.paced, asked.hours / 2)
    return asked


def result(small: Figures, middle: Figures, large: Figures) -> Figures:
    """Put the figures of three wards together: how they grow, the middle one's, and what all came to."""
    grown = {
        "growth" + part: round(large[cost] / small[cost], 3)
        for part, cost in (
            ("", "flat_out_cpu_s_per_million"),
            ("_paced", "paced_cpu_s_per_million"),
            ("_day", "cpu_s_per_million"),
        )
    }
    memory = (large["peak_mb"] - small["peak_mb"]) * 1e6 / (large["patients"] - small["patients"])
    of_the_middle = ("patients", "cpu_s_per_million", "lag_p50_s", "lag_p99_s", "work_list_ms", "times_real_time")
    account = ("published", "stored", "quarantined", "duplicates")
    return (
        grown
        | {"bytes_per_stay": round(memory)}
        | {name: middle[name] for name in of_the_middle}
        | {name: sum(ward[name] for ward in (small, middle, large)) for name in account}
    )


def one_ward(own: Path, day: Path, patients: int, asked: argparse.Namespace) -> Figures:
    """Run one ward's day; give its figures."""
    (own / "run").mkdir(parents=True)
    now_ms, from_ms = Clock().now_ms(), ENDS_MS - round(asked.paced * HOUR_MS)
    admitted_ms = now_ms - round((asked.hours + 1) * HOUR_MS)
    make_ward(own / "ward.db", list(load.fleet(patients).devices()), admitted_ms, now_ms)
    with broker(own) as port, closing(Publisher("127.0.0.1", port)) as publisher, daemon(own, port) as one:
        with looked_at(one) as looks, asked_for(one.path) as lists:
            first = flat_out(one, publisher, load.read(day, patients, 0, from_ms), asked, patients)
            last = paced(one, publisher, list(load.read(day, patients, from_ms, ENDS_MS)), asked, first)
        figures = {
            "patients": patients,
            **costs(first, last),
            **lags(one, last.sent.samples, looks),
            "ready_mb": round(first.before.rss_bytes / 1e6, 1),
            "peak_mb": round(max(look.rss_bytes for look in looks) / 1e6, 1),
            "idle_share": idle(one, asked.idle),
            "times_real_time": round((asked.hours - asked.paced) * 3600 / first.seconds),
            **lists,
            **reconciled(one, first, last),
        }
        one.stop()
    return figures


@contextmanager
def daemon(own: Path, port: int) -> Iterator[Daemon]:
    """Run the daemon on a ward; it is subscribed when it is given."""
    one = Daemon(own / "run", port, own / "ward.db")
    try:
        one.start()
        one.wait_until_ready()
        yield one
    finally:
        one.kill()


def flat_out(
    one: Daemon, publisher: Publisher, messages: Iterator[load.Kept], asked: argparse.Namespace, patients: int
) -> Part:
    """Publish as fast as the daemon scores; the day ends when the paced part would, if this took no time."""
    before, sent = one.look(), Sent()
    ends_ms = Clock().now_ms() + round(asked.paced * HOUR_MS / asked.speed)

    def room() -> None:
        scored = sent.new - ON_THEIR_WAY * patients
        wait_for(lambda: one.alive() and one.look().cursor >= scored, "the daemon keeps up")

    load.publish_all(messages, publisher, ends_ms - ENDS_MS, room, sent)
    wait_until_scored(one, sent.new)
    return Part(sent=sent, before=before, after=one.look())


def paced(one: Daemon, publisher: Publisher, messages: list[load.Kept], asked: argparse.Namespace, first: Part) -> Part:
    """Publish the last hours in their own time, ending now."""
    before, from_ms = one.look(), ENDS_MS - round(asked.paced * HOUR_MS)
    ends_ms = Clock().now_ms() + round(asked.paced * HOUR_MS / asked.speed)
    sent = load.publish_paced(messages, publisher, ends_ms - ENDS_MS, from_ms, asked.speed)
    wait_until_scored(one, first.sent.new + sent.new)
    return Part(sent=sent, before=before, after=one.look())


def wait_until_scored(one: Daemon, readings: int) -> None:
    """Wait until so many readings are stored or in quarantine, and all that is stored is scored."""

    def scored() -> bool:
        one.alive()
        last_seq, tried, refused = one.reader.execute(ACCOUNT).fetchone()
        return bool(last_seq - tried + refused >= readings and one.look().cursor >= last_seq)

    wait_for(scored, f"{readings} readings are accounted for")


def costs(first: Part, last: Part) -> Figures:
    """Give the CPU time per million readings, of the whole day and of its parts, and how many a second there were."""
    if not first.sent.new or not last.sent.new:
        raise SystemExit("nobody sent anything in a part of the day; take more patients or more hours")
    cpu_us = (first.cpu_s + last.cpu_s) / (first.sent.readings + last.sent.readings) * 1e6
    return {
        "cpu_s_per_million": round(cpu_us, 2),
        "flat_out_cpu_s_per_million": round(first.cpu_s / first.sent.readings * 1e6, 2),
        "paced_cpu_s_per_million": round(last.cpu_s / last.sent.readings * 1e6, 2),
        "flat_out_readings_s": round(first.sent.readings / first.seconds),
        "paced_readings_s": round(last.sent.readings / last.seconds),
    }


def lags(one: Daemon, samples: list[Sample], looks: list[Look]) -> Figures:
    """Give how long the timed messages took until they were scored, but for those of which nothing was stored."""
    asked = json.dumps([(sample.device, sample.observed_ms) for sample in samples])
    # The cursor only rises: the first look that saw it at or past a message is found by halves.
    found = [
        (samples[place], bisect_left(looks, seq, key=attrgetter("cursor")))
        for place, seq in one.reader.execute(SEQS, [asked])
    ]
    waits = [looks[at].at_s - sample.sent_s for sample, at in found]
    cuts = statistics.quantiles(waits, n=100, method="inclusive")
    named = {"lag_p50_s": cuts[49], "lag_p99_s": cuts[98], "lag_max_s": max(waits)}
    return {name: round(figure, 3) for name, figure in named.items()} | {"timed": len(waits)}


def idle(one: Daemon, seconds: float) -> float:
    """Give the CPU time of a second in which nothing comes."""
    before = one.look()
    time.sleep(seconds)
    after = one.look()
    return round((after.cpu_s - before.cpu_s) / (after.at_s - before.at_s), 4)


def reconciled(one: Daemon, *parts: Part) -> Figures:
    """Give what became of what was published; SystemExit when that is not all of it."""
    sent = [part.sent for part in parts]
    published, repeated = sum(each.readings for each in sent), sum(each.repeated for each in sent)
    (stored,), (_, _, refused) = one.reader.execute(STORED).fetchone(), one.reader.execute(ACCOUNT).fetchone()
    if published != stored + refused + repeated:
        raise SystemExit(f"of {published} readings {stored} are stored and {refused} refused; {repeated} were repeats")
    return {"published": published, "stored": stored, "quarantined": refused, "duplicates": repeated}


@contextmanager
def looked_at(one: Daemon) -> Iterator[list[Look]]:
    """Look at the daemon every so often, and keep the looks."""
    looks: list[Look] = []

    def look(over: threading.Event) -> None:
        with closing(database.open_reader(one.path)) as db:
            while not over.is_set():
                looks.append(one.look(db))
                over.wait(LOOK_S)
            looks.append(one.look(db))

    with beside(look):
        yield looks


@contextmanager
def asked_for(path: Path) -> Iterator[Figures]:
    """Ask for the work list every so often; when it is over, the figures tell how it went."""
    figures: Figures = {}
    answers: list[Answer] = []

    def ask(over: threading.Event) -> None:
        while not over.is_set():
            answers.append(answer(path))
            over.wait(LIST_S)

    with beside(ask):
        yield figures
    figures |= {
        "work_list_ms": round(statistics.median(one.seconds for one in answers) * 1000),
        "work_list_cpu_ms": round(statistics.median(one.cpu_s for one in answers) * 1000),
        "work_list_max_ms": round(max(one.seconds for one in answers) * 1000),
        "work_lists": len(answers),
        "work_lists_not_0": sum(one.code != 0 for one in answers),
        "alerts_listed": answers[-1].alerts,
    }


def answer(path: Path) -> Answer:
    """Ask for the work list."""
    begun, before_s = time.monotonic(), _children_s()
    command = [sys.executable, "-m", "vwmon", "alerts", "--json", "--db", str(path)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    return Answer(
        seconds=time.monotonic() - begun,
        cpu_s=_children_s() - before_s,
        code=done.returncode,
        alerts=len(json.loads(done.stdout or b"[]")),
    )


def _children_s() -> float:
    """Give the CPU time of the processes that have ended: here of lists alone, while the ward's run."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


@contextmanager
def beside(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Do some work on a thread of its own, until it is over."""
    over = threading.Event()
    thread = threading.Thread(target=work, args=(over,))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


if __name__ == "__main__":
    main()
