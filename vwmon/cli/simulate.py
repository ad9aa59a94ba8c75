"""`vwmon simulate`: simulated home devices, published to a broker or written down. The work is devices.simulator's."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vwmon import durations
from vwmon.cli import render, simulated
from vwmon.cli.context import resolve
from vwmon.cli.options import ConfigOption, FormatOption, JsonOption, duration_ms, time_ms
from vwmon.cli.render import Format
from vwmon.clock import Clock, ScaledClock
from vwmon.errors import RefusedError, UsageError

if TYPE_CHECKING:
    from devices.client import Hub
    from devices.said import OnRequest
    from devices.simulator.fleet import Fleet
    from vwmon.config import Mqtt

REGISTER = """\
The ward takes these devices' readings when it knows whose they are.
Once, on its machine:
  for n in $(seq -f %03g 1 {patients}); do
    vwmon patients admit sim-patient-$n --ward {ward} --born 1950-01-01 \\
      --from {start}
    vwmon devices add sim-$n
    vwmon devices assign sim-$n sim-patient-$n --from {start}
  done"""
LAST_RECEIPTS_S = 10.0
MOST_PATIENTS = 100_000


def simulate(
    ward: Annotated[str, typer.Option("--ward", help="The ward that the devices belong to.", show_default=False)] = "",
    host: Annotated[str, typer.Option("--host", help="The broker, instead of the configuration's.")] = "",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Its port.", show_default=False)] = 0,
    patients: Annotated[int, typer.Option("--patients", min=1, max=MOST_PATIENTS, help="How many patients.")] = 12,
    home: Annotated[
        bool, typer.Option("--home", help="People as they are at home, each sending as an archetype does.")
    ] = False,
    course: Annotated[
        list[str] | None,
        typer.Option("--courses", "--course", metavar="NAME,...", help="Clinical courses, given out in turn."),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option("--faults", "--fault", metavar="NAME,...", help="What goes wrong with every device, or all."),
    ] = None,
    share: Annotated[
        list[str] | None,
        typer.Option("--share", metavar="NAME=SHARE", help="The share of a course, a fault or an archetype: 0.1."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="The same seed, the same patients.")] = 1,
    every: Annotated[str, typer.Option("--every", help="The time between a hub's readings; not for --home.")] = "15m",
    onset: Annotated[
        str, typer.Option("--onset", help="Courses begin within this time; 14d with --home, else at once.")
    ] = "",
    speed: Annotated[float, typer.Option("--speed", min=1, help="Times real time.")] = 1.0,
    duration: Annotated[
        str, typer.Option("--duration", help="How long, in simulated time; until Ctrl-C when left out.")
    ] = "",
    prefix: Annotated[str, typer.Option("--prefix", help="The first level of every topic.")] = "",
    cert: Annotated[
        Path | None,
        typer.Option("--cert", metavar="FILE", help="A device's certificate, where the broker asks for one."),
    ] = None,
    key: Annotated[Path | None, typer.Option("--key", metavar="FILE", help="The key of that certificate.")] = None,
    client_id: Annotated[str, typer.Option("--client-id", help="The name to the broker.")] = "vwmon-simulate",
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="FILE", help="Write a recording, CSV or CSV.gz, and publish nothing."),
    ] = None,
    start: Annotated[
        str, typer.Option("--start", metavar="TIME", help="With --to: when the recording begins.")
    ] = "2001-01-01T00:00:00Z",
    listing: Annotated[
        bool, typer.Option("--list", help="List the courses, faults and archetypes, and do nothing.")
    ] = False,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Publish the readings of simulated home devices to a broker: sim-001, sim-002 and on.

    --list names the courses, faults and archetypes. Without --courses, hubs get stable, respiratory-decline, sepsis and
    heart-failure in turn, and people at home any course by its share. At a speed above 1 a duration is needed: the
    simulated time then begins in the past and ends now, so that no reading is from the future. --to writes a recording
    for vwmon replay, the same bytes for the same options.

    Exit code 6: the configuration's certificate is the daemon's, and no device's is named with --cert and --key.
    """
    if listing:
        render.emit(simulated.listed(), simulated.COLUMNS, render.chosen(form, as_json))
        return
    length_ms = duration_ms(duration) if duration else None
    fleet = simulated.fleet(
        patients=patients,
        courses=simulated.names(course),
        faults=simulated.names(fault),
        shares=simulated.shares(share or []),
        seed=seed,
        spot_minutes=duration_ms(every) / durations.UNIT_MS["m"],
        onset_hours=(duration_ms(onset or "14d") if onset or home else 0) / durations.UNIT_MS["h"],
        home=home,
    )
    if to is not None:
        simulated.record(fleet, to, time_ms(start), length_ms)
        return
    if not ward:
        raise typer.BadParameter("name the ward that the devices belong to with --ward, or write a file with --to")
    if speed > 1 and length_ms is None:
        raise typer.BadParameter("a speed above 1 needs a --duration, or the readings would be from the future")
    mqtt = as_a_device(resolve(config, None).mqtt, cert, key)
    now_ms = Clock().now_ms()
    start_ms = now_ms if length_ms is None else now_ms - round(length_ms * (1 - 1 / speed))
    for line in REGISTER.format(patients=patients, ward=ward, start=render.utc(start_ms)).splitlines():
        render.say(line)
    from devices.simulator.live import Repeats

    clock = ScaledClock(start_ms, speed)
    repeats = Repeats(fleet, start_ms, clock.now_ms)
    with _hub(mqtt, ward, host, port, prefix, client_id, repeats) as hub:
        repeats.outlet = hub
        _play(fleet, hub, start_ms, None if length_ms is None else start_ms + length_ms, clock, speed)


