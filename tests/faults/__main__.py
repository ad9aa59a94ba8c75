"""`scripts/faults`: do the faults of the matrix to a ward, and tell what came of it."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tests.faults import parts, report
from tests.faults.matrix import Profile, Row, Tally
from tests.faults.parts import Asked
from tests.faults.report import Done
from tests.faults.rows import ROWS

SAFETY = Path(__file__).parents[2] / "docs/safety"
PAGES = {Profile.CI: SAFETY / "faults.md", Profile.RELEASE: SAFETY / "faults_release.md"}
NOT_CLEAN = 1
# Of the safety page's matrix, what is tested elsewhere or not at all.
ABSENT = (
    "F10 (a database that is not sealed): a bit that turns in a value is taken for the value; `vwmon db seal`",
    "F10 (the log that a kill leaves): what came after the damage is gone, and told; tests/db/test_store_wal.py",
    "F10 (the configuration): a bit that turns in a word of it makes another word, which the next start names",
    "F16 (fuzzing): docs/safety/fuzzing.md",
    "F25 (a bit of a value that waits in the broker's store): another value, as the device would have sent it",
)
PORTION = "Do runs that stand apart so many at a time, and write the page after each; those that are on it count."


def main(
    profile: Annotated[Profile, typer.Option(help="How often each is done.")] = Profile.SMOKE,
    only: Annotated[str, typer.Option(metavar="F5", help="One row, or several with commas between.")] = "",
    seed: Annotated[int, typer.Option(help="What chance begins with.")] = 7,
    jobs: Annotated[int, typer.Option(min=1, help="How many processes share a row whose runs stand apart.")] = 1,
    portion: Annotated[int, typer.Option(min=0, help=PORTION)] = 0,
    *,
    write: Annotated[bool, typer.Option("--write", help="Write the page of the profile, after each row.")] = False,
) -> None:
    """Do each fault to real files and processes, and count what is lost, doubled or broken."""
    chosen, page = _chosen(only), _page(profile) if write else None
    if portion and page is None:
        raise typer.BadParameter("portions add to what is on the page: it takes --write")
    console = Console()
    every = []
    for row in chosen:
        before = report.had(row, _read(page)) if portion else Tally(runs=0)
        asked = Asked(row=row, runs=row.runs[profile], seed=seed, jobs=jobs, portion=portion)
        done = Done(row=row, tally=before)
        for done in parts.portions(before, asked):
            if page is not None:
                text = report.page([done], profile, list(ROWS.values()), ABSENT, _read(page))
                page.write_text(text, encoding="utf-8")
        every.append(done)
        console.print("  ".join(report.cells(done)), markup=False)
    console.print(report.table(every))
    for done in every:
        for what in done.tally.broken if done.tally else ():
            console.print(f"{done.row.id}: {what}", markup=False)
    if not report.clean(every):
        raise typer.Exit(NOT_CLEAN)


def _page(profile: Profile) -> Path:
    """Give the page of a profile, on which rows that are not done now stay."""
    if profile not in PAGES:
        raise typer.BadParameter(f"the profile {profile} has no page; there are those of {', '.join(PAGES)}")
    return PAGES[profile]


def _chosen(only: str) -> list[Row]:
    names = [name for name in only.split(",") if name] or list(ROWS)
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        raise typer.BadParameter(f"there is no row {', '.join(unknown)}; there are {', '.join(ROWS)}")
    return [ROWS[name] for name in names]


def _read(page: Path | None) -> str:
    return page.read_text(encoding="utf-8") if page is not None and page.exists() else ""


if __name__ == "__main__":
    typer.run(main)
