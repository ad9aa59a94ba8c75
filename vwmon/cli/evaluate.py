"""`vwmon evaluate`: scores held against recordings with outcomes, and a learned score fitted. Thin.

The work is vwmon.evaluation's; what it found is laid out in evaluation_rows and drawn in evaluation_plots.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vwmon.cli import progress, render
from vwmon.cli.options import JsonOption, duration_ms, group
from vwmon.cli.render import Format
from vwmon.errors import UsageError

if TYPE_CHECKING:
    from vwmon.evaluation.runs import Result
    from vwmon.evaluation.study import Asked, Telling

app = group(
    "evaluate",
    "How good a score is, against recordings with outcomes; and a score learned from them, for research.",
    alone=False,
)

RecordingArgument = Annotated[
    Path, typer.Argument(metavar="RECORDING", exists=True, dir_okay=False, help="CSV, CSV.gz, JSON Lines or Parquet.")
]
OutcomesOption = Annotated[
    Path,
    typer.Option("--outcomes", metavar="FILE", exists=True, dir_okay=False, help="CSV: patient, event, time."),
]
PatientsOption = Annotated[
    Path | None,
    typer.Option(
        "--patients",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="CSV: patient, and columns for --by and --where.",
    ),
]
EventOption = Annotated[str, typer.Option("--event", metavar="EVENT", help="The event to be foreseen.")]
LeaveOutOption = Annotated[
    list[str] | None,
    typer.Option("--leave-out", metavar="EVENT", help="Leave out patients with this event; repeat for more."),
]
HorizonOption = Annotated[
    str, typer.Option("--horizon", metavar="SPAN", help="How soon the event has to come; any: at any time later.")
]
EveryOption = Annotated[str, typer.Option("--every", metavar="SPAN", help="The time between the moments judged.")]
HalfOption = Annotated[
    str, typer.Option("--half", metavar="HALF", help="first or second: only that half of the patients.")
]
WhereOption = Annotated[
    list[str] | None,
    typer.Option("--where", metavar="COLUMN=VALUE", help="Only patients with this; repeat for more."),
]
SeedOption = Annotated[int, typer.Option("--seed", help="For the halves and the bootstrap.")]
ANY = "any"


@app.command()
def score(
    name: Annotated[
        str,
        typer.Argument(metavar="SCORE", help="A chart or model by name, a model's .toml file, or clock: the hours."),
    ],
    recording: RecordingArgument,
    outcomes: OutcomesOption,
    event: EventOption,
    patients: PatientsOption = None,
    against: Annotated[
        str, typer.Option("--against", metavar="SCORE", help="Another one, to give the differences from.")
    ] = "",
    leave_out: LeaveOutOption = None,
    horizon: HorizonOption = "12h",
    every: EveryOption = "1h",
    last: Annotated[
        bool, typer.Option("--last", help="Judge the last moment of each patient only.", show_default=False)
    ] = False,
    load: Annotated[
        list[float] | None,
        typer.Option(
            "--load", min=0.001, help="Alerts per patient-day to compare at; repeat for more.  [default: 0.5]"
        ),
    ] = None,
    lockout: Annotated[
        str, typer.Option("--lockout", metavar="SPAN", help="No second alert on a patient within it.")
    ] = "12h",
    by: Annotated[
        list[str] | None,
        typer.Option("--by", metavar="COLUMN", help="Also by the values of this column of the patients."),
    ] = None,
    half: HalfOption = "",
    where: WhereOption = None,
    valid: Annotated[
        list[str] | None,
        typer.Option("--valid", metavar="PART=SPAN", help="How long a chart's part counts; repeat for more."),
    ] = None,
    context: Annotated[
        list[str] | None,
        typer.Option("--context", metavar="NAME=VALUE", help="What a chart has to be told; repeat for more."),
    ] = None,
    lower_is_worse: Annotated[
        bool, typer.Option("--lower-is-worse", help="For a ratio that falls as patients worsen.", show_default=False)
    ] = False,
    draws: Annotated[int, typer.Option("--draws", min=2, help="Bootstrap draws of patients.")] = 200,
    seed: SeedOption = 1,
    plots: Annotated[
        Path | None,
        typer.Option("--plots", metavar="FOLDER", file_okay=False, help="Write plots there (extra: plot)."),
    ] = None,
    record: Annotated[
        bool,
        typer.Option("--record", help="Write the figures into the model's .toml file.", show_default=False),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Hold a score against what came: areas under the curves, and what it finds at an equal number of alerts.

    Moments at or after the event are never used. Intervals are of 95 %, by drawing patients. Of a chart with parts
    missing the least total is judged, of the parts that count within --valid (4h; temperature and consciousness 8h,
    oxygen 24h, unless given).
    """
    from vwmon.cli import evaluation_plots, evaluation_rows
    from vwmon.evaluation import runs
    from vwmon.evaluation.judgement import Terms

    asked = _asked(recording, outcomes, event, patients, leave_out, horizon, every, half, where, seed, last=last)
    if by and not patients:
        raise UsageError("--by needs --patients, the table that has its column")
    if record and not name.endswith(".toml"):
        raise UsageError("--record writes into a model's .toml file, and SCORE is none")
    if plots:
        evaluation_plots.require()
    loads = () if last else tuple(load or (0.5,))  # a single moment of each patient makes no alert load
    terms = Terms(loads=loads, lockout_ms=duration_ms(lockout), draws=draws, seed=seed)
    telling = _telling(valid or (), context or (), lower_is_worse=lower_is_worse)
    with progress.stepping() as begin:
        names = [name, against] if against else [name]
        result = runs.run(asked, runs.Compare(names=names, telling=telling, by=by or ()), terms, begin)
    if plots:
        evaluation_plots.draw(result, plots)
    if record:
        _record(result, Path(name))
    if as_json:
        render.emit_one(evaluation_rows.document(result), Format.JSON)
    else:
        evaluation_rows.show(result)


