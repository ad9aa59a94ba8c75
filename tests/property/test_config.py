"""The settings under arbitrary text."""

import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.faults.rows.slips import MORE
from vwmon import config, config_changes, durations
from vwmon.config import Settings
from vwmon.errors import ConfigError

FILE = Path("vwmon.toml")
WHOLE = MORE + '[[wards]]\nid = "kills"\nname = "Kills"\n'
LINES = ["[mqtt]", "", "# x", "port = 0", "host = 'a'", "[store]", "path = ''", "[[wards]]", "id = 'A'"]

BEFORE = config.parse(WHOLE, FILE)

spans = st.integers(min_value=60_000, max_value=86_400_000).map(durations.text)
plain = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=30)
chosen = st.fixed_dictionaries(
    {},
    optional={
        "mqtt.host": plain,
        "mqtt.port": st.integers(1, 65_535),
        "mqtt.username": plain,
        "mqtt.prefix": st.from_regex(config.PREFIX, fullmatch=True),
        "ingest.batch": st.integers(1, 100_000),
        "ingest.merge_every": spans,
        "monitor.silent_after": spans,
        "commands.allow_as": st.booleans(),
    },
)


def outcome(content: str) -> Settings | tuple[str, ...]:
    """Return the settings that a text holds, else its faults."""
    try:
        return config.parse(content, FILE)
    except ConfigError as error:
        return error.faults


def is_toml(content: str) -> bool:
    """Tell whether a text is TOML at all."""
    try:
        tomllib.loads(content)
    except tomllib.TOMLDecodeError:
        return False
    return True


def toml(value: object) -> str:
    """Write a value as TOML does."""
    return str(value).lower() if isinstance(value, bool) else repr(value)


def flat(settings: Settings) -> dict[str, Any]:
    """Return the settings by dotted key, as a file writes them."""
    found = {}
    for table, record in asdict(settings).items():
        for name, value in record.items() if isinstance(record, dict) else ():
            key = f"{table}.{name.removesuffix('_ms')}"
            found[key] = durations.text(value) if name.endswith("_ms") else value
    return found


@pytest.mark.hazard("H17")
@given(st.text())
def test_any_text_is_read_or_refused(content: str) -> None:
    """Whatever stands in the file, there are settings or faults that name the file, never another error."""
    found = outcome(content)
    assert isinstance(found, Settings) or all(fault.startswith("vwmon.toml") for fault in found)
    assert found


@given(chosen)
def test_what_is_written_is_what_holds_and_the_rest_is_the_default(chosen: dict[str, Any]) -> None:
    """Nothing that a person wrote is dropped, and nothing that he left out changes."""
    found = outcome("\n".join(f"{name} = {toml(value)}" for name, value in chosen.items()))
    assert isinstance(found, Settings), found
    assert flat(found) == flat(Settings()) | chosen


@given(st.lists(st.sampled_from(LINES)).map("\n".join))
def test_a_fault_names_the_line_that_is_wrong(content: str) -> None:
    """Wherever comments, headers and repeated tables stand, the line holds the key that the fault names."""
    assume(is_toml(content))
    found = outcome(content)
    for fault in () if isinstance(found, Settings) else found:
        _, number, name, _ = fault.replace(": ", ":").split(":", 3)
        assert name.rpartition(".")[2] in content.splitlines()[int(number) - 1]


@pytest.mark.hazard("H17")
@given(st.data())
def test_a_mutated_configuration_is_refused_or_listed_in_what_differs(data: st.DataObject) -> None:
    """A slip of a finger is not taken in silence: it is a fault, is shown before it counts, or says the same."""
    lines = WHOLE.splitlines()
    at = data.draw(st.integers(0, len(lines) - 1), "line")
    line = lines[at]
    place = data.draw(st.integers(0, len(line)), "place")
    typed = data.draw(st.sampled_from(["", *"0159am\"'.-#[ ="]), "typed")
    width = data.draw(st.integers(0, 2), "taken out")
    found = outcome("\n".join([*lines[:at], line[:place] + typed + line[place + width :], *lines[at + 1 :]]))
    if isinstance(found, Settings) and found != BEFORE:
        assert config_changes.between(config_changes.flat(BEFORE), config_changes.flat(found))
