"""`vwmon db`: migrate, verify, back up, restore, seal and clear the database. The work is vwmon.store's."""

from pathlib import Path
from typing import Annotated, Any

import typer

from vwmon.cli import context, render
from vwmon.cli.options import AsOption, ConfigOption, DbOption, FormatOption, JsonOption, group
from vwmon.cli.render import Column, Format
from vwmon.clock import Clock
from vwmon.errors import StoreCorrupt, StoreForeign, VwmonError
from vwmon.store import anchors, checked, database
from vwmon.store import backup as copies
from vwmon.store.backup import Copied
from vwmon.store.verify import Finding
from vwmon.store.verify import verify as check_all

MIB = 1024 * 1024

app = group("db", "Migrate, verify, back up, restore, seal or clear the database.", alone=False)

COLUMNS = (
    Column(key="check", title="CHECK"),
    Column(key="sound", title="SOUND"),
    Column(key="found", title="FOUND"),
)


@app.command()
def migrate(config: ConfigOption = None, db: DbOption = None) -> None:
    """Bring the database up to this version, after a copy of it beside it; make a new one where there is none."""
    path = context.resolve(config, db).store.path
    done = database.migrate(path)
    if done.created:
        render.say(f"Made a new database: {path}")
    elif done.applied:
        render.say(f"Migrated {path}: {', '.join(done.applied)}")
        render.say(f"As it was before: {done.backup}")
    else:
        render.say(f"{path} is up to date.")


@app.command()
def verify(
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep what it comes to, for the daemon to tell.", show_default=False)
    ] = False,
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
) -> None:
    """Check every page, every reference and what must hold between the tables. Exit code 1: something does not."""
    path = context.resolve(config, db).store.path
    found = _kept(path) if keep else check_all(path)
    rows = [{"check": f.check, "sound": f.sound, "found": f.found} for f in found]
    broken = sum(not row["sound"] for row in rows)
    verdict = f"{path} is sound." if not broken else f"{path} is NOT sound: {broken} of {len(rows)} checks failed."
    render.emit(rows, COLUMNS, render.chosen(form, as_json), footer=[verdict])
    if broken:
        raise typer.Exit(VwmonError.exit_code)


@app.command()
def backup(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A new file, or a folder for it.", show_default=False)
    ] = None,
    config: ConfigOption = None,
    db: DbOption = None,
) -> None:
    """Copy the database to a new file while it is in use, and verify the copy.

    Without FILE the copy stands beside the database, and in a folder, named by the time.
    """
    path = context.resolve(config, db).store.path
    folder = path.parent if file is None else file
    copy = copies.backup(path, folder / _named(path) if folder.is_dir() else folder)
    _tell("Backed up and verified", copy)
    if copy.broken:
        render.warn(f"The history of alerts is NOT as it was written: {copy.broken}")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.", show_default=False)],
    force: Annotated[
        bool, typer.Option("--force", help="Also where there is a database; it is kept beside.", show_default=False)
    ] = False,
    config: ConfigOption = None,
    db: DbOption = None,
) -> None:
    """Put a verified backup in the place of the database.

    Exit code 5: there is a database and not --force, or a daemon is at work on it.
    """
    path = context.resolve(config, db).store.path
    restored = copies.restore(file, path, Clock().now_ms(), force=force)
    _tell("Restored and verified", restored)
    if restored.replaced is not None:
        render.say(f"The database that was there: {restored.replaced}")
    if restored.broken:
        file = anchors.beside(path)
        render.warn(f"The history of alerts is not what {file} knows: {restored.broken}")
        render.warn(f"That is so with an older backup. To accept it: mv {file} {database.free_name(file, 'before')}")


@app.command()
def seal(
    do_it: Annotated[bool, typer.Option("--do-it", help="Seal it; else only tell.", show_default=False)] = False,
    config: ConfigOption = None,
    db: DbOption = None,
) -> None:
    """Seal the database by a key: every page encrypted, and damage to any bit found; with --do-it only.

    The key is the file DATABASE.key beside it, 64 hexadecimal digits or a link to where they are kept; where there is
    none, one is made. Exit code 5: it is sealed already, or a daemon is at work on it.
    """
    from vwmon.cli import sealing

    sealing.seal(context.resolve(config, db).store.path, do_it=do_it)


@app.command()
def retain(
    older_than: Annotated[
        str, typer.Option("--older-than", metavar="YEARS", help="How long stays are kept, as 8y.", show_default=False)
    ],
    do_it: Annotated[bool, typer.Option("--do-it", help="Take them away; else only tell.", show_default=False)] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell, which it does anyway.")] = False,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why, and by whose decision.", show_default=False)
    ] = "",
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    as_name: AsOption = "",
) -> None:
    """Tell which stays ended so long ago that they need not be kept; with --do-it take them away, after a backup.

    Whole stays only: discharged, with nothing open, of a patient without a later one; a child's until the 25th birthday
    (26th of one who was 17). What went is in the history for good. Copies are not touched.
    """
    from vwmon.cli import retaining

    if do_it and dry_run:
        raise typer.BadParameter("--do-it and --dry-run exclude each other")
    said = retaining.Said(years=retaining.years(older_than), do_it=do_it, reason=reason)
    retaining.retain(context.resolve(config, db), said, as_name, render.chosen(form, as_json))


def _kept(path: Path) -> list[Finding]:
    """Check a database, and keep what that comes to; also that it is none any more, which then is an error.

    Of one that was not looked at, because there is none of that name or another holds it, nothing is kept.
    """
    try:
        found = check_all(path)
    except (StoreCorrupt, StoreForeign) as error:
        checked.keep(
            path, [Finding(check="the database can be opened", sound=False, found=str(error))], Clock().now_ms()
        )
        raise
    checked.keep(path, found, Clock().now_ms())
    return found


def _named(path: Path) -> str:
    moment = render.utc(Clock().now_ms() // 1000 * 1000).replace("-", "").replace(":", "")
    return f"{path.name}.backup-{moment}"


def _tell(done: str, copy: Copied) -> None:
    held: dict[str, Any] = {name: count for name, count in copy.counts.items() if count}
    render.say(f"{done}: {copy.path}, {copy.size_bytes / MIB:.1f} MiB")
    render.say(", ".join(f"{name} {count}" for name, count in held.items()) or "nothing in it yet")
