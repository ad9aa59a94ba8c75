"""How `vwmon init` gets its answers: from options alone, all faults at once, or step by step at a terminal.

What is asked is vwmon.cli.init_questions'.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import typer

from vwmon.cli import render
from vwmon.cli.init_questions import Found, Question, mqtt_of
from vwmon.errors import UsageError

Given = Mapping[str, str]


def from_options(questions: Sequence[Question], given: Given, base: Found, *, yes: bool) -> Found:
    """Read what the options say, and defaults for the rest; UsageError names everything that is wrong or missing."""
    found, faults = dict(base), []
    needed = [question.option for question in questions if question.needed and question.name not in given]
    for question in questions:
        if question.name not in given and question.needed:
            continue
        if not question.wanted(found):
            if given.get(question.name):
                faults.append(f"{question.option} means nothing without what it belongs to")
            continue
        try:
            found[question.name] = _read(question, given.get(question.name, question.otherwise(found)), found)
        except ValueError as error:
            faults.append(f"{question.option}: {error}")
    needed += [] if yes else ["--yes"]
    if needed:
        faults.insert(0, f"this is not a terminal, where it could be asked for: give {', '.join(needed)} too")
    if faults:
        raise UsageError("\n".join(faults))
    return found


def at_terminal(questions: Sequence[Question], given: Given, base: Found) -> Found:
    """Ask for whatever the options do not say, in order; an answer that cannot stand is asked for again."""
    found = dict(base)
    for question in questions:
        if question.wanted(found):
            found[question.name] = _answered(question, given.get(question.name), found)
    return found


def confirmed(question: str) -> bool:
    """Ask for a yes."""
    return bool(typer.confirm(question, default=False))


def values(found: Found) -> dict[str, Any]:
    """Turn the answers into the configuration's values."""
    mqtt, channels, people = mqtt_of(found), found.get("channel") or {}, found.get("people") or {}
    return {
        "store.path": found["store"],
        "mqtt.host": mqtt.host,
        "mqtt.port": mqtt.port,
        "mqtt.socket": mqtt.socket or "",
        "mqtt.username": found["username"],
        "mqtt.password_file": found.get("password_file", ""),
        "mqtt.tls": {name: found.get(name) or "" for name in ("ca", "cert", "key")},
        "commands.allow_as": found["allow_as"],
        "notify.channels": channels,
        "wards": [ward(found)],
        "people": [{"id": name, "role": role, "channels": list(channels)} for name, role in people.items()],
        "duty": [{"tier": tier, "who": found[f"tier_{tier}"]} for tier in (1, 2, 3) if found.get(f"tier_{tier}")],
    }


def ward(found: Found) -> dict[str, Any]:
    """Give the values of the ward itself."""
    names = {"id": "ward", "name": "name", "time_zone": "time_zone", "hours": "hours"}
    return {key: found[name] for key, name in names.items()}


def _answered(question: Question, given: str | None, found: Found) -> Any:  # noqa: ANN401 -- an answer of any kind
    while True:
        text = given if given is not None else _prompt(question, found)
        given = None
        try:
            return _read(question, text, found)
        except ValueError as error:
            for line in render.folded(f"  {error}"):
                render.say(line)


def _prompt(question: Question, found: Found) -> str:
    default = None if question.needed else question.otherwise(found)
    return str(typer.prompt(question.asks, default=default, show_default=bool(default)))


def _read(question: Question, text: str, found: Found) -> Any:  # noqa: ANN401 -- an answer of any kind
    value = question.read(text.strip())
    for line in question.amiss(value, {**found, question.name: value}):
        for part in render.folded(f"warning: {line}"):
            render.warn(part)
    return value
