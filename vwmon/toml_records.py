"""Frozen records read from TOML: the record is the schema.

Each field declares the function that reads its value and its default, so a key exists in one place only. A field of
milliseconds ends in _ms; its key does not. Every fault is found at once, each with its line. Not here: which keys
there are, or which file they come from.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from vwmon import durations

R = TypeVar("R")

Where = tuple[str | int, ...]  # the way to a value: names of keys, and places in lists
Fault = tuple[Where, str]

HEADER = re.compile(r"\s*\[(\[?)\s*([^\[\]]+?)\s*\]")
ASSIGNED = re.compile(r"""\s*((?:[\w.-]|"[^"]*"|'[^']*'|\s(?=[\s.=]))+?)\s*=""")


def setting(read: Callable[..., Any], default: Any = MISSING) -> Any:  # noqa: ANN401 -- a field of any type
    """Declare one key: the function that reads it and, unless it must be given, its default."""
    return field(default=default, metadata={"read": read})


def aside(read: Callable[..., Any], default: Any) -> Any:  # noqa: ANN401 -- as above
    """Declare one key that no score or alert depends on: it is left out of what the record shows of itself."""
    return field(default=default, repr=False, metadata={"read": read})


def table(record: type) -> Any:  # noqa: ANN401 -- a field of the record's type
    """Declare a key that is a table of its own."""
    return field(default_factory=record, metadata={"table": record})


def tables(record: type) -> Any:  # noqa: ANN401 -- a tuple of the record's type
    """Declare a key that is a list of tables."""
    return field(default=(), metadata={"tables": record})


def named(record: type) -> Any:  # noqa: ANN401 -- a tuple of the record's type
    """Declare a key that is a table of tables, whose names are the records' `name`."""
    return field(default=(), metadata={"named": record})


def text(value: object) -> str:
    """Read any text without control characters."""
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError(f"{value!r} is not a line of text")
    return value


def file_path(value: object) -> Path | None:
    """Read a path, of which "~" may be somebody's home; empty means none."""
    name = text(value)
    try:
        return Path(name).expanduser() if name else None
    except RuntimeError:
        raise ValueError(f'"{name}" begins in the home of somebody who is not known here') from None


def matching(pattern: re.Pattern[str], what: str) -> Callable[[object], str]:
    """Return a reader of texts that a pattern matches whole."""

    def read(value: object) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise ValueError(f"{value!r} is not {what}")
        return value

    return read


def whole(first: int, last: int) -> Callable[[object], int]:
    """Return a reader of whole numbers within bounds."""

    def read(value: object) -> int:
        if type(value) is not int or not first <= value <= last:
            raise ValueError(f"{value!r} is not a whole number from {first} to {last}")
        return value

    return read


def flag(value: object) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")
    return value


def span(shortest: str, longest: str) -> Callable[[object], int]:
    """Return a reader of durations within bounds, in milliseconds."""

    def read(value: object) -> int:
        if not isinstance(value, str):
            raise ValueError(f'{value!r} is not a span of time in quotes, such as "15m"')
        span_ms = durations.parse(value)
        if not durations.parse(shortest) <= span_ms <= durations.parse(longest):
            raise ValueError(f'"{value}" is not from "{shortest}" to "{longest}"')
        return span_ms

    return read


