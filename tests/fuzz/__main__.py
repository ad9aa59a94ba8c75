"""`scripts/fuzz`: hunt for inputs that the readers of others' bytes do not stand, and tell what came of it."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from tests.fuzz import report
from tests.fuzz.report import FULL_MIN, MEMORY_MB, Hunt
from tests.fuzz.target import LONGEST, SLOWEST_S, corpus
from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/safety/fuzzing.md"
FIGURES = ROOT / "docs/safety/fuzzing.json"
WORK = ROOT / ".fuzz"  # what hunts have gathered, to go on from
STUCK_S = 20  # for what hangs in compiled code, where no time can be taken
GRACE_S = 300
FOUND = 1


def main(
    only: Annotated[str, typer.Option(metavar="NAME", help="One target, or several with commas between.")] = "",
    seconds: Annotated[int, typer.Option(min=1, help="How long each is hunted.")] = FULL_MIN * 60,
    *,
    write: Annotated[bool, typer.Option("--write", help=f"Keep the figures, and write {PAGE.name}.")] = False,
) -> None:
    """Hunt each target for a time. What is found is in .fuzz/NAME: mend it, and keep the input in tests/fuzz/found."""
    hunts = {}
    for name in _chosen(only):
        hunts[name] = hunt(name, seconds)
        typer.echo(
            f"{name}: {hunts[name].inputs:,} inputs, {hunts[name].edges:,} edges: {hunts[name].found or 'nothing'}"
        )
        if write:
            every = report.kept(FIGURES) | hunts
            report.keep(FIGURES, every)
            PAGE.write_text(report.page(TARGETS, every), encoding="utf-8")
    if any(one.found for one in hunts.values()):
        raise typer.Exit(FOUND)


def _chosen(only: str) -> list[str]:
    names = [name for name in only.split(",") if name] or list(TARGETS)
    unknown = [name for name in names if name not in TARGETS]
    if unknown:
        raise typer.BadParameter(f"there is no target {', '.join(unknown)}; there are {', '.join(TARGETS)}")
    return names


def hunt(name: str, seconds: int) -> Hunt:
    """Hunt one target in a process of its own, which may die."""
    folder = WORK / name
    gathered = folder / "corpus"
    gathered.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(corpus(name, TARGETS)):
        (gathered / f"seed-{number}").write_bytes(seed)
    options = _options(name, folder, seconds)
    command = [sys.executable, "-m", "tests.fuzz.hunt", name, str(gathered), *options]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=seconds + GRACE_S)
    said = (ran.stdout + ran.stderr).decode("utf-8", "replace")
    (folder / "last.log").write_text(said, encoding="utf-8")
    return report.hunt_of(said, seconds, ran.returncode)


def _options(name: str, folder: Path, seconds: int) -> Sequence[str]:
    words = folder / "words"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in TARGETS[name].words), encoding="ascii")
    return [
        *([f"-dict={words}"] if TARGETS[name].words else []),
        f"-artifact_prefix={folder}/",
        f"-max_len={LONGEST}",
        f"-max_total_time={seconds}",
        f"-rss_limit_mb={MEMORY_MB}",
        f"-timeout={STUCK_S * round(SLOWEST_S)}",
        "-print_final_stats=1",
    ]


def _escaped(word: str) -> str:
    return "".join(f"\\x{byte:02X}" for byte in word.encode())


if __name__ == "__main__":
    typer.run(main)
