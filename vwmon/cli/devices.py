"""`vwmon devices`: the device register, and which device is with whom. The rules are vwmon.store.registers'."""

from contextlib import closing
from datetime import UTC, date, datetime
from typing import Annotated, Any

import typer

from vwmon import calibration
from vwmon.calibration import Due
from vwmon.cli import context, device_rows, register_rows, render
from vwmon.cli.changing import Change, changing, tell
from vwmon.cli.device_rows import Shelf, Wanted
from vwmon.cli.options import AsOption, ConfigOption, DbOption, FormatOption, JsonOption, group
from vwmon.cli.render import Column, Format
from vwmon.cli.standing import standing_of
from vwmon.store import registers, sequences, stock
from vwmon.store.database import open_reader
from vwmon.store.sequences import Gap

app = group("devices", "The device register.")

DeviceName = Annotated[str, typer.Argument(metavar="DEVICE", help="Its name, as in its topic.", show_default=False)]


_WHEN = {Due.OVERDUE: "overdue since", Due.SOON: "due on"}


@app.callback()
def devices(
    ctx: typer.Context,
    free: Annotated[bool, typer.Option("--free", help="Those that can be given out.", show_default=False)] = False,
    out: Annotated[
        bool, typer.Option("--out", help="Those that are to come back, the longest first.", show_default=False)
    ] = False,
    due: Annotated[
        bool,
        typer.Option("--due", help="Calibration overdue, due in 30 days, or not known when.", show_default=False),
    ] = False,
    retired: Annotated[bool, typer.Option("--retired", help="Those out of use.", show_default=False)] = False,
    ward: Annotated[
        str, typer.Option(metavar="WARD", help="With the patients of one ward, or to come back.", show_default=False)
    ] = "",
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
) -> None:
    """List the devices: those in the register, and those that were heard and never added."""
    if ctx.invoked_subcommand is not None:
        return
    form, settings = render.chosen(form, as_json), context.resolve(config, db)
    wanted = Wanted(free=free, out=out, due=due, retired=retired, ward=ward)
    with closing(open_reader(settings.store.path)) as opened:
        at = standing_of(opened)
        if ward:
            registers.check_ward(opened, ward, [one.id for one in settings.wards])
        every = Shelf.read(opened, settings, at.now_ms).rows()
    rows = wanted.of(every)
    hidden = sum(row["retired_at"] is not None for row in every) - sum(row["retired_at"] is not None for row in rows)
    at.announce(form)
    render.emit(rows, device_rows.columns(at.now_ms), form, title=at.title, footer=device_rows.footer(rows, hidden))


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
        shelf = Shelf.read(opened, settings, at.now_ms)
        held = (a for a in shelf.known.assignments if a.device_no == found.device_no)
        record = shelf.row(found) | {
            "assignments": register_rows.assignment_rows(held, shelf.known),
            "gaps": [_gap_row(gap) for gap in sequences.gaps(opened, found.device_no)],
        }
    at.announce(form)
    if form is not Format.TABLE:
        render.emit_one(record, form)
        return
    for line in device_rows.page(record, at.title, at.now_ms, settings):
        render.say(line)


