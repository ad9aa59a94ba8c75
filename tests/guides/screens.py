"""The screens in the guides: what the commands show on a made-up ward, put where a guide has that command.

`python -m tests.guides.screens` writes them anew; a test says when that is due. A screen is the block below a comment
that names a time of the shift.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.conftest import ROOT
from tests.guides import shift
from tests.guides.shift import COLUMNS, Shown

GUIDES = (ROOT / "docs" / "clinician.md", ROOT / "docs" / "operator.md")
BLOCK = re.compile(r"^<!-- at (\S+) -->\n```\n.*?^```$", re.MULTILINE | re.DOTALL)
Screens = Mapping[str, Shown]


def lived() -> Screens:
    """Give every screen of the shift by the time at which it was there."""
    with TemporaryDirectory() as folder:
        return {shown.at: shown for shown in shift.screens(Path(folder))}


def renewed(page: str, screens: Screens) -> str:
    """Give a page with its screens as they are; KeyError for a time at which the shift has none."""
    return BLOCK.sub(lambda block: f"<!-- at {block[1]} -->\n```\n{screens[block[1]].text}\n```", page)


def too_wide(page: str) -> Iterator[str]:
    """Yield the lines of screens that a terminal would break."""
    for block in BLOCK.finditer(page):
        yield from (line for line in block[0].splitlines() if len(line) > int(COLUMNS) + len("$ "))


def main() -> int:
    """Write the screens of the guides anew."""
    screens = lived()
    for guide in GUIDES:
        guide.write_text(renewed(guide.read_text(encoding="utf-8"), screens), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
