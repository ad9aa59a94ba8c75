"""F5: the power goes, on a real file system. Daemon and broker keep their files on ext4 in an image.

The image is cloned at one moment (XFS does that) while both are at work: what had not reached it is lost, as in a power
cut. The clone is mounted, which replays its journal. What had a receipt before must be in its database, and a broker
must start on its store. The daemon itself goes on: each clone must be a beginning of what it has written since, all its
readings up to some and all that happened to alerts up to something.
"""

import random
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devices.client import Hub, message_id
from devices.simulator.fleet import Timed
from devices.spool import Spool
from tests.faults import mounts, ward
from tests.faults.beginning import differences
from tests.faults.daemon import AS_IT_IS, Flow, running_daemon
from tests.faults.matrix import Profile, Row, Tally, Trial, added
from tests.faults.rows import kills
from tests.faults.ward import Load
from tests.integration.broker import running_broker
from vwmon.errors import StoreError
from vwmon.store import database
from vwmon.store.sqlite import DatabaseError
from vwmon.store.verify import verify

HOST_MIB, DISK_MIB = 1024, 256
KEEPS = "set_tcp_nodelay true\nautosave_on_changes true"  # a broker that writes its store now and then
LEAST, AT_ONCE, WAITING = 1_000, 500, 300  # messages; fewer than for kills, for each cut looks through all of them


@dataclass(frozen=True, kw_only=True)
class Disk:
    """An ext4 image where clones can be made of it, and where it is mounted."""

    image: Path
    at: Path

    @contextmanager
    def cut(self) -> Iterator[Path]:
        """Give what the disk holds at this moment, mounted elsewhere."""
        clone = self.image.with_name("cut.img")
        mounts.run("cp", "--reflink=always", str(self.image), str(clone))
        with mounts.mounted(clone, self.at.with_name("cut"), "-o", "loop") as at:
            yield at


@dataclass(frozen=True, kw_only=True)
class Work:
    """One run of the row: where, and what the devices have said so far."""

    folder: Path
    disk: Disk
    load: Load


def cut(trial: Trial, planted: str = AS_IT_IS) -> Tally:
    """Cut the power `trial.runs` times while readings flow; what is planted in the daemon is a fault to be found."""
    devices, start_ms = ward.fleet(trial.seed), ward.start_of(kills.MOST)
    load, chance = Load(devices, start_ms, kills.MOST), random.Random(trial.seed)
    with _disk(trial.folder) as disk:
        work = Work(folder=trial.folder, disk=disk, load=load)
        ward.make(disk.at / "vwmon.db", start_ms, devices)
        (disk.at / "broker").mkdir()
        with (
            running_broker(disk.at / "broker", more=KEEPS) as broker,
            running_daemon(disk.at, broker.port, planted=planted),
            Hub("127.0.0.1", broker.port, ward.WARD, trial.folder / "spool", client_id="cuts", resend_after=1.0) as hub,
        ):
            flow = Flow(hub, load, at_once=AT_ONCE, waiting=WAITING)
            flow.give(LEAST)
            tallies = []
            for _ in range(trial.runs):
                flow.until_receipts(chance.randint(*kills.BETWEEN))
                tallies.append(_looked(work))
    return added([*tallies, Tally(runs=0, said=f"{len(load.sent):,} messages")])


@contextmanager
def _disk(folder: Path) -> Iterator[Disk]:
    host = folder / "host.img"
    mounts.make(host, HOST_MIB, "mkfs.xfs", "-q", "-m", "reflink=1")
    with mounts.mounted(host, folder / "host", "-o", "loop") as within:
        image = within / "disk.img"
        mounts.make(image, DISK_MIB, "mkfs.ext4", "-q")
        with mounts.mounted(image, folder / "disk", "-o", "loop") as at:
            yield Disk(image=image, at=at)


def _looked(work: Work) -> Tally:
    """Cut the power once, and look at what is left; what has its receipt was asked for before."""
    had = receipted(work.folder, work.load.sent)
    with work.disk.cut() as at:
        path, broken = at / "vwmon.db", _broker_starts(at / "broker")
        try:
            database.open_writer(path, checked=True).close()
            lost = ward.missing(path, had)
            broken += differences(work.disk.at / path.name, path)
        except (StoreError, DatabaseError) as error:
            return Tally(runs=1, lost=len(had), broken=(*broken, f"it cannot be used: {error}"))
        whole = tuple(f"{one.check}: {one.found}" for one in verify(path) if not one.sound)
    return Tally(runs=1, lost=lost, broken=broken + whole)


def receipted(folder: Path, sent: Sequence[Timed]) -> list[Timed]:
    """Give what the devices no longer keep, by a copy of their spool."""
    copy = folder / "spool-now"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder / "spool", copy)
    with Spool(copy) as spool:
        waiting = {(kept.device, kept.message_id) for kept in spool.waiting()}
    return [one for one in sent if (one.device, message_id(one.payload)) not in waiting]


def _broker_starts(folder: Path) -> tuple[str, ...]:
    """Start a broker on the store that the cut left."""
    try:
        with running_broker(folder):
            return ()
    except AssertionError:
        return ("the broker does not start on what is left of its store",)


ROWS = (
    Row(
        id="F5",
        fault="power cut of daemon and broker, on a real file system (clones of an ext4 image)",
        do=cut,
        runs={Profile.SMOKE: 2, Profile.CI: 60, Profile.RELEASE: 3_000},
        apart=True,
    ),
)
