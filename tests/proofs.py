"""What became of each test that proves a control of the hazard log, kept for scripts/safety-case.

A test is tied to hazards and threats by `@pytest.mark.hazard("H3", "T8")`. What became of it is kept with a digest of
all that could have changed it: a result of other code is no proof of this code. Nothing is judged here.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from vwmon.clock import Clock

RESULTS: Final = Path("build") / "proofs.json"
TESTED: Final = ("alerts", "deploy", "devices", "requirements", "scripts", "tests", "vwmon")
BESIDE: Final = ("config.example.toml", "pyproject.toml")
NOT_RUN: Final = "not run"
MARK: Final = "hazard"


def digest(root: Path) -> str:
    """Return a digest of everything under a root that a test's outcome can depend on, documents left out."""
    found = hashlib.sha256()
    for path in sorted(_files(root)):
        found.update(f"{path.relative_to(root)}\0{path.stat().st_size}\0".encode())
        found.update(path.read_bytes())
    return found.hexdigest()


def _files(root: Path) -> Iterator[Path]:
    yield from (path for name in BESIDE if (path := root / name).is_file())
    for name in TESTED:
        for path in (root / name).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


def kept(root: Path) -> dict[str, Any]:
    """Return what is kept of earlier runs, with its digest and time; empty when nothing is."""
    try:
        return dict(json.loads((root / RESULTS).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}


class Proofs:
    """A plugin of pytest that keeps the outcome of each test with a hazard marker; others cost it nothing."""

    def __init__(self, root: Path) -> None:
        """Begin a session for the tree under a root, as it is now: that is the code that is imported."""
        self._root = root
        self._digest = digest(root)
        self._outcomes: dict[str, str] = {}

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Expect an outcome of every marked test, also of one that is then left out."""
        if item.get_closest_marker(MARK):
            self._outcomes[item.nodeid] = NOT_RUN

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note an outcome: passed only where nothing of setting up, running and tearing down was anything else."""
        # Where several processes run the tests, the one that keeps what they learn collects none itself.
        before = self._outcomes.get(report.nodeid, NOT_RUN if MARK in report.keywords else None)
        if before in {NOT_RUN, "passed"} and not (before == "passed" and report.passed):
            self._outcomes[report.nodeid] = _outcome(report, before)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        """Expect an outcome of every marked test that a process collected which ran some of them."""
        for test in getattr(node, "workeroutput", {}).get(MARK, ()):
            self._outcomes.setdefault(test, NOT_RUN)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Keep what was learnt beside what is known of the same code; one process of several passes on what it saw."""
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput[MARK] = list(self._outcomes)
        elif self._outcomes:
            self._keep()

    def _keep(self) -> None:
        before = kept(self._root)
        known = before.get("outcomes", {}) if before.get("digest") == self._digest else {}
        learnt = {test: end for test, end in self._outcomes.items() if end != NOT_RUN or test not in known}
        now = {"digest": self._digest, "at_ms": Clock().now_ms(), "outcomes": known | learnt}
        path = self._root / RESULTS
        path.parent.mkdir(exist_ok=True)
        half = path.with_suffix(f".{os.getpid()}")
        half.write_text(json.dumps(now, indent=1, sort_keys=True), encoding="utf-8")
        half.replace(path)


def _outcome(report: pytest.TestReport, before: str) -> str:
    if not report.passed:
        return report.outcome
    return "passed" if report.when == "call" else before
