"""The history of alerts as a chain: every event is sealed together with the one before, so that no change goes unseen.

Whoever alters, removes or swaps events breaks the chain at that place. Whoever makes the whole chain anew, or cuts its
end off, is found out by an anchor: how many events there were at some time, and the last one's hash, kept elsewhere.
Pure; rows come from the caller, in order.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

CANONICAL: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
START: Final = ""  # what the first event follows on
REMOVED: Final = "removed"  # the kind of what tells that events were taken away on purpose
GONE: Final = "gone"  # the kind of an event of which only the link is there

# What is sealed. A field that is null is left out, so that one that is added later changes no hash of before.
FIELDS: Final = (
    "event_no",
    "alert_no",
    "kind",
    "actor",
    "at_ms",
    "state_before",
    "state_after",
    "level_before",
    "level_after",
    "version",
    "note",
    "evidence",
    "op_id",
    "changes",
    "provenance_no",
    "host",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """What the history was at some time: how many events, and the hash of the last."""

    time: str
    count: int
    head: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """One place where the history is not as it was written: the number of the event, and what is wrong there."""

    event_no: int
    what: str


@dataclass(slots=True, kw_only=True)
class Walk:
    """A history followed from its beginning: how far it goes, its last hash, and those at the numbers of interest.

    Of an event that was taken away the link is left, and its `version` is the number of the removal that says so.
    `gone` are such links by removal, `removed` what each removal says of them.
    """

    wanted: frozenset[int] = frozenset()
    count: int = 0
    head: str = START
    kept: dict[int, str | None] = field(default_factory=dict)
    gone: dict[int, list[tuple[int, str | None]]] = field(default_factory=dict)
    removed: dict[int, str] = field(default_factory=dict)

    def follow(self, rows: Iterable[tuple[Sequence[Any], str | None, str | None]]) -> Iterator[Break]:
        """Follow events of FIELDS, each with the hash it names as the one before and its own; yield every break."""
        for values, previous, hash_ in rows:
            event = dict(zip(FIELDS, values, strict=True))
            number = event["event_no"]
            yield from self._breaks(event, number, previous, hash_)
            if event["kind"] == GONE:
                self.gone.setdefault(event["version"], []).append((number, hash_))
            elif event["kind"] == REMOVED:
                self.removed[number] = json.loads(event["evidence"])["events"]
            self.count, self.head = number, hash_ or START
            if number in self.wanted:
                self.kept[number] = hash_

    def _breaks(
        self, event: Mapping[str, Any], number: int, previous: str | None, hash_: str | None
    ) -> Iterator[Break]:
        if number != self.count + 1:
            yield Break(event_no=self.count + 1, what=_missing(self.count + 1, number - 1))
        if hash_ is None:
            yield Break(event_no=number, what=f"event {number} was written without a hash")
        elif event["kind"] != GONE and link(previous or START, event) != hash_:
            yield Break(event_no=number, what=f"event {number} is not as it was written")
        elif previous != self.head:
            yield Break(event_no=number, what=f"event {number} was not written after the one that stands before it")


def untold(walk: Walk) -> Iterator[Break]:
    """Yield the events that are gone and of which no removal of the history says so, or not in these words."""
    for number in sorted(walk.gone.keys() | {no for no, said in walk.removed.items() if said != digest([])}):
        links = walk.gone.get(number, [])
        if walk.removed.get(number) != digest(links):
            first = min((no for no, _ in links), default=number)
            yield Break(event_no=first, what=f"events are gone that removal {number} does not name, or are there again")


def digest(links: Sequence[tuple[int, str | None]]) -> str:
    """Give one hash over the numbers and hashes of some events, in their order."""
    from hashlib import sha256  # noqa: PLC0415 -- as below

    return sha256(CANONICAL([list(one) for one in links]).encode()).hexdigest()


def link(previous: str, event: Mapping[str, Any]) -> str:
    """Give the hash of an event that follows on the event of that hash: SHA-256 of canonical JSON."""
    sealed = {name: event[name] for name in FIELDS if event[name] is not None}
    from hashlib import sha256  # noqa: PLC0415 -- the lists know of the chain, and wait for nothing that they do not need

    return sha256(CANONICAL({**sealed, "previous": previous}).encode()).hexdigest()


def astray(walk: Walk, anchors: Sequence[Anchor]) -> Iterator[Break]:
    """Yield what the anchors know and the history that was followed does not have: an end cut off, or made anew."""
    beyond = [anchor for anchor in anchors if anchor.count > walk.count]
    if beyond:
        last = max(beyond, key=lambda anchor: anchor.count)
        said = f"{_missing(walk.count + 1, last.count)} at the end, as the anchor of {last.time} shows"
        yield Break(event_no=walk.count + 1, what=said)
    for anchor in anchors:
        if 0 < anchor.count <= walk.count and walk.kept.get(anchor.count) != anchor.head:
            said = f"event {anchor.count} is not the one that the anchor of {anchor.time} knew"
            yield Break(event_no=anchor.count, what=said)
            return


def _missing(first: int, last: int) -> str:
    return f"event {first} is missing" if first == last else f"events {first} to {last} are missing"
