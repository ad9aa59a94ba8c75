"""Settings as one flat table of keys with what each is, as a file would say it, and what differs between two. Pure.

Two settings that are not the same always differ in a key here: whoever reads what differs has read all of it. A secret
is never in it: settings name the files of secrets.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import Field, fields
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from vwmon import durations
from vwmon.config import Settings
from vwmon.patients.limits import instant
from vwmon.written import literal

Flat = Mapping[str, str]

NOT_THERE: Final = "not there"  # no value that a file can have looks like it: texts are in quotes
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
    if isinstance(value, int) and each.metadata["read"] is instant:
        return datetime.fromtimestamp(value / 1000, UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, int) and each.name.endswith("_ms"):
        return literal(durations.text(value))
    return literal("" if value is None else value)
