"""Tests as the tree has them and as they ended: which there are, what they are marked with, what became of them.

Nothing is imported to find them: a tree that cannot be imported is looked at all the same.
"""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from scripts.safety_case.records import Log
from tests import proofs

PASSED, STALE, NOT_RUN = "passed", "of other code", proofs.NOT_RUN
# Of one test with several parameters the worst counts.
WORST_FIRST: Final = ("failed", "skipped", NOT_RUN, PASSED)

Function = ast.FunctionDef | ast.AsyncFunctionDef


def marked(root: Path) -> dict[str, frozenset[str]]:
    """Return every test under a root by its id, with the hazards and threats that it is marked with."""
    return {
        f"{path.relative_to(root).as_posix()}::{name}": ids
        for path in sorted((root / "tests").rglob("test_*.py"))
        for name, ids in _tests(ast.parse(path.read_text(encoding="utf-8")).body)
    }


def _tests(body: Iterable[ast.stmt], before: str = "") -> Iterator[tuple[str, frozenset[str]]]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _tests(node.body, f"{before}{node.name}::")
        elif isinstance(node, Function) and node.name.startswith("test"):
            yield before + node.name, frozenset(_ids(node))


def _ids(function: Function) -> Iterator[str]:
    for one in function.decorator_list:
        if isinstance(one, ast.Call) and ast.unparse(one.func) == "pytest.mark.hazard":
            yield from (str(ast.literal_eval(argument)) for argument in one.args)


def loose(log: Log, tests: dict[str, frozenset[str]]) -> Iterator[str]:
    """Yield where the log and the marks of the tests do not say the same, each with what would mend it."""
    named = {entry.id: entry.tests for entry in log.entries}
    for name, wanted in named.items():
        for test in sorted(wanted):
            if test not in tests:
                yield f"{name}: there is no test {test}"
            elif name not in tests[test]:
                yield f'{name}: {test} is not marked with it: @pytest.mark.hazard("{name}")'
    for test, ids in tests.items():
        for name in sorted(ids):
            if name not in named:
                yield f"{name}: {test} is marked with it, and there is no such hazard or threat"
            elif test not in named[name]:
                yield f"{name}: {test} is marked with it, and no control of it names the test"


def outcomes(root: Path) -> dict[str, str]:
    """Return what became of each test in the last run, by its id without parameters."""
    last = proofs.kept(root)
    if last and last["digest"] != proofs.digest(root):
        return dict.fromkeys(map(_whole, last["outcomes"]), STALE)
    ends: dict[str, str] = {}
    for node, end in last.get("outcomes", {}).items():
        ends[_whole(node)] = min(end, ends.get(_whole(node), PASSED), key=WORST_FIRST.index)
    return ends


def _whole(node: str) -> str:
    return node.partition("[")[0]