@app.command()
def fit(
    recording: RecordingArgument,
    outcomes: OutcomesOption,
    event: EventOption,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", dir_okay=False, help="The model's .toml file to write.")
    ],
    patients: PatientsOption = None,
    leave_out: LeaveOutOption = None,
    horizon: HorizonOption = "12h",
    every: EveryOption = "1h",
    half: HalfOption = "",
    where: WhereOption = None,
    features: Annotated[
        str, typer.Option("--features", metavar="GROUPS", help="Groups of features, with commas; else those chosen.")
    ] = "",
    l2: Annotated[float, typer.Option("--l2", min=1e-9, help="The weight of the penalty.")] = 0.0015,
    thin: Annotated[
        int, typer.Option("--thin", min=1, help="Learn from one in so many moments without the event to come.")
    ] = 8,
    clock: Annotated[
        bool,
        typer.Option("--clock", help="Let it learn of the hour of the stay what it can.", show_default=False),
    ] = False,
    title: Annotated[str, typer.Option("--title", help="The model's title.")] = "",
    seed: SeedOption = 1,
) -> None:
    """Fit a logistic model of window features with an L2 penalty, and write it as a file. For research only.

    The file says what it was fitted on. It knows neither the hour of the stay nor the length of the recording, nor any
    column of the patients.
    """
    from vwmon.evaluation import learning, recipe
    from vwmon.scoring import models

    asked = _asked(recording, outcomes, event, patients, leave_out, horizon, every, half, where, seed, last=False)
    if not out.parent.is_dir():  # said before the work, not after it
        raise UsageError(f"there is no folder {out.parent} to write {out.name} in")
    groups = tuple(name.strip() for name in features.split(",") if name.strip()) or recipe.CHOSEN
    how = learning.Fitting(
        id=out.stem, title=title or f"{event}, learned", groups=groups, l2=l2, thin=thin, clock=clock
    )
    with progress.stepping() as begin:
        model = learning.learn(asked, how, begin)
    out.write_text(models.dump(model), encoding="utf-8")
    render.say(
        f"{out}: {len(model.terms)} terms, from {model.fitted['moments_with_event']} moments with {event} to come, of "
        f"{model.fitted['patients_with_event']} patients in {model.fitted['patients']}."
    )
    render.say(model.caution)


def _asked(
    recording: Path,
    outcomes: Path,
    event: str,
    patients: Path | None,
    leave_out: Sequence[str] | None,
    horizon: str,
    every: str,
    half: str,
    where: Sequence[str] | None,
    seed: int,
    *,
    last: bool,
) -> "Asked":
    from vwmon.evaluation.study import Asked

    every_ms = duration_ms(every)
    if not every_ms:
        raise UsageError("--every is a span of time above nothing")
    return Asked(
        recording=recording,
        outcomes=outcomes,
        event=event,
        patients=patients,
        left_out=tuple(leave_out or ()),
        horizon_ms=math.inf if horizon == ANY else duration_ms(horizon),
        every_ms=every_ms,
        last=last,
        half=half,
        where=tuple(where or ()),
        seed=seed,
    )


def _telling(valid: Sequence[str], context: Sequence[str], *, lower_is_worse: bool) -> "Telling":
    from devices.vitals import VITALS
    from vwmon.evaluation.scored import VALID_MS
    from vwmon.evaluation.study import Telling

    spans = {part: duration_ms(span) for part, span in map(_pair, valid)}
    if unknown := sorted(spans.keys() - VITALS.keys()):
        raise UsageError(f"--valid {unknown[0]}: no vital of that name")
    return Telling(valid_ms={**VALID_MS, **spans}, context=dict(map(_pair, context)), lower_is_worse=lower_is_worse)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise UsageError(f"{text!r} is not NAME=VALUE")
    return name, value


def _record(result: "Result", file: Path) -> None:
    """Write the figures of a model into its file, beside what it was fitted on."""
    from dataclasses import replace

    from vwmon.cli.evaluation_rows import facts
    from vwmon.scoring import models

    model = result.scorers[0]
    if isinstance(model, models.Model):
        file.write_text(models.dump(replace(model, evaluated=facts(result))), encoding="utf-8")
