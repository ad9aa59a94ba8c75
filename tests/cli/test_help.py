"""The command line as a whole: which commands there are, their help, and how errors come out."""

import os
import subprocess
import sys

import pytest
from typer.core import TyperOption
from typer.main import get_command

from alerts.errors import AlertError
from devices.errors import DeviceError
from tests.conftest import Command
from vwmon import cli, errors
from vwmon.cli import COMMANDS, Entry, context
from vwmon.config import Commands, Settings
from vwmon.errors import RefusedError, VwmonError

EXIT_CODES = {
    "VwmonError": 1,
    "UsageError": 2,
    "NotFoundError": 3,
    "StaleError": 4,
    "ConflictError": 5,
    "RefusedError": 6,
    "PartialError": 7,
    "ConfigError": 8,
}


def test_help_lists_every_command_within_eighty_columns(vwmon: Command) -> None:
    """In parts, so that a clinician finds the ward's first."""
    shown = vwmon("--help").stdout
    assert all(f"\n  {name} " in shown for name in COMMANDS)
    assert max(map(len, shown.splitlines())) <= 80
    assert shown.index("The ward:") < shown.index("Run it:")


def test_no_arguments_is_help(vwmon: Command) -> None:
    """Nobody need know that there is a --help."""
    result = vwmon()
    assert "Usage: vwmon" in result.output
    assert result.exit_code == 2


def test_the_version_is_the_package_s(vwmon: Command) -> None:
    """One line."""
    from importlib.metadata import version

    assert vwmon("--version").stdout == f"vwmon {version('vwmon')}\n"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help_for_itself_and_each_option(vwmon: Command, name: str) -> None:
    """In the same plain look, without anything about shell completion, and the option's own words."""
    result = vwmon(name, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: ")
    assert "completion" not in result.stdout
    assert "╭" not in result.stdout
    root = get_command(cli.app)
    bare = [option for option in options(root.get_command(None, name)) if not option.help]  # type: ignore[attr-defined]  # typer's own group
    assert [option.name for option in bare] == []


def options(command: object) -> list[TyperOption]:
    """Return the options of a command and of those below it."""
    own = [option for option in getattr(command, "params", []) if isinstance(option, TyperOption)]
    return own + [option for below in getattr(command, "commands", {}).values() for option in options(below)]


def test_a_command_that_is_not_there_is_exit_code_2(vwmon: Command) -> None:
    """With where to look."""
    result = vwmon("alrets")
    assert result.exit_code == 2
    assert "No such command" in result.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [(VwmonError("a\nb"), 1), (RefusedError("a\nb"), 6), (AlertError("a\nb"), 1), (DeviceError("a\nb"), 1)],
)
def test_an_error_that_is_expected_is_its_sentences_and_its_exit_code(
    vwmon: Command, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int
) -> None:
    """No traceback, nothing on standard output, each sentence on a line of its own."""

    def fails() -> None:
        """Fail."""
        raise error

    monkeypatch.setattr("vwmon.cli.run.run", fails)
    result = vwmon("run")
    assert (result.exit_code, result.stdout, result.stderr) == (code, "", "error: a\nerror: b\n")


def test_an_error_that_is_not_expected_is_not_swallowed(vwmon: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of the program is seen whole."""

    def fails() -> None:
        """Fail."""
        raise ZeroDivisionError

    monkeypatch.setattr("vwmon.cli.run.run", fails)
    with pytest.raises(ZeroDivisionError):
        vwmon("run")


def test_exit_codes_are_as_promised() -> None:
    """Scripts rely on them."""
    assert {name: getattr(errors, name).exit_code for name in EXIT_CODES} == EXIT_CODES


def test_every_error_says_in_a_sentence_what_it_is() -> None:
    """And is one of vwmon's."""
    for name, found in vars(errors).items():
        if isinstance(found, type):
            assert issubclass(found, VwmonError), name
            assert (found.__doc__ or "").endswith("."), name


def test_the_table_of_commands_names_modules_that_hold_them() -> None:
    """Each is imported and found."""
    from importlib import import_module

    def found(entry: Entry) -> object:
        return getattr(import_module(f"vwmon.cli.{entry.module}"), entry.attribute)

    assert all(callable(found(entry)) for entry in COMMANDS.values())


@pytest.mark.hazard("H13", "T11")
def test_who_acts_is_the_login_and_not_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel knows who is logged in; a variable says what it was told to."""
    import pwd

    for name in ("LOGNAME", "USER", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")
    assert context.actor("", Settings()) == pwd.getpwuid(os.getuid()).pw_name


@pytest.mark.hazard("H13", "T11")
def test_who_acts_may_be_named_where_that_is_allowed() -> None:
    """And nowhere else."""
    assert context.actor("nurse", Settings(commands=Commands(allow_as=True))) == "nurse"
    with pytest.raises(RefusedError, match="allow_as"):
        context.actor("nurse", Settings())


def test_a_login_without_a_name_is_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Something is always recorded."""

    def getpwuid(_uid: int) -> None:
        raise KeyError

    monkeypatch.setattr("pwd.getpwuid", getpwuid)
    assert context.actor("", Settings()) == f"uid {os.getuid()}"


def test_the_installed_entry_point_is_the_command_line() -> None:
    """As a user starts it."""
    start = [sys.executable, "-c", "from vwmon.cli import main; main()", "--version"]
    ran = subprocess.run(start, capture_output=True, check=True)
    assert ran.stdout.startswith(b"vwmon ")
