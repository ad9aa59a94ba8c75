"""`vwmon patients import`: many admissions from a file, all of them or none, with a report of everything that is wrong.

How a file is read is vwmon.patients.roll's, what an admission is vwmon.store.registers'.
"""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from vwmon.cli import register_rows, render
from vwmon.cli.changing import Change, changing
from vwmon.cli.options import AsOption, ConfigOption, DbOption, FormatOption, JsonOption
from vwmon.cli.register_rows import stay_row
from vwmon.cli.render import Column, Format
from vwmon.errors import UsageError, VwmonError
from vwmon.patients import roll
from vwmon.patients.admission import Admission
from vwmon.patients.records import Stay
from vwmon.patients.roll import Fault
from vwmon.store import registers
from vwmon.store.database import atomic

COLUMNS = (
    Column(key="line", title="LINE", justify="right"),
    Column(key="column", title="COLUMN"),
    Column(key="problem", title="WHAT IS WRONG, AND WHAT TO DO"),
)


def _zone(change: Change, ward: str) -> str:
    return register_rows.zone(ward, change.settings)


class _NothingWritten(Exception):  # noqa: N818 -- no error: it takes a transaction back
    """The admissions are taken back: something is wrong with some of them, or they were only tried."""


def import_(
    file: Annotated[str, typer.Argument(metavar="FILE", help="CSV; - is standard input.", show_default=False)],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything and write nothing.", show_default=False)
    ] = False,
    day_first: Annotated[
        bool, typer.Option("--day-first", help="Dates with slashes have the day first.", show_default=False)
    ] = False,
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    as_name: AsOption = "",
) -> None:
    """Admit many patients from a CSV file: all of them, or none if anything is wrong with any.

    The first line names the columns: patient, ward and born, and any of pathway, from, spo2_scale, prescriber, name,
    nhs_number, contact, next_of_kin, days, no_kit, pregnant. Commas, semicolons or tabs; dates as 1948-05-17 or
    17/05/1948. Exit codes: 2 something is wrong: every line and column is named, and nothing was written.
    """
    form = render.chosen(form, as_json)
    lines, faults = roll.lines(roll.decoded(_content(file)))
    with changing(config, db, as_name) as change:
        wanted: list[tuple[int, Admission]] = []
        for line in lines:
            found = roll.read(line, change.by.at_ms, day_first=day_first, zone=partial(_zone, change))
            if isinstance(found, Admission):
                wanted.append((line.line, found))
            else:
                faults += found
        faults += roll.repeated(wanted)
        told = {(fault.line, fault.column) for fault in faults}
        admitted, refused = _admitted(change, wanted, keep=not (faults or dry_run))
        faults += [fault for fault in refused if (fault.line, fault.column) not in told]
        rows = [stay_row(stay, change.known(), change.by.at_ms) for stay in admitted] if not (faults or dry_run) else []
        _warn_of_wards(change, wanted)
    if faults:
        _report(faults, len(lines), form)
        raise typer.Exit(UsageError.exit_code)
    _tell(rows, len(admitted), form, dry_run=dry_run)


def _content(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error


def _admitted(change: Change, wanted: Sequence[tuple[int, Admission]], *, keep: bool) -> tuple[list[Stay], list[Fault]]:
    """Admit all in one transaction, which is taken back unless all may be and they are to be kept."""
    admitted: list[Stay] = []
    faults: list[Fault] = []
    try:
        with atomic(change.db):
            for line, one in wanted:
                try:
                    admitted.append(registers.admit(change.db, one, change.by))
                except VwmonError as error:
                    column = "nhs_number" if "NHS number" in str(error) else "patient"
                    faults.append(Fault(line=line, column=column, problem=str(error)))
            _end(keep=keep and not faults)
    except _NothingWritten:
        pass
    return admitted, faults


def _end(*, keep: bool) -> None:
    if not keep:
        raise _NothingWritten


def _warn_of_wards(change: Change, wanted: Sequence[tuple[int, Admission]]) -> None:
    known = [ward.id for ward in change.settings.wards]
    for ward in sorted({one.ward for _, one in wanted} - set(known)) if known else ():
        render.warn(f"note: the configuration has no ward {ward!a}, only {', '.join(known)}: its clock is then UTC")


def _report(faults: Sequence[Fault], lines: int, form: Format) -> None:
    """Say everything that is wrong, line by line."""
    rows: list[dict[str, Any]] = [
        {"line": one.line, "column": one.column or None, "problem": one.problem}
        for one in sorted(faults, key=lambda one: (one.line, one.column))
    ]
    render.emit(rows, COLUMNS, form)
    bad = len({one.line for one in faults})
    render.warn(f"error: {bad} of {lines} lines cannot be admitted: nothing was written")


def _tell(rows: list[dict[str, Any]], checked: int, form: Format, *, dry_run: bool) -> None:
    if form is not Format.TABLE:
        render.emit(rows, (), form)
    patients = f"{checked} patient{'' if checked == 1 else 's'}"
    if dry_run:
        render.warn(f"checked: {patients} could be admitted; nothing was written")
    elif form is Format.TABLE:
        render.say(f"Admitted {patients}.")
        render.say("Next: vwmon devices assign DEVICE PATIENT, for each; see: vwmon patients")
