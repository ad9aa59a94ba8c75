"""The command line: which commands there are and where each lives.

Here: the table of commands, the group that imports a command's module only when it is wanted, and the translation of
errors to exit codes. Not here: what any command does. Nothing at the top of this module takes long to import, because
clinicians wait for it.
"""

import gc
import importlib
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from alerts.errors import AlertError
from devices.errors import DeviceError
from vwmon.errors import VwmonError

EXPECTED = (VwmonError, AlertError, DeviceError)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One command: its part of the help, its line there, and the module and attribute that hold it."""

    part: str
    summary: str
    module: str
    attribute: str = "app"


COMMANDS = {
    "alerts": Entry(part="The ward", summary="The work list, most urgent first.", module="alerts"),
    "handover": Entry(part="The ward", summary="What you have in hand, to the next.", module="handover"),
    "duty": Entry(part="The ward", summary="Who is told, now or at a time.", module="duty", attribute="duty"),
    "patients": Entry(part="The ward", summary="Stays on the ward.", module="patients"),
    "devices": Entry(part="The ward", summary="The device register.", module="devices"),
    "readings": Entry(part="The ward", summary="Stored readings, and what was refused and why.", module="readings"),
    "answers": Entry(part="The ward", summary="What patients answered, and what they did not.", module="answers"),
    "messages": Entry(part="The ward", summary="Messages to patients, and whether they were read.", module="messages"),
    "explain": Entry(
        part="The ward", summary="Why an alert: made again from the log.", module="explain", attribute="explain"
    ),
    "status": Entry(part="The ward", summary="Is the ward being monitored?", module="status", attribute="status"),
    "demo": Entry(part="Try it", summary="A simulated ward on this machine.", module="demo", attribute="demo"),
    "replay": Entry(part="Try it", summary="Recorded readings, scored.", module="replay", attribute="replay"),
    "score": Entry(part="Try it", summary="A table of observation sets, scored.", module="score", attribute="score"),
    "evaluate": Entry(part="Try it", summary="Scores against recordings with outcomes.", module="evaluate"),
    "simulate": Entry(
        part="Try it", summary="Home devices' readings, published.", module="simulate", attribute="simulate"
    ),
    "init": Entry(part="Run it", summary="Set a ward up, step by step.", module="init", attribute="init"),
    "run": Entry(part="Run it", summary="The daemon, in the foreground.", module="run", attribute="run"),
    "notify": Entry(part="Run it", summary="Test a channel; who was told of what.", module="notify"),
    "check-config": Entry(
        part="Run it",
        summary="Every fault of the configuration at once.",
        module="check_config",
        attribute="check_config",
    ),
    "doctor": Entry(part="Run it", summary="Is the installation sound?", module="doctor", attribute="doctor"),
    "db": Entry(part="Run it", summary="Migrate, verify, back up, restore or clear the database.", module="db"),
    "incident": Entry(part="Run it", summary="All about one patient and period, exported.", module="incident"),
}


class CommandGroup(TyperGroup):
    """A group whose commands are imported when they are invoked, not when they are listed."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002 -- typer's own context
        """Return the names of the commands in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401, ARG002 -- typer's own types
        """Import a command and return it; None when there is none of that name."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        found = getattr(importlib.import_module(f"vwmon.cli.{entry.module}"), entry.attribute)
        if not gc.isenabled():
            gc.freeze()
            gc.enable()
        group = found if isinstance(found, typer.Typer) else _alone(found)
        group.rich_markup_mode = None  # one look for the help and the errors of all
        command = get_command(group)
        command.name = cmd_name
        _say_which(command, cmd_name)
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401, ARG002 -- typer's own types
        """Write the commands in their parts, without importing any."""
        for part in dict.fromkeys(entry.part for entry in COMMANDS.values()):
            rows = [(f"{name:<12}", entry.summary) for name, entry in COMMANDS.items() if entry.part == part]
            with formatter.section(part):
                formatter.write_dl(rows, col_max=14)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 -- typer's own types
        """Run a command; an error that vwmon expects becomes its sentence and its exit code."""
        try:
            return super().invoke(ctx)
        except EXPECTED as error:
            from vwmon.cli.context import fail

            fail(error)


app = typer.Typer(
    name="vwmon",
    cls=CommandGroup,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,  # a traceback with local variables would show patients' values
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"vwmon {version('vwmon')}")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", is_eager=True, callback=_show_version, show_default=False),
    ] = False,
) -> None:
    """Watch a virtual ward: readings from home, early warning scores, and one work list.

    Not a certified medical device; see the README before any clinical use.
    """


def main() -> None:
    """Run the command line: the entry point of the installed `vwmon`."""
    gc.disable()  # loading leaves no garbage, and looking for some takes a good part of a short command
    app(prog_name="vwmon")


def _alone(function: Any) -> typer.Typer:  # noqa: ANN401 -- any command function
    single = typer.Typer(add_completion=False)
    single.command()(function)
    return single


def _say_which(command: Any, name: str) -> None:  # noqa: ANN401 -- typer's own types
    """Let a command, and each below it, say which it is when it begins: its role goes by that."""
    for word, below in getattr(command, "commands", {}).items():
        _say_which(below, f"{name} {word}")
    run = command.callback

    def begun(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 -- handed on
        from vwmon.cli.context import given

        given.set(name)
        return run(*arguments, **options)

    if run is not None:
        command.callback = begun
