"""The safety case: its pages are as its tables say, and scripts/safety-case goes red for whatever is not proven."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripts.safety_case import bill, pages, ties
from scripts.safety_case.__main__ import RECORD, documents, main
from scripts.safety_case.records import FOLDER, RISK, Likelihood, LogError, Rating, Severity, load
from tests import proofs
from tests.conftest import ROOT

TEST = "tests/test_small.py::test_it_holds"
HAZARDS = f"""\
version = "1"

[invariants]
I1 = "It holds."

[[hazard]]
id = "H1"
title = "It does not hold"
cause = "a fault"
effect = "harm"
harmed = "a patient"
initial = {{ severity = "major", likelihood = "medium" }}
residual = {{ severity = "major", likelihood = "very low" }}
invariants = ["I1"]

[[hazard.controls]]
control = "It is held."
tests = ["{TEST}"]

[[hazard.controls]]
control = "It is held twice."
planned = "Once is what there is."
"""
THREATS = """\
version = "1"

[[threat]]
id = "T1"
title = "Someone lets go"
hazards = ["H1"]
open = "Nothing stands against it."

[[threat.controls]]
control = "A lock."
planned = "There is none."
"""
SOUP = """\
version = "1"
beside = []

[[package]]
name = "one"
does = "holds"
hazards = ["H1"]
known = "nothing"
done = "nothing"
"""
LOCK = """\
one==1.0 \\
    --hash=sha256:{a}
    # via vwmon (pyproject.toml)
two==2.0 \\
    --hash=sha256:{b}
    # via
    #   one
    #   tool
tool==3.0 \\
    --hash=sha256:{c}
    # via vwmon (pyproject.toml)
""".format(a="a" * 64, b="b" * 64, c="c" * 64)
PROJECT = """\
[project]
name = "vwmon"
version = "1"
dependencies = ["one>=1"]
[project.optional-dependencies]
dev = ["tool>=3"]
"""
SMALL = """\
import pytest


@pytest.mark.hazard("H1")
@pytest.mark.parametrize("number", [1, 2])
def test_it_holds(number):
    assert number
"""
CONFTEST = """\
from pathlib import Path

from tests.proofs import Proofs


def pytest_configure(config):
    config.addinivalue_line("markers", "hazard(*ids): as here")
    config.pluginmanager.register(Proofs(Path(__file__).parents[1]))
"""


class Tree:
    """A small repository with a hazard, a threat, a package and a test."""

    def __init__(self, root: Path) -> None:
        """Write it, with the pages that belong to it."""
        self.root = root
        for name, text in {
            "docs/safety/hazards.toml": HAZARDS,
            "docs/safety/threats.toml": THREATS,
            "docs/safety/soup.toml": SOUP,
            "requirements/dev.lock": LOCK,
            "requirements/runtime.lock": LOCK[: LOCK.index("tool==")],
            "pyproject.toml": PROJECT,
            "tests/test_small.py": SMALL,
        }.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        self.written()

    def written(self) -> None:
        """Bring the pages up to date."""
        main(["--partial"], self.root)

    def change(self, name: str, before: str, after: str) -> None:
        """Change a file, in the one place where the text stands."""
        path = self.root / name
        text = path.read_text(encoding="utf-8")
        assert text.count(before) == 1
        path.write_text(text.replace(before, after), encoding="utf-8")

    def ended(self, *ends: str) -> None:
        """Let a run have ended so, for each parameter of the test."""
        path = self.root / proofs.RESULTS
        outcomes = {f"{TEST}[{number}]": end for number, end in enumerate(ends)}
        kept = {"digest": proofs.digest(self.root), "at_ms": 0, "outcomes": outcomes}
        path.write_text(json.dumps(kept), encoding="utf-8")


Said = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A small repository in which all is answered and proven."""
    made = Tree(tmp_path)
    made.ended("passed", "passed")
    return made


@pytest.fixture
def said(tree: Tree, capsys: pytest.CaptureFixture[str]) -> Said:
    """Run scripts/safety-case on the small repository; give its exit code and lines."""

    def run(*options: str) -> tuple[int, list[str]]:
        capsys.readouterr()
        code = main(list(options), tree.root)
        return code, capsys.readouterr().out.splitlines()

    return run


def test_what_is_proven_is_green_with_the_count_last(said: Said) -> None:
    """What is open or planned is counted and is no fault."""
    code, lines = said("--check")
    assert code == 0
    assert lines == [f"{COUNT} | 0 faults"]