def as_a_device(mqtt: "Mqtt", cert: Path | None, key: Path | None) -> "Mqtt":
    """Give the way to the broker with a device's certificate in the place of the daemon's.

    RefusedError without one where the daemon has one: brokers that know clients by their certificates take a second
    one of that name for the first come back, and as a device begins anew, what waits for the daemon is dropped.
    """
    if (cert is None) != (key is None):
        raise UsageError("--cert and --key are given together or not at all")
    if cert is None and mqtt.tls.cert is not None:
        raise RefusedError(
            "the configuration's certificate is the daemon's, which it would push off the broker, losing what waits "
            "for it there; name a device's own with --cert and --key"
        )
    return replace(mqtt, tls=replace(mqtt.tls, cert=cert, key=key))


@contextmanager
def _hub(
    mqtt: "Mqtt", ward: str, host: str, port: int, prefix: str, client_id: str, on_request: "OnRequest"
) -> "Iterator[Hub]":
    """Connect to the broker; the spool is a folder of this run only, since nobody waits for these readings."""
    from tempfile import TemporaryDirectory

    from devices.client import Hub
    from devices.connection import Tls
    from vwmon.config import read_password

    tls = Tls(ca=mqtt.tls.ca, cert=mqtt.tls.cert, key=mqtt.tls.key) if mqtt.tls.ca else None
    with (
        TemporaryDirectory(prefix="vwmon-simulate-") as spool,
        Hub(
            host or mqtt.host,
            port or mqtt.port,
            ward,
            Path(spool),
            prefix or mqtt.prefix,
            client_id,
            tls=tls,
            username=mqtt.username or None,
            password=read_password(mqtt),
            on_request=on_request,
        ) as hub,
    ):
        yield hub


def _play(fleet: "Fleet", hub: "Hub", start_ms: int, until_ms: int | None, clock: ScaledClock, speed: float) -> None:
    """Send the fleet's messages in their time; Ctrl-C ends it as its duration would, without the wait for receipts."""
    from devices.simulator.live import play

    messages = fleet.messages(start_ms, until_ms=until_ms)
    sent: list[int] = [0]
    interrupted = True
    with _told(hub, sent) as told, suppress(KeyboardInterrupt):
        play(messages, hub, clock.now_ms, speed, stop=threading.Event(), told=told)
        _wait_for_receipts(hub)
        interrupted = False
    waiting = hub.pending()
    render.say(f"{sent[-1]} messages sent, {sent[-1] - waiting} with the ward's receipt.")
    if waiting and not interrupted:
        render.warn(f"{waiting} messages have no receipt: {hub.trouble or 'is a daemon running on this broker?'}")
        raise typer.Exit(1)


def _wait_for_receipts(hub: "Hub") -> None:
    """Wait for the last receipts for as long as more of them come: a large fleet's take their time."""
    waiting = hub.pending() + 1
    while 0 < hub.pending() < waiting:
        waiting = hub.pending()
        hub.run_until_receipted(LAST_RECEIPTS_S)


@contextmanager
def _told(hub: "Hub", sent: list[int]) -> "Iterator[Callable[[int], None]]":
    """Keep the number sent in `sent`, and show it on a terminal's standard error."""
    from rich.console import Console

    console = Console(stderr=True)
    status = console.status("connecting ...") if console.is_terminal else nullcontext()
    with status as shown:

        def told(count: int) -> None:
            sent.append(count)
            if shown is not None:
                trouble = f" ({render.safe(hub.trouble)})" if hub.trouble else ""
                shown.update(f"{count} messages sent, {hub.pending()} without a receipt yet{trouble}")

        yield told
