"""`vwmon db seal`: what sealing would do, and, where somebody says so, the sealing. How it is done is vwmon.store's."""

from pathlib import Path

from vwmon.cli import render
from vwmon.store import database, keys, sealing

MIB = 1024 * 1024


def seal(path: Path, *, do_it: bool) -> None:
    """Tell what would be done, or do it."""
    sealing.refuse_sealed(path)
    if do_it:
        _done(sealing.seal(path))
    else:
        database.open_plain(path).close()
        _tell(path)


def _tell(path: Path) -> None:
    size_mib = path.stat().st_size / MIB
    made = "It has a key beside it, which would be taken" if keys.kept(path) else "A key would be made"
    render.say(f"Not sealed: {path}, {size_mib:.1f} MiB.")
    render.say("Who has the file can read it, and a flipped bit in a value is not found.")
    render.say(f"{made}: {keys.beside(path)}")
    render.say("Nothing was done. To do it: stop the daemon, and add --do-it")


def _done(sealed: sealing.Sealed) -> None:
    render.say(f"Sealed and verified: {sealed.path}, {sealed.rows} rows")
    render.say(f"Its key{', made now' if sealed.made else ''}: {sealed.key}")
    render.say("Keep that key elsewhere as well, apart from the backups: without it nobody reads")
    render.say("this database again, nor a backup of it.")
    render.say("Copies and backups that were made before are not sealed.")
