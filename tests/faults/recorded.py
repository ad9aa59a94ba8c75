"""What a process writes, call by call, as strace saw it; and what of that a disk may hold when the power goes.

A power cut keeps what was synced. Of the rest it keeps any part, in any order, to the sector: a write may be there, be
lost or be torn, and one that came later may be there without it. The same goes for names that are made and removed.
"""

import random
import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 512
CALLS = "openat,pwrite64,write,fdatasync,fsync,ftruncate,unlink"
LINE = re.compile(r"(?P<call>\w+)\((?P<arguments>.*)\)\s+= (?P<result>-?\d+)")
ESCAPED = re.compile(r"(?:\\x[0-9a-f]{2})+")
WORD = 1  # where a subject's word goes that something is stored


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call that succeeded: `path` is the file's, `at` an offset or a length, `text` what was written."""

    name: str
    path: str
    at: int = 0
    text: bytes = b""
    handle: int = -1


@dataclass(kw_only=True)
class File:
    """One file: what is on the disk, and the pieces of at most a sector, and lengths, that may be."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)

    def write(self, at: int, text: bytes) -> None:
        """Take a write, in pieces that end where sectors do."""
        done = 0
        while done < len(text):
            piece = text[done : done + SECTOR - (at + done) % SECTOR]
            self.pending.append((at + done, piece))
            done += len(piece)

    def sync(self) -> None:
        """Put everything on the disk."""
        self.durable = self.kept([True] * len(self.pending))
        self.pending.clear()

    def kept(self, which: Sequence[bool]) -> bytearray:
        """Give what the disk holds when these of the pieces came through."""
        content = bytearray(self.durable)
        for (at, piece), came in zip(self.pending, which, strict=True):
            if came and piece is None:
                content = content[:at].ljust(at, b"\0")
            elif came and piece is not None:
                content.extend(bytes(max(0, at - len(content))))
                content[at : at + len(piece)] = piece
        return content


class Disk:
    """The files of one folder while calls are played back to them."""

    def __init__(self, files: dict[str, bytes]) -> None:
        """Begin with these files, all on the disk."""
        self.names = {path: File(durable=bytearray(content)) for path, content in files.items()}
        self._synced = dict(self.names)
        self.words = b""

    def play(self, call: Call) -> None:
        """Do a call."""
        match call.name:
            case "openat":
                self.names.setdefault(call.path, File())
            case "pwrite64":
                self.names[call.path].write(call.at, call.text)
            case "ftruncate":
                self.names[call.path].pending.append((call.at, None))
            case "unlink":
                self.names.pop(call.path, None)
            case "fsync" | "fdatasync" if call.path in self.names:
                self.names[call.path].sync()
            case "fsync" | "fdatasync":
                self._synced = dict(self.names)
            case "write" if call.handle == WORD:
                self.words += call.text

    def cut(self, chance: random.Random) -> dict[str, bytes]:
        """Cut the power: give a content of the disk that may come of it."""
        left = {}
        for path in sorted(self.names.keys() | self._synced.keys()):
            now, before = self.names.get(path), self._synced.get(path)
            file = now if now is before or chance.random() < 1 / 2 else before
            if file is not None:
                left[path] = bytes(file.kept(_which(len(file.pending), chance)))
        return left


def _which(count: int, chance: random.Random) -> list[bool]:
    """Choose what comes through: nothing, everything, what was first, or each piece by chance."""
    match chance.randrange(4):
        case 0:
            return [False] * count
        case 1:
            return [True] * count
        case 2:
            first = chance.randrange(count + 1)
            return [at < first for at in range(count)]
        case _:
            share = chance.random()
            return [chance.random() < share for _ in range(count)]


def record(program: Sequence[str], folder: Path, to: Path) -> list[Call]:
    """Run a program, which must end well, and give what it did to the files of a folder, and its words."""
    strace = ("strace", "-qq", "-xx", "-y", "-s", "1000000", "-e", f"trace={CALLS}", "-o", str(to))
    subprocess.run([*strace, *program], check=True, stdout=subprocess.PIPE, timeout=600)
    with to.open(encoding="ascii") as lines:
        return list(_calls(lines, str(folder)))


def _calls(lines: Iterable[str], folder: str) -> Iterator[Call]:
    for line in lines:
        found = LINE.match(line)
        if found is None or int(found["result"]) < 0:
            continue
        call = _call(found["call"], found["arguments"])
        if call.handle == WORD or call.path == folder or call.path.startswith(f"{folder}/"):
            yield call


def _call(name: str, arguments: str) -> Call:
    texts = [bytes.fromhex(text.replace("\\x", "")) for text in ESCAPED.findall(arguments)]
    first, numbers = arguments.partition("<")[0], re.findall(r"-?\d+", arguments.rpartition('"')[2])
    match name:
        case "pwrite64":
            return Call(name=name, path=texts[0].decode(), text=texts[1], at=int(numbers[-1]))
        case "ftruncate":
            return Call(name=name, path=texts[0].decode(), at=int(arguments.rpartition(",")[2]))
        case "write":
            return Call(name=name, path="", text=texts[-1], handle=int(first))
        case "openat" | "unlink":
            made = name == "unlink" or "O_CREAT" in arguments
            return Call(name=name, path=texts[-1].decode() if made else "")
        case _:
            return Call(name=name, path=texts[0].decode())
