"""The kinds of device as data: what each sends and how often, loaded from profiles.toml and checked on load.

Here: what is known of a kind of device. What is expected of a patient is the pathway's, what a value can be is
devices.vitals'; which device somebody has is kept elsewhere.
"""

import tomllib
from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType
from typing import Annotated, Final

import msgspec

from devices.errors import VitalsError
from devices.vitals import VITALS

Words = Annotated[str, msgspec.Meta(min_length=1)]
Several = Annotated[tuple[Words, ...], msgspec.Meta(min_length=1)]


class Calibration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a calibration does, in days, and whose words that is."""

    days: Annotated[int, msgspec.Meta(ge=1)]
    source: Words


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of device: the vitals it `sends`, and how often in words; `sleeps` when it leaves without a goodbye.

    `calibration` is there only where somebody has published an interval.
    """

    title: Words
    sends: Several
    every: Words
    sleeps: bool
    battery: Words
    artefacts: Several
    source: Words
    calibration: Calibration | None = None


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: Words
    profile: dict[str, Profile]


def load(text: str) -> tuple[str, dict[str, Profile]]:
    """Read a table of profiles from TOML; return its version, and the profiles by name. VitalsError for any fault."""
    try:
        table = msgspec.convert(tomllib.loads(text), _Table)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise VitalsError(f"the table of profiles cannot be read: {error}") from error
    for name, profile in table.profile.items():
        if unknown := [vital for vital in profile.sends if vital not in VITALS]:
            raise VitalsError(f"the profile {name} sends {', '.join(unknown)}, which the table of vitals does not know")
        if len(set(profile.sends)) != len(profile.sends):
            raise VitalsError(f"the profile {name} names a vital twice")
    return table.version, table.profile


VERSION, _PROFILES = load(resources.files("devices.profiles").joinpath("profiles.toml").read_text(encoding="utf-8"))
PROFILES: Final[Mapping[str, Profile]] = MappingProxyType(_PROFILES)
SLEEPERS: Final = frozenset(name for name, profile in PROFILES.items() if profile.sleeps)
