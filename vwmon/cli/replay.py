"""`vwmon replay`: recorded readings through the engine, or to a broker. The work is vwmon.replay's."""

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vwmon.cli import render
from vwmon.cli.context import resolve
from vwmon.cli.options import ConfigOption, DbOption, time_ms
from vwmon.cli.progress import reaching

if TYPE_CHECKING:
    from vwmon.config import Settings
    from vwmon.provenance import Provenance
    from vwmon.recordings import Sending


def replay(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", exists=True, dir_okay=False, help="Recordings: CSV, CSV.gz, JSON Lines or Parquet."
        ),
    ],
    db: DbOption = None,
    config: ConfigOption = None,
    ward: Annotated[str, typer.Option("--ward", help="The ward that the patients are admitted to.")] = "replay",
    start: Annotated[
        str, typer.Option("--start", metavar="TIME", help="When second 0 of the recording was.")
    ] = "2001-01-01T00:00:00Z",
    publish: Annotated[
        bool, typer.Option("--publish", help="Send to the broker instead, as the devices would.")
    ] = False,
    speed: Annotated[
        float, typer.Option("--speed", min=0, help="With --publish: times the recording's pace; 0 is at once.")
    ] = 0,
) -> None:
    """Put recorded readings through the same engine as live ones, at full speed.

    Admits each patient of the recording with a device of its own: children, where a column born or age says so, to the
    pathway whose chart is theirs. The database that --db names is made when there is
    none; its lists then stand at the recording's last moment. With --publish the readings go to the configuration's
    broker, for a daemon that works on the same database.
    """
    settings = resolve(config, db)
    from vwmon import recordings

    began = datetime.fromtimestamp(time_ms(start) / 1000, UTC)
    sendings = [sending for file in files for sending in recordings.read(file, began)]
    if not sendings:
        render.say("The recording is empty.")
        return
    sendings.sort(key=lambda sending: sending.at_ms)
    (_publish if publish else _store)(settings, sendings, ward, speed)


def _store(settings: "Settings", sendings: "list[Sending]", ward: str, _speed: float) -> None:
    from vwmon import replay as engine

    with reaching("replaying") as progress:
        done = engine.into(settings.store.path, sendings, ward, _versions(settings), progress)
    render.say(
        f"{done.messages} messages of {done.patients} new patients: {done.stored} readings stored, "
        f"{done.duplicates} known already, {done.refused} refused."
    )
    render.say(f"The recording ends at {render.utc(done.end_ms)}. Next: vwmon alerts --db {settings.store.path}")


def _publish(settings: "Settings", sendings: "list[Sending]", ward: str, speed: float) -> None:
    """Admit the patients, then publish through one connection; the spool is gone when every receipt has come."""
    from contextlib import closing
    from tempfile import TemporaryDirectory

    from devices.client import Hub
    from vwmon import config as settings_of
    from vwmon import replay as engine
    from vwmon.clock import Clock
    from vwmon.store import database

    with closing(database.open_writer(settings.store.path)) as db:
        engine.admit(db, sendings, ward, Clock().now_ms(), _versions(settings).zone(ward))
    mqtt = settings.mqtt
    with (
        TemporaryDirectory(prefix="vwmon-replay-") as spool,
        reaching("publishing") as progress,
        Hub(
            mqtt.host,
            mqtt.port,
            ward,
            Path(spool),
            mqtt.prefix,
            f"{mqtt.client_id}-replay",
            username=mqtt.username or None,
            password=settings_of.read_password(mqtt),
        ) as hub,
    ):
        engine.publish(hub, sendings, speed or None, threading.Event(), progress)
        hub.run_until_receipted()
    render.say(f"{len(sendings)} messages published, each with the daemon's receipt.")


def _versions(settings: "Settings") -> "Provenance":
    from vwmon.provenance import Provenance

    return Provenance.of(settings)
