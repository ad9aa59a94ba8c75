"""F10: files that rot, as disks and copies make them: of a sealed ward, and the same done to one that is not sealed.

A damaged file must be refused or found by `vwmon db verify`, and never be taken for, or replaced by, an empty one. In a
database that is not sealed the bit of a value is a value: how many of those went unseen is said, and is no failure of
what is sealed. Everything else has to be found in both.
"""

import os
import random
import shutil
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from devices.errors import SpoolError
from devices.spool import Letter, Spool
from tests.faults import ward
from tests.faults.matrix import Profile, Row, Tally, Trial, added
from vwmon.errors import StoreError
from vwmon.store import backup, database, keys, sealing
from vwmon.store.sqlite import Connection, DatabaseError
from vwmon.store.verify import verify

MESSAGES = 600
PAGE = 4096
LETTERS = 200
SILENT = "changed in silence"
UNSEEN = "a flipped bit of a database that is not sealed went unseen"

Damage = Callable[[Path, random.Random], None]


def rotten(trial: Trial) -> Tally:
    """Damage one file in one place, in one of the ways in which disks and copies do it; then look."""
    plain = _ward(trial)
    sealed = trial.folder / "sealed" / "whole.db"
    sealed.parent.mkdir()
    shutil.copy(plain, sealed)
    sealing.seal(sealed)
    chance = random.Random(trial.seed)
    tallies = [_one(trial.folder, plain, sealed, chance) for _ in range(trial.runs)]
    unseen = sum(one.said == UNSEEN for one in tallies)
    return replace(added(tallies), said=f"{unseen} times {UNSEEN}")


def _one(folder: Path, plain: Path, sealed: Path, chance: random.Random) -> Tally:
    """Do one damage to each kind of file: they count as one run."""
    tallies = [do(folder, sealed, chance) for do in (_sealed, _copy, _key)]
    tallies += [_spool(folder, chance), _plain(folder, plain, chance)]
    return replace(added(tallies), runs=1)


def _ward(trial: Trial) -> Path:
    """Make a ward that has been at work, all of it in one file."""
    path, devices, start_ms = trial.folder / "whole.db", ward.brief(trial.seed), ward.start_of(100 * MESSAGES)
    sent = ward.Load(devices, start_ms, MESSAGES).more(MESSAGES)
    with closing(ward.undisturbed(path, start_ms, devices, sent)) as db:
        db.execute("pragma wal_checkpoint(truncate)")
    return path


def _placed(whole: Path, copy: Path) -> Path:
    """Put a copy of a database somewhere, with its key where it has one."""
    database.remove(copy)
    shutil.copy(whole, copy)
    if keys.beside(whole).exists():
        shutil.copy(keys.beside(whole), keys.beside(copy))
    return copy


def _damaged(path: Path, chance: random.Random) -> tuple[str, Damage]:
    """Damage a file, and tell how; what changes no byte, such as a page in its own place, is no damage."""
    whole = path.read_bytes()
    while True:
        name, damage = chance.choice(DAMAGES)
        damage(path, chance)
        if path.read_bytes() != whole:
            return name, damage


def _sealed(folder: Path, whole: Path, chance: random.Random) -> Tally:
    copy = _placed(whole, folder / "rotten.db")
    name, _ = _damaged(copy, chance)
    return _looked_at(copy, whole, f"{name} of a sealed database")


def _key(folder: Path, whole: Path, chance: random.Random) -> Tally:
    copy = _placed(whole, folder / "rotten.db")
    name, _ = _damaged(keys.beside(copy), chance)
    return _looked_at(copy, whole, f"{name} of a key")


def _copy(folder: Path, whole: Path, chance: random.Random) -> Tally:
    """Damage a backup and put it back: nothing comes of it, or what was backed up."""
    copy, again = _placed(whole, folder / "backup.db"), folder / "again.db"
    for gone in (again, keys.beside(again)):
        database.remove(gone)
    name, _ = _damaged(copy, chance)
    try:
        backup.restore(copy, again, 0)
    except StoreError:
        return Tally(runs=1, broken=(f"{name} of a backup: something came of it",) if again.exists() else ())
    return _looked_at(again, whole, f"{name} of a backup")