@app.command()
def add(
    device: DeviceName,
    profile: Annotated[
        str, typer.Option(help="What kind it is: one of vwmon devices profiles.", show_default=False)
    ] = "",
    serial: Annotated[str, typer.Option(help="Its serial number.", show_default=False)] = "",
    calibration_due: Annotated[
        str, typer.Option(metavar="DATE", help="Until when its calibration does.", show_default=False)
    ] = "",
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    as_name: AsOption = "",
) -> None:
    """Add a device to the register, or one that was retired again. Exit code 5: it is there already."""
    from devices.profiles import PROFILES

    form, until = render.chosen(form, as_json), _day(calibration_due)
    if profile and profile not in PROFILES:
        for line in render.folded(
            f"note: {profile!a} is none of vwmon's profiles ({', '.join(PROFILES)}): it is kept as it stands, and "
            "nothing is known of such a device, not even whether it sleeps between readings"
        ):
            render.warn(line)
    with changing(config, db, as_name) as change:
        registers.add_device(change.db, device, change.by, profile, serial, until)
        row = _row(change, device)
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
            "calibration_days": one.calibration.days if one.calibration else None,
            "calibration_source": one.calibration.source if one.calibration else None,
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
        row = _row(change, device)
        since = change.here(held.from_ms, registers.stay(change.db, held.stay_no).ward)
    _note_calibration(row)
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

    Also one that is to come back from a patient who was discharged. Exit code 3: it is with nobody.
    """
    form = render.chosen(form, as_json)
    with changing(config, db, as_name) as change:
        held = registers.holding(change.db, registers.device(change.db, device))
        ended = registers.return_device(change.db, device, change.moment(at), change.by)
        stay = registers.stay(change.db, ended.stay_no)
        row = _row(change, device)
        until = change.here(ended.to_ms or change.by.at_ms, stay.ward)
    if held is None:
        tell(row, form, f"Device {device} is back from {stay.patient}; it belonged to nobody since {until}.")
        return
    again = f"Undo: vwmon devices assign {device} {stay.patient}"
    tell(row, form, f"Device {device} is no longer with {stay.patient}, from {until}.", again)


@app.command()
def swap(
    old: Annotated[str, typer.Argument(metavar="OLD", help="The device that goes.", show_default=False)],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The one that takes its place.", show_default=False)],
    at: Annotated[
        str, typer.Option("--at", metavar="TIME", help="From when on it is the new one; else now.", show_default=False)
    ] = "",
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why.", show_default=False)] = "",
    still_out: Annotated[
        bool, typer.Option("--still-out", help="The old one is still with the patient.", show_default=False)
    ] = False,
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    as_name: AsOption = "",
) -> None:
    """Put one device in another's place, in one step: the patient has either the one or the other at every moment.

    Exit codes: 3 nobody has the old one, or there is no such device; 5 the new one is somebody's; 6 it was retired.
    """
    form = render.chosen(form, as_json)
    with changing(config, db, as_name) as change:
        _, begun = stock.swap(
            change.db, old, new, change.moment(at), change.by, reason=reason.strip(), stays_out=still_out
        )
        stay = registers.stay(change.db, begun.stay_no)
        row = _row(change, new) | {"swapped_for": old}
        since = change.here(begun.from_ms, stay.ward)
    _note_calibration(row)
    back = f"When {old} is back: vwmon devices return {old}" if still_out else f"Undo: vwmon devices swap {new} {old}"
    tell(row, form, f"Device {new} takes the place of {old} with {stay.patient} from {since}.", back)


@app.command()
def retire(
    device: DeviceName,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Lost, broken, worn out ...", show_default=False)],
    at: Annotated[str, typer.Option("--at", metavar="TIME", help="Since when; else now.", show_default=False)] = "",
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    as_name: AsOption = "",
) -> None:
    """Take a device out of use: what it measures from then on is kept, shown as unassigned and never scored.

    Exit codes: 3 no such device; 5 it was retired before.
    """
    form = render.chosen(form, as_json)
    with changing(config, db, as_name) as change:
        gone, ended = stock.retire(change.db, device, reason, change.moment(at), change.by)
        row = _row(change, device)
        stay = None if ended is None else registers.stay(change.db, ended.stay_no)
        since = change.here(gone.retired_ms or change.by.at_ms, stay.ward if stay else None)
    without = [f"Patient {stay.patient} is without it: vwmon devices assign DEVICE {stay.patient}"] if stay else []
    again = f"In use again: vwmon devices add {device}"
    tell(row, form, f"Device {device} is retired from {since}: {gone.retired_reason}.", *without, again)


@app.command()
def calibrated(
    device: DeviceName,
    due: Annotated[
        str, typer.Option(metavar="DATE", help="When the next is due; else as its kind has it.", show_default=False)
    ] = "",
    at: Annotated[
        str, typer.Option("--at", metavar="TIME", help="When it was done; else now.", show_default=False)
    ] = "",
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    as_name: AsOption = "",
) -> None:
    """Note that a device was calibrated, and when the next is due; where nobody says, it is unknown.

    Exit code 3: no such device.
    """
    form, until = render.chosen(form, as_json), _day(due)
    with changing(config, db, as_name) as change:
        done_ms = change.moment(at)
        found = registers.device(change.db, device)
        day = datetime.fromtimestamp(done_ms / 1000, UTC).date()
        until = until or calibration.next_due(day, _interval(found.profile))
        stock.calibrated(change.db, device, done_ms, until, change.by)
        row = _row(change, device)
    said = f"The next is due {until}." if until else "When the next is due is not known; say it with --due DATE."
    tell(row, form, f"Device {device} was calibrated {change.here(done_ms, row['ward'])}.", said)


def _gap_row(gap: Gap) -> dict[str, Any]:
    return {
        "first_missing": gap.first_missing,
        "last_missing": gap.last_missing,
        "still_missing": gap.missing_count,
        "noticed_at": render.utc(gap.noticed_ms),
        "closed_at": register_rows.utc_or_none(gap.closed_ms),
    }


def _row(change: Change, device: str) -> dict[str, Any]:
    shelf = Shelf.read(change.db, change.settings, change.by.at_ms)
    return shelf.row(registers.device(change.db, device))


def _note_calibration(row: dict[str, Any]) -> None:
    """Say before a device goes out that it is no longer known to be right."""
    if row["calibration"] in {Due.OVERDUE, Due.SOON}:
        render.warn(f"note: the calibration of {row['device']} is {_WHEN[row['calibration']]} {row['calibration_due']}")


def _day(text: str) -> str | None:
    """Read a date that need not be given."""
    if not text:
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not a date such as 2027-11-30") from error


def _interval(profile: str) -> int | None:
    from devices.profiles import PROFILES

    found = PROFILES.get(profile)
    return None if found is None or found.calibration is None else found.calibration.days
