"""Write docs/commands.md from the help of the commands themselves; with --check, only say whether it is up to date."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from typer.main import get_command
from typer.testing import CliRunner

from vwmon.cli import COMMANDS, app

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"
BEGIN = "<!-- From here on written by scripts/document_commands.py: do not edit. -->\n"


def main() -> int:
    """Return 0 when the page is as it should be, or has been made so; 1 when --check finds that it is not."""
    os.environ["COLUMNS"] = "80"
    words, _, _ = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    wanted = words + BEGIN + "".join(sections())
    if PAGE.read_text(encoding="utf-8") == wanted:
        return 0
    if "--check" in sys.argv:
        sys.stderr.write(f"{PAGE.name} does not say what the commands say; run: make format\n")
        return 1
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


def sections() -> Iterator[str]:
    """Yield the text of every command, those below it following."""
    root = get_command(app)
    for name in COMMANDS:
        yield section(name)
        command = root.get_command(None, name)  # type: ignore[attr-defined]  # the root is a group
        for below in getattr(command, "commands", {}):
            yield section(name, below)


def section(*words: str) -> str:
    """Return one command's help under its name."""
    shown = CliRunner().invoke(app, [*words, "--help"], prog_name="vwmon", catch_exceptions=False).stdout
    title = "#" * (len(words) + 1) + " vwmon " + " ".join(words)
    return f"\n{title}\n\n```\n{shown.rstrip()}\n```\n"


if __name__ == "__main__":
    raise SystemExit(main())
