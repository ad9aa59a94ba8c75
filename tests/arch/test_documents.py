"""What the documents promise is there: commands, options, targets, files, dependencies."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from tests.conftest import ROOT
from vwmon.cli import COMMANDS, app

PAGES = sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
COMMAND = re.compile(r"(?:^|[`(] ?|/)vwmon ([^`|#\n]+)", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:]+)\)")
TRACES = re.compile(r"/root/\.|/work/|/opt/(?!vwmon\b)|\bTODO\b|\bFIXME\b|\bXXX\b")


def text(page: Path) -> str:
    """Return a page."""
    return page.read_text(encoding="utf-8")


def pages(*names: str) -> pytest.MarkDecorator:
    """Run a test on each page, or on those named."""
    chosen = [ROOT / name for name in names] or PAGES
    return pytest.mark.parametrize("page", chosen, ids=lambda page: str(page.relative_to(ROOT)))


def commands(page: Path) -> Iterator[list[str]]:
    """Yield the words of every vwmon command that a page shows, in a block or between back-ticks."""
    for found in COMMAND.finditer(text(page).replace("\\\n", " ")):
        words = shlex.split(found[1].replace("'", " ").replace('"', " "))
        if words and words[0] in COMMANDS:
            yield words


def fits(words: list[str]) -> bool:
    """Tell whether there is such a command, with such a subcommand and such options."""
    command: Any = get_command(app).get_command(None, words[0])  # type: ignore[attr-defined]  # the root is a group
    for word in words[1:]:
        command = getattr(command, "commands", {}).get(word, command)
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    return all(word.split("=")[0] in known for word in words if re.fullmatch(r"--?[a-z][a-z-]*", word))


@pages()
def test_every_command_shown_exists_with_its_options(page: Path) -> None:
    """What someone copies from a page works."""
    assert [words for words in commands(page) if not fits(words)] == []


def test_the_check_of_commands_sees_what_is_not_there() -> None:
    """A check that sees nothing would pass for ever."""
    assert fits(["alerts", "ack", "ABCD", "-m", "note", "--for", "45m"])
    assert not fits(["alerts", "ack", "--fro", "45m"])
    assert not fits(["alerts", "--bogus"])


@pages("README.md", "docs/clinician.md", "docs/operator.md")
def test_a_guide_shows_commands(page: Path) -> None:
    """So that the test above has something to look at."""
    assert sum(1 for _ in commands(page)) >= 3


def test_every_command_is_documented() -> None:
    """Each has its part of the page of commands."""
    assert [name for name in COMMANDS if f"## vwmon {name}\n" not in text(ROOT / "docs" / "commands.md")] == []


@pages()
def test_every_link_leads_somewhere(page: Path) -> None:
    """Within the repository."""
    assert [link for link in LINK.findall(text(page)) if not (page.parent / link).exists()] == []


@pages()
def test_every_target_of_make_exists(page: Path) -> None:
    """What a page tells to make can be made."""
    targets = set(re.findall(r"^([a-z]+):", text(ROOT / "Makefile"), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z]+)\b", text(page), re.MULTILINE)) <= targets


@pages()
def test_every_file_named_is_there(page: Path) -> None:
    """A path in a page is one in the repository."""
    named = re.findall(r"`((?:docs|deploy|scripts|tests|vwmon|devices|alerts|requirements)/[\w./-]+)`", text(page))
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_dependency_has_its_line_and_no_other_has() -> None:
    """Everything that is installed was asked for, and someone can say why."""
    named = set(re.findall(r"^\| ([a-z][a-z0-9-]+) \|", text(ROOT / "docs" / "dependencies.md"), re.MULTILINE))
    extras = [line for lines in PROJECT["optional-dependencies"].values() for line in lines]
    required = {re.split(r"[^\w.-]", line)[0] for line in [*PROJECT["dependencies"], *extras]}
    assert named - {"package"} == required


@pytest.mark.hazard("T16")
@pytest.mark.parametrize("name", ["runtime", "dev", "fuzz", "mutate"])
def test_every_package_is_pinned_with_hashes(name: str) -> None:
    """And the lock carries no address of a machine."""
    lock = text(ROOT / "requirements" / f"{name}.lock")
    packages = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)[1:]
    assert packages
    assert [package.split()[0] for package in packages if "==" not in package or "--hash=sha256:" not in package] == []
    assert "://" not in lock


def test_the_lock_of_the_runtime_is_part_of_the_other() -> None:
    """What is tested is what is installed."""

    def pins(name: str) -> set[str]:
        found = re.findall(r"^[a-z0-9][^ ]*==[^ ]+", text(ROOT / "requirements" / f"{name}.lock"), re.MULTILINE)
        return set(found)

    assert pins("runtime") <= pins("dev")
    assert pins("runtime") <= pins("fuzz") & pins("mutate")
    assert not {"atheris", "mutmut"} & {pin.partition("==")[0] for pin in pins("dev")}
    required = {re.split(r"[^\w.-]", line)[0] for line in PROJECT["dependencies"]}
    assert required <= {pin.partition("==")[0] for pin in pins("runtime")}


def test_the_changelog_speaks_of_clinical_safety_in_every_release() -> None:
    """Who upgrades must find what can change a score or an alert."""
    releases = re.split(r"^## ", text(ROOT / "CHANGELOG.md"), flags=re.MULTILINE)[1:]
    assert releases
    assert all("### Clinical safety" in release for release in releases)


def test_the_readme_says_what_vwmon_is_not() -> None:
    """Before anyone relies on it."""
    assert "not a certified medical device" in text(ROOT / "README.md")
    assert "UKCA" in text(ROOT / "README.md")


def test_every_decision_is_listed() -> None:
    """A page that is not listed is not found."""
    folder = ROOT / "docs" / "decisions"
    assert {page.name for page in folder.glob("0*.md")} == set(LINK.findall(text(folder / "README.md")))


@pages()
def test_a_page_carries_no_trace_of_a_machine_or_of_work_undone(page: Path) -> None:
    """It is for those who read it."""
    assert TRACES.findall(text(page)) == []
