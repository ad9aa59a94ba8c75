"""What a daemon holds at a moment, and how fast what it holds of memory grows."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.faults.daemon import Daemon

MIB = 1024 * 1024
HOUR_S = 3600.0
# What a daemon holds goes up and down as its windows fill and are trimmed, every six minutes at forty messages a
# second. Measured over ten minutes with a fault every six seconds: a deviation of 0.75 MiB from the line through it, a
# correlation of 0.92 between two looks.
SWING_MIB, SWING_S = 0.8, 150.0
SURE = 3.0


@dataclass(frozen=True, kw_only=True)
class Held:
    """What a daemon held at a moment: MiB of memory and of write-ahead log, and open files."""

    memory_mib: float
    files: int
    wal_mib: float
    at_s: float = field(default_factory=time.monotonic)

    @classmethod
    def by(cls, daemon: Daemon) -> "Held":
        """Look."""
        status = Path(f"/proc/{daemon.pid}/status").read_text(encoding="utf-8").splitlines()
        kib = int(next(line.split()[1] for line in status if line.startswith("VmRSS:")))
        wal = daemon.path.with_name(f"{daemon.path.name}-wal")
        return cls(
            memory_mib=kib / 1024,
            files=len(list(Path(f"/proc/{daemon.pid}/fd").iterdir())),
            wal_mib=wal.stat().st_size / MIB if wal.exists() else 0.0,
        )


def mib_per_hour(held: Sequence[Held]) -> float:
    """Fit a line through what was held of memory, and give its slope."""
    at_h = np.array([one.at_s for one in held]) / HOUR_S
    return float(np.polyfit(at_h - at_h[0], [one.memory_mib for one in held], 1)[0])


def by_chance(held: Sequence[Held]) -> float:
    """Give the slope, in MiB/h, that memory which does not grow can have in so long a time: three times its error.

    The longer the less: six in 25 minutes, one in an hour and a half.
    """
    lasted_s = held[-1].at_s - held[0].at_s
    return SURE * SWING_MIB * math.sqrt(12 * SWING_S / lasted_s) / (lasted_s / HOUR_S)
