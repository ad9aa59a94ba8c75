"""What a fuzzing target is: a reader of somebody else's bytes, what it may begin with, and what must hold of it."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

FOUND = Path(__file__).with_name("found")
SLOWEST_S = 1.0  # of processor time for one input, so that a busy machine is not taken for a hang
LONGEST = 4096  # bytes of a seed; what is longer is a matter of limits, which have tests of their own


class SlowError(Exception):
    """An input took longer than any may."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """One family of parsers: `take` raises for whatever is not a documented error, or does not hold.

    `words` are what its language is made of.
    """

    title: str
    take: Callable[[bytes], None]
    seeds: Callable[[], Iterator[bytes]]
    words: Sequence[str] = ()


def corpus(name: str, targets: Mapping[str, Target]) -> list[bytes]:
    """Give what a target begins with: real forms, and every input that was once too much for it."""
    kept = [file.read_bytes() for file in found(name)]
    return list(dict.fromkeys([*(seed for seed in targets[name].seeds() if len(seed) <= LONGEST), *kept]))


def found(name: str) -> list[Path]:
    """Name the inputs that once were too much for a target."""
    return sorted((FOUND / name).glob("*"))


def within_time(take: Callable[[bytes], None], sent: bytes) -> float:
    """Take one input, and give how many seconds of a processor it cost; SlowError when that is more than any may."""
    began = time.process_time()
    take(sent)
    if (spent := time.process_time() - began) > SLOWEST_S:
        raise SlowError(f"{len(sent)} bytes took {spent:.1f} s")
    return spent


def choice(sent: bytes, kinds: Mapping[bytes, str]) -> tuple[str, bytes]:
    """Take the first byte as the kind of what follows; any other byte is the first kind."""
    return kinds.get(sent[:1], next(iter(kinds.values()))), sent[1:]
