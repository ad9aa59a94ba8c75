"""What is for research stays out of what watches patients."""

import ast

import pytest

from tests.conftest import ROOT

RESEARCH = ("vwmon.evaluation", "vwmon.scoring.models", "vwmon.scoring.learned", "vwmon.scoring.views")
ALLOWED = (
    "vwmon/evaluation/",
    "vwmon/cli/evalua",
    "vwmon/scoring/models.py",
    "vwmon/scoring/learned.py",
    "vwmon/scoring/views.py",
)


def imports(source: str) -> set[str]:
    """Give the modules that a source imports, at its top or anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.hazard("H30")
def test_nothing_that_watches_patients_can_load_a_learned_score() -> None:
    """Only the evaluation and its commands import what reads, reckons or fits one."""
    found = {
        str(file.relative_to(ROOT))
        for file in (ROOT / "vwmon").rglob("*.py")
        if any(name.startswith(RESEARCH) for name in imports(file.read_text(encoding="utf-8")))
    }
    assert {name for name in found if not name.startswith(ALLOWED)} == set()
    assert "vwmon/evaluation/learning.py" in found
