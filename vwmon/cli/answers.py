"""`vwmon answers`: what patients answered, what they were asked and did not answer, and answers entered by hand."""

from contextlib import closing
from typing import Annotated

import typer

from vwmon.by_hand import WAYS
from vwmon.cli import context, render
from vwmon.cli.options import AsOption, ConfigOption, DbOption, FormatOption, JsonOption, OnePatient, list_group
from vwmon.cli.render import Format
from vwmon.cli.standing import standing_of
from vwmon.patients.plans import QUESTIONNAIRES
from vwmon.store import registers
from vwmon.store.database import open_reader

app = list_group("answers", "What patients answered, what they did not, and answers entered by hand.")


@app.command("list")
def list_(
    patient: Annotated[str, typer.Argument(metavar="[PATIENT]", help="One patient only.", show_default=False)] = "",
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, the newest.")] = 50,
) -> None:
    """List answers and what was asked without an answer, the latest first; `vwmon answers PATIENT` is the same.

    No answer is no good sign: what is overdue is in the patient's technical alert, and clears nothing.
    """
    from vwmon.cli import answer_rows

    form = render.chosen(form, as_json)
    with closing(open_reader(context.resolve(config, db).store.path)) as opened:
        at = standing_of(opened)
        if patient:
            registers.stays_of(opened, patient)
        rows = answer_rows.rows(opened, patient, limit, at.now_ms)
    at.announce(form)
    footer = [f"the latest {limit}; more with --limit"] if len(rows) == limit else [f"{len(rows)} asked or answered"]
    render.emit(rows, answer_rows.columns(at.now_ms), form, title=at.title, footer=footer)


@app.command()
def add(
    patient: OnePatient,
    questionnaire: Annotated[
        str, typer.Argument(metavar="QUESTIONNAIRE", help=f"One of {', '.join(QUESTIONNAIRES)}.", show_default=False)
    ],
    way: Annotated[str, typer.Option("--by", metavar="WAY", help=f"One of {', '.join(WAYS)}.", show_default=False)],
    answers: Annotated[
        list[str] | None,
        typer.Argument(metavar="[QUESTION=ANSWER]...", help="As in compared=worse.", show_default=False),
    ] = None,
    at: Annotated[
        str, typer.Option("--at", metavar="TIME", help="When it was said; else now.", show_default=False)
    ] = "",
    note: Annotated[str, typer.Option("-m", "--note", metavar="NOTE", help="In a few words.", show_default=False)] = "",
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    as_name: AsOption = "",
) -> None:
    """Enter a patient's answers: all of them, or none when one is wrong. Without any, each question is asked for.

    They are kept, and feed the same rules, as those that a hub sends, with who entered them.
    """
    from vwmon.cli import answering

    said = answering.Said(
        patient=patient, questionnaire=questionnaire, answers=answers or (), way=way, at=at, note=note
    )
    answering.enter(config, db, as_name, said, render.chosen(form, as_json))
