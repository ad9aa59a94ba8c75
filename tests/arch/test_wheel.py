"""The wheel: what is in it, and that it works on its own."""

import os
import subprocess
import sys
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow
PACKAGES = {"vwmon", "devices", "alerts"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout with the tools of this environment."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, timeout=300)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and its locked runtime dependencies, and nothing else; its bin."""
    home = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(home, with_pip=False)
    pip = [sys.executable, "-m", "pip", "--python", str(home / "bin" / "python"), "install", "--quiet"]
    quiet = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    locked = ROOT / "requirements" / "runtime.lock"
    for what in (["--require-hashes", "--requirement", str(locked)], ["--no-deps", str(wheel)]):
        subprocess.run([*pip, *what], check=True, capture_output=True, timeout=600, env=quiet)
    return home / "bin"


def run(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed vwmon in a folder of its own."""
    clean = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    command = [str(installed / "vwmon"), *arguments]
    return subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, timeout=120, check=False)


def test_the_wheel_holds_three_typed_packages_and_nothing_else(wheel: Path) -> None:
    """`devices` and `alerts` are common names; no fourth is added by accident, and each brings its types."""
    names = ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == PACKAGES
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(names)


def test_the_wheel_holds_every_table_that_the_code_reads(wheel: Path) -> None:
    """Charts, pathways, rules and units are files beside the code."""
    tables = {str(file.relative_to(ROOT)) for package in PACKAGES for file in (ROOT / package).rglob("*.toml")}
    assert tables
    assert tables <= set(ZipFile(wheel).namelist())


def test_the_wheel_brings_its_licence(wheel: Path) -> None:
    """Where it goes, the licence goes."""
    assert any(name.endswith("licenses/LICENSE") for name in ZipFile(wheel).namelist())


def test_the_installed_program_runs_with_runtime_packages_only(installed: Path, tmp_path: Path) -> None:
    """Outside the checkout and without any developer's tool, every command can be asked for help."""
    from vwmon.cli import COMMANDS

    assert run(installed, tmp_path, "--version").stdout.startswith("vwmon ")
    assert "alerts" in run(installed, tmp_path, "--help").stdout
    for name in COMMANDS:
        ran = run(installed, tmp_path, name, "--help")
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout.startswith(f"Usage: vwmon {name} ")


def test_the_installed_program_makes_a_database(installed: Path, tmp_path: Path) -> None:
    """The migrations run with runtime packages only, and the list is there, not to be trusted, with exit code 4."""
    assert run(installed, tmp_path, "db", "migrate", "--db", "x.db").returncode == 0
    listed = run(installed, tmp_path, "alerts", "--db", "x.db")
    assert listed.returncode == 4, listed.stderr


@pytest.mark.hazard("H18")
def test_doctor_finds_a_file_that_is_not_as_released(installed: Path, tmp_path: Path) -> None:
    """It says which, and says good again when the file is back as it was."""
    (changed,) = installed.parent.rglob("site-packages/vwmon/clock.py")
    original = changed.read_bytes()
    assert "files as released" in run(installed, tmp_path, "doctor").stdout
    try:
        changed.write_bytes(original + b"\n")
        ran = run(installed, tmp_path, "doctor")
    finally:
        changed.write_bytes(original)
    assert ran.returncode == 1
    assert "not as released: vwmon/clock.py" in ran.stdout
