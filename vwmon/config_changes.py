"""Settings as one flat table of keys with what each is, as a file may say it, and what differs between two.

Two settings that are not the same always differ in a key here: whoever reads what differs has read all of it. Of
secrets there are the names of their files, as the settings have them.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import Field, fields
from pathlib import Path
from typing import Any, Final, NamedTuple

from devices import times
from vwmon import durations
from vwmon.config import Settings, own_address
from vwmon.patients.limits import instant
from vwmon.written import literal

Flat = Mapping[str, str]

# No value that a file can have looks like these: texts are in quotes.
NOT_THERE: Final = "not there"
NOT_SET: Final = "not set"
SEVERAL: Final = ("tables", "named")


class Change(NamedTuple):
    """A key of which two settings do not say the same, with both."""

    key: str
    before: str
    after: str


def flat(settings: Settings) -> Flat:
    """Give every key with its value; an entry of a list is named by its id, else by its place from 1 on."""
    return dict(_record(settings, ""))


def between(before: Flat, after: Flat) -> Sequence[Change]:
    """Give what differs, in the order of the keys of `after`, and what is only in `before` behind it."""
    every = dict.fromkeys((*after, *before))
    both = (Change(key, before.get(key, NOT_THERE), after.get(key, NOT_THERE)) for key in every)
    return [one for one in both if one.before != one.after]


def _record(record: Any, prefix: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401 -- any record of settings
    for each in fields(record):
        name, value = prefix + each.name.removesuffix("_ms"), getattr(record, each.name)
        if "table" in each.metadata:
            yield from _record(value, f"{name}.")
        elif any(kind in each.metadata for kind in SEVERAL):
            yield from _entries(value, name)
        elif "read" in each.metadata:
            yield name, _said(each, value)


def _entries(entries: Sequence[Any], name: str) -> Iterator[tuple[str, str]]:
    """Yield which entries there are, in their order, and what each says."""
    labels = [_label(entry, place) for place, entry in enumerate(entries, start=1)]
    yield name, literal(labels)
    for label, entry in zip(labels, entries, strict=True):
        yield from _record(entry, f"{name}.{label}.")


def _label(entry: Any, place: int) -> str:  # noqa: ANN401 -- as above
    return str(getattr(entry, "id", "") or getattr(entry, "name", "") or place)


def _said(each: "Field[Any]", value: object) -> str:
    if value is None:
        return NOT_SET
    if isinstance(value, Path):
        return literal(os.path.normpath(value.absolute()))
    if shown := SHOWN.get(each.metadata["read"]):
        return shown(value)
    if isinstance(value, int) and each.name.endswith("_ms"):
        return literal(durations.text(value))
    return literal(value)


SHOWN: Final[Mapping[Callable[[object], object], Callable[[Any], str]]] = {
    instant: times.utc,
    own_address: lambda address: literal(f"{address[0]}:{address[1]}"),
}
