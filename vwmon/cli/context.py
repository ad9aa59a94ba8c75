"""What every command needs to know before it begins: the settings, and who is acting.

Not here: opening the database or the broker, or printing results.
"""

import os
import sys
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from vwmon import config
from vwmon.cli import render
from vwmon.config import Settings
from vwmon.errors import RefusedError

if TYPE_CHECKING:
    from vwmon.cli.permitted import Who

given: ContextVar[str] = ContextVar("given", default="")  # the command that is being run, as in "alerts ack"


def resolve(config_file: Path | None, db: Path | None) -> Settings:
    """Load the settings, with the database replaced by `db` when one is given. ConfigError names every fault.

    RefusedError when roles are given and the login has not got the one that the command needs.
    """
    settings = config.load(config_file)
    allow(settings)
    if db is None:
        return settings
    return replace(settings, store=replace(settings.store, path=db))


def actor(as_name: str, settings: Settings, *, changes: bool = False) -> str:
    """Return the name that an action is recorded under: the login name, or `as_name` where the settings allow it.

    RefusedError when they do not, or roles are given and one of the two has not got what the command needs (`changes`:
    what it needs to change something). The login name comes from the kernel's user id, not from the environment.
    """
    if as_name and not settings.commands.allow_as:
        raise RefusedError("--as is not allowed here; the configuration allows it with [commands] allow_as = true")
    allow(settings, as_name, changes=changes)
    return as_name or login_name()


def allow(settings: Settings, person: str = "", *, command: str = "", changes: bool = False) -> None:
    """Raise RefusedError when roles are given and refuse a command, this one where none is named; it is logged."""
    why = refusal(settings, person, command=command, changes=changes)
    if why:
        from vwmon.cli import permitted

        permitted.note(command or given.get(), _who(person), settings)
        raise RefusedError(why)


def refusal(settings: Settings, person: str = "", *, command: str = "", changes: bool = False) -> str:
    """Say why the login, or the person that it acts as, may not give a command; empty when they may."""
    if not settings.commands.roles.given:
        return ""
    from vwmon.cli import permitted

    return permitted.refusal(command or given.get(), _who(person), settings, changes=changes)


def fail(error: Exception) -> NoReturn:
    """Print an error's sentences on standard error and end with its exit code, 1 when it has none."""
    for line in str(error).splitlines() or [type(error).__name__]:
        sys.stderr.write(f"error: {render.safe(line)}\n")
    raise typer.Exit(getattr(error, "exit_code", 1))


def login_name() -> str:
    """Return the name of the login, by the kernel's user id."""
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def _who(person: str) -> "Who":
    from vwmon.cli.permitted import Who

    login = login_name()
    return Who(login=login, root=os.getuid() == 0, person="" if person == login else person)
