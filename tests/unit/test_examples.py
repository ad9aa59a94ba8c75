"""The examples in docstrings: what they say comes out does."""

import doctest
from importlib import import_module

import pytest

from tests.conftest import ROOT

FILES = [file for package in ("vwmon", "alerts", "devices") for file in sorted((ROOT / package).rglob("*.py"))]
WITH_EXAMPLES = [
    ".".join(file.relative_to(ROOT).with_suffix("").parts) for file in FILES if ">>> " in file.read_text("utf-8")
]


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_every_example_gives_what_it_says(module: str) -> None:
    """An example is read before the code and believed."""
    found = doctest.testmod(import_module(module))
    assert found.attempted > 0
    assert found.failed == 0
