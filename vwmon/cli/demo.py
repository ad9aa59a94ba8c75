"""`vwmon demo`: a simulated ward on this machine, shown while it runs. The work is vwmon.demo's."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vwmon.cli import render
from vwmon.cli.options import duration_ms
from vwmon.errors import UsageError

if TYPE_CHECKING:
    from vwmon.cli.work_list import Line
    from vwmon.demo import Scene

PLAIN_EVERY = 20  # looks between two lists where there is no terminal: ten seconds
INTERRUPTED = 130
BUSY_MS = 2_000

NEXT = (
    "",
    "What to try next:",
    "  vwmon demo --keep DIR          then: vwmon alerts --db DIR/vwmon.db",
    "  vwmon replay FILE --db x.db    recorded readings; then: vwmon alerts --db x.db",
    "  vwmon init                     a ward of your own, step by step",
    "  docs/operator.md               a broker with certificates, the service",
)


def demo(
    patients: Annotated[int, typer.Option("--patients", min=1, max=500, help="How many patients.")] = 12,
    speed: Annotated[float, typer.Option("--speed", min=1, max=240, help="Times real time.")] = 60,
    duration: Annotated[str, typer.Option("--duration", help="How long, in real time.")] = "2m",
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="DIR", help="Keep the database here.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="The same seed, the same patients.")] = 1,
) -> None:
    """Show a ward being watched: simulated patients, a broker, the daemon and the work list.

    Some patients deteriorate. Two minutes show two hours. Ctrl-C ends it; nothing is left running and, without --keep,
    nothing on disk.
    """
    length_s = duration_ms(duration) / 1000
    if keep is not None and (keep / "vwmon.db").exists():
        raise UsageError(f"{keep} holds a demonstration already; name another folder")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        render.say(f"Starting a broker, {patients} simulated patients and the daemon. Ctrl-C ends it.")
        from vwmon.demo import Wanted

        _play(Wanted(patients=patients, speed=speed, duration_s=length_s, seed=seed), keep)
    except KeyboardInterrupt:
        render.say("Interrupted. Everything has been stopped.")
        raise typer.Exit(INTERRUPTED) from None
    for line in NEXT:
        render.say(line)


def _play(wanted: Any, keep: Path | None) -> None:  # noqa: ANN401 -- vwmon.demo is heavy
    """Run it to its end, then print the closing list."""
    from vwmon import demo as stage_of
    from vwmon.clock import Clock

    shown_ms = round(wanted.duration_s * wanted.speed * 1000)
    start_ms = Clock().now_ms() - shown_ms  # so that the simulated time ends now and nothing is from the future
    with stage_of.stage(keep) as folder:
        with stage_of.playing(wanted, folder, start_ms) as (scene, running), _screen() as show:
            while scene.clock.now_ms() < start_ms + shown_ms and running():
                show(scene)
            closing_list = _lines(scene)
        _print(closing_list)


@contextmanager
def _screen() -> "Iterator[Callable[[Scene], None]]":
    """Give what shows a scene: a live list at a terminal, else the list every ten seconds."""
    if not sys.stdout.isatty():
        yield _Plain().show
        return
    from rich.console import Console
    from rich.live import Live

    from vwmon.cli.work_list import as_text

    with Live(console=Console(highlight=False), auto_refresh=False, screen=True, vertical_overflow="crop") as live:
        yield lambda scene: live.update(as_text(_lines(scene)), refresh=True)


class _Plain:
    """The list now and then, for a log."""

    def __init__(self) -> None:
        self._looks = 0

    def show(self, scene: "Scene") -> None:
        self._looks += 1
        if self._looks % PLAIN_EVERY == 0:
            _print([("", ""), *_lines(scene)])
            sys.stdout.flush()


def _lines(scene: "Scene") -> "list[Line]":
    """Give the work list of a scene at its own time."""
    from alerts import queries
    from alerts.queries import Wanted
    from vwmon.cli import stay_lookups, work_list
    from vwmon.cli.work_list import Look
    from vwmon.store import monitor
    from vwmon.store.database import open_reader

    now_ms = scene.clock.now_ms()
    with closing(open_reader(scene.db)) as db:
        state = monitor.read(db)
        # On the fast clock a busy moment of this machine looks long: two real seconds are allowed for it.
        asked_ms = now_ms if state is None else max(state.cycle_ms or 0, now_ms - round(BUSY_MS * scene.speed))
        reason = monitor.distrust(state, asked_ms)
        rows = queries.work_list(db, stay_lookups.lookups(db, now_ms), now_ms, Wanted(), 0)
    title = reason or f"DEMONSTRATION, simulated patients, {scene.broker}: {render.utc(now_ms // 1000 * 1000)}"
    width = render.terminal_width()
    around = work_list.Around(title=title, empty="Nobody has deteriorated yet.", footer=[f"{len(rows)} alerts"])
    return work_list.lines(rows, now_ms, around, Look(width=width))


def _print(lines: "list[Line]") -> None:
    from vwmon.cli.work_list import print_lines

    if sys.stdout.isatty():
        print_lines(lines)
        return
    for line, _ in lines:
        render.say(line)