def keys(record: type, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield every key with its dotted name and default (MISSING: it must be given); a list's keys as "wards[].id".

    What a person names is NAME: "notify.channels.NAME.urls_file".
    """
    for each in _fields(record):
        name = prefix + _key(each)
        if "table" in each.metadata:
            yield from keys(each.metadata["table"], f"{name}.")
        elif "tables" in each.metadata:
            yield from keys(each.metadata["tables"], f"{name}[].")
        elif "named" in each.metadata:
            yield from keys(each.metadata["named"], f"{name}.NAME.")
        elif "read" in each.metadata:
            yield name, each.default


def _fields(record: type) -> tuple[Field[Any], ...]:
    return fields(record)


def _key(each: Field[Any]) -> str:
    return each.name.removesuffix("_ms")


def read(record: type[R], content: str, file: Path) -> tuple[R | None, Sequence[str]]:
    """Read TOML text into a record; else None and one sentence for every fault, in the order of the lines."""
    import tomllib  # noqa: PLC0415 -- only when there is a file

    try:
        raw = tomllib.loads(content)
    except ValueError as error:  # also a number of thousands of digits
        return None, [_syntax_fault(str(error), content, file)]
    except RecursionError:
        return None, [_syntax_fault("it is nested too deeply", content, file)]
    reader = _Reader(file)
    found = reader.record(record, raw, ())
    return (None, told(reader.faults, content, file)) if reader.faults else (found, [])


def told(faults: Iterable[Fault], content: str, file: Path) -> list[str]:
    """Turn faults into sentences that begin with file and line, in the order of the lines."""
    lines = _line_numbers(content)
    placed = sorted((_line_of(where, lines), f"{_dotted(where)}{sentence}") for where, sentence in faults)
    return [f"{file}:{line}: {sentence}" for line, sentence in placed]


class _Reader:
    """Reads tables into records and collects what is wrong with them."""

    def __init__(self, file: Path) -> None:
        self.faults: list[Fault] = []
        self._folder = file.absolute().parent

    def record(self, record: type[R], raw: object, where: Where) -> R | None:
        """Read one table; None, and a fault noted, when anything in it is wrong."""
        if not isinstance(raw, dict):
            self.faults.append((where, f"{raw!r} is not a table"))
            return None
        known = {_key(each): each for each in _fields(record) if each.metadata}
        before = len(self.faults)
        self.faults += [((*where, name), "unknown key" + _meant(name, known)) for name in raw if name not in known]
        self.faults += [
            (where, f"{name} is missing") for name, each in known.items() if name not in raw and _is_required(each)
        ]
        taken = [name for name in known if name in raw]
        values = {known[name].name: self._value(known[name], raw[name], (*where, name)) for name in taken}
        return record(**values) if len(self.faults) == before else None

    def _value(self, each: Field[Any], raw: object, where: Where) -> object:
        if "table" in each.metadata:
            return self.record(each.metadata["table"], raw, where)
        if "tables" in each.metadata:
            return self._list(each.metadata["tables"], raw, where)
        if "named" in each.metadata:
            return self._by_name(each.metadata["named"], raw, where)
        try:
            value = each.metadata["read"](raw)
        except ValueError as error:
            self.faults.append((where, str(error)))
            return None
        return self._folder / value if isinstance(value, Path) else value

    def _list(self, record: type, raw: object, where: Where) -> object:
        if not isinstance(raw, list):
            self.faults.append((where, f"{raw!r} is not a list of tables"))
            return ()
        return tuple(self.record(record, item, (*where, number)) for number, item in enumerate(raw))

    def _by_name(self, record: type, raw: object, where: Where) -> object:
        if not isinstance(raw, dict):
            self.faults.append((where, f"{raw!r} is not a table"))
            return ()
        found: list[tuple[str, Any]] = [(name, self.record(record, item, (*where, name))) for name, item in raw.items()]
        return tuple(replace(item, name=name) for name, item in found if item)


def _line_of(where: Where, lines: Mapping[Where, int]) -> int:
    return next((lines[where[:end]] for end in range(len(where), 0, -1) if where[:end] in lines), 1)


def _is_required(each: Field[Any]) -> bool:
    return each.default is MISSING and each.default_factory is MISSING


def _dotted(where: Where) -> str:
    names = ".".join(str(name) for name in where if isinstance(name, str))
    return f"{names}: " if names else ""


def _meant(name: str, known: Mapping[str, object]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 -- only for a fault

    close = get_close_matches(name, known, n=1)
    return f'; did you mean "{close[0]}"?' if close else ""


def _line_numbers(content: str) -> Mapping[Where, int]:
    """Find the line of every table and key. The parser does not keep them, and a fault without one is hard to find."""
    lines: dict[Where, int] = {}
    inside: Where = ()
    counts: dict[Where, int] = {}
    for number, line in enumerate(content.splitlines(), start=1):
        if header := HEADER.match(line):
            inside = _placed(_names(header[2]), counts)
            if header[1]:
                lines.setdefault(inside, number)
                counts[inside] = counts.get(inside, -1) + 1
                inside = (*inside, counts[inside])
            lines.setdefault(inside, number)
        elif assigned := ASSIGNED.match(line):
            lines.setdefault((*inside, *_names(assigned[1])), number)
    return lines


def _placed(names: Where, counts: Mapping[Where, int]) -> Where:
    """Put into the way to a table the place in each list on the way: a table belongs to the last one begun."""
    where: Where = ()
    for name in names:
        where = (*where, counts[where], name) if where in counts else (*where, name)
    return where


def _names(dotted: str) -> Where:
    return tuple(name.strip().strip("\"'") for name in dotted.split("."))


def _syntax_fault(message: str, content: str, file: Path) -> str:
    said, _, place = message.partition(" (at ")
    found = re.match(r"line ([0-9]+)", place)
    return f"{file}:{found[1] if found else max(1, len(content.splitlines()))}: {said}"
