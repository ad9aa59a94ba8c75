"""What `vwmon simulate` is asked for: a fleet out of options, a recording of one, and the list of what there is.

Here: reading the options and saying what cannot be. Not here: the command and the broker.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from vwmon.cli import render
from vwmon.cli.progress import reaching
from vwmon.cli.render import Column
from vwmon.durations import MINUTE_MS

if TYPE_CHECKING:
    from devices.simulator.fleet import Fleet, Said

EVERY_FAULT: Final = "all"
COLUMNS: Final = (
    Column(key="kind", title="KIND"),
    Column(key="name", title="NAME", no_wrap=True),
    Column(key="share", title="SHARE", justify="right"),
    Column(key="summary", title="WHAT HAPPENS"),
    Column(key="source", title="SOURCE"),
)
OUR_CHOICE: Final = "our choice"


def listed() -> list[dict[str, object]]:
    """Return the courses, the archetypes and the faults, with their shares at home and where those come from."""
    from devices.simulator.archetypes import ARCHETYPES
    from devices.simulator.courses import COURSES
    from devices.simulator.faults import SUMMARIES

    faults = [_row("fault", name, None, summary, "") for name, summary in SUMMARIES.items()]
    courses = [_row("course", one.name, one.share, one.summary, one.source) for one in COURSES.values()]
    return (
        courses
        + [_row("archetype", one.name, one.share, one.summary, one.source) for one in ARCHETYPES.values()]
        + faults
    )


def _row(kind: str, name: str, share: float | None, summary: str, source: str) -> dict[str, object]:
    return {"kind": kind, "name": name, "share": share, "summary": summary, "source": source or OUR_CHOICE}


def names(given: list[str] | None) -> tuple[str, ...]:
    """Take names apart that were given with commas, in several options, or both."""
    return tuple(name.strip() for option in given or () for name in option.split(",") if name.strip())


def shares(given: list[str]) -> dict[str, float]:
    """Read NAME=SHARE, several with commas; BadParameter for what is no share."""
    found = {}
    for one in names(given):
        name, _, text = one.partition("=")
        try:
            found[name.strip()] = float(text)
        except ValueError as error:
            raise typer.BadParameter(f"{one!r} is not NAME=SHARE, as in sepsis=0.1") from error
    return found


def fleet(
    *,
    patients: int,
    courses: tuple[str, ...],
    faults: tuple[str, ...],
    shares: dict[str, float],
    seed: int,
    spot_minutes: float,
    onset_hours: float,
    home: bool,
) -> "Fleet":
    """Make the fleet; BadParameter names the courses and faults there are, and says which shares cannot be."""
    from devices.simulator.archetypes import ARCHETYPES
    from devices.simulator.courses import COURSES, USUAL
    from devices.simulator.fleet import KNOWN_FAULTS, Fleet

    faults = KNOWN_FAULTS if faults == (EVERY_FAULT,) else faults
    _require(courses, COURSES)
    _require(faults, KNOWN_FAULTS)
    courses = courses or tuple(COURSES if home or set(shares) & set(COURSES) else USUAL)
    _require(shares, [*courses, *faults, *(ARCHETYPES if home else ())], "in this fleet ")
    try:
        return Fleet(
            patients=patients,
            courses=courses,
            faults=faults,
            shares=shares,
            seed=seed,
            spot_minutes=spot_minutes,
            onset_hours=onset_hours,
            home=home,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _require(names: Iterable[str], known: Collection[str], where: str = "") -> None:
    unknown = next((name for name in names if name not in known), None)
    if unknown is not None:
        raise typer.BadParameter(f"there is no {unknown!r} {where}; there are {', '.join(known)}".replace(" ;", ";"))


def record(fleet: "Fleet", path: Path, start_ms: int, length_ms: int | None) -> None:
    """Write the fleet to a file."""
    from devices.simulator import recording

    if length_ms is None:
        raise typer.BadParameter("a recording needs a --duration")
    if not path.name.endswith((".csv", ".csv.gz")):
        raise typer.BadParameter(f"{path}: a recording's name ends in .csv or .csv.gz")
    said = fleet.said(start_ms, until_ms=start_ms + length_ms)
    try:
        with reaching("writing") as progress:
            count = recording.write(path, _followed(said, start_ms, length_ms, progress))
    except FileExistsError as error:
        raise typer.BadParameter(f"{path} is there already; name another file") from error
    except OSError as error:
        raise typer.BadParameter(f"{path} cannot be written: {error.strerror}") from error
    render.say(f"{count} readings written to {path}. Next: vwmon replay {path} --db NEW.db")


def _followed(
    said: "Iterable[Said]", start_ms: int, length_ms: int, progress: Callable[[int, int], None]
) -> "Iterator[Said]":
    """Give the same, and tell once a minute of simulated time how far it has come."""
    minute = -1
    for one in said:
        passed_ms = one.at_ms - start_ms
        if passed_ms // MINUTE_MS > minute:
            minute = passed_ms // MINUTE_MS
            progress(passed_ms, length_ms)
        yield one
