"""How much a whole daemon takes in, against what a bare client counts. Prints JSON on its last line.

Each contestant drains a backlog that was queued while it was away, alone on two cores with mosquitto, with the
same messages of the same devices: first the bare stock paho subscriber, then Telegraf's pattern, then `vwmon run`.
A daemon's reading counts when the scorer's cursor has passed it: stored, scored and alerted, in one database.
Latency is from the device's send() until another process, polling each millisecond, sees the alert committed, at
200 messages a second of which every tenth must alert a stay that had none. The contests are run in rounds, each
contestant after the other, so that a machine that slows down slows all; the figures are medians of the rounds.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ingest_load import WELL, Load, Publisher, message, preload
from ingest_rig import Daemon, Look, broker, make_ward

from vwmon.clock import Clock
from vwmon.durations import HOUR_MS
from vwmon.store import database

CORES = 2
RATE, ALERT_EVERY, POLL_S = 200, 10, 0.001
SETTLED_SHARE = 0.2  # by then the log has been merged and the windows trimmed a few times
LATE_ALERTS_S = 30.0
NEW_ALERTS = """select alert.alert_no, device.device from alert join assignment using (stay_no) join device
    using (device_no) where alert.alert_no > ? and alert.lane = 'clinical'"""
RATIOS = ("vs_stock_paho", "six_vs_stock_paho", "vs_telegraf_pattern", "cpu_vs_stock_paho")
ROUNDED_FROM = 1000
ALERTING: dict[str, tuple[float, float]] = dict.fromkeys(WELL, (26, 26))


Spent = Mapping[str, float]
Round = dict[str, float]


def main() -> None:
    """Run every contest in rounds, say the figures, and print the line."""
    asked = arguments()
    cores = sorted(os.sched_getaffinity(0))[:CORES]
    os.sched_setaffinity(0, cores)
    now_ms = Clock().now_ms()

    def load(messages: int, readings: int = 1) -> Load:
        return Load(devices=asked.devices, messages=messages, readings=readings, end_ms=now_ms)

    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        folder = Path(name)
        make_ward(folder / "ward.db", load(0).names(), load(asked.messages).begin_ms() - HOUR_MS)
        rounds = [
            one_round(
                stock=peer("stock", folder, load(asked.peer_messages)),
                telegraf=peer("telegraf", folder, load(max(1000, asked.peer_messages // 10))),
                single=drained(folder, load(asked.messages)),
                six=drained(folder, load(asked.messages // 5, readings=6)),
            )
            for _ in range(asked.rounds)
        ]
        waits_ms = latencies(folder, load(0), asked.seconds)
    sizes = {"messages": asked.messages, "peer_messages": asked.peer_messages, "devices": asked.devices}
    print(json.dumps(result(rounds, waits_ms) | sizes | {"rounds": asked.rounds, "cores": len(cores)}))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000, help="the daemon's backlog")
    parser.add_argument("--peer-messages", type=int, default=0, help="the stock peer's; a fifth of the daemon's")
    parser.add_argument("--devices", type=int, default=5000)
    parser.add_argument("--seconds", type=int, default=30, help="how long latency is measured")
    parser.add_argument("--rounds", type=int, default=3, help="how often each contest is run")
    parser.add_argument("--folder", type=Path, default=None, help="where databases are made")
    asked = parser.parse_args()
    asked.peer_messages = asked.peer_messages or max(1000, asked.messages // 5)
    return asked


def peer(name: str, folder: Path, load: Load) -> Spent:
    """Have a peer drain a backlog; give its seconds, CPU seconds and messages."""
    script = str(Path(__file__).with_name("ingest_peers.py"))
    (folder / "telegraf.db").unlink(missing_ok=True)
    with broker(folder) as port:
        command = [sys.executable, script, name, str(port)]
        subprocess.run([*command, "0", str(folder)], check=True)
        preload("127.0.0.1", port, load)
        done = subprocess.run([*command, str(load.messages), str(folder)], check=True, stdout=subprocess.PIPE)
    spent: Spent = json.loads(done.stdout)
    say(f"{name}: {spent['messages'] / spent['seconds']:,.0f} messages/s", spent["cpu_seconds"], spent["messages"])
    return spent


def say(text: str, cpu_seconds: float, count: float) -> None:
    """Print a figure with its CPU time."""
    print(f"{text}, {cpu_seconds / count * 1e6:.1f} CPU seconds per million, of {count:,.0f}", flush=True)


@contextmanager
def daemon(folder: Path, name: str) -> Iterator[tuple[int, Daemon]]:
    """Run a broker, and give its port and a daemon that has subscribed to it and runs."""
    own = folder / name
    own.mkdir()
    with broker(own) as port:
        one = Daemon(own, port, folder / "ward.db")
        try:
            one.start()
            one.wait_until_ready()
            yield port, one
        finally:
            one.kill()
    shutil.rmtree(own)


def drained(folder: Path, load: Load) -> list[Look]:
    """Have the daemon drain a backlog that came while it was away; give how it went."""
    with daemon(folder, f"drain-{load.readings}") as (port, one):
        one.stop()
        preload("127.0.0.1", port, load)
        one.start()
        looks = one.drain(load.messages * load.readings)
        say_alerts(one)
    first, last = looks[0], looks[-1]
    count, seconds = last.cursor - first.cursor, last.at_s - first.at_s
    say(f"vwmon run, {load.readings} a message: {count / seconds:,.0f} readings/s", last.cpu_s - first.cpu_s, count)
    return looks


def say_alerts(one: Daemon) -> None:
    """Print how many alerts a run raised, so that nobody takes a daemon that does nothing for a fast one."""
    (alerts,) = one.reader.execute("select count(*) from alert").fetchone()
    (scores,) = one.reader.execute("select count(*) from score").fetchone()
    print(f"  {alerts:,} alerts, {scores:,} scores stored")


def latencies(folder: Path, load: Load, seconds: int) -> list[float]:
    """Publish at a steady rate, and give for each alert the milliseconds from its message to its commit."""
    sent_at: dict[str, float] = {}
    seen_at: dict[str, float] = {}
    over = threading.Event()
    with daemon(folder, "latency") as (port, one):
        watcher = threading.Thread(target=watch, args=(one.path, seen_at, over))
        watcher.start()
        wanted = pace(port, load, seconds, sent_at)
        end = time.monotonic() + LATE_ALERTS_S
        while not wanted <= seen_at.keys() and time.monotonic() < end:
            time.sleep(POLL_S)
        over.set()
        watcher.join()
    if missed := wanted - seen_at.keys():
        raise SystemExit(f"{len(missed)} of {len(wanted)} alerts did not come")
    return [(seen_at[name] - sent_at[name]) * 1000 for name in wanted]


def pace(port: int, load: Load, seconds: int, sent_at: dict[str, float]) -> set[str]:
    """Publish one message every five milliseconds; give the devices whose message must alert."""
    import random

    publisher, dice, clock, names = Publisher("127.0.0.1", port), random.Random(1), Clock(), load.names()
    vitals, wanted = list(WELL), set[str]()
    begun = time.monotonic()
    for number in range(RATE * seconds):
        must = number % ALERT_EVERY == 0
        name = names[number % len(names)]
        must = must and name not in sent_at
        said = ["respiratory_rate"] if must else [vitals[number % len(vitals)]]
        payload = message(number, clock.now_ms(), said, ALERTING if must else WELL, dice)
        time.sleep(max(0.0, begun + number / RATE - time.monotonic()))
        sent_at.setdefault(name, time.monotonic())
        publisher.send([(name, payload)])
        if must:
            wanted.add(name)
    publisher.settle()
    publisher.close()
    return wanted


def watch(path: Path, seen_at: dict[str, float], over: threading.Event) -> None:
    """Note when each alert is first seen in the database."""
    db, last = database.open_reader(path), 0
    while not over.wait(POLL_S):
        for alert_no, device in db.execute(NEW_ALERTS, [last]).fetchall():
            last = max(last, alert_no)
            seen_at.setdefault(device, time.monotonic())
    db.close()


def one_round(*, stock: Spent, telegraf: Spent, single: list[Look], six: list[Look]) -> Round:
    """Put the figures of contestants who ran one after the other into ratios."""
    stock_rate, telegraf_rate = stock["messages"] / stock["seconds"], telegraf["messages"] / telegraf["seconds"]
    stock_cpu_us = stock["cpu_seconds"] / stock["messages"] * 1e6
    settled = next(look for look in single if look.cursor >= single[-1].cursor * SETTLED_SHARE)
    peak = max(look.rss_bytes for look in single if look.cursor >= settled.cursor)
    return {
        "vs_stock_paho": rate(single) / stock_rate,
        "six_vs_stock_paho": rate(six) / stock_rate,
        "vs_telegraf_pattern": rate(single) / telegraf_rate,
        "cpu_vs_stock_paho": cpu_us(single) / stock_cpu_us,
        "backlog_rss_growth": peak / settled.rss_bytes - 1,
        "stock_paho_messages_s": stock_rate,
        "telegraf_pattern_messages_s": telegraf_rate,
        "readings_s": rate(single),
        "six_readings_s": rate(six),
        "stock_paho_cpu_s_per_million": stock_cpu_us,
        "cpu_s_per_million": cpu_us(single),
        "six_cpu_s_per_million_readings": cpu_us(six),
        "rss_mb": single[-1].rss_bytes / 1e6,
    }


def result(rounds: list[Round], waits_ms: list[float]) -> dict[str, float]:
    """Give the median of each figure over the rounds, and beside the ratios their lowest and highest."""
    cuts = statistics.quantiles(waits_ms, n=100, method="inclusive")
    line = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
    for name in RATIOS:
        line |= {f"{name}_low": min(each[name] for each in rounds), f"{name}_high": max(each[name] for each in rounds)}
    line |= {"p50_ms": cuts[49], "p99_ms": cuts[98], "alerts_timed": len(waits_ms)}
    return {name: round(value, 0 if value > ROUNDED_FROM else 3) for name, value in line.items()}


def rate(looks: list[Look]) -> float:
    """Readings a second."""
    return (looks[-1].cursor - looks[0].cursor) / (looks[-1].at_s - looks[0].at_s)


def cpu_us(looks: list[Look]) -> float:
    """Microseconds of CPU time a reading, in all threads."""
    return (looks[-1].cpu_s - looks[0].cpu_s) / (looks[-1].cursor - looks[0].cursor) * 1e6


if __name__ == "__main__":
    main()