@pytest.mark.parametrize(
    ("ends", "told"),
    [
        (("passed", "failed"), "failed"),
        (("skipped", "passed"), "skipped"),
        (("passed", "not run"), "not run"),
        ((), "not run"),
        (("skipped", "failed"), "failed"),
    ],
)
def test_a_test_that_did_not_pass_proves_nothing(tree: Tree, said: Said, ends: tuple[str, ...], told: str) -> None:
    """Failed, skipped or not run, for any of its parameters."""
    tree.ended(*ends)
    code, lines = said("--check")
    assert code == 1
    assert lines[0] == f"H1: not proven, {told}: {TEST}"
    assert lines[-1].startswith("1 hazards: 0 proven, 1 not proven")
    assert lines[-1].endswith("| 1 faults")


def test_a_result_of_other_code_proves_nothing(tree: Tree, said: Said) -> None:
    """An old result is not shown as current."""
    tree.change("tests/test_small.py", "assert number", "assert number > 0")
    assert said("--check") == (1, [f"H1: not proven, of other code: {TEST}", said("--check")[1][-1]])


def test_a_partial_run_holds_nothing_against_what_did_not_run(tree: Tree, said: Said) -> None:
    """But says that it was not looked at; and what failed has failed."""
    tree.ended("not run")
    code, lines = said("--check", "--partial")
    assert (code, len(lines)) == (0, 1)
    assert "1 hazards: 0 proven, 0 not proven, 1 not looked at" in lines[0]
    tree.ended("failed")
    assert said("--check", "--partial")[0] == 1


