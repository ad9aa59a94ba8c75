"""The guides can be followed: each line to copy parses as the program would parse it, and each screen is a real one."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from tests.arch.test_documents import pages, text
from tests.conftest import ROOT
from tests.guides import screens
from tests.guides.screens import BLOCK, GUIDES, Screens
from vwmon.cli import app

FENCED = re.compile(r"^ *```[a-z]*\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
SCREENS_AT_LEAST = {"clinician.md": 10, "operator.md": 0}


def lines(page: Path) -> Iterator[str]:
    """Yield the commands that a page's blocks give to be copied, without what is said beside them."""
    for block in FENCED.findall(text(page)):
        for line in block.replace("\\\n", " ").splitlines():
            found = re.search(r"(?:^|^\$ |^\S*/|-- |; )(vwmon .*)", line.strip())
            if found:
                command = re.split(r"\s+#\s|\s+[|>]\s", found[1])[0].rstrip()
                yield command.removesuffix("'") if command.count("'") % 2 else command


def trouble(line: str) -> str | None:
    """Parse a command line as the program does, without doing anything; say what is wrong with it."""
    words = shlex.split(line)[1:]
    command: Any = get_command(app).get_command(None, words[0])  # type: ignore[attr-defined]  # the root is a group
    if command is None:
        return f"no command {words[0]}"
    below = getattr(command, "commands", {})
    if words[1:] and words[1] in below:
        command, words = below[words[1]], words[1:]
    try:
        with command.make_context(words[0], words[1:]):
            return None
    except Exception as error:  # noqa: BLE001 -- whatever the parser objects to
        return None if "does not exist" in str(error) else f"{type(error).__name__}: {error}"  # a file is the reader's


@pages("README.md", "docs/operator.md", "docs/clinician.md")
def test_every_line_to_copy_is_one_that_the_program_takes(page: Path) -> None:
    """With its options, their values, and everything that must be given."""
    found = {line: trouble(line) for line in lines(page)}
    assert found
    assert {line: why for line, why in found.items() if why is not None} == {}


@pytest.mark.parametrize(
    "line",
    [
        "vwmon alerts ack --fro 45m ID",
        "vwmon patients admit 4711 --born 1950-01-01",
        "vwmon devices assign spo2-17",
        "vwmon alerts --bogus",
        "vwmon frobnicate",
        "vwmon simulate --patients twelve --ward resp",
    ],
)
def test_a_line_that_the_program_would_refuse_is_seen(line: str) -> None:
    """A check that sees nothing would pass for ever."""
    assert trouble(line) is not None


@pytest.fixture(scope="module")
def lived() -> Screens:
    """The screens of a shift, made once."""
    return screens.lived()


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_every_screen_in_a_guide_is_what_the_commands_show(guide: Path, lived: Screens) -> None:
    """Made anew with: python -m tests.guides.screens."""
    page = text(guide)
    assert page == screens.renewed(page, lived)
    assert list(screens.too_wide(page)) == []
    assert len(BLOCK.findall(page)) >= SCREENS_AT_LEAST[guide.name]


def test_a_screen_that_is_out_of_date_is_seen(lived: Screens) -> None:
    """One letter is enough; and at a time that the shift does not have there is no screen."""
    page = text(ROOT / "docs" / "clinician.md")
    assert screens.renewed(page.replace("breathless since supper", "breathless since dinner"), lived) == page
    with pytest.raises(KeyError, match="12:34"):
        screens.renewed("<!-- at 12:34 -->\n```\n$ vwmon alerts\n```", lived)


def test_every_command_of_the_shift_did_what_the_guide_says(lived: Screens) -> None:
    """No screen shows a command that failed, but the list that is not to be trusted."""
    codes = {(one.typed, one.code) for one in lived.values() if one.code != 0}
    assert codes == {("vwmon alerts", 4)}
