"""`scripts/mutate`: put faults into modules one at a time, and tell which of them no test sees."""

from pathlib import Path
from typing import Annotated

import typer

from tests.mutants import report, trial
from tests.mutants.modules import MODULES

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/safety/mutation.md"
FIGURES = ROOT / "docs/safety/mutation.json"
SURVIVED = 1


def main(
    only: Annotated[str, typer.Option(metavar="PLACE", help="Modules that begin so, or several with commas.")] = "",
    *,
    write: Annotated[bool, typer.Option("--write", help=f"Keep the figures, and write {PAGE.name}.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Only what survived last time, in an unchanged module.")
    ] = False,
) -> None:
    """Mutate modules, and name every mutant that survives their tests without an explanation."""
    left = 0
    for module in _chosen(only):
        outcome = trial.tried(module, MODULES[module], again=again)
        survivors = report.unexplained(module, outcome)
        left += len(survivors)
        typer.echo("  ".join(report.cells(module, outcome)))
        for one in survivors:
            typer.echo(f"  - {one.was}\n  + {one.becomes}")
        if write:
            every = report.kept(FIGURES) | {module: outcome}
            report.keep(FIGURES, every)
            PAGE.write_text(report.page(list(MODULES), every), encoding="utf-8")
    if left:
        raise typer.Exit(SURVIVED)


def _chosen(only: str) -> list[str]:
    places = [place for place in only.split(",") if place] or [""]
    chosen = [module for module in MODULES if any(module.startswith(place) for place in places)]
    if not chosen:
        raise typer.BadParameter(f"there is no module {only}; there are {', '.join(MODULES)}")
    return chosen


if __name__ == "__main__":
    typer.run(main)
