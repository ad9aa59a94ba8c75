"""One module under mutmut: in a copy of the checkout, with the module's own tests, and what survived them."""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

ROOT = Path(__file__).parents[2]
WORK = ROOT / ".mutate"
ALIVE: Final = 0
UNTRIED: Final = (5, 33)  # pytest found no test for it
SETTINGS = """

[tool.mutmut]
source_paths = ["devices", "alerts", "vwmon"]
only_mutate = ["{module}.py"]
also_copy = ["docs", "scripts", "config.example.toml"]
pytest_add_cli_args = ["-p", "no:cacheprovider", "--hypothesis-seed=1"]
pytest_add_cli_args_test_selection = {tests}
use_setproctitle = false
"""


class Survivor(msgspec.Struct, frozen=True, kw_only=True):
    """One mutant that every test let pass: the line as it was, and as it became ("" where there is none)."""

    was: str
    becomes: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a module's mutants: how many there were, and who survived."""

    mutants: int
    survivors: list[Survivor]


class _Meta(msgspec.Struct):
    exit_code_by_key: dict[str, int | None]


class TrialError(Exception):
    """The mutants could not be tried: without one the tests fail already, or none was made."""


def tried(module: str, tests: Sequence[str]) -> Outcome:
    """Mutate one module, run its tests on each mutant, and give what became of them."""
    folder = _copied(module, tests)
    ran = _mutmut(folder, "run", "--max-children", "1")
    meta = folder / "mutants" / f"{module}.py.meta"
    if not meta.exists():
        raise TrialError(f"{module}: {ran[-2000:]}")
    codes = msgspec.json.decode(meta.read_bytes(), type=_Meta).exit_code_by_key
    unknown = [name for name, code in codes.items() if code is None]
    if unknown or not codes:
        raise TrialError(f"{module}: {len(unknown)} of {len(codes)} mutants were not tried: {ran[-2000:]}")
    alive = [name for name, code in codes.items() if code in {ALIVE, *UNTRIED}]
    return Outcome(mutants=len(codes), survivors=[_changed(_mutmut(folder, "show", name)) for name in alive])


def _copied(module: str, tests: Sequence[str]) -> Path:
    """Copy what git knows of the checkout, as it is now, and say there what is to be mutated."""
    folder = WORK / module.replace("/", ".")
    shutil.rmtree(folder, ignore_errors=True)
    for name in _files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as settings:
        settings.write(SETTINGS.format(module=module, tests=list(tests)))
    return folder


def _files() -> Iterator[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return (name for name in listed.split("\0") if name and (ROOT / name).is_file())


def _mutmut(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "mutmut", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False, text=True).stdout


def _changed(shown: str) -> Survivor:
    """Read the first line that differs from what mutmut shows of a mutant."""
    lines = [line for line in shown.splitlines() if line[:3] not in {"+++", "---"}]

    def first(mark: str) -> str:
        return next((line[1:].strip() for line in lines if line.startswith(mark)), "")

    return Survivor(was=first("-"), becomes=first("+"))
