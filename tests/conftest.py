"""What every test is given: no settings but its own, the recordings where they are, and commands run in-process."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings
from typer.testing import CliRunner, Result

from alerts.policy import Rule
from tests.proofs import Proofs
from vwmon.cli import app

ROOT = Path(__file__).parents[1]
RECORDINGS = Path("../shared/data")

# A machine that is busy is not a fault of the code under test.
settings.register_profile("vwmon", deadline=None, print_blob=True)
settings.load_profile("vwmon")


def pytest_configure(config: pytest.Config) -> None:
    """Keep what becomes of the tests that prove a control of the hazard log."""
    config.pluginmanager.register(Proofs(ROOT))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest and leave the rest in its order, or all but one process wait for it at the end."""
    items.sort(key=_seconds, reverse=True)


def _seconds(item: pytest.Item) -> int:
    slow = item.get_closest_marker("slow")
    return int(slow.args[0]) if slow is not None and slow.args else 0


@pytest.fixture(scope="session", autouse=True)
def _no_settings_but_ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the machine's and the developer's configuration out of the tests."""
    empty = tmp_path_factory.mktemp("settings") / "vwmon.toml"
    empty.touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VWMON_CONFIG", str(empty))
        patch.delenv("NOTIFY_SOCKET", raising=False)
        patch.delenv("WATCHDOG_USEC", raising=False)
        yield


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of recordings that $VWMON_DATA names, else the one beside the checkout; without one, a skip.

    A folder that was named and is not there is a failure: a check that was asked for must not be left out.
    """
    named = os.environ.get("VWMON_DATA")
    folder = Path(named) if named else ROOT / RECORDINGS
    if named and not folder.is_dir():
        pytest.fail(f"there are no recordings in {folder}, which VWMON_DATA names")
    if not folder.is_dir():
        pytest.skip("no recordings on this machine")
    return folder.resolve()


@contextmanager
def every_breach_at_once() -> Iterator[None]:
    """Let every breach count at once, as one of level 3 does: for what follows from a breach once it counts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "at_once", property(lambda _rule: True))
        yield


@pytest.fixture
def at_once() -> Iterator[None]:
    """Every breach counts at once."""
    with every_breach_at_once():
        yield


@pytest.fixture
def vwmon() -> "Command":
    """A command line, run in this process."""
    return Command()


class Command:
    """The command line in this process: called with arguments, it returns exit code and both streams."""

    def __call__(self, *arguments: object, stdin: str | None = None) -> Result:
        """Run one command; an error that vwmon does not expect is raised here."""
        return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin, catch_exceptions=False)
