"""What every command needs to know before it begins: the settings, and who is acting.

Not here: opening the database or the broker, or printing results.
"""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import typer

from vwmon import config
from vwmon.cli import render
from vwmon.config import Settings
from vwmon.errors import RefusedError


def resolve(config_file: Path | None, db: Path | None) -> Settings:
    """Load the settings, with the database replaced by `db` when one is given. ConfigError names every fault."""
    settings = config.load(config_file)
    if db is None:
        return settings
    return replace(settings, store=replace(settings.store, path=db))


def actor(as_name: str, settings: Settings) -> str:
    """Return the name that an action is recorded under: the login name, or `as_name` where the settings allow it.

    RefusedError when they do not. The login name comes from the kernel's user id, not from the environment.
    """
    if not as_name:
        return _login_name()
    if not settings.commands.allow_as:
        raise RefusedError("--as is not allowed here; the configuration allows it with [commands] allow_as = true")
    return as_name


def fail(error: Exception) -> NoReturn:
    """Print an error's sentences on standard error and end with its exit code, 1 when it has none."""
    for line in str(error).splitlines() or [type(error).__name__]:
        sys.stderr.write(f"error: {render.safe(line)}\n")
    raise typer.Exit(getattr(error, "exit_code", 1))


def _login_name() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
