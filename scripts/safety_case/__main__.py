"""`scripts/safety-case`: write the pages of the safety case, and say whether every hazard is answered.

Exits with 1 when a hazard has no passing test, a named test is not there, the log and the tests' markers differ, or,
with --check, a page is not as the tables say. The last line is the count.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from scripts.safety_case import bill, pages, ties
from scripts.safety_case.records import FOLDER, Log, LogError, contradictions, load
from scripts.safety_case.verdict import Verdict

BEGIN = "<!-- From here on written by scripts/safety-case: do not edit. -->\n"
RECORD = Path("build") / "safety-case.md"


def main(arguments: Sequence[str] | None = None, root: Path = Path()) -> int:
    """Return 0 when all is answered, 1 when something is not or cannot be read."""
    options = _options().parse_args(arguments)
    try:
        log = load(root)
        verdict = Verdict(log=log, ends=ties.outcomes(root), partial=options.partial)
        wanted = dict(documents(root, log))
    except LogError as error:
        print(f"{error}\n1 fault")
        return 1
    faults = [*contradictions(log), *bill.gaps(root, {one.id for one in log.hazards.hazard})]
    faults += [*ties.loose(log, ties.marked(root)), *verdict.unproven()]
    if options.check:
        faults += [f"{path} is not as the tables say; run: scripts/safety-case" for path in _other(root, wanted)]
    else:
        _write(root, wanted | {RECORD: _joined("# Safety case: the last results\n\n", record(verdict))})
    print(*faults, f"{verdict.count()} | {len(faults)} faults", sep="\n")
    return int(bool(faults))


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/safety-case", description=sys.modules[__name__].__doc__)
    parser.add_argument("--check", action="store_true", help="only tell, and write nothing")
    parser.add_argument("--partial", action="store_true", help="hold nothing against what was not run")
    return parser


def documents(root: Path, log: Log) -> Iterator[tuple[Path, str]]:
    """Yield each document of the repository that follows from the tables, with its text."""
    written = {
        "hazards.md": pages.hazards(log),
        "threats.md": pages.threats(log),
        "case.md": pages.still_open(log),
        "soup.md": bill.soup_lines(root),
    }
    for name, lines in written.items():
        yield FOLDER / name, _joined(_by_hand(root / FOLDER / name), lines)
    yield FOLDER / "sbom.cdx.json", bill.bill(root)


def _by_hand(path: Path) -> str:
    words = path.read_text(encoding="utf-8") if path.exists() else ""
    return words.partition(BEGIN)[0] + BEGIN


def _joined(begin: str, lines: Iterable[str]) -> str:
    return begin + "\n".join(lines) + "\n"


def record(verdict: Verdict) -> Iterator[str]:
    """Yield the log with what became of each test, which is kept with a release and not in the repository."""

    def told(test: str) -> str:
        return f": {verdict.end(test)}"

    yield verdict.count()
    yield from pages.hazards(verdict.log, told)
    yield from pages.threats(verdict.log, told)


def _other(root: Path, wanted: dict[Path, str]) -> Iterator[Path]:
    for path, text in wanted.items():
        if not (root / path).exists() or (root / path).read_text(encoding="utf-8") != text:
            yield path


def _write(root: Path, wanted: dict[Path, str]) -> None:
    for path, text in wanted.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
