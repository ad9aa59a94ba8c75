"""What a person types to see part of the queue: "level:3", "ward:resp mine", or a piece of an identifier. Pure."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from alerts.model import Lane, State
from vwmon.cli.work_list import who_is
from vwmon.errors import UsageError

HINT: Final = "a patient, ward:NAME, level:2, lane:clinical, state:new, mine, unowned, snoozed; nothing shows all"
FLAGS: Final = ("unowned", "snoozed")
SNOOZED: Final = "snoozed"
UNOWNED_STATES: Final = frozenset({State.NEW, State.RERAISED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What an alert must be to be shown; an empty text or zero asks for nothing.

    What its owner has put off is left out, unless `snoozed`, or one owner's are asked for.
    """

    words: tuple[str, ...] = ()
    ward: str = ""
    level: int = 0
    lane: str = ""
    state: str = ""
    owner: str = ""
    unowned: bool = False
    snoozed: bool = False

    def fits(self, record: Mapping[str, Any]) -> bool:
        """Tell whether an alert is let through."""
        text = f"{record['id']} {who_is(record)} {record['ward'] or ''}".lower()
        return (
            record["level"] >= self.level
            and self.ward in {"", record["ward"]}
            and self.lane in {"", record["lane"]}
            and self.state in {"", record["state"]}
            and self.owner in {"", record["owner"]}
            and (self.snoozed or bool(self.owner) or SNOOZED not in record["flags"])
            and (not self.unowned or record["state"] in UNOWNED_STATES)
            and all(word in text for word in self.words)
        )

    def __str__(self) -> str:
        """Say what is asked for, in the words that ask for it; nothing when everything is shown."""
        asked = {key: getattr(self, key) for key in READERS}
        said = [f"{key}:{value}" for key, value in asked.items() if value]
        return shlex.join([*self.words, *said, *(flag for flag in FLAGS if getattr(self, flag))])


EVERYTHING: Final = Filter()


def read(text: str, me: str) -> Filter:
    """Read what was typed; "mine" is what `me` owns. UsageError says which word cannot be meant."""
    asked: dict[str, Any] = {}
    words = []
    for word in _words(text):
        key, colon, value = word.partition(":")
        if colon and key.lower() in READERS:
            asked[key.lower()] = READERS[key.lower()](value)
        elif word.lower() == "mine":
            asked["owner"] = _known(me)
        elif word.lower() in FLAGS:
            asked[word.lower()] = True
        else:
            words.append(word.lower())
    return Filter(words=tuple(words), **asked)


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise UsageError(f"{text!a} has a quotation mark without its pair") from error


def _known(me: str) -> str:
    if not me:
        raise UsageError("nobody has said who acts, so nothing is theirs; key w says it, or write owner:NAME")
    return me


def _level(text: str) -> int:
    if text.removesuffix("+") not in {"1", "2", "3"}:
        raise UsageError(f"{text!a} is no level; write level:1, level:2 or level:3")
    return int(text.removesuffix("+"))


def _named(names: type[Lane] | type[State]) -> Callable[[str], str]:
    def read_name(text: str) -> str:
        if text.lower() not in set(names):
            raise UsageError(f"{text!a} is none of {', '.join(names)}")
        return text.lower()

    return read_name


READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "level": _level,
    "lane": _named(Lane),
    "state": _named(State),
    "ward": str,
    "owner": str,
}
