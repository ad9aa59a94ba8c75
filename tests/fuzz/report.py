"""What the hunts came to: read from libFuzzer's words, kept by target, and written as a page."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from tests.fuzz.target import LONGEST, SLOWEST_S, Target, found

COLUMNS = ("target", "read", "minutes", "inputs tried", "edges", "kept from", "the last hunt")
ENDED: Final = re.compile(r"^stat::number_of_executed_units:\s*(\d+)$", re.MULTILINE)
EDGES: Final = re.compile(r"\bcov: (\d+)")
CLEAN = "found nothing"
PAGE = """\
# Parsers fuzzed

Each reader of bytes that somebody else writes, under [atheris](https://github.com/google/atheris): inputs are made from
real ones so that they reach branches that none before reached. `scripts/fuzz --write` makes this page, hunting each
target for {minutes} minutes; `scripts/fuzz --only payloads --seconds 60` is a short hunt. What a hunt gathered is kept
beside the checkout's other scratch files, in .fuzz, and the next one goes on from there.

A hunt ends at the first input that leads to an error which is not documented, to a broken promise (a value that no
database takes, two paths that disagree, a message lost from the count), to more than {slowest:g} s of a processor, or
to more than {memory} MB of memory. Inputs have up to {longest} bytes; what comes of large ones is tested apart.

{table}

"edges" are the branches of the readers' own code that inputs reached; what is compiled (msgspec, the JSON scanner,
Arrow) shows none. "kept from" counts the inputs, by earlier hunts and by reading the code for them, that were too much
once: they are in `tests/fuzz/found`, and every run of the tests takes each of them and all that a hunt begins with.

A hunt that found nothing proves nothing about what it did not try.
"""
UNDONE = "not hunted yet"
MEMORY_MB = 1024
FULL_MIN = 20


class Hunt(msgspec.Struct, frozen=True, kw_only=True):
    """What one hunt came to; `found` is the last line of what was raised, empty where nothing was."""

    seconds: int
    inputs: int
    edges: int
    found: str = ""


def hunt_of(said: str, seconds: int, code: int) -> Hunt:
    """Read what libFuzzer said; whatever else than a clean end has found something."""
    inputs, edges = ENDED.search(said), EDGES.findall(said)
    return Hunt(
        seconds=seconds,
        inputs=int(inputs[1]) if inputs else 0,
        edges=int(edges[-1]) if edges else 0,
        found=_raised(said) if code or inputs is None else "",
    )


def _raised(said: str) -> str:
    """Name what ended a hunt: the Python error, else libFuzzer's own word, else its last line."""
    lines = said.splitlines() or ["nothing was said"]
    marked = [number for number, line in enumerate(lines) if "Uncaught Python exception" in line]
    if marked and marked[-1] + 1 < len(lines):
        return lines[marked[-1] + 1]
    return next((line for line in lines if "ERROR: libFuzzer" in line), lines[-1])


def kept(file: Path) -> dict[str, Hunt]:
    """Read the figures of earlier hunts, by target."""
    return msgspec.json.decode(file.read_bytes(), type=dict[str, Hunt]) if file.exists() else {}


def keep(file: Path, hunts: Mapping[str, Hunt]) -> None:
    """Write the figures, by target."""
    file.write_bytes(msgspec.json.format(msgspec.json.encode(dict(sorted(hunts.items())))) + b"\n")


def page(targets: Mapping[str, Target], hunts: Mapping[str, Hunt]) -> str:
    """Write the page: every target, hunted or not."""
    rows = [_line(COLUMNS), _line(["---"] * len(COLUMNS))]
    rows += [_line(_cells(name, target, hunts.get(name))) for name, target in targets.items()]
    return PAGE.format(minutes=FULL_MIN, slowest=SLOWEST_S, memory=MEMORY_MB, longest=LONGEST, table="\n".join(rows))


def _cells(name: str, target: Target, hunt: Hunt | None) -> Sequence[str]:
    count = str(len(found(name)))
    if hunt is None:
        return [name, target.title, "", "", "", count, UNDONE]
    return [
        name,
        target.title,
        f"{hunt.seconds / 60:.1f}",
        f"{hunt.inputs:,}",
        f"{hunt.edges:,}",
        count,
        hunt.found or CLEAN,
    ]


def _line(texts: Sequence[str]) -> str:
    return f"| {' | '.join(texts)} |"
