"""F13: the lines between devices, broker and daemon are reset, half open, held up, slow and choppy while readings flow.

Every line is a proxy of one's own. Whatever happens to it, what has a receipt is stored once, and an end that gets no
answer any more notices it within one and a half times the keepalive that it promised its broker.

A spell is a ward of its own in which each line is ruined in each way, and both are half open in the end. The keepalive
is short, so that a line that is held up can be silent for longer; in the last spell of many it is the real one.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from threading import Event
from unittest.mock import patch

from devices import connection
from devices.client import Hub
from tests.faults import ward
from tests.faults.daemon import AS_IT_IS, Flow, running_daemon, settled
from tests.faults.line import Line, running_line
from tests.faults.matrix import Profile, Row, Tally, Trial, added
from tests.integration.broker import LOOPBACK, running_broker, wait_until
from vwmon.intake import link
from vwmon.store import database

MOST = 24_000
AT_ONCE, WAITING = 400, 200
BETWEEN = (20, 120)  # receipts between two faults
ILL_H = 0.05  # hours until people begin to fall ill: of the first 400 messages some already raise alerts
SLOW_BYTES_PER_S = 1_000  # 8 kbit/s
NOTICED = 1.5  # keepalives
REAL_FROM = 20  # runs: with fewer, no real keepalive, so that nobody waits for it to see that the row works
SHORT_S = 4
AGAIN_S = 30
SPARE_S = 1.5  # a client looks about it once a second, and then calls
KEEPALIVE = "from vwmon.intake import session; session.KEEPALIVE_S = {seconds}"
BOTH = ("daemon", "devices")


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One way in which a line is bad: for how many seconds, and whether readings still have to come through."""

    ruin: Callable[[Line], None]
    mend: Callable[[Line], None] = lambda _line: None
    lasts_s: tuple[float, float] = (0.0, 0.0)
    passes: bool = False


KINDS: Mapping[str, Kind] = {
    "choppy": Kind(ruin=lambda line: line.choppy(on=True), mend=lambda line: line.choppy(on=False), passes=True),
    "reset": Kind(ruin=Line.reset),
    "held up": Kind(ruin=Line.hold, mend=Line.release, lasts_s=(0.2, 2.0 * SHORT_S)),
    "slow": Kind(ruin=lambda line: line.slow(SLOW_BYTES_PER_S), mend=lambda line: line.slow(None), lasts_s=(1.0, 2.0)),
}


WAYS = [(kind, who) for kind in KINDS for who in BOTH]
A_SPELL = 2 * len(WAYS) + len(BOTH)  # runs: each way twice, then both lines half open


@dataclass(frozen=True, kw_only=True)
class Spell:
    """Some runs in a ward of their own, whose clients promise their broker a word every `keepalive_s`."""

    trial: Trial
    keepalive_s: float


@dataclass(frozen=True, kw_only=True)
class _Ward:
    """A ward at work: its lines by whom they belong to, what flows over them, and what has been counted."""

    lines: Mapping[str, Line]
    flow: Flow
    keepalive_s: float
    counted: Counter[str]


def disturbed(trial: Trial, planted: str = AS_IT_IS) -> Tally:
    """Ruin lines in one spell after the other, until something does not hold."""
    tallies, counted = list[Tally](), Counter[str]()
    for spell in spells(trial):
        spell.trial.folder.mkdir()
        tallies.append(_suffered(spell, counted, planted))
        if not tallies[-1].clean:
            break
    return replace(added(tallies), said=", ".join(f"{count:,} {what}" for what, count in counted.items()))


def spells(trial: Trial) -> Sequence[Spell]:
    """Share the runs out; the last two of many are half open lines under the real keepalive."""
    real = len(BOTH) if trial.runs >= REAL_FROM else 0
    left = trial.runs - real
    sizes = [min(A_SPELL, left - first) for first in range(0, left, A_SPELL)]
    every = [(size, SHORT_S) for size in sizes] + [(real, link.KEEPALIVE_S)] * bool(real)
    return [
        Spell(
            trial=Trial(folder=trial.folder / f"spell-{number}", runs=runs, seed=trial.seed + number),
            keepalive_s=seconds,
        )
        for number, (runs, seconds) in enumerate(every)
    ]


