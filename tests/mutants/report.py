"""What became of mutants: kept by module, held against the explanations, and written as a page."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from tests.mutants.trial import Outcome, Survivor

EXPLAINED = Path(__file__).with_name("explained.toml")
COLUMNS = ("module", "mutants", "killed", "explained", "not explained", "killed or explained")
PAGE = """\
# Mutants killed

Faults put into a module one at a time (a number one more, a comparison turned round, a word changed, an argument left
out), to see whether a test of that module fails. `scripts/mutate --write` makes this page with
[mutmut](https://mutmut.readthedocs.io), each module with the narrow set of tests in `tests/mutants/modules.py`;
`scripts/mutate --only devices/payloads` does some.

{table}

A mutant that survives is either explained in `tests/mutants/explained.toml`, because nobody can tell it from the code,
or a test that is missing. mutmut puts its faults into functions: tables and constants of a module have none, nor have
functions under a decorator. `python -m tests.faults.seeded` plants some of those by hand.
{left}"""
LEFT = """
## Survivors without an explanation

{lines}
"""
UNDONE = "not tried yet"


def kept(file: Path) -> dict[str, Outcome]:
    """Read what became of mutants before, by module."""
    return msgspec.json.decode(file.read_bytes(), type=dict[str, Outcome]) if file.exists() else {}


def keep(file: Path, outcomes: Mapping[str, Outcome]) -> None:
    """Write what became of mutants, by module."""
    file.write_bytes(msgspec.json.format(msgspec.json.encode(dict(sorted(outcomes.items())))) + b"\n")


def explained() -> dict[str, dict[tuple[str, str], str]]:
    """Read why survivors may, by module and by what was changed into what."""
    table = tomllib.loads(EXPLAINED.read_text(encoding="utf-8"))["survivor"]
    found: dict[str, dict[tuple[str, str], str]] = {}
    for entry in table:
        for becomes in entry["becomes"]:
            found.setdefault(entry["module"], {})[entry["was"], becomes] = entry["why"]
    return found


def unexplained(module: str, outcome: Outcome) -> list[Survivor]:
    """Name the survivors that nothing excuses."""
    known = explained().get(module, {})
    return [one for one in outcome.survivors if (one.was, one.becomes) not in known]


def page(modules: Sequence[str], outcomes: Mapping[str, Outcome]) -> str:
    """Write the page: every module, tried or not."""
    rows = [_line(COLUMNS), _line(["---"] * len(COLUMNS))]
    rows += [_line(cells(module, outcomes.get(module))) for module in modules]
    lines = [
        f"- {module}: `{one.was}` became `{one.becomes}`"
        for module in modules
        if module in outcomes
        for one in unexplained(module, outcomes[module])
    ]
    return PAGE.format(table="\n".join(rows), left=LEFT.format(lines="\n".join(lines)) if lines else "")


def cells(module: str, outcome: Outcome | None) -> Sequence[str]:
    """Give a module's row."""
    if outcome is None:
        return [module, "", "", "", "", UNDONE]
    survivors, left = len(outcome.survivors), len(unexplained(module, outcome))
    share = 100 * (outcome.mutants - left) / outcome.mutants
    killed = outcome.mutants - survivors
    return [module, str(outcome.mutants), str(killed), str(survivors - left), str(left), f"{share:.1f} %"]


def _line(texts: Sequence[str]) -> str:
    return f"| {' | '.join(texts)} |"
