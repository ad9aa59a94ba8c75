"""`vwmon devices`: the device register, and which device is with whom. The rules are vwmon.store.registers'."""

from contextlib import closing
from typing import Annotated, Any

import typer

from vwmon.cli import context, register_rows, render
from vwmon.cli.changing import changing, tell
from vwmon.cli.options import AsOption, ConfigOption, DbOption, FormatOption, JsonOption, group
from vwmon.cli.register_rows import assignment_rows, device_row, here
from vwmon.cli.render import Column, Format
from vwmon.cli.standing import standing_of
from vwmon.config import Settings
from vwmon.store import registers, sequences
from vwmon.store.database import open_reader
from vwmon.store.sequences import Gap

app = group("devices", "The device register.")

DeviceName = Annotated[str, typer.Argument(metavar="DEVICE", help="Its name, as in its topic.", show_default=False)]


@app.callback()
def devices(
    ctx: typer.Context,
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
) -> None:
    """List the devices: those in the register, and those that were heard and never added."""
    if ctx.invoked_subcommand is not None:
        return
    form = render.chosen(form, as_json)
    with closing(open_reader(context.resolve(config, db).store.path)) as opened:
        at = standing_of(opened)
        known = register_rows.read(opened)
    rows = [device_row(device, known) for device in sorted(known.devices.values(), key=lambda device: device.device)]
    strangers = sum(not row["registered"] for row in rows)
    footer = [f"{len(rows)} device{'' if len(rows) == 1 else 's'}"]
    footer += [f"{strangers} not in the register; add with: vwmon devices add DEVICE"] if strangers else []
    at.announce(form)
    render.emit(rows, _columns(at.now_ms), form, title=at.title, footer=footer)


@app.command()
def show(
    device: DeviceName,
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
) -> None:
    """Show one device: what it said last, who had it when, and the messages it numbered that never came."""
    form, settings = render.chosen(form, as_json), context.resolve(config, db)
    with closing(open_reader(settings.store.path)) as opened:
        at = standing_of(opened)
        found = registers.device(opened, device)
        known = register_rows.read(opened)
        record = device_row(found, known) | {
            "assignments": assignment_rows((a for a in known.assignments if a.device_no == found.device_no), known),
            "gaps": [_gap_row(gap) for gap in sequences.gaps(opened, found.device_no)],
        }
    at.announce(form)
    if form is Format.TABLE:
        _show(record, at.title, at.now_ms, settings)
    else:
        render.emit_one(record, form)


@app.command()
def add(
    device: DeviceName,
    profile: Annotated[
        str, typer.Option(help="What kind it is: one of vwmon devices profiles.", show_default=False)
    ] = "",
    serial: Annotated[str, typer.Option(help="Its serial number.", show_default=False)] = "",
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    as_name: AsOption = "",
) -> None:
    """Add a device to the register. Exit code 5: it is there already."""
    from devices.profiles import PROFILES

    form = render.chosen(form, as_json)
    if profile and profile not in PROFILES:
        for line in render.folded(
            f"note: {profile!a} is none of vwmon's profiles ({', '.join(PROFILES)}): it is kept as it stands, and "
            "nothing is known of such a device, not even whether it sleeps between readings"
        ):
            render.warn(line)
    with changing(config, db, as_name) as change:
        added = registers.add_device(change.db, device, change.by, profile, serial)
        row = device_row(added, change.known())
    tell(row, form, f"Added device {device}.", f"Next: vwmon devices assign {device} PATIENT")


@app.command()
def profiles(form: FormatOption = Format.TABLE, as_json: JsonOption = False) -> None:
    """List the kinds of device that are known: what each sends, how often, and what goes wrong with it."""
    from devices.profiles import PROFILES, VERSION

    form = render.chosen(form, as_json)
    rows = [
        {
            "profile": name,
            "title": one.title,
            "sends": list(one.sends),
            "every": one.every,
            "sleeps": one.sleeps,
            "battery": one.battery,
            "artefacts": list(one.artefacts),
            "source": one.source,
            "version": VERSION,
        }
        for name, one in PROFILES.items()
    ]
    columns = [
        Column(key="profile", title="PROFILE", no_wrap=True),
        Column(key="sends", title="SENDS", format=", ".join),
        Column(key="every", title="HOW OFTEN"),
        Column(key="sleeps", title="SLEEPS", format=lambda sleeps: "yes" if sleeps else "no"),
    ]
    render.emit(rows, columns, form, footer=[f"{len(rows)} profiles, version {VERSION}; all of each with --json"])


