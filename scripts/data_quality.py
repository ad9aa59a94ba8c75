"""Count what becomes of the artefacts that the recordings' READMEs name, for docs/data-quality.md.

    python scripts/data_quality.py ../shared/data/mimic4demo ../shared/data/tihm_home ...
    python scripts/data_quality.py --write ...

Every row of a recording is judged as a device's reading would be, and doubted as a screen would. Prints Markdown;
--write puts it between the recording's markers of the page instead.
"""

import csv
import gzip
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from devices import acceptance
from devices.acceptance import Stamp
from devices.readings import Reading
from vwmon.doubts import Doubt, Seen, doubts
from vwmon.patients.plans import FEEDS
from vwmon.scoring.charts import PARTS

PAGE = Path(__file__).parents[1] / "docs" / "data-quality.md"
SCORED, STORED, ROWS = "scored", "stored, not scored", "rows"
DEVICE = 1  # a recording has one device a patient

Fates = Counter[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a recording: as it was recorded, the vital that it is, and what is not well with it.

    `fate` is a reason of the quarantine, SCORED or STORED. `twin` tells that another row says something of the same
    vital and time; `after_s` is how long before it the row of the vital before was, -1 for the first.
    """

    vital: str
    value: float
    fate: str
    doubted: Sequence[Doubt]
    twin: bool
    after_s: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Artefact:
    """One artefact that a README names, as data_quality.toml has it."""

    says: str
    rows: str
    vitals: Sequence[str]
    values: Sequence[tuple[float, float]] = ()
    twin: bool = False
    after_s: tuple[float, float] | None = None
    doubt: str = ""

    def has(self, row: Row) -> bool:
        """Tell whether a row of one of its vitals is one of its rows."""
        return (
            (not self.values or any(low <= row.value <= high for low, high in self.values))
            and (row.twin or not self.twin)
            and (self.after_s is None or self.after_s[0] <= row.after_s <= self.after_s[1])
            and (not self.doubt or self.doubt in row.doubted)
        )


@dataclass(slots=True, kw_only=True)
class Counted:
    """What became of a recording: of all of its rows, and of those of each artefact."""

    name: str
    patients: int = 0
    whole: Fates = field(default_factory=Counter)
    artefacts: Mapping[Artefact, Fates] = field(default_factory=dict)


def _artefacts() -> dict[str, list[Artefact]]:
    table = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return {name: [Artefact(**row) for row in rows] for name, rows in table.items()}


ARTEFACTS: Mapping[str, Sequence[Artefact]] = _artefacts()


def main(arguments: Sequence[str]) -> int:
    """Print the figures of each recording named by its folder, or write them into the page."""
    for folder in (Path(name) for name in arguments if name != "--write"):
        figures = "\n".join(lines_of(counted(folder))) + "\n"
        if "--write" in arguments:
            write(folder.name, figures)
        else:
            print(figures)
    return 0


def write(name: str, figures: str) -> None:
    """Put figures in the place of those that the page has of a recording."""
    text = PAGE.read_text(encoding="utf-8")
    begin, end = markers(name)
    before, _, rest = text.partition(begin)
    PAGE.write_text(f"{before}{begin}\n{figures}{end}{rest.partition(end)[2]}", encoding="utf-8")


def markers(name: str) -> tuple[str, str]:
    """Give what stands before and after the figures of a recording."""
    return f"<!-- {name}: written by scripts/data_quality.py -->", f"<!-- end of {name} -->"


def counted(folder: Path) -> Counted:
    """Judge and doubt every row of a recording, and count."""
    artefacts: dict[Artefact, Fates] = {one: Counter() for one in ARTEFACTS[folder.name]}
    found = Counted(name=folder.name, artefacts=artefacts)
    by_vital: dict[str, list[Artefact]] = {}
    for one in artefacts:
        for vital in one.vitals:
            by_vital.setdefault(vital, []).append(one)
    for rows in _patients(folder / "vitals.csv.gz"):
        found.patients += 1
        for row in rows:
            _count(found.whole, row)
            for one in by_vital.get(row.vital, ()):
                if one.has(row):
                    _count(artefacts[one], row)
    return found


def _count(fates: Fates, row: Row) -> None:
    fates[ROWS] += 1
    fates[row.fate] += 1
    fates.update(doubt.value for doubt in row.doubted)


def _patients(path: Path) -> Iterator[list[Row]]:
    """Yield the rows of each patient in turn: the files are sorted by patient and time."""
    with gzip.open(path, "rt", newline="", encoding="utf-8") as file:
        lines = csv.reader(file)
        header = next(lines)
        cells = itemgetter(*(header.index(name) for name in ("patient", "time", "vital", "value", "unit")))
        for _, group in groupby(map(cells, lines), key=itemgetter(0)):
            yield _rows([(int(time), *_judged(vital, value, unit)) for _, time, vital, value, unit in group])


@cache
def _judged(vital: str, value: str, unit: str) -> tuple[str, float, float | None, str]:
    """Give the vital's own name, the value as recorded, the canonical one where it is taken, and the fate."""
    outcome = acceptance.judge(index=0, vital=vital, value=float(value), unit=unit, observed=Stamp(0, 0))
    if not isinstance(outcome, Reading):
        name = outcome.attempt.vital if outcome.attempt is not None else vital
        return name, float(value), None, outcome.reason
    scored = outcome.vital in PARTS or outcome.vital in FEEDS
    return outcome.vital, float(value), outcome.value, SCORED if scored else STORED


def _rows(judged: Sequence[tuple[int, str, float, float | None, str]]) -> list[Row]:
    seen = [
        Seen(seq, DEVICE, vital, time * 1000, canonical)
        for seq, (time, vital, _, canonical, _) in enumerate(judged)
        if canonical is not None
    ]
    said = doubts(seen)
    times = Counter((vital, time) for time, vital, *_ in judged)
    last: dict[str, int] = {}
    rows = []
    for seq, (time, vital, value, _, fate) in enumerate(judged):
        doubted = [doubt for doubt, _ in said.get(seq, ())]
        after_s = time - last.get(vital, time + 1)
        last[vital] = time
        twin = times[vital, time] > 1
        rows.append(Row(vital=vital, value=value, fate=fate, doubted=doubted, twin=twin, after_s=after_s))
    return rows


def lines_of(found: Counted) -> Iterator[str]:
    """Give the figures of a recording as lines of Markdown."""
    people = f"{found.patients} patient{'s' * (found.patients > 1)}"
    yield f"{people}, {found.whole[ROWS]:,} rows: {_fate(found.whole)}. In doubt: {_doubts(found.whole) or 'none'}."
    yield ""
    yield "| in its README | which rows | rows | fate | in doubt |"
    yield "|---|---|---|---|---|"
    for artefact, fates in found.artefacts.items():
        says = artefact.says.strip("| ").replace("|", "/")
        yield f"| {says} | {artefact.rows} | {fates[ROWS]:,} | {_fate(fates)} | {_doubts(fates)} |"


def _fate(fates: Fates) -> str:
    """Say how many were quarantined, with the reasons, how many scored, and how many only stored."""
    kinds = {doubt.value for doubt in Doubt} | {ROWS, SCORED, STORED}
    reasons = sorted(((count, name) for name, count in fates.items() if name not in kinds and count), reverse=True)
    told = [f"quarantined: {', '.join(f'{name} {count:,}' for count, name in reasons)}"] if reasons else []
    return "; ".join([*told, *(f"{name} {fates[name]:,}" for name in (SCORED, STORED) if fates[name])])


def _doubts(fates: Fates) -> str:
    return ", ".join(f"{doubt.value} {fates[doubt.value]:,}" for doubt in Doubt if fates[doubt.value])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