COUNT = (
    "1 hazards: 1 proven, 0 not proven | 1 threats: 0 proven, 0 not proven, 1 open"
    " | 3 controls: 1 proven, 0 not proven, 2 planned"
)
NO_PROOF = "no control is proved by a test, and nothing says why it is open"
ONE_WAY = "a control is proved by tests, or planned, or left to whoever deploys"
OLD = "is not as the tables say; run: scripts/safety-case"
# A file of the small repository, a text in it, what takes its place, and what is then said.
BROKEN = [
    (
        "docs/safety/hazards.toml",
        "test_it_holds",
        "test_it_held",
        "H1: there is no test tests/test_small.py::test_it_held",
    ),
    (
        "tests/test_small.py",
        '@pytest.mark.hazard("H1")\n',
        "",
        f'H1: {TEST} is not marked with it: @pytest.mark.hazard("H1")',
    ),
    ("tests/test_small.py", '"H1"', '"H1", "T1"', f"T1: {TEST} is marked with it, and no control of it names the test"),
    (
        "tests/test_small.py",
        '"H1"',
        '"H1", "H9"',
        f"H9: {TEST} is marked with it, and there is no such hazard or threat",
    ),
    ("docs/safety/hazards.toml", f'tests = ["{TEST}"]', 'planned = "later"', f"H1: {NO_PROOF}"),
    ("docs/safety/threats.toml", 'open = "Nothing stands against it."\n', "", f"T1: {NO_PROOF}"),
    (
        "docs/safety/hazards.toml",
        'effect = "harm"',
        'effect = "harm"\nopen = "as it is"',
        "H1: it is said to be open, and has a control that a test proves",
    ),
    (
        "docs/safety/hazards.toml",
        'planned = "Once',
        'deployment = "theirs"\nplanned = "Once',
        f"H1: {ONE_WAY}: It is held twice.",
    ),
    ("docs/safety/hazards.toml", '["I1"]', '["I2"]', "H1: there is no invariant I2"),
    ("docs/safety/hazards.toml", '["I1"]', "[]", "invariant I1: no hazard names it"),
    ("docs/safety/hazards.toml", '"very low"', '"high"', "H1: its controls leave more risk than there was"),
    ("docs/safety/threats.toml", '["H1"]', '["H2"]', "T1: there is no hazard H2"),
    ("docs/safety/threats.toml", 'id = "T1"', 'id = "H1"', "H1: it is there twice"),
    ("docs/safety/soup.toml", '"one"', '"other"', "SOUP: one is asked for and not on the list"),
    ("docs/safety/soup.toml", '["H1"]', '["H2"]', "SOUP: one: there is no hazard H2"),
    ("docs/safety/hazards.md", "It does not hold", "It holds", f"docs/safety/hazards.md {OLD}"),
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken[3])
def test_whatever_does_not_fit_together_is_a_fault(tree: Tree, said: Said, broken: tuple[str, str, str, str]) -> None:
    """Each is named, and turns the check red."""
    name, before, after, told = broken
    path = tree.root / name
    path.write_text(path.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")
    tree.ended("passed")
    code, lines = said("--check")
    assert code == 1
    assert told in lines


@pytest.mark.parametrize("name", ["hazards.toml", "threats.toml", "soup.toml"])
def test_a_table_that_cannot_be_read_is_named_with_where(tree: Tree, said: Said, name: str) -> None:
    """An unknown key is not left out in silence."""
    path = tree.root / FOLDER / name
    path.write_text("vresion = 1\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    code, lines = said("--check")
    assert code == 1
    assert lines[0].startswith(f"{name}: ")
    assert "vresion" in lines[0]


def test_a_check_writes_nothing(tree: Tree, said: Said) -> None:
    """Not even where a page is missing."""
    (tree.root / FOLDER / "threats.md").unlink()
    (tree.root / RECORD).unlink()
    before = {path: path.read_bytes() for path in tree.root.rglob("*") if path.is_file()}
    assert said("--check")[0] == 1
    assert {path: path.read_bytes() for path in tree.root.rglob("*") if path.is_file()} == before


def test_the_record_of_a_run_has_the_last_result_of_each_test(tree: Tree, said: Said) -> None:
    """Which the pages of the repository have not: they are the same for everyone."""
    tree.ended("passed", "skipped")
    assert said()[0] == 1
    record, page = ((tree.root / name).read_text(encoding="utf-8") for name in (RECORD, FOLDER / "hazards.md"))
    assert f"- `{TEST}`: skipped\n" in record
    assert f"- `{TEST}`\n" in page
    assert "**Planned, not there:** It is held twice. Once is what there is." in page


def test_words_above_the_mark_are_a_persons(tree: Tree, said: Said) -> None:
    """Only what follows it is written anew."""
    path = tree.root / FOLDER / "hazards.md"
    path.write_text("# By hand\n\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    assert said()[0] == 0
    assert path.read_text(encoding="utf-8").startswith("# By hand\n\n<!-- From here on written by")


@pytest.mark.parametrize("beside", [(), ("-p", "xdist", "--numprocesses=2")], ids=["alone", "two_processes"])
def test_outcomes_are_kept_by_the_run_that_has_them(tree: Tree, said: Said, beside: tuple[str, ...]) -> None:
    """By pytest itself: what a later run of the same code leaves out keeps its outcome; a skip loses it."""
    (tree.root / "tests/conftest.py").write_text(CONFTEST, encoding="utf-8")
    (tree.root / "tests/__init__.py").touch()
    shutil.copy(ROOT / "tests" / "proofs.py", tree.root / "tests")
    (tree.root / "vwmon").mkdir()
    (tree.root / "vwmon/__init__.py").touch()
    shutil.copy(ROOT / "vwmon" / "clock.py", tree.root / "vwmon")
    runs(tree, *beside, "-k", "1")
    assert ties.outcomes(tree.root) == {TEST: "not run"}
    runs(tree, *beside, "-k", "2")
    assert ties.outcomes(tree.root) == {TEST: "passed"}
    assert said()[0] == 0
    tree.change("tests/test_small.py", "    assert number", "    assert number > 1 or pytest.skip('not here')")
    assert ties.outcomes(tree.root) == {TEST: "of other code"}
    runs(tree, *beside)
    assert ties.outcomes(tree.root) == {TEST: "skipped"}


def runs(tree: Tree, *options: str) -> None:
    """Run pytest on the small repository."""
    bare = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    subprocess.run([sys.executable, "-m", "pytest", "-q", *options], cwd=tree.root, env=bare, check=True)


def test_what_fails_in_setting_up_or_tearing_down_has_not_passed() -> None:
    """Whatever the test itself said."""

    class Report:
        def __init__(self, when: str, outcome: str) -> None:
            self.nodeid, self.when, self.outcome, self.passed = TEST, when, outcome, outcome == "passed"
            self.keywords = {proofs.MARK: 1}

    for phases, end in {
        ("passed", "passed", "passed"): "passed",
        ("failed", None, "passed"): "failed",
        ("skipped", None, "passed"): "skipped",
        ("passed", "passed", "failed"): "failed",
        ("passed", "failed", "passed"): "failed",
        ("passed", "skipped", "passed"): "skipped",
        ("passed", None, "passed"): "not run",
    }.items():
        plugin: Any = proofs.Proofs(FOLDER)
        for when, outcome in zip(("setup", "call", "teardown"), phases, strict=True):
            if outcome:
                plugin.pytest_runtest_logreport(Report(when, outcome))
        assert plugin._outcomes == {TEST: end}, phases


def test_the_pages_are_as_the_tables_say() -> None:
    """Whoever changes a table runs scripts/safety-case."""
    other = [
        str(path) for path, text in documents(ROOT, load(ROOT)) if (ROOT / path).read_text(encoding="utf-8") != text
    ]
    assert other == []


def test_every_hazard_and_threat_is_tied_to_tests_that_are_there() -> None:
    """And no test claims to prove what does not name it."""
    assert list(ties.loose(load(ROOT), ties.marked(ROOT))) == []


def test_the_hazards_and_threats_of_the_design_are_all_there() -> None:
    """In order, each once."""
    log = load(ROOT)
    assert [one.id for one in log.hazards.hazard] == [f"H{number + 1}" for number in range(len(log.hazards.hazard))]
    assert len(log.hazards.hazard) >= 24
    assert [one.id for one in log.threats.threat] == [f"T{number}" for number in range(1, 21)]
    assert list(log.hazards.invariants) == [f"I{number}" for number in range(1, 31)]


def test_a_risk_is_that_of_the_matrix() -> None:
    """More severe or more likely is never less risk; the corners are as the guidance prints them."""
    rated = {(s, one): Rating(severity=s, likelihood=one).risk for s in Severity for one in Likelihood}
    assert rated[Severity.MINOR, Likelihood.VERY_LOW] == 1
    assert rated[Severity.CATASTROPHIC, Likelihood.VERY_LOW] == 3
    assert rated[Severity.MINOR, Likelihood.VERY_HIGH] == 3
    assert rated[Severity.CATASTROPHIC, Likelihood.HIGH] == 5
    for risks in RISK.values():
        assert list(risks) == sorted(risks)
    for column in zip(*(RISK[one] for one in Likelihood), strict=True):
        assert list(column) == sorted(column)


@pytest.mark.hazard("T16")
def test_the_bill_of_materials_is_the_lock() -> None:
    """Every pinned package with its version, its files' hashes and what it needs, and nothing else."""
    made = json.loads((ROOT / FOLDER / "sbom.cdx.json").read_text(encoding="utf-8"))
    locked = (ROOT / "requirements" / "dev.lock").read_text(encoding="utf-8")
    pins = set(re.findall(r"^([a-z0-9][\w.-]*)==(\S+)", locked, re.MULTILINE))
    assert {(one["name"], one["version"]) for one in made["components"]} == pins
    hashes = [held["content"] for one in made["components"] for held in one["externalReferences"][0]["hashes"]]
    assert sorted(hashes) == sorted(re.findall(r"--hash=sha256:(\w+)", locked))
    assert (made["bomFormat"], made["specVersion"], made["metadata"]["component"]["name"]) == (
        "CycloneDX",
        "1.6",
        "vwmon",
    )
    needs = {one["ref"]: one.get("dependsOn", []) for one in made["dependencies"]}
    assert any(ref.startswith("pkg:pypi/numpy@") for ref in needs["vwmon"])
    (scipy,) = (needs[ref] for ref in needs if ref.startswith("pkg:pypi/scipy@"))
    assert [ref.partition("@")[0] for ref in scipy] == ["pkg:pypi/numpy"]


def test_a_bill_says_what_the_program_needs_and_what_only_developers_do(tree: Tree) -> None:
    """Also of what is needed in turn, and it is the same each time."""
    made = json.loads(bill.bill(tree.root))
    assert {one["name"]: one["scope"] for one in made["components"]} == {
        "one": "required",
        "two": "required",
        "tool": "excluded",
    }
    assert bill.bill(tree.root) == bill.bill(tree.root)
    tree.change("requirements/dev.lock", "one==1.0", "one>=1.0")
    with pytest.raises(LogError, match=r"no version is pinned: one>=1\.0"):
        bill.bill(tree.root)


@pytest.mark.parametrize("page", ["hazards", "threats", "plan", "case", "soup", "dtac"])
def test_every_page_of_the_safety_case_says_what_vwmon_is_not(page: str) -> None:
    """Whoever opens one alone must read it."""
    text = " ".join((ROOT / FOLDER / f"{page}.md").read_text(encoding="utf-8").split())
    assert "not a certified medical device" in text
    assert "no clinical safety officer has approved" in text.lower()


def test_the_case_counts_what_is_open() -> None:
    """Every planned control stands in the report with why it is not there."""
    text = (ROOT / FOLDER / "case.md").read_text(encoding="utf-8")
    tables = [
        tomllib.loads((ROOT / FOLDER / f"{name}.toml").read_text(encoding="utf-8")) for name in ("hazards", "threats")
    ]
    entries = tables[0]["hazard"] + tables[1]["threat"]
    controls = [control for entry in entries for control in entry["controls"]]
    assert f"with {len(controls)} controls" in text
    for control in controls:
        if "planned" in control:
            assert f"| {control['control']} | {control['planned']} |" in text
    assert [entry["id"] for entry in entries if "open" in entry and entry["open"] not in text] == []


def test_a_cell_of_a_page_does_not_break_its_table() -> None:
    """A bar or a line's end in a table's text would move every cell behind it."""
    log = load(ROOT)
    for lines in (pages.hazards(log), pages.threats(log), pages.still_open(log), bill.soup_lines(ROOT)):
        width = 0
        for line in "\n".join(lines).splitlines():
            width = 0 if not line.startswith("|") else width or line.count("|")
            assert not line.startswith("|") or line.count("|") == width, line