def _suffered(spell: Spell, counted: Counter[str], planted: str) -> Tally:
    """Ruin the lines of a ward one after the other while readings flow; compare with an undisturbed run."""
    folder, seed = spell.trial.folder, spell.trial.seed
    devices, start_ms = replace(ward.fleet(seed), onset_hours=ILL_H), ward.start_of(MOST)
    load, path = ward.Load(devices, start_ms, MOST), folder / "vwmon.db"
    ward.make(path, start_ms, devices)
    with ExitStack() as running:
        running.enter_context(patch.object(connection, "KEEPALIVE_S", spell.keepalive_s))
        broker = running.enter_context(running_broker(folder, more="set_tcp_nodelay true"))
        lines = {who: running.enter_context(running_line(broker.port, seed)) for who in BOTH}
        promised = f"{KEEPALIVE.format(seconds=spell.keepalive_s)}\n{planted}"
        daemon = running.enter_context(running_daemon(folder, lines["daemon"].port, planted=promised))
        hub = running.enter_context(_hub(lines["devices"].port, folder / "spool"))
        flow = Flow(hub, load, at_once=AT_ONCE, waiting=WAITING)
        one = _Ward(lines=lines, flow=flow, keepalive_s=spell.keepalive_s, counted=counted)
        broken = [*_ruin_each(one, spell.trial), *settled(flow, daemon)]
    counted["messages"] += len(load.sent)
    tally = ward.compared_live(path, start_ms, devices, load.sent, spell.trial.runs)
    return replace(tally, broken=(*broken, *tally.broken, *_nobody_ill(path)))


def _nobody_ill(path: Path) -> Sequence[str]:
    """Name a ward that says nothing of alerts, however few its messages are."""
    with closing(database.open_reader(path)) as db:
        return [ward.NOBODY_ILL] if db.execute(ward.RAISED).fetchone() == (0,) else []


def _hub(port: int, spool: Path) -> Hub:
    return Hub(LOOPBACK, port, ward.WARD, spool, client_id="lines", resend_after=1.0)


def _ruin_each(one: _Ward, trial: Trial) -> list[str]:
    """Ruin a line so many times, both being half open the last two."""
    chance, broken = Random(trial.seed), list[str]()
    one.flow.until_receipts(BETWEEN[0])
    for number in range(max(0, trial.runs - len(BOTH))):
        broken += _ruined(one, *WAYS[number % len(WAYS)], chance)
        if broken:
            return broken
    return [*broken, *_half_open(one)]


def _ruined(one: _Ward, name: str, who: str, chance: Random) -> Sequence[str]:
    kind, line, lasts_s = KINDS[name], one.lines[who], chance.uniform(*KINDS[name].lasts_s)
    kind.ruin(line)
    broken = _goes_on(one, f"while {name}, {who}", chance.randint(*BETWEEN)) if kind.passes else ()
    Event().wait(lasts_s)
    kind.mend(line)
    if lasts_s > one.keepalive_s:
        one.counted[f"times {name} for longer than the keepalive"] += 1
    return [*broken, *_goes_on(one, f"after {name}, {who}", chance.randint(*BETWEEN))]


def _goes_on(one: _Ward, what: str, count: int) -> Sequence[str]:
    try:
        one.flow.until_receipts(count, AGAIN_S)
    except AssertionError:
        return [f"{what}: nothing is receipted for {AGAIN_S} s"]
    return []


def _half_open(one: _Ward) -> Sequence[str]:
    """Let what is at the far end of both lines vanish at once; tell who has not called again in time."""
    before = {who: line.calls for who, line in one.lines.items()}
    for line in one.lines.values():
        line.half_open()
    within_s = NOTICED * one.keepalive_s + SPARE_S
    until = time.monotonic() + within_s
    broken = []
    for who, line in one.lines.items():
        try:
            wait_until(lambda line=line, who=who: line.calls > before[who], "", max(0.1, until - time.monotonic()))  # type: ignore[misc]
        except AssertionError:
            broken.append(f"half open, {who}: not noticed within {within_s:.0f} s")
    one.counted[f"times both half open, keepalive {one.keepalive_s} s"] += 1
    return [*broken, *_goes_on(one, "half open", BETWEEN[0])]


ROWS = (
    Row(
        id="F13",
        fault="lines reset, half open, held up, at 8 kbit/s, in pieces of a few bytes",
        do=disturbed,
        runs={Profile.SMOKE: 4, Profile.CI: 20, Profile.RELEASE: 400},
        apart=True,
    ),
)
