"""F23: eight people work the list at once while the daemon stores and scores, and checks and backups are made.

What a person was told is done is on record once, under their name; whoever was too late is told so; and nobody reads
that a database is locked.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from devices.client import Hub
from tests.conftest import ROOT
from tests.faults import ward
from tests.faults.daemon import AS_IT_IS, Flow, running_daemon, settled
from tests.faults.matrix import Profile, Row, Tally, Trial
from tests.integration.broker import LOOPBACK, running_broker, wait_until
from vwmon.store import anchors, backup, database
from vwmon.store.verify import verify

NAMES = ("ahmed", "brown", "clarke", "dunne", "evans", "frost", "grady", "hill")
MOST, RATE, AT_ONCE, WAITING, RECEIPTS = 960_000, 40.0, 200, 100, 10
STARTED_S = 60
BEFORE = 24 * 180  # messages, in which some fall ill
MORE = "[commands]\nallow_as = true\n"
DONE, TOO_LATE = 0, (3, 5, 6)  # gone, someone else's by now, or not this person's to undo
KINDS = {"ack": "acknowledged", "unack": "unacknowledged"}
ACTED = f"select op_id, kind, actor from alert_event where kind in {tuple(KINDS.values())}"  # noqa: S608 -- our own

Act = Mapping[str, Any]


class Person:
    """Somebody at work in a process, with what they say in a file."""

    def __init__(self, folder: Path, name: str, acts: int, seed: int) -> None:
        """Begin."""
        self._said, self._errors = folder / f"{name}.jsonl", folder / f"{name}.log"
        program = [sys.executable, "-m", "tests.faults.person", str(folder / "vwmon.toml"), name, str(acts), str(seed)]
        with self._said.open("wb") as said, self._errors.open("wb") as errors:
            self.process = subprocess.Popen(program, stdout=said, stderr=errors, cwd=ROOT)

    @property
    def acts(self) -> list[Act]:
        """Give what they did."""
        return [json.loads(line) for line in self._said.read_text(encoding="utf-8").splitlines()]

    @property
    def trouble(self) -> str:
        """Give why they could not go on; empty when they could."""
        return self._errors.read_text(encoding="utf-8")[-200:] if self.process.returncode else ""


@contextmanager
def _people(folder: Path, acts: int, seed: int) -> Iterator[Sequence[Person]]:
    people = [Person(folder, name, acts, seed) for name in NAMES]
    try:
        yield people
    finally:
        for one in people:
            one.process.kill()
            one.process.wait()


def worked(trial: Trial, planted: str = AS_IT_IS) -> Tally:
    """Let all of them do so many acts together."""
    folder, devices, start_ms = trial.folder, ward.fleet(trial.seed), ward.start_of(MOST)
    load, path = ward.Load(devices, start_ms, MOST), folder / "vwmon.db"
    ward.undisturbed(path, start_ms, devices, load.more(BEFORE)).close()
    with ExitStack() as running:
        broker = running.enter_context(running_broker(folder, more="set_tcp_nodelay true"))
        daemon = running.enter_context(running_daemon(folder, broker.port, more=MORE, planted=planted))
        spool = folder / "spool"
        hub = running.enter_context(Hub(LOOPBACK, broker.port, ward.WARD, spool, client_id="people", rate=RATE))
        flow = Flow(hub, load, at_once=AT_ONCE, waiting=WAITING)
        wait_until(daemon.connected, "the daemon has its broker", STARTED_S)
        people = running.enter_context(_people(folder, -(-trial.runs // len(NAMES)), trial.seed))
        copies = _beside(people, path, flow)
        broken = settled(flow, daemon)
    acts = [act for one in people for act in one.acts]
    done = [act for act in acts if act["code"] == DONE]
    broken += [one.trouble for one in people if one.trouble]
    broken += [what for act in acts for what in _wrong(act)]
    broken += [finding.check for finding in verify(path) if not finding.sound]
    broken += ["nobody was told that anything is done"] * (not done)
    lost, doubled = _on_record(path, done)
    return Tally(
        runs=len(acts),
        lost=lost + ward.missing(path, load.sent),
        doubled=doubled,
        broken=tuple(dict.fromkeys(broken)),
        said=f"{len(done):,} of {len(acts):,} acts done, the rest too late; {copies} checks and backups meanwhile",
    )


def _beside(people: Sequence[Person], path: Path, flow: Flow) -> int:
    """Check the database and back it up, again and again, while readings flow and people are at work."""
    copies, copy = 0, path.with_name("copy.db")
    while any(one.process.poll() is None for one in people):
        flow.until_receipts(RECEIPTS)
        backup.backup(path, copy)
        database.remove(copy)
        anchors.beside(copy).unlink(missing_ok=True)
        copies += 1
    return copies


def _wrong(act: Act) -> Iterator[str]:
    """Yield what nobody should have read of an act."""
    if "locked" in act["said"]:
        yield "somebody reads that the database is locked"
    if act["code"] not in (DONE, *TOO_LATE):
        yield f"{act['verb']} ends with {act['code']}: {act['said'][-200:]}"


def _on_record(path: Path, done: Sequence[Act]) -> tuple[int, int]:
    """Count what was said to be done and is not on record, and what is on record more often than it was done."""
    with closing(database.open_reader(path)) as db:
        recorded = Counter(db.execute(ACTED).fetchall())
    told = Counter((f"{act['verb']}.{act['key']}.{act['id']}", KINDS[act["verb"]], act["by"]) for act in done)
    return sum((told - recorded).values()), sum((recorded - told).values())


ROWS = (
    Row(
        id="F23",
        fault="eight people at the list at once, with the daemon, checks and backups",
        do=worked,
        runs={Profile.SMOKE: 16, Profile.CI: 400, Profile.RELEASE: 12_000},
    ),
)
