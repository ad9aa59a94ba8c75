"""One module under mutmut: in a copy of the checkout, with the module's own tests, and what survived them."""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

ROOT = Path(__file__).parents[2]
WORK = ROOT / ".mutate"
ALIVE: Final = 0
UNTRIED: Final = (5, 33)  # pytest found no test for it
KEPT: Final = "codes.json"
SETTINGS = """

[tool.mutmut]
source_paths = ["devices", "alerts", "vwmon"]
only_mutate = ["{module}.py"]
also_copy = ["docs", "scripts", "config.example.toml"]
pytest_add_cli_args = ["-p", "no:cacheprovider", "-p", "no:randomly", "--hypothesis-seed=1"]
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


def tried(module: str, tests: Sequence[str], *, again: bool = False) -> Outcome:
    """Mutate one module, run its tests on each mutant, and give what became of them.

    `again` runs them only on those that survived last time, of a module that has not changed since: what was killed by
    tests that are still there stays killed.
    """
    folder = WORK / module.replace("/", ".")
    codes = _codes_before(folder, module) if again else {}
    names = _alive(codes)
    if names or not again:
        _copy(folder, module, tests)
        _keep(folder, codes)  # also when this trial fails
        ran = _mutmut(folder, "run", "--max-children", "1", *names)
        codes |= {name: code for name, code in _codes(folder, module).items() if not again or name in names}
        unknown = [name for name, code in codes.items() if code is None]
        if unknown or not codes:
            raise TrialError(f"{module}: {len(unknown)} of {len(codes)} mutants were not tried: {ran[-2000:]}")
        _keep(folder, codes)
    return Outcome(mutants=len(codes), survivors=[_changed(_mutmut(folder, "show", name)) for name in _alive(codes)])


def _alive(codes: Mapping[str, int | None]) -> list[str]:
    return [name for name, code in codes.items() if code in {ALIVE, *UNTRIED}]


def _codes(folder: Path, module: str) -> dict[str, int | None]:
    """Give what the tests ended with on each mutant; None for one that was not tried."""
    meta = folder / "mutants" / f"{module}.py.meta"
    return msgspec.json.decode(meta.read_bytes(), type=_Meta).exit_code_by_key if meta.exists() else {}


def _codes_before(folder: Path, module: str) -> dict[str, int | None]:
    """Give the same of the last trial, which must have been of this very module."""
    kept, was = folder / KEPT, folder / f"{module}.py"
    codes = msgspec.json.decode(kept.read_bytes(), type=dict[str, int | None]) if kept.exists() else {}
    if not codes or was.read_bytes() != (ROOT / f"{module}.py").read_bytes():
        raise TrialError(f"{module}: it has changed since it was tried, or never was: try it without --again")
    return codes


def _keep(folder: Path, codes: Mapping[str, int | None]) -> None:
    (folder / KEPT).write_bytes(msgspec.json.encode(codes))


def _copy(folder: Path, module: str, tests: Sequence[str]) -> None:
    """Copy what git knows of the checkout, as it is now, and say there what is to be mutated."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in _files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as settings:
        settings.write(SETTINGS.format(module=module, tests=list(tests)))


def _files() -> Iterator[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return (name for name in listed.split("\0") if name and (ROOT / name).is_file())


def _mutmut(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "mutmut", *arguments]
    return subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, text=True
    ).stdout


def _changed(shown: str) -> Survivor:
    """Read the first line that differs from what mutmut shows of a mutant."""
    lines = [line for line in shown.splitlines() if line[:3] not in {"+++", "---"}]

    def first(mark: str) -> str:
        return next((line[1:].strip() for line in lines if line.startswith(mark)), "")

    return Survivor(was=first("-"), becomes=first("+"))
