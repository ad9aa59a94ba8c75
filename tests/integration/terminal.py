"""A small terminal: a program on a pseudo-terminal, the keys it is sent, and the text that it leaves on the screen."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.integration.broker import DEADLINE_S

PIECE = re.compile(
    r"\x1b\[([?<=>]?)([\d;]*)[ -/]*([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_]|[\r\n\x07]|[^\x1b\r\n\x07]+"
)
LAST = re.compile(r"\x1b(?:\[[?<=>]?[\d;]*|\][^\x07]*)?$")


class Terminal:
    """What a person sees: lines of text. It knows the few sequences that place text, and passes over colours."""

    def __init__(self, columns: int, lines: int, handle: int) -> None:
        """Begin with an empty screen, on our end of a pseudo-terminal."""
        self._cells = [[" "] * columns for _ in range(lines)]
        self._at, self._handle, self._rest = (0, 0), handle, b""
        self.raw = ""

    @property
    def text(self) -> str:
        """Give the screen's text."""
        return "\n".join("".join(cells).rstrip() for cells in self._cells)

    def press(self, keys: str) -> None:
        """Send keys, as a keyboard does."""
        os.write(self._handle, keys.encode())

    def shows(self, *texts: str, gone: Sequence[str] = ()) -> str:
        """Read until all of some texts are on the screen, and others are not; give the screen."""
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            if all(text in self.text for text in texts) and not any(text in self.text for text in gone):
                return self.text
            self.read(end - time.monotonic())
        raise AssertionError(f"waited in vain for {texts} without {gone} on:\n{self.text}")

    def read(self, within_s: float) -> bool:
        """Take in what comes next; tell whether anything did."""
        if not select.select([self._handle], [], [], max(within_s, 0))[0]:
            return False
        try:
            came = os.read(self._handle, 65_536)
        except OSError:
            return False
        whole = self._rest + came
        text = whole.decode(errors="ignore")
        cut = LAST.search(text)
        kept = text[: cut.start()] if cut is not None else text
        self._rest = whole[len(kept.encode()) :]
        self.raw += kept
        for piece in PIECE.finditer(kept):
            self._take(piece)
        return bool(came)

    def _take(self, piece: re.Match[str]) -> None:
        line, column = self._at
        if piece[3] == "H" and not piece[1]:
            wanted = [int(number or 1) - 1 for number in (piece[2] or "1;1").split(";")]
            self._at = (wanted[0], wanted[1] if len(wanted) > 1 else 0)
        elif piece[0] == "\r":
            self._at = (line, 0)
        elif piece[0] == "\n":
            self._at = (line + 1, column)
        elif not piece[0].startswith(("\x1b", "\x07")):
            self._write(piece[0])

    def _write(self, text: str) -> None:
        line, column = self._at
        for letter in text:
            if line < len(self._cells) and column < len(self._cells[line]):
                self._cells[line][column] = letter
            column += 1
        self._at = (line, column)


@contextmanager
def running(
    command: Sequence[str], columns: int, lines: int, **environment: str
) -> Iterator[tuple[Terminal, "subprocess.Popen[bytes]"]]:
    """Run a program on a terminal of a size; nothing of it is left running."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    env = {**os.environ, "TERM": "xterm-256color", **environment}
    program = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=env)
    os.close(theirs)
    try:
        yield Terminal(columns, lines, ours), program
    finally:
        program.kill()
        program.wait()
        os.close(ours)
