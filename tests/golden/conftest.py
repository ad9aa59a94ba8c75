"""What the tests of whole wards are given: each ward, replayed and worked out once for all of them."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.golden import wards
from tests.golden.wards import MADE, Ward
from vwmon.store import database
from vwmon.store.sqlite import Connection

TENDED = ", tended"
WARDS = [
    MADE,
    MADE + TENDED,
    "mimic4demo",
    pytest.param("mimic4demo" + TENDED, marks=pytest.mark.slow),
    "mimic2_numerics",
    "tihm_home",
]


@pytest.fixture(scope="session")
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Ward]:
    """Build a ward by its name, once."""
    known: dict[str, Ward] = {}

    def build(named: str) -> Ward:
        if named not in known:
            name, folder = named.removesuffix(TENDED), tmp_path_factory.mktemp("ward")
            if name == MADE:
                recording = folder / "vitals.csv.gz"
                wards.write_made(recording)
            else:
                folder_of_recordings: Path = request.getfixturevalue("recordings")
                recording = folder_of_recordings / name / "vitals.csv.gz"
            known[named] = wards.build(name, recording, folder / "ward.db", tended=named.endswith(TENDED))
        return known[named]

    return build


@pytest.fixture(params=WARDS)
def ward(request: pytest.FixtureRequest, built: Callable[[str], Ward]) -> Ward:
    """Each ward, or the one that a test names."""
    return built(request.param)


@pytest.fixture
def db(ward: Ward) -> Iterator[Connection]:
    """The database that the ward was replayed into, open for reading."""
    with closing(database.open_reader(ward.path)) as db:
        yield db
