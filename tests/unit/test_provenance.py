"""Which versions made a score: one number for one set of them, the same in every process."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest

from vwmon.patients import plans
from vwmon.provenance import SYSTEM, Provenance
from vwmon.store import database
from vwmon.store.sqlite import Connection


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    """A new database."""
    with closing(database.create(tmp_path / "ward.db")) as db:
        yield db


def versions(config_hash: str = "aa") -> Provenance:
    """Give the versions of a process with this configuration."""
    return Provenance(config_hash=config_hash, plans=plans.load_all())


def rows(db: Connection) -> list[tuple[object, ...]]:
    """Read what is registered."""
    return [tuple(row) for row in db.execute("select * from provenance order by provenance_no")]


def test_a_set_of_versions_is_registered_whole(db: Connection) -> None:
    """Software, chart and plan each with its version, and the configuration's hash."""
    number = versions().number(db, "general")
    plan = plans.load("general").version
    assert rows(db) == [(number, metadata.version("vwmon"), "news2 RCP 2017", f"general {plan}", "aa")]


def test_the_same_set_has_the_same_number_in_every_process(db: Connection) -> None:
    """Asked again, or by a process that starts later."""
    first = versions()
    numbers = {first.number(db, "general"), first.number(db, "general"), versions().number(db, "general")}
    assert len(numbers) == len(rows(db)) == 1


@pytest.mark.hazard("H18")
def test_whatever_differs_makes_another_number(db: Connection) -> None:
    """The pathway, the plan's version, the configuration, the software or the chart."""
    ours, plan = versions(), replace(plans.load("general"), version="next")
    numbers = [
        ours.number(db, "general"),
        ours.number(db, "frailty"),
        versions("bb").number(db, "general"),
        Provenance(config_hash="aa", plans={"general": plan}).number(db, "general"),
        replace(versions(), software="next", _numbers={}).number(db, "general"),
        replace(versions(), chart="next", _numbers={}).number(db, "general"),
    ]
    assert len(set(numbers)) == len(rows(db)) == len(numbers)


def test_what_is_about_no_patient_names_no_plan(db: Connection) -> None:
    """An alert of the whole service was made by the same software, without a pathway."""
    number = versions().number(db, SYSTEM)
    assert [row[3] for row in rows(db) if row[0] == number] == [SYSTEM]
