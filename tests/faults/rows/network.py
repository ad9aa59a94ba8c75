"""F13: the lines between devices, broker and daemon are reset, half open, held up, slow and choppy while readings flow.

Every line is a proxy of one's own. Whatever happens to it, what has a receipt is stored once, and an end that gets no
answer any more notices it within one and a half times the keepalive that it promised its broker.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random
from threading import Event
from unittest.mock import patch

from devices import connection
from devices.client import Hub
from tests.faults import ward
from tests.faults.daemon import AS_IT_IS, Flow, running_daemon, settled
from tests.faults.line import Line, running_line
from tests.faults.matrix import Profile, Row, Tally, Trial
from tests.integration.broker import running_broker, wait_until
from vwmon.intake import link

MOST = 240_000
AT_ONCE, WAITING = 400, 200
BETWEEN = (20, 120)  # receipts between two faults
SLOW_BYTES_PER_S = 1_000  # 8 kbit/s
NOTICED = 1.5  # keepalives
REAL_FROM = 20  # runs: with fewer, a short keepalive, so that nobody waits for the real one to see that the row works
SHORT_S = 4
AGAIN_S = 30
SPARE_S = 1.5  # a client looks about it once a second, and then calls
KEEPALIVE = "from vwmon.intake import session; session.KEEPALIVE_S = {seconds}"


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
    "held up": Kind(ruin=Line.hold, mend=Line.release, lasts_s=(0.2, 2.0)),
    "slow": Kind(ruin=lambda line: line.slow(SLOW_BYTES_PER_S), mend=lambda line: line.slow(None), lasts_s=(1.0, 2.0)),
}


@dataclass(frozen=True, kw_only=True)
class _Ward:
    """A ward at work: its lines by whom they belong to, and what flows over them."""

    lines: Mapping[str, Line]
    flow: Flow
    keepalive_s: float


def disturbed(trial: Trial, planted: str = AS_IT_IS) -> Tally:
    """Ruin the lines one after the other while readings flow, half open last; compare with an undisturbed run."""
    folder, devices, start_ms = trial.folder, ward.fleet(trial.seed), ward.start_of(MOST)
    load = ward.Load(devices, start_ms, MOST)
    ward.make(folder / "vwmon.db", start_ms, devices)
    keepalive_s = link.KEEPALIVE_S if trial.runs >= REAL_FROM else SHORT_S
    with ExitStack() as running:
        running.enter_context(patch.object(connection, "KEEPALIVE_S", keepalive_s))
        broker = running.enter_context(running_broker(folder, more="set_tcp_nodelay true"))
        lines = {who: running.enter_context(running_line(broker.port, trial.seed)) for who in ("daemon", "devices")}
        with_short = f"{KEEPALIVE.format(seconds=keepalive_s)}\n{planted}"
        daemon = running.enter_context(running_daemon(folder, lines["daemon"].port, planted=with_short))
        hub = running.enter_context(_hub(lines["devices"].port, folder / "spool"))
        flow = Flow(hub, load, at_once=AT_ONCE, waiting=WAITING)
        broken = _ruin_each(_Ward(lines=lines, flow=flow, keepalive_s=keepalive_s), trial)
        broken += settled(flow, daemon)
    tally = ward.compared_live(folder / "vwmon.db", start_ms, devices, load.sent, trial.runs)
    said = f"{len(load.sent):,} messages, keepalive {keepalive_s} s"
    return Tally(runs=tally.runs, lost=tally.lost, doubled=tally.doubled, broken=(*broken, *tally.broken), said=said)


def _hub(port: int, spool: Path) -> Hub:
    return Hub("127.0.0.1", port, ward.WARD, spool, client_id="lines", resend_after=1.0)


def _ruin_each(one: _Ward, trial: Trial) -> list[str]:
    """Ruin a line so many times, both being half open the last two."""
    chance, broken = Random(trial.seed), list[str]()
    one.flow.until_receipts(BETWEEN[0])
    ways = [(kind, who) for kind in KINDS for who in one.lines]
    for number in range(max(0, trial.runs - len(one.lines))):
        kind, who = ways[number % len(ways)]
        broken += _ruined(one, KINDS[kind], one.lines[who], chance, f"{kind}, {who}")
        if broken:
            return broken
    return [*broken, *_half_open(one)]


def _ruined(one: _Ward, kind: Kind, line: Line, chance: Random, what: str) -> Sequence[str]:
    kind.ruin(line)
    broken = _goes_on(one, f"while {what}", chance.randint(*BETWEEN)) if kind.passes else ()
    Event().wait(chance.uniform(*kind.lasts_s))
    kind.mend(line)
    return [*broken, *_goes_on(one, f"after {what}", chance.randint(*BETWEEN))]


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
    return [*broken, *_goes_on(one, "half open", BETWEEN[0])]


ROWS = (
    Row(
        id="F13",
        fault="lines reset, half open, held up, at 8 kbit/s, in pieces of a few bytes",
        do=disturbed,
        runs={Profile.SMOKE: 4, Profile.CI: 20, Profile.RELEASE: 400},
    ),
)
