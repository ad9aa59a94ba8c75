"""What an import may cost, and who may ask the time."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.arch.test_shape import PACKAGES, sources
from tests.conftest import ROOT
from vwmon.store import database

HEAVY = ("numpy", "scipy", "paho", "sqlite_utils", "pyarrow", "iotcore", "textual")
CLOCK_CALLS = {
    ("time", "time"),
    ("time", "time_ns"),
    ("time", "localtime"),
    ("time", "gmtime"),
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
}

RUN = """
import json, sys
from vwmon.cli import app
try:
    app(json.loads(sys.argv[1]), prog_name="vwmon")
except SystemExit as ended:
    code = ended.code
heavy = [name for name in sys.modules if name.partition(".")[0] in json.loads(sys.argv[2])]
sys.stderr.write(json.dumps([code, heavy]))
"""


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with its tables and nothing in them."""
    path = tmp_path_factory.mktemp("light") / "x.db"
    database.create(path).close()
    return path


def imported(*arguments: str) -> tuple[int, list[str]]:
    """Run a command in a fresh interpreter; return its exit code and the heavy modules it imported."""
    command = [sys.executable, "-c", RUN, json.dumps(arguments), json.dumps(HEAVY)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    code, heavy = json.loads(ran.stderr.splitlines()[-1])
    return code or 0, heavy


@pytest.mark.parametrize("arguments", [["alerts"], ["alerts", "log"], ["status"], ["patients"], ["devices"]])
def test_a_list_that_someone_waits_for_imports_nothing_heavy(empty_database: Path, arguments: list[str]) -> None:
    """Arrays, the broker's client and the migrations are for the daemon; a list is there in a moment."""
    code, heavy = imported(*arguments, "--db", str(empty_database))
    assert heavy == []
    assert code in {0, 4}


@pytest.mark.parametrize("arguments", [["alerts", "show", "K7QD"], ["patients", "show", "P1"]])
def test_one_patient_or_alert_is_shown_without_arrays(empty_database: Path, arguments: list[str]) -> None:
    """Also what would settle a score is found without them."""
    code, heavy = imported(*arguments, "--db", str(empty_database))
    assert (code, heavy) == (3, [])
    asked = "from vwmon.cli import next_measure; import sys; print([n for n in sys.modules if n == 'numpy'])"
    ran = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout == "[]\n"


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["alerts", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    """Neither does the list of commands import the commands."""
    assert imported(*arguments) == (0, [])


@pytest.mark.hazard("H7")
def test_only_the_clock_reads_the_clock() -> None:
    """Everything else is given the time, so that a replay of a day is that day again."""
    asking = [
        f"{file.relative_to(ROOT)}: {ast.unparse(node)}"
        for file in sources(*PACKAGES)
        if file != ROOT / "vwmon" / "clock.py"
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if asks_the_time(node)
    ]
    assert asking == []


def asks_the_time(node: ast.AST) -> bool:
    """Tell whether a piece of code takes the time of day from the machine."""
    if isinstance(node, ast.ImportFrom) and node.module == "time":
        return any(("time", alias.name) in CLOCK_CALLS for alias in node.names)
    if not isinstance(node, ast.Attribute):
        return False
    owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
    return (owner, node.attr) in CLOCK_CALLS


@pytest.mark.parametrize(
    "code",
    ["time.time()", "from time import time_ns", "datetime.now(UTC)", "datetime.datetime.now()", "date.today()"],
)
def test_the_check_of_the_clock_sees_every_way_to_ask(code: str) -> None:
    """A check that sees nothing would pass for ever."""
    assert any(asks_the_time(node) for node in ast.walk(ast.parse(code)))


SQLITES = {"sqlite3", "pysqlite3", "sqlcipher3"}


def test_one_module_chooses_the_sqlite() -> None:
    """Two libraries on one database would be two opinions on what is on disk."""
    choosing = [
        str(file.relative_to(ROOT))
        for file in sources(*PACKAGES)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        and SQLITES & {alias.name.partition(".")[0] for alias in node.names}
        | (SQLITES & {getattr(node, "module", None)})
    ]
    assert set(choosing) == {"vwmon/store/sqlite.py"}
