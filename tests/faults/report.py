"""What the faults came to, as a table for a screen and as a page."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table

from tests.faults.afterwards import HELD
from tests.faults.matrix import Profile, Row, Tally

COUNTS = r"(?P<runs>[\d,-]+) \| (?P<lost>[\d,-]+) \| (?P<doubled>[\d,-]+)"
ROW = re.compile(rf"^\| (?P<id>F\d+) \| [^|]* \| {COUNTS} \|.*$", re.MULTILINE)
BROKEN = re.compile(r"^- (?P<id>F\d+): (?P<what>.*)$", re.MULTILINE)
FINE = 0.0005  # a smaller share needs more digits
COLUMNS = ("fault", "", "runs", "lost", "doubled", "broken", "a failure in")
PAGE = """\
# Faults survived

What was done to a running ward, how often, and what came of it. `scripts/faults --profile {profile} --write` makes this
page: it does each thing to real files and processes (a real broker, `vwmon run`, the simulator's devices with spool and
receipts), and then looks whether what is said below the table holds.

"Lost" counts readings that had a receipt, "doubled" messages stored twice, where the row counts them; "broken" is what
else should have held. No failure in n runs means, with 95 % confidence, a failure in less than about 3/n of them.

{table}
{found}{held}{absent}"""
FOUND = """
## What does not hold

{lines}
"""
AFTERWARDS = """
## What has to hold

"As undisturbed" is held against a run of the same messages that nothing disturbed, in a ward whose people fall ill: the
same readings, scores and alerts; "told" adds who is to be told of them.

| fault | afterwards |
| --- | --- |
{lines}
"""
ABSENT = """
## Not done

{lines}
"""


@dataclass(frozen=True, kw_only=True)
class Done:
    """A row and what came of it; without a tally the machine could not do it, for the reason given."""

    row: Row
    tally: Tally | None
    why: str = ""


def cells(done: Done) -> tuple[str, ...]:
    """Give a row's line."""
    tally = done.tally
    if tally is None:
        return done.row.id, done.row.fault, "-", "-", "-", "-", f"not done: {done.why}"
    counted = (f"{tally.lost:,}", f"{tally.doubled:,}") if done.row.counts else ("-", "-")
    return done.row.id, done.row.fault, f"{tally.runs:,}", *counted, f"{len(tally.broken):,}", _bounded(tally.bound)


def _bounded(share: float | None) -> str:
    if share is None:
        return "not clean"
    if share >= 1:
        return "too few runs"
    return f"< {share:.2%} of runs" if share >= FINE else f"< {share:.4%} of runs"


def table(every: Sequence[Done]) -> Table:
    """Draw the table of a run."""
    drawn = Table(*COLUMNS, box=None, pad_edge=False)
    for done in every:
        drawn.add_row(*cells(done))
    return drawn


def page(every: Sequence[Done], profile: Profile, known: Sequence[Row], absent: Sequence[str], before: str = "") -> str:
    """Write the page of a run; `absent` says what of the matrix has no row; those `known` that are not on it are told.

    Of the page as it was `before`, of the same profile, the rows stay that were not done now.
    """
    now = {done.row.id for done in every}
    rows = [_line(cells(done)) for done in every] + _left(ROW, before, now)
    broken = [f"- {done.row.id}: {what}" for done in every if done.tally for what in done.tally.broken]
    broken += _left(BROKEN, before, now)
    lines = [_line(COLUMNS), _line(["---"] * len(COLUMNS)), *sorted(rows, key=_number)]
    found = FOUND.format(lines="\n".join(sorted(broken, key=_number))) if broken else ""
    there = {match["id"]: _count(match["runs"]) for line in rows if (match := ROW.match(line))}
    absent = sorted([*absent, *_not_yet(known, there, profile)], key=_number)
    told = [_line((row.id, HELD[row.id])) for row in known if row.id in there and row.id in HELD]
    held = AFTERWARDS.format(lines="\n".join(sorted(told, key=_number))) if told else ""
    left = ABSENT.format(lines="\n".join(f"- {line}" for line in absent)) if absent else ""
    return PAGE.format(profile=profile, table="\n".join(lines), found=found, held=held, absent=left)


def had(row: Row, page: str) -> Tally:
    """Give what a row has come to on a page; no runs where it is not there, or could not be done."""
    found = next((match for match in ROW.finditer(page) if match["id"] == row.id), None)
    if found is None:
        return Tally(runs=0)
    broken = tuple(match["what"] for match in BROKEN.finditer(page) if match["id"] == row.id)
    runs, lost, doubled = (_count(found[name]) for name in ("runs", "lost", "doubled"))
    return Tally(runs=runs, lost=lost, doubled=doubled, broken=broken)


def _count(cell: str) -> int:
    return 0 if cell == "-" else int(cell.replace(",", ""))


def _not_yet(known: Sequence[Row], there: Mapping[str, int], profile: Profile) -> Iterator[str]:
    """Name the rows that are not on the page, and those whose runs are not all done."""
    for row in known:
        if row.id not in there:
            yield f"{row.id} ({row.fault}): its {row.runs[profile]:,} runs of this page have not been done"
        elif not row.every_place and there[row.id] < row.runs[profile]:
            yield f"{row.id} ({row.fault}): {there[row.id]:,} of its {row.runs[profile]:,} runs have been done"


def _left(kind: re.Pattern[str], before: str, now: Collection[str]) -> list[str]:
    return [found[0] for found in kind.finditer(before) if found["id"] not in now]


def _number(line: str) -> int:
    found = re.search(r"F(\d+)", line)
    assert found is not None
    return int(found[1])


def clean(every: Sequence[Done]) -> bool:
    """Tell whether all that was done came out clean; what could not be done is no failure and no proof."""
    return all(done.tally is None or done.tally.clean for done in every)


def _line(texts: Sequence[str]) -> str:
    return f"| {' | '.join(texts)} |"
