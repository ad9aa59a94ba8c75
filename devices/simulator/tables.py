"""The simulator's tables, read from the TOML files beside the code.

Here: opening a table and turning it into records, and the errors of one that cannot be used. Not here: what a record
means.
"""

import math
import tomllib
from collections.abc import Iterable
from importlib import resources
from typing import Final, TypeVar

import msgspec

from devices import vitals

Record = TypeVar("Record")

WHOLE: Final = 1.0


def load(name: str, kind: type[Record]) -> Record:
    """Read a table of this package as records of a kind; msgspec.ValidationError says where it does not fit."""
    text = resources.files("devices.simulator").joinpath(name).read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), kind)


def require_vitals(where: str, names: Iterable[str]) -> None:
    """Raise ValueError for a vital that no table knows."""
    unknown = [name for name in names if name not in vitals.VITALS]
    if unknown:
        raise ValueError(f"{where}: there is no vital {', '.join(unknown)}")


def require_whole(where: str, shares: Iterable[float]) -> None:
    """Raise ValueError for shares that are not of one whole."""
    found = list(shares)
    if min(found) < 0 or not math.isclose(sum(found), WHOLE, abs_tol=1e-9):
        raise ValueError(f"{where}: the shares add up to {sum(found):g}, not to 1")
