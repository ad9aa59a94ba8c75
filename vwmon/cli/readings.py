"""`vwmon readings`: stored readings, entry by hand, and what was refused and why."""

from collections.abc import Sequence
from contextlib import closing
from typing import Annotated

import typer

from vwmon.by_hand import WAYS
from vwmon.cli import context, doubted, reading_rows, register_rows, render
from vwmon.cli.options import (
    AsOption,
    ConfigOption,
    DbOption,
    FormatOption,
    JsonOption,
    OnePatient,
    duration_ms,
    group,
    time_ms,
)
from vwmon.cli.render import Column, Format
from vwmon.cli.standing import standing_of
from vwmon.store import listing, registers
from vwmon.store.database import open_reader
from vwmon.store.listing import Owner, Wanted

app = group("readings", "Stored readings, entry by hand, and what was refused and why.")

DOUBTS = 9  # so many are said below a list

LimitOption = Annotated[int, typer.Option("--limit", min=1, help="At most so many, the newest.")]
SinceOption = Annotated[
    str, typer.Option("--since", metavar="TIME", help="A time, or a span such as 12h.", show_default=False)
]
DeviceOption = Annotated[str, typer.Option("--device", help="One device only.", show_default=False)]


@app.callback()
def readings(
    ctx: typer.Context,
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    patient: Annotated[str, typer.Option(help="One patient only.", show_default=False)] = "",
    device: DeviceOption = "",
    vital: Annotated[str, typer.Option(help="One vital only.", show_default=False)] = "",
    since: SinceOption = "",
    limit: LimitOption = 50,
    unassigned: Annotated[
        bool, typer.Option("--unassigned", help="Of devices that were with nobody.", show_default=False)
    ] = False,
) -> None:
    """List stored readings, the latest observed first. A reading of a device that was with nobody is never scored.

    Those of a made-up patient are listed where the patient or the device is named.
    """
    if ctx.invoked_subcommand is not None:
        return
    if patient and unassigned:
        raise typer.BadParameter("--patient and --unassigned exclude each other")
    form = render.chosen(form, as_json)
    with closing(open_reader(context.resolve(config, db).store.path)) as opened:
        at = standing_of(opened)
        if patient:
            registers.stays_of(opened, patient)
        if device:
            registers.device(opened, device)
        owner: Owner = "patient" if patient else "nobody" if unassigned else "anybody"
        wanted = Wanted(
            limit=limit, owner=owner, patient=patient, device=device, vital=vital, since_ms=_since(since, at.now_ms)
        )
        found = listing.readings(opened, wanted)
        rows = reading_rows.reading_rows(opened, found, doubted.of_listed(opened, found))
    at.announce(form)
    footer = [f"the latest {limit}; more with --limit"] if len(rows) == limit else [f"{len(rows)} readings"]
    footer += _doubts(rows)
    render.emit(rows, _columns(at.now_ms), form, title=at.title, footer=footer)


@app.command()
def add(
    patient: OnePatient,
    values: Annotated[
        list[str], typer.Argument(metavar="VITAL=VALUE...", help="As in spo2=94 rr=18 bp=120/80.", show_default=False)
    ],
    way: Annotated[str, typer.Option("--by", metavar="WAY", help=f"One of {', '.join(WAYS)}.", show_default=False)],
    at: Annotated[
        str, typer.Option("--at", metavar="TIME", help="When it was measured; else now.", show_default=False)
    ] = "",
    note: Annotated[str, typer.Option("-m", "--note", metavar="NOTE", help="In a few words.", show_default=False)] = "",
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    as_name: AsOption = "",
) -> None:
    """Enter readings of a patient who sends none: all of them, or none when one is wrong.

    They are judged, scored and kept as a device's are, with who entered them.
    """
    from vwmon.cli import entering

    form = render.chosen(form, as_json)
    entering.enter(config, db, as_name, entering.Said(patient=patient, values=values, way=way, at=at, note=note), form)


@app.command()
def quarantine(
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    device: DeviceOption = "",
    reason: Annotated[str, typer.Option(help="One reason's code only.", show_default=False)] = "",
    since: SinceOption = "",
    limit: LimitOption = 50,
) -> None:
    """List messages and readings that could not be used, with the reason, the latest first."""
    form = render.chosen(form, as_json)
    with closing(open_reader(context.resolve(config, db).store.path)) as opened:
        at = standing_of(opened)
        found = listing.refusals(opened, device, reason, _since(since, at.now_ms), limit)
    rows = [reading_rows.refusal_row(refusal) for refusal in found]
    at.announce(form)
    footer = [f"the latest {limit}; more with --limit"] if len(rows) == limit else [f"{len(rows)} refused"]
    render.emit(rows, _refusal_columns(at.now_ms), form, title=at.title, footer=footer)


def _since(text: str, now_ms: int) -> int:
    """Read a time, or a span back from the moment the list stands at; the beginning when nothing is given."""
    if not text:
        return 0
    return time_ms(text) if "-" in text else now_ms - duration_ms(text)


def _columns(now_ms: int) -> list[Column]:
    return [
        Column(key="observed_at", title="AGE", format=register_rows.since(now_ms), no_wrap=True),
        Column(key="patient", title="PATIENT", format=lambda patient: patient or "unassigned"),
        Column(key="device", title="DEVICE"),
        Column(key="vital", title="VITAL"),
        Column(key="value", title="VALUE", compose=reading_rows.shown),
        Column(key="marks", title="MARKS", compose=reading_rows.flags),
    ]


def _doubts(rows: Sequence[render.Row]) -> list[str]:
    """Say what speaks against readings of a list, the newest first, each sentence once and of many the first."""
    said = list(dict.fromkeys(sentence for row in rows for sentence in row["doubts_said"]))
    more = [f"and {len(said) - DOUBTS} more; --json has all"] if len(said) > DOUBTS else []
    told = [line for sentence in said[:DOUBTS] for line in render.folded(sentence)]
    return ["in doubt, and counted all the same:", *told, *more] if said else []


def _refusal_columns(now_ms: int) -> list[Column]:
    return [
        Column(key="received_at", title="AGE", format=register_rows.since(now_ms), no_wrap=True),
        Column(key="device", title="DEVICE", format=lambda device: device or "-"),
        Column(key="vital", title="VITAL", format=lambda vital: vital or "-"),
        Column(key="reason", title="REASON"),
        Column(key="detail", title="DETAIL"),
    ]
