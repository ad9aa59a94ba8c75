"""F27: a configuration with slips in it, put in the place of that with which a daemon runs.

Each is refused with its lines, or what it changes is told. The daemon goes on with what it read at its start, whatever
is in the file by now, and none starts with a file that is refused.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from random import Random

from tests.conftest import Command
from tests.faults import ward
from tests.faults.daemon import AS_IT_IS, Daemon, running_daemon
from tests.faults.matrix import Profile, Row, Tally, Trial
from tests.integration.broker import running_broker, wait_until
from vwmon import config, config_changes
from vwmon.config import Settings
from vwmon.config_changes import Change
from vwmon.errors import ConfigError
from vwmon.store import database, monitor
from vwmon.store.monitor import Monitor

STARTED_S, TURNED_S = 60, 60
TYPED = "0159am\"'.-#[]{} =,\n"
TOLD = re.compile(r".+:[0-9]+: .+")
REFUSES, TAKES = 8, 0
CAME_TO = REFUSED, SAME, OTHER = "refused", "the same settings", "other settings"
BY_COMMAND = 10  # of so many, one is checked by the commands too
UNTIL_TURNED = 50  # of so many, one stays until the daemon has said that it has turned, which it does every few seconds
Found = Settings | tuple[str, ...]
MORE = """\
[monitor]
silent_after = "20m"
sleeping_profiles = ["scale"]
[commands]
allow_as = true
[commands.roles]
act = ["nurse", "north"]
shared = ["nurse"]
[[people]]
id = "north"
role = "sister"
[[duty]]
ward = "kills"
tier = 1
who = ["north"]
days = ["mon", "tue"]
hours = "20:00-08:00"
[[wards]]
id = "resp"
name = "Respiratory"
hours = "08:00-20:00"
[[wards.limits]]
rule = "news2_5"
author = "Dr A"
reason = "agreed on the ward"
from = 2026-11-01T00:00:00Z
to = 2027-11-01T00:00:00Z
limit_on = 6
limit_off = 5
level = 2
"""


def _typed(text: str, chance: Random) -> str:
    place = chance.randrange(len(text))
    return text[:place] + chance.choice(TYPED) + text[place + chance.randint(0, 1) :]


def _cut_out(text: str, chance: Random) -> str:
    place = chance.randrange(len(text))
    return text[:place] + text[place + chance.randint(1, 20) :]


def _cut_short(text: str, chance: Random) -> str:
    return text[: chance.randrange(len(text))]


def _line_twice(text: str, chance: Random) -> str:
    lines = text.splitlines()
    return "\n".join([*lines, chance.choice(lines)])


def _lines_changed(text: str, chance: Random) -> str:
    lines = text.splitlines()
    one, other = (chance.randrange(len(lines)) for _ in range(2))
    lines[one], lines[other] = lines[other], lines[one]
    return "\n".join(lines)


def _number_changed(text: str, chance: Random) -> str:
    numbers = list(re.finditer("[0-9]+", text))
    if not numbers:
        return text
    found = chance.choice(numbers)
    return text[: found.start()] + str(int(found[0]) * 10 + chance.randint(0, 9)) + text[found.end() :]


SLIPS: Mapping[str, Callable[[str, Random], str]] = {
    "a letter": _typed,
    "a piece left out": _cut_out,
    "cut short": _cut_short,
    "a line twice": _line_twice,
    "two lines changed": _lines_changed,
    "a digit too many": _number_changed,
}


def slipped(trial: Trial, planted: str = AS_IT_IS) -> Tally:
    """Make so many slips, one or two at a time."""
    folder, counted = trial.folder, Counter[str]()
    start_ms, devices = ward.start_of(1000), ward.fleet(trial.seed)
    ward.make(folder / "vwmon.db", start_ms, devices)
    with (
        running_broker(folder) as broker,
        running_daemon(folder, broker.port, more=MORE, planted=planted) as daemon,
    ):
        wait_until(daemon.connected, "the daemon has its broker", STARTED_S)
        broken = list(_tried(daemon, folder / "vwmon.toml", trial, counted))
    said = ", ".join(f"{counted[what]:,} {what}" for what in CAME_TO)
    return Tally(runs=trial.runs, broken=tuple(dict.fromkeys(broken)), said=said)


def _tried(daemon: Daemon, file: Path, trial: Trial, counted: Counter[str]) -> Iterator[str]:
    """Put each slip in the file's place, count what it comes to, and yield what should not have been of it."""
    before, was, chance = file.read_text(encoding="utf-8"), config.load(file), Random(trial.seed)
    for number in range(trial.runs):
        name = chance.choice(list(SLIPS))
        text = SLIPS[name](before, chance)
        if chance.random() < 1 / 3:
            text = chance.choice(list(SLIPS.values()))(text or before, chance)
        _put(file, text)
        found = _read(file)
        counted[_came_to(was, found)] += 1
        wrong = [*_untold(was, found)]
        if number % BY_COMMAND == 0:
            wrong += _told_otherwise(file, was, found)
        if number % UNTIL_TURNED == 0:
            wrong += _in_vain(partial(_turned, daemon, _cycle_ms(daemon)), "the daemon goes on")
        wrong += _another(daemon, was)
        yield from (f"{name}: {what}" for what in wrong)


