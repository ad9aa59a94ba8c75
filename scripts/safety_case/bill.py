"""What vwmon is built on: the locked packages as a CycloneDX bill of materials, and the list of SOUP.

Both follow from the lock files and docs/safety/soup.toml alone, so that they are the same on every machine.
"""

import json
import re
import tomllib
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from scripts.safety_case.pages import table
from scripts.safety_case.records import FOLDER, LogError, Record, read

TOOLS: Final = "dev"  # the extra of which nothing runs where patients are watched
PIN: Final = re.compile(r"^([a-z0-9][\w.-]*)==([^ \\]+)")
HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
VIA: Final = re.compile(r"^ +# +(?:via )?([\w.-]+)(?: \(pyproject\.toml\))?$")
SPACE: Final = uuid.UUID("6f1f3f0e-7a0e-5d58-9d42-0d6c7b1f6a55")


class Pinned(Record, frozen=True, kw_only=True):
    """One package of a lock: its version, the files that are accepted of it, and which packages asked for it."""

    name: str
    version: str
    hashes: tuple[str, ...]
    asked_by: tuple[str, ...]


class Soup(Record, frozen=True, kw_only=True):
    """Software of unknown provenance that care rests on: what a fault in it could do, and what is known and done."""

    name: str
    does: str
    hazards: tuple[str, ...]
    known: str
    done: str


class Soups(Record, frozen=True, kw_only=True):
    """The file of SOUP: packages of the lock that vwmon itself asks for, and what is not a Python package."""

    version: str
    package: tuple[Soup, ...]
    beside: tuple[Soup, ...]


def lock(path: Path) -> dict[str, Pinned]:
    """Read a lock file of pip-compile, by name."""
    chunks = re.split(r"^(?=[a-z0-9])", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {one.name: one for one in map(_pinned, chunks)}


def _pinned(chunk: str) -> Pinned:
    head = PIN.match(chunk)
    if head is None:
        raise LogError(f"no version is pinned: {chunk.splitlines()[0]}")
    asked_by = (found[1] for line in chunk.splitlines() if (found := VIA.match(line)) and found[1] != "via")
    return Pinned(name=head[1], version=head[2], hashes=tuple(HASH.findall(chunk)), asked_by=tuple(asked_by))


def scopes(root: Path, locked: Mapping[str, Pinned]) -> dict[str, ComponentScope]:
    """Say of each package whether the program needs it, an extra for the ward does, or only who develops it."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = project["optional-dependencies"]
    needed = lock(root / "requirements" / "runtime.lock")
    extras = _closure(locked, _names(line for extra, lines in asked.items() if extra != TOOLS for line in lines))
    return {
        name: ComponentScope.REQUIRED
        if name in needed
        else ComponentScope.OPTIONAL
        if name in extras
        else ComponentScope.EXCLUDED
        for name in locked
    }


def _names(lines: Iterable[str]) -> set[str]:
    return {re.split(r"[^\w.-]", line)[0].lower() for line in lines}


def _closure(locked: Mapping[str, Pinned], begin: set[str]) -> set[str]:
    reached: set[str] = set()
    while begin:
        reached |= begin
        begin = {one.name for one in locked.values() if reached & set(one.asked_by)} - reached
    return reached


def bill(root: Path) -> str:
    """Return the bill of materials as CycloneDX JSON, the same for the same lock."""
    locked = lock(root / "requirements" / "dev.lock")
    scope = scopes(root, locked)
    parts = {name: _component(one, scope[name]) for name, one in locked.items()}
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    name = project["name"]
    own = Component(name=name, version=project["version"], type=ComponentType.APPLICATION, bom_ref=name)
    serial = uuid.uuid5(SPACE, "".join(f"{one.name}{one.version}{one.hashes}" for one in locked.values()))
    whole = Bom(components=parts.values(), metadata=BomMetaData(component=own), serial_number=serial)
    for asking, part in {name: own, **parts}.items():
        whole.register_dependency(part, [parts[one.name] for one in locked.values() if asking in one.asked_by])
    made = json.loads(make_outputter(whole, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string())
    del made["metadata"]["timestamp"]  # what follows from a lock alone has no time
    return json.dumps(made, indent=1) + "\n"


def _component(one: Pinned, scope: ComponentScope) -> Component:
    url = PackageURL(type="pypi", name=one.name, version=one.version)
    files = ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION,
        url=XsUri(str(url)),
        comment="any of these files is accepted, and no other",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=content) for content in one.hashes],
    )
    return Component(
        name=one.name, version=one.version, purl=url, bom_ref=str(url), scope=scope, external_references=[files]
    )


def soup(root: Path) -> Soups:
    """Read the file of SOUP."""
    return read(root / FOLDER / "soup.toml", Soups)


def gaps(root: Path, hazards: set[str]) -> Iterator[str]:
    """Yield what of the list and the lock do not fit each other."""
    listed, locked = soup(root), lock(root / "requirements" / "dev.lock")
    scope = scopes(root, locked)
    asked = {name for name, one in locked.items() if "vwmon" in one.asked_by and scope[name] != ComponentScope.EXCLUDED}
    named = {one.name for one in listed.package}
    yield from (f"SOUP: {name} is asked for and not on the list" for name in sorted(asked - named))
    yield from (f"SOUP: {name} is on the list and not asked for" for name in sorted(named - asked))
    for one in (*listed.package, *listed.beside):
        yield from (f"SOUP: {one.name}: there is no hazard {name}" for name in one.hazards if name not in hazards)


def soup_lines(root: Path) -> Iterator[str]:
    """Yield the lines of the list of SOUP."""
    listed, locked = soup(root), lock(root / "requirements" / "dev.lock")
    scope = scopes(root, locked)
    yield f"\n## What vwmon asks for by name\n\nVersion {listed.version} of the list.\n"
    titles = ("what", "version", "does", "a fault in it", "what is known of it", "what is done about that")
    yield from table(titles, (_row(one, _version(locked, one.name)) for one in listed.package))
    yield "\n## What is no Python package\n"
    yield from table(titles, (_row(one, "that of the machine") for one in listed.beside))
    yield "\n## What those need in turn\n"
    rest = [one for name, one in locked.items() if "vwmon" not in one.asked_by and scope[name] != "excluded"]
    yield from table(
        ("package", "version", "needed by", "scope"),
        ((one.name, one.version, ", ".join(one.asked_by), scope[one.name].value) for one in rest),
    )
    tools = sum(one == ComponentScope.EXCLUDED for one in scope.values())
    yield f"\n{tools} more packages are for developers alone; the bill of materials has them with scope `excluded`."


def _version(locked: Mapping[str, Pinned], name: str) -> str:
    return locked[name].version if name in locked else "not in the lock"


def _row(one: Soup, version: str) -> tuple[Any, ...]:
    return one.name, version, one.does, ", ".join(one.hazards), one.known, one.done
