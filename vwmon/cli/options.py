"""What many commands share towards typer: how a group of them is made, their options, and how their text is read.

Here: groups, Annotated types for typer, and the readers of times and spans given on a command line. Not here: what a
command does with them, or anything that takes long to import.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from vwmon import durations
from vwmon.cli.render import Format
from vwmon.errors import UsageError

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="The configuration; else the first that is found.", show_default=False
    ),
]
DbOption = Annotated[
    Path | None,
    typer.Option("--db", metavar="FILE", help="The database, instead of the configuration's.", show_default=False),
]
FormatOption = Annotated[Format, typer.Option("--format", help="How to print.", case_sensitive=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="Short for --format json.", show_default=False)]
AsOption = Annotated[
    str,
    typer.Option(
        "--as", metavar="NAME", help="Act under this name, where the configuration allows it.", show_default=False
    ),
]
OnePatient = Annotated[str, typer.Argument(metavar="PATIENT", help="The local identifier.", show_default=False)]
OneAlert = Annotated[str, typer.Argument(metavar="ID", show_default=False)]
SinceOption = Annotated[str, typer.Option(metavar="SPAN", help="Not before this span, as in 12h.", show_default=False)]


def group(name: str, summary: str, *, alone: bool = True) -> typer.Typer:
    """Make a group of commands, whose name `alone` is a command too, or else shows the help."""
    return typer.Typer(
        name=name,
        help=summary,
        invoke_without_command=alone,
        no_args_is_help=not alone,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,  # a traceback with local variables would show patients' values
    )


class ListFirst(TyperGroup):
    """A group whose name lists: what follows and is none of its commands belongs to its `list`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 -- typer's own context
        """Put the `list` in that was left out."""
        if not args or args[0] not in {*self.commands, "--help"}:
            args = ["list", *args]
        return super().parse_args(ctx, args)


def list_group(name: str, summary: str) -> typer.Typer:
    """Make a group of commands, whose name alone, or with anything but a command after it, is its `list`."""
    made = group(name, summary, alone=False)
    made.info.cls = ListFirst
    return made


def refuse_first(*wrong: tuple[object, str]) -> None:
    """UsageError with the first sentence beside which stands something true: options that do not go together."""
    if found := next((sentence for is_wrong, sentence in wrong if is_wrong), ""):
        raise UsageError(found)


def time_ms(text: str) -> int:
    """Read an ISO 8601 time with Z or an offset, in milliseconds UTC; BadParameter (exit 2) without a zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not a time such as 2026-11-22T09:15:00Z") from error
    if moment.tzinfo is None:
        raise typer.BadParameter(f"{text!r} has no zone; write Z or an offset, as in 2026-11-22T09:15:00+01:00")
    return round(moment.astimezone(UTC).timestamp() * 1000)


def duration_ms(text: str) -> int:
    """Read a span such as "45m" or "1h30m", in milliseconds; BadParameter (exit 2) when it is none."""
    try:
        return durations.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def span_ms(span: str) -> int | None:
    """Read a span that need not be given; None when it is not."""
    return duration_ms(span) if span else None
