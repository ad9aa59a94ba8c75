"""The shape of the code: short functions, small modules, everything annotated, and as much test as code."""

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

import pytest

from tests.conftest import ROOT

PACKAGES = ("vwmon", "devices", "alerts")
MEDIAN, NINETIETH, LONG, LONG_SHARE, MODULE = 9, 30, 50, 0.02, 400
BANNED = {"data", "info", "manager", "helper", "helpers", "utils", "util", "process", "handle", "obs"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources(*folders: str) -> list[Path]:
    """Return the modules of some folders."""
    return sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))


def functions(file: Path) -> Iterator[Function]:
    """Yield every function of a module, nested ones too."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, Function):
            yield node


def length(function: Function) -> int:
    """Count a function's lines, docstring included, decorators not."""
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1


def lines(files: list[Path]) -> int:
    """Count lines."""
    return sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files)


def words(name: str) -> set[str]:
    """Split a name into its words."""
    return set(name.lower().strip("_").split("_"))


@pytest.fixture(scope="module")
def lengths() -> dict[str, int]:
    """The length of every function of the packages, by where it is."""
    return {
        f"{file.relative_to(ROOT)}:{function.lineno} {function.name}": length(function)
        for file in sources(*PACKAGES)
        for function in functions(file)
    }


def test_functions_are_short(lengths: dict[str, int]) -> None:
    """Half have nine lines or fewer, nine in ten thirty or fewer, and one in fifty may be longer than fifty."""
    longest = sorted(lengths.items(), key=lambda item: -item[1])[:20]
    assert median(lengths.values()) <= MEDIAN, longest
    assert quantiles(lengths.values(), n=10)[-1] <= NINETIETH, longest
    assert sum(size > LONG for size in lengths.values()) <= LONG_SHARE * len(lengths), longest


def test_modules_are_small() -> None:
    """A module that reaches four hundred lines is two modules."""
    large = {str(file.relative_to(ROOT)): lines([file]) for file in sources(*PACKAGES) if lines([file]) > MODULE}
    assert large == {}


def test_there_is_as_much_test_as_code() -> None:
    """Line for line."""
    assert lines(sources("tests")) >= lines(sources(*PACKAGES))


def test_everything_is_annotated() -> None:
    """Each argument and each result, so that the type checker sees all of it."""
    bare = [
        f"{file.relative_to(ROOT)}:{function.lineno} {function.name}"
        for file in sources(*PACKAGES)
        for function in functions(file)
        if function.returns is None or any(argument.annotation is None for argument in arguments(function))
    ]
    assert bare == []


def arguments(function: Function) -> list[ast.arg]:
    """Return a function's arguments but for self and cls."""
    every = function.args.posonlyargs + function.args.args + function.args.kwonlyargs
    return [argument for argument in every if argument.arg not in {"self", "cls"}]


def test_every_module_says_what_lives_there() -> None:
    """The first lines of a file answer whether this is the right one."""
    silent = [
        str(file.relative_to(ROOT))
        for file in sources(*PACKAGES)
        if file.stat().st_size and not ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    ]
    assert silent == []


def test_names_say_what_a_thing_is() -> None:
    """Some words fit everything, and so name nothing."""
    vague = [
        f"{file.relative_to(ROOT)}: {name}"
        for file in sources(*PACKAGES)
        for name in [file.stem, *(function.name for function in functions(file))]
        if words(name) & BANNED
    ]
    assert vague == []


def test_every_test_states_its_promise() -> None:
    """A test's docstring is what someone may rely on."""
    silent = [
        f"{file.relative_to(ROOT)}:{function.lineno} {function.name}"
        for file in sources("tests")
        for function in functions(file)
        if function.name.startswith("test_") and not ast.get_docstring(function)
    ]
    assert silent == []


def test_every_folder_of_tests_is_a_package() -> None:
    """A folder tests/alerts that is none would be imported in place of the package alerts."""
    folders = {file.parent for file in sources("tests")}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []
