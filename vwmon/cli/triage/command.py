"""The command `vwmon alerts triage`: what it may be told, and what must be so before a screen can be shown."""

import sys
from typing import Annotated

import typer

from vwmon.cli import context, render
from vwmon.cli.options import AsOption, ConfigOption, DbOption
from vwmon.errors import UsageError


def triage(
    config: ConfigOption = None,
    db: DbOption = None,
    mine: Annotated[bool, typer.Option("--mine", help="Begin with those that I own.", show_default=False)] = False,
    names: Annotated[bool, typer.Option("--names", help="Names, not initials.", show_default=False)] = False,
    readonly: Annotated[
        bool, typer.Option("--readonly", help="Show only, as on a wall: no act is possible.", show_default=False)
    ] = False,
    as_name: AsOption = "",
) -> None:
    """Work the open alerts by keys on a full screen, with the chart of each patient beside the list; ? says how.

    Needs the extra tui, and a terminal.
    """
    settings = context.resolve(config, db)
    login = context.actor(as_name, settings)
    may_not = context.refusal(settings, as_name, command="alerts ack")
    if may_not and not readonly:
        render.warn(f"read only: {may_not}")
        readonly = True
    shared = settings.commands.allow_as and not readonly
    actor = "" if shared and not as_name else login
    if mine and not actor:
        raise UsageError("several people share this login: say whose with --mine --as NAME")
    _require()
    from vwmon.cli.triage.app import Means, Setup, Triage
    from vwmon.cli.triage.filters import Filter
    from vwmon.clock import Clock
    from vwmon.store.database import open_reader

    open_reader(settings.store.path).close()  # what is wrong from the beginning is an error like any command's
    setup = Setup(
        settings=settings,
        actor=actor,
        shared=shared,
        filter=Filter(owner=actor if mine else ""),
        names=names,
        readonly=readonly,
    )
    screen = Triage(setup, Means(clock=Clock()))
    screen.run(mouse=False)
    if screen.failure is not None:
        raise screen.failure


def _require() -> None:
    """Raise UsageError without Textual, or without a terminal to show a screen on."""
    try:
        import textual  # noqa: F401 -- only whether it is there
    except ImportError as error:
        raise UsageError("the full screen needs the extra: pip install 'vwmon[tui]'") from error
    if not (sys.stdout.isatty() and sys.stdin.isatty()):
        raise UsageError("triage needs a terminal; for a pipe there is: vwmon alerts")