def _put(file: Path, text: str) -> None:
    """Replace a file at once, as an editor does."""
    new = file.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    new.replace(file)


def _read(file: Path) -> Found:
    try:
        return config.load(file)
    except ConfigError as error:
        return error.faults


def _came_to(was: Settings, found: Found) -> str:
    if isinstance(found, tuple):
        return REFUSED
    return SAME if found == was else OTHER


def _untold(was: Settings, found: Found) -> Iterator[str]:
    """Yield what a person is not told of a slip."""
    if isinstance(found, tuple):
        yield from (f"a fault without its line: {fault}" for fault in found if not TOLD.fullmatch(fault))
    elif found != was and not _changes(was, found):
        yield "a change is not told"


def _changes(was: Settings, found: Settings) -> Sequence[Change]:
    return config_changes.between(config_changes.flat(was), config_changes.flat(found))


def _told_otherwise(file: Path, was: Settings, found: Found) -> Iterator[str]:
    """Yield what the commands say of a file that is not so; where it is refused, none may start with it."""
    checked = Command()("check-config", file)
    if isinstance(found, tuple):
        if checked.exit_code != REFUSES or Command()("run", "--config", file).exit_code != REFUSES:
            yield "a command does not refuse it"
        return
    if checked.exit_code != TAKES:
        yield "the command says something else"
    if found.store == was.store and any(f"  {one.key}: " not in checked.stdout for one in _changes(was, found)):
        yield "a change is not listed"


def _another(daemon: Daemon, was: Settings) -> list[str]:
    """Name what became of the daemon while its file was another."""
    if not daemon.runs:
        return ["the daemon has ended"]
    now = _said(daemon)
    return [] if now is not None and now.config_hash == was.hash else ["the daemon runs with other settings"]


def _turned(daemon: Daemon, before_ms: int | None) -> bool:
    """Tell whether the daemon has looked at its ward since, or has ended."""
    return not daemon.runs or _cycle_ms(daemon) != before_ms


def _cycle_ms(daemon: Daemon) -> int | None:
    said = _said(daemon)
    return None if said is None else said.cycle_ms


def _said(daemon: Daemon) -> Monitor | None:
    with closing(database.open_reader(daemon.path)) as db:
        return monitor.read(db)


def _in_vain(true: Callable[[], bool], what: str) -> list[str]:
    try:
        wait_until(true, what, TURNED_S)
    except AssertionError as in_vain:
        return [str(in_vain)]
    return []


ROWS = (
    Row(
        id="F27",
        fault="slips in the configuration, in the place of the one in use",
        do=slipped,
        counts=False,
        runs={Profile.SMOKE: 20, Profile.CI: 200, Profile.RELEASE: 2000},
        apart=True,
    ),
)
