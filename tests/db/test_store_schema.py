"""The schema: a database made today has exactly these tables, and one of every schema before can still be used.

A schema_vN.sql never changes once it is out; a change is a new migration and a new file beside it.
"""

import os
import stat
from contextlib import closing
from pathlib import Path

import pytest

from vwmon.store import database, schema
from vwmon.store.sqlite import Connection, IntegrityError, module

NOW = Path(__file__).with_name("schema_v2.sql")
BEFORE = Path(__file__).with_name("schema_v1.sql")


def dumped(db: Connection) -> str:
    """Write out every table, index and trigger, by name, one statement a line block."""
    rows = db.execute(
        "select sql from sqlite_schema where sql is not null and name not like 'sqlite_%'"
        " order by type = 'trigger', type = 'index', name"
    )
    return "".join(f"{_tidy(sql)};\n" for (sql,) in rows)


def _tidy(sql: str) -> str:
    return "\n".join(line.strip() if at == 0 else "    " + line.strip() for at, line in enumerate(sql.split("\n")))


def test_a_new_database_has_the_schema_of_now(tmp_path: Path) -> None:
    """Whoever changes a table writes a migration for the databases that are out there."""
    with closing(database.create(tmp_path / "ward.db")) as db:
        assert dumped(db) == NOW.read_text(encoding="utf-8")


def of_the_schema_before(path: Path) -> Path:
    """Make a database as an earlier release did."""
    with closing(module.connect(path)) as db:
        db.executescript(BEFORE.read_text(encoding="utf-8"))
        db.execute(f"pragma application_id = {database.APPLICATION_ID}")
        for name, steps in {"vwmon": schema.NAMES[:4], "alerts": ("m001_work_list",)}.items():
            db.executemany(
                "insert into _sqlite_migrations (migration_set, name, applied_at) values (?, ?, '')",
                [(name, step) for step in steps],
            )
        for table, values in {"register_version": "1, 0", "log": "1, 0, 0, 0", "scorer": "1, 0"}.items():
            db.execute(f"insert into {table} values ({values})")  # noqa: S608 -- our own
        db.commit()
    return path


@pytest.mark.hazard("H18")
def test_a_database_of_the_schema_before_is_migrated(tmp_path: Path) -> None:
    """Never refused, and then it has the tables of one made today."""
    path = of_the_schema_before(tmp_path / "ward.db")
    database.migrate(path)
    with closing(database.open_writer(path)) as db:
        assert dumped(db) == NOW.read_text(encoding="utf-8")


@pytest.mark.hazard("H22")
def test_the_copy_made_before_a_migration_is_not_for_everyone(tmp_path: Path) -> None:
    """SQLite by itself would make it readable to all, and it holds every patient that there was."""
    path = of_the_schema_before(tmp_path / "ward.db")
    before = os.umask(0)
    try:
        kept = database.migrate(path).backup
    finally:
        os.umask(before)
    assert kept is not None
    assert stat.S_IMODE(kept.stat().st_mode) == database.FILE_MODE
    assert kept not in database.open_to_everyone(path)


def test_every_table_of_rows_is_strict(tmp_path: Path) -> None:
    """A text never hides in a column of numbers."""
    with closing(database.create(tmp_path / "ward.db")) as db:
        loose = db.execute("select name from pragma_table_list where schema = 'main' and not strict").fetchall()
        assert {name for (name,) in loose} == {"sqlite_schema", "_sqlite_migrations"}
        with pytest.raises(IntegrityError):
            db.execute("insert into device (device, added_ms, registered) values ('d', 'yesterday', 1)")


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("insert into stay values (1, 'P', 'w', 'g', '1', 5, 4, 'x', 1, '', '')", "left before the admission"),
        ("insert into stay values (1, 'P', 'w', 'g', '1', 5, null, null, 2, '', '')", "scale 2 without a prescriber"),
        ("insert into stay values (1, 'P', 'w', 'g', '1', 5, null, null, 3, 'x', '')", "a third scale"),
        ("insert into stay values (1, 'P', 'w', 'children', '1', 5, null, null, 1, '', '')", "a child without an age"),
        ("insert into assignment values (1, 1, 1, 5, 4)", "returned before it was given"),
        ("insert into assignment values (1, 99, 1, 5, null)", "a device that does not exist"),
        ("update log set only_row = 2", "a second log"),
    ],
)
def test_the_database_itself_refuses(tmp_path: Path, statement: str, why: str) -> None:
    """What must never be so is refused below every program."""
    with closing(database.create(tmp_path / "ward.db")) as db:
        db.execute("insert into device (device, added_ms, registered) values ('d', 0, 1)")
        db.execute("insert into stay values (7, 'Q', 'w', 'g', '1', 0, null, null, 1, '', '')")
        with pytest.raises(IntegrityError):
            db.execute(statement)
        assert why


@pytest.mark.hazard("H4")
def test_the_database_picks_one_of_two_open_stays_and_one_of_two_holders(tmp_path: Path) -> None:
    """One open stay a patient, one holder a device: the second is refused whoever is second."""
    with closing(database.create(tmp_path / "ward.db")) as db:
        db.execute("insert into device (device, added_ms, registered) values ('d', 0, 1)")
        stay = "insert into stay values (?, 'Q', 'w', 'g', '1', 0, ?, null, 1, '', '')"
        db.execute(stay, [1, 5])
        db.execute(stay, [2, None])
        with pytest.raises(IntegrityError):
            db.execute(stay, [3, None])
        db.execute("insert into assignment values (1, 1, 2, 5, null)")
        with pytest.raises(IntegrityError):
            db.execute("insert into assignment values (2, 1, 1, 9, null)")