@app.command()
def assign(
    device: DeviceName,
    patient: Annotated[str, typer.Argument(metavar="PATIENT", help="Who gets it.", show_default=False)],
    from_: Annotated[
        str, typer.Option("--from", metavar="TIME", help="Since when it is theirs; else now.", show_default=False)
    ] = "",
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    as_name: AsOption = "",
) -> None:
    """Give a device to a patient: what it observes from then on is the patient's.

    Exit codes: 3 no such device or patient; 5 it belongs to somebody else at that time.
    """
    form = render.chosen(form, as_json)
    with changing(config, db, as_name) as change:
        held = registers.assign(change.db, device, patient, change.moment(from_), change.by)
        row = device_row(registers.device(change.db, device), change.known())
        since = change.here(held.from_ms, registers.stay(change.db, held.stay_no).ward)
    tell(row, form, f"Device {device} is with {patient} from {since}.", f"Undo: vwmon devices return {device}")


@app.command(name="return")
def return_(
    device: DeviceName,
    at: Annotated[
        str, typer.Option("--at", metavar="TIME", help="Since when it is nobody's; else now.", show_default=False)
    ] = "",
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    as_name: AsOption = "",
) -> None:
    """Take a device back: what it observes from then on is nobody's, is kept and is never scored.

    Exit code 3: it is with nobody.
    """
    form = render.chosen(form, as_json)
    with changing(config, db, as_name) as change:
        ended = registers.return_device(change.db, device, change.moment(at), change.by)
        stay = registers.stay(change.db, ended.stay_no)
        row = device_row(registers.device(change.db, device), change.known())
        until = change.here(ended.to_ms or change.by.at_ms, stay.ward)
    if stay.discharged_ms is not None:
        tell(row, form, f"Device {device} is back from {stay.patient}, who left {until}.")
        return
    again = f"Undo: vwmon devices assign {device} {stay.patient}"
    tell(row, form, f"Device {device} is no longer with {stay.patient}, from {until}.", again)


def _columns(now_ms: int) -> list[Column]:
    return [
        Column(key="device", title="DEVICE"),
        Column(key="profile", title="PROFILE"),
        Column(key="patient", title="PATIENT", compose=_holder),
        Column(key="last_reading_at", title="LAST READING", format=register_rows.since(now_ms), no_wrap=True),
        Column(key="status", title="STATUS", format=lambda status: status or "unknown"),
        Column(key="battery_percent", title="BATTERY", justify="right", format=_percent),
    ]


def _holder(row: render.Row) -> str:
    return str(row["patient"]) if row["patient"] is not None else "nobody" if row["registered"] else "NOT ADDED"


def _percent(battery: float | None) -> str:
    return "-" if battery is None else f"{battery:.0f} %"


def _gap_row(gap: Gap) -> dict[str, Any]:
    return {
        "first_missing": gap.first_missing,
        "last_missing": gap.last_missing,
        "still_missing": gap.missing_count,
        "noticed_at": render.utc(gap.noticed_ms),
        "closed_at": register_rows.utc_or_none(gap.closed_ms),
    }


def _show(record: dict[str, Any], title: str, now_ms: int, settings: Settings) -> None:
    ago, ward = register_rows.since(now_ms), record["ward"]
    in_register = "in the register" if record["registered"] else f"NOT ADDED: vwmon devices add {record['device']}"
    lines = [
        title,
        f"Device {record['device']} {record['profile']} {record['serial']}".rstrip() + f", {in_register}",
        f"Status {record['status'] or 'unknown'}, battery {_percent(record['battery_percent'])}",
        f"Last reading {ago(record['last_reading_at'])}{' ago' if record['last_reading_at'] else ''}",
    ]
    lines += [
        f"With {held['patient']} from {here(held['from'], ward, settings)}"
        + (f" to {here(held['to'], ward, settings)}" if held["to"] else "")
        for held in record["assignments"]
    ]
    lines += [
        f"Messages {gap['first_missing']} to {gap['last_missing']} did not come, {gap['still_missing']} still missing"
        for gap in record["gaps"]
        if gap["closed_at"] is None
    ]
    for line in filter(None, lines):
        render.say(line)