def _plain(folder: Path, whole: Path, chance: random.Random) -> Tally:
    """Damage a database that is not sealed: a bit in a value cannot be seen, and is said."""
    copy = _placed(whole, folder / "plain.db")
    name, damage = _damaged(copy, chance)
    tally = _looked_at(copy, whole, f"{name} of a database that is not sealed")
    if damage is _flip and any(what.endswith(SILENT) for what in tally.broken):
        return Tally(runs=1, said=UNSEEN)
    return tally


def _spool(folder: Path, chance: random.Random) -> Tally:
    """Damage the journal of a device: what it still gives is as it was, and what is gone is counted as damaged."""
    shutil.rmtree(folder / "spool", ignore_errors=True)
    with Spool(folder / "spool") as spool:
        spool.keep(Letter("hub", f"m{n}", b"%d" % n * 20) for n in range(LETTERS))
    name, _ = _damaged(folder / "spool" / "journal", chance)
    try:
        with Spool(folder / "spool") as spool:
            given = {kept.message_id: spool.payload(kept) for kept in spool.waiting()}
            seen = spool.damaged > 0
    except SpoolError:
        return Tally(runs=1)
    right = all(payload == b"%d" % int(key[1:]) * 20 for key, payload in given.items())
    unseen = not right or (len(given) < LETTERS and not seen)
    return Tally(runs=1, broken=(f"{name} of a spool: {SILENT}",) if unseen else ())


def _looked_at(copy: Path, whole: Path, damage: str) -> Tally:
    """Tell what came of it: refused or found; or nothing that anybody can see; or a silent change."""
    try:
        with closing(database.open_writer(copy)):
            pass
        found = [one for one in verify(copy) if not one.sound]
    except StoreError:
        return Tally(runs=1, broken=() if copy.exists() else (f"{damage}: the file is gone",))
    if found:
        return Tally(runs=1)
    try:
        same = _same(copy, whole)
    except (StoreError, DatabaseError):
        return Tally(runs=1, broken=(f"{damage}: told as sound, and cannot be read",))
    return Tally(runs=1, broken=() if same else (f"{damage}: {SILENT}",))


def _same(copy: Path, whole: Path) -> bool:
    with closing(database.open_reader(copy)) as one, closing(database.open_reader(whole)) as other:
        return all(_rows(one, sql) == _rows(other, sql) for sql in (ward.STORED, *ward.SAME.values()))


def _rows(db: Connection, sql: str) -> list[tuple[object, ...]]:
    return list(db.execute(sql).fetchall())


def _flip(path: Path, chance: random.Random) -> None:
    at = chance.randrange(path.stat().st_size)
    with path.open("rb+") as file:
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ 1 << chance.randrange(8)]))


def _zero(path: Path, chance: random.Random) -> None:
    """Lose a page; of a smaller file all of it."""
    size = path.stat().st_size
    page = chance.randrange(max(1, size // PAGE))
    with path.open("rb+") as file:
        file.seek(page * PAGE)
        file.write(bytes(min(PAGE, size)))


def _cut(path: Path, chance: random.Random) -> None:
    os.truncate(path, chance.randrange(path.stat().st_size))


def _old_page(path: Path, chance: random.Random) -> None:
    pages = max(1, path.stat().st_size // PAGE)
    with path.open("rb+") as file:
        file.seek(chance.randrange(pages) * PAGE)
        page = file.read(PAGE)
        file.seek(chance.randrange(pages) * PAGE)
        file.write(page)


DAMAGES: Sequence[tuple[str, Damage]] = (
    ("a flipped bit", _flip),
    ("a page of zeros", _zero),
    ("a file cut short", _cut),
    ("a page in another's place", _old_page),
)
ROWS = (
    Row(
        id="F10",
        fault="a flipped bit, a lost page, a cut, a page in another's place: in a sealed database, its backup, its key,"
        " a device's spool",
        do=rotten,
        counts=False,
        runs={Profile.SMOKE: 2, Profile.CI: 50, Profile.RELEASE: 2000},
        apart=True,
    ),
)
