"""The configuration file as it is written for a person: the example with its comments, and what was answered put in.

Text in, text out. The example is read line by line, so what is added to it is in every file that is written. Not here:
what is asked, whether an answer is sound, or any writing to disk.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Final

from vwmon import config
from vwmon.config import Settings
from vwmon.errors import ConfigError, ConflictError

Values = Mapping[str, Any]
Answers = Mapping[str, Any]  # by dotted key; lists of tables and named tables by their own name

HEADER = re.compile(r"\[\[?([\w.]+)\]\]?$")
ASSIGNED = re.compile(r"(\w+) = (.*?)(\s+#.*)?$")
CHANNEL_SHOWN: Final = "# urls_file = "
LISTS: Final = ("wards", "people", "duty")  # of each the example shows one entry
HEAD: Final = """\
# vwmon's configuration: every key, with its default or what was answered. After a change, before a restart:
#     vwmon check-config
"""
HEAD_ENDS: Final = "check-config\n"
WARD: Final = """
[[wards]]
id = {id}
name = {name}
time_zone = {time_zone}
hours = {hours}
"""


def example() -> str:
    """Give the example: every key with its default and what it is."""
    return resources.files("vwmon").joinpath("config.example.toml").read_text(encoding="utf-8")


def whole(answers: Answers) -> str:
    """Write a configuration: the example, with `answers` for its values.

    `answers` are values by dotted key ("mqtt.port"), lists of tables under "wards", "people" and "duty" (the example's
    own entry of a list that has none is set behind comment signs), and channels' files under "notify.channels".
    """
    _, _, below = example().partition(HEAD_ENDS)
    return HEAD + "".join(_filled(block, answers) for block in _blocks(below))


def with_ward(content: str, ward: Values, file: Path) -> str:
    """Add a ward at the end of a configuration that somebody may have edited since, and change nothing else of it.

    ConflictError when there is such a ward; ConfigError for faults, or a form to which nothing can be added.
    """
    before = config.parse(content, file)
    if ward["id"] in {one.id for one in before.wards}:
        raise ConflictError(f'{file}: there is a ward "{ward["id"]}" already')
    added = content.rstrip("\n") + "\n" + WARD.format(**{key: literal(value) for key, value in ward.items()})
    try:
        after = config.parse(added, file)
    except ConfigError:
        after = before
    if (after.wards[:-1], len(after.wards), *_others(after)) != (
        before.wards,
        len(before.wards) + 1,
        *_others(before),
    ):
        raise ConfigError(f"{file}: no ward can be added to a file written like this one; write it there, as [[wards]]")
    return added


def literal(value: object) -> str:
    """Write a value as TOML has it."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {literal(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(literal, value)) + "]"
    if isinstance(value, Path):
        return literal(str(value))
    return json.dumps(value, ensure_ascii=False)


def _others(settings: Settings) -> tuple[object, ...]:
    return tuple(getattr(settings, name) for name in Settings.__dataclass_fields__ if name != "wards")


def _blocks(content: str) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield each table of the example by its name ("" before the first), with the comments that follow it."""
    name, lines = "", list[str]()
    for line in content.splitlines(keepends=True):
        header = HEADER.match(line.rstrip())
        if header:
            yield name, lines
            name, lines = header[1], []
        lines.append(line)
    yield name, lines


def _filled(block: tuple[str, Sequence[str]], answers: Answers) -> str:
    name, lines = block
    if name in LISTS:
        return _listed(lines, answers.get(name, ()))
    told = {key.removeprefix(f"{name}."): value for key, value in answers.items() if key.startswith(f"{name}.")}
    return "".join(
        _channels(line, told.get("channels", {})) if name == "notify" else line for line in _set(lines, told)
    )


def _listed(lines: Sequence[str], entries: Sequence[Values]) -> str:
    """Write the example's entry once for each of `entries`, behind comment signs when there are none."""
    end = next((number for number, line in enumerate(lines) if not line.strip() or line.startswith("#")), len(lines))
    entry, rest = lines[:end], "".join(lines[end:])
    if not entries:
        return "".join(f"# {line}" for line in entry) + rest
    return "\n".join("".join(_set(entry, values)) for values in entries) + rest


def _set(lines: Sequence[str], values: Values) -> Iterator[str]:
    """Put values in the place of defaults, with the comments where they were."""
    for line in lines:
        assigned = ASSIGNED.match(line.rstrip("\n"))
        if assigned is None or assigned[1] not in values:
            yield line
            continue
        start, comment = f"{assigned[1]} = {literal(values[assigned[1]])}", (assigned[3] or "").strip()
        gap = " " * max(2, line.index(comment) - len(start)) if comment else ""
        yield f"{start}{gap}{comment}\n"


def _channels(line: str, files: Values) -> str:
    """Write the channels below the line of the example that shows one."""
    if not line.startswith(CHANNEL_SHOWN):
        return line
    return line + "".join(f"\n[notify.channels.{name}]\nurls_file = {literal(file)}\n" for name, file in files.items())
