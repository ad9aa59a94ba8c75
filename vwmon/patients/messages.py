"""What a team may write to a patient's hub: short, plain, and with nothing in it that says who the patient is. Pure.

A message goes through a broker and stands on a screen in somebody's home. What can be checked is checked here; that the
words are right for the patient is the writer's.
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from vwmon.errors import RefusedError, UsageError, VwmonError
from vwmon.patients import admission
from vwmon.patients.records import Identity, Stay

LONGEST: Final = 400
LEAST_OF_A_NAME: Final = 3  # letters; a shorter part of one is too often a word
_WORD: Final = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
_JOINT: Final = re.compile(r"['\u2019-]")
_NUMBER: Final = re.compile(r"[0-9](?:[ -]?[0-9]){9}")  # as an NHS number is written, among more digits or not
_DATE: Final = re.compile(r"\b([0-9]{1,4})[-/. ]([0-9]{1,2})[-/. ]([0-9]{1,4})\b")


def checked(text: str, stay: Stay, person: Identity) -> str:
    """Return a message as it may be sent.

    UsageError for one that is empty, too long or not a line of printable text; RefusedError for one that says whose it
    is: a name, the local identifier, a date of birth, an NHS number.
    """
    said = text.strip()
    if not said.isprintable():
        raise UsageError("a message is one line of printable text, without control characters")
    if not 1 <= len(said) <= LONGEST:
        raise UsageError(f"a message has 1 to {LONGEST} characters; this one has {len(said)}")
    named = list(dict.fromkeys(_identifying(said, stay, person)))
    if named:
        raise RefusedError(f"the message says who the patient is, by {' and by '.join(named)}: write it without that")
    return said


def _identifying(said: str, stay: Stay, person: Identity) -> Iterator[str]:
    names = {word for word in _words(person.name or "") if len(word) >= LEAST_OF_A_NAME}
    if names & set(_words(said)):
        yield "a name"
    own_word = stay.patient.casefold() in said.casefold().split()
    if own_word or (len(stay.patient) >= LEAST_OF_A_NAME and stay.patient in said):
        yield "the local identifier"
    own = person.nhs_number is not None and person.nhs_number in re.sub(r"[^0-9]", "", said)
    if own or any(_is_nhs_number(found) for found in _NUMBER.findall(said)):
        yield "an NHS number"
    if person.born is not None and date.fromisoformat(person.born) in set(_dates(said)):
        yield "the date of birth"


def _words(text: str) -> Iterator[str]:
    """Yield every word, of one with hyphens or apostrophes also its parts, and the whole without these."""
    for whole in _WORD.findall(text.casefold()):
        parts = _JOINT.split(whole)
        yield from (*parts, "".join(parts))


def _is_nhs_number(text: str) -> bool:
    try:
        admission.nhs_number(text)
    except VwmonError:
        return False
    return True


def _dates(said: str) -> Iterator[date]:
    """Yield every date that three numbers in a row may mean, the year first or last, day and month either way."""
    for first, second, third in (map(int, found) for found in _DATE.findall(said)):
        for year, month, day in ((first, second, third), (third, second, first), (third, first, second)):
            full = year if year > 99 else 1900 + year  # noqa: PLR2004 -- two digits of a year of birth
            try:
                yield date(full, month, day)
            except ValueError:
                continue
