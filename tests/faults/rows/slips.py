"""F27: a configuration with slips in it, put in the place of that with which a daemon runs.

Each is refused with its lines, or what it changes is told. The daemon goes on with what it read at its start, whatever
is in the file by now, and none starts with a file that is refused.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from random import Random

from tests.conftest import Command
from tests.faults import ward
from tests.faults.daemon import AS_IT_IS, Daemon, running_daemon
from tests.faults.matrix import Profile, Row, Tally, Trial
from tests.integration.broker import running_broker, wait_until
from vwmon import config, config_changes
from vwmon.config import Settings
from vwmon.errors import ConfigError
from vwmon.store import database, monitor

STARTED_S = 60
TYPED = "0159am\"'.-#[]{} =,\n"
TOLD = re.compile(r".+:[0-9]+: .+")
REFUSED, TAKEN = 8, 0
BY_COMMAND = 10  # of so many, one is checked by the command too, and is in the place of the daemon's
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
    folder, chance = trial.folder, Random(trial.seed)
    start_ms, devices = ward.start_of(1000), ward.fleet(trial.seed)
    ward.make(folder / "vwmon.db", start_ms, devices)
    with (
        running_broker(folder) as broker,
        running_daemon(folder, broker.port, more=MORE, planted=planted) as daemon,
    ):
        wait_until(daemon.connected, "the daemon has its broker", STARTED_S)
        file = folder / "vwmon.toml"
        before = file.read_text(encoding="utf-8")
        broken = list(_tried(file, before, trial.runs, chance))
        broken += _another(daemon, config.parse(before, file))
    return Tally(runs=trial.runs, broken=tuple(dict.fromkeys(broken)))


def _tried(file: Path, before: str, runs: int, chance: Random) -> Iterator[str]:
    """Yield what should not have been of each slip."""
    was = config.parse(before, file)
    for number in range(runs):
        name = chance.choice(list(SLIPS))
        text = SLIPS[name](before, chance)
        if chance.random() < 1 / 3:
            text = chance.choice(list(SLIPS.values()))(text or before, chance)
        found = _read(text, file)
        for what in _untold(was, found):
            yield f"{name}: {what}"
        if number % BY_COMMAND == 0:
            file.write_text(text, encoding="utf-8")
            if _checked(file) != (REFUSED if isinstance(found, tuple) else TAKEN):
                yield f"{name}: the command says something else"


def _read(text: str, file: Path) -> Settings | tuple[str, ...]:
    try:
        return config.parse(text, file)
    except ConfigError as error:
        return error.faults


def _untold(was: Settings, found: Settings | tuple[str, ...]) -> Iterator[str]:
    """Yield what a person is not told of a slip."""
    if isinstance(found, tuple):
        yield from (f"a fault without its line: {fault}" for fault in found if not TOLD.fullmatch(fault))
    elif found != was and not config_changes.between(config_changes.flat(was), config_changes.flat(found)):
        yield "a change is not told"


def _checked(file: Path) -> int:
    """Check a file by the command; and where it is refused, try to start with it."""
    code = Command()("check-config", file).exit_code
    return code if code == TAKEN else Command()("run", "--config", file).exit_code


def _another(daemon: Daemon, was: Settings) -> list[str]:
    """Name what became of the daemon while its file was another."""
    if not daemon.runs:
        return ["the daemon has ended"]
    with closing(database.open_reader(daemon.path)) as db:
        now = monitor.read(db)
    return [] if now is not None and now.config_hash == was.hash else ["the daemon runs with other settings"]


ROWS = (
    Row(
        id="F27",
        fault="slips in the configuration, in the place of the one in use",
        do=slipped,
        runs={Profile.SMOKE: 20, Profile.CI: 200, Profile.RELEASE: 2000},
        apart=True,
    ),
)
