"""What an evaluation found, laid out: tables of 80 columns for people, one document for programs.

No figure is reckoned here.
"""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from vwmon import durations
from vwmon.cli import render
from vwmon.cli.render import Column, Format
from vwmon.durations import DAY_MS
from vwmon.evaluation import study
from vwmon.evaluation.calibration import Calibration
from vwmon.evaluation.judgement import ALARMS, AREAS, Figure, Judged, named
from vwmon.evaluation.moments import Moments
from vwmon.evaluation.runs import Group, Result
from vwmon.evaluation.study import Scorer
from vwmon.scoring.models import Fact, Model

LEADING_ZERO = re.compile(r"^([-+]?)0\.")
TITLES = {
    "auroc": "AUROC",
    "auroc_same_hour": "same-hour AUROC",
    "average_precision": "AUPRC",
    "sensitivity": "sensitivity",
    "ppv": "PPV",
    "lead_hours": "lead hours",
    "alerts_per_day": "alerts",
}

Row = dict[str, Any]


def document(result: Result) -> Row:
    """Give the result as one object: figures as numbers, null where there is none."""
    asked, terms = result.asked, result.terms
    return {
        "scores": [_about(one) for one in result.scorers],
        "files": result.study.files,
        "left_out": {"patients_with": list(asked.left_out), "readings": dict(result.study.recording.left_out)},
        "settings": {
            "event": asked.event,
            "horizon": "any" if math.isinf(asked.horizon_ms) else durations.text(int(asked.horizon_ms)),
            "every": durations.text(asked.every_ms),
            "last": asked.last,
            "half": asked.half or None,
            "where": list(asked.where),
            "lockout": durations.text(terms.lockout_ms),
            "loads": list(terms.loads),
            "draws": terms.draws,
            "interval": 0.95,
        },
        "seed": asked.seed,
        "versions": study.versions(),
        "counts": _counts(result.study.moments),
        "figures": [_judged(one) for one in result.compared.judged],
        "differences": [_figures(one) for one in result.compared.differences],
        "fitted_on_these": [
            isinstance(one, Model) and study.seen_before(one, result.study, result.asked) for one in result.scorers
        ],
        "complete": [_known(float(one.complete.mean())) for one in result.scored],
        "calibration": [_calibration(one) for one in result.calibration],
        "groups": [_group(one) for one in result.groups],
    }


def show(result: Result) -> None:
    """Print the result for people."""
    names = [one.id for one in result.scorers]
    columns = [Column(key="figure", title="", no_wrap=True)]
    columns += [Column(key=f"score{i}", title=name, justify="right") for i, name in enumerate(names)]
    columns += [
        Column(key=f"difference{i}", title="difference", justify="right")
        for i, _ in enumerate(result.compared.differences)
    ]
    render.emit(list(_rows(result)), columns, Format.TABLE, title=_title(result), footer=_footer(result))
    for name, one in zip(names, result.calibration, strict=True):
        if one:
            _show_calibration(name, one)
    if result.groups:
        _show_groups(result)


def facts(result: Result) -> dict[str, Fact]:
    """Give the figures of the first score, and the differences from the second, as a model's file keeps them."""
    asked = result.asked
    found: dict[str, Fact] = {f"{use}_file": file["file"] for use, file in result.study.files.items()}
    found |= {"half": asked.half or "both", "where": ", ".join(asked.where), "seed": asked.seed}
    figures = {"": result.compared.judged[0].figures}
    figures |= {
        f"_above_{one.id}": difference
        for one, difference in zip(result.scorers[1:], result.compared.differences, strict=True)
    }
    for suffix, several in figures.items():
        found |= {
            f"{name.replace('.', '_')}{suffix}": f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})"
            for name, one in several.items()
        }
    return found


def _rows(result: Result) -> Iterator[Row]:
    """Yield a row for each figure."""
    keys = [(name, TITLES[name]) for name in AREAS]
    keys += [(named(name, load), f"{TITLES[name]} @{load:g}") for load in result.terms.loads for name in ALARMS]
    for key, title in keys:
        digits = 1 if key.startswith("lead_hours") else 3
        yield {
            "figure": title,
            **{f"score{i}": _cell(one.figures[key], "", digits) for i, one in enumerate(result.compared.judged)},
            **{f"difference{i}": _cell(one[key], "+", digits) for i, one in enumerate(result.compared.differences)},
        }


def _cell(figure: Figure, sign: str = "", digits: int = 3) -> str:
    """Write a figure and its interval as short as they can be read: "0.715 [.690 .740]"."""
    if math.isnan(figure.value):
        return "-"
    if math.isnan(figure.low):
        return f"{figure.value:{sign}.{digits}f}"
    low, high = (LEADING_ZERO.sub(r"\1.", f"{one:{sign}.{digits}f}") for one in (figure.low, figure.high))
    return f"{figure.value:{sign}.{digits}f} [{low} {high}]"


def _title(result: Result) -> str:
    counts = _counts(result.study.moments)
    return (
        f"{result.asked.event}: {counts['patients_with_event']} of {counts['patients']} patients, "
        f"{counts['moments_with_event']} of {counts['moments']} moments"
    )


def _footer(result: Result) -> list[str]:
    terms = result.terms
    drawn = f"[95 % interval]: {terms.draws} draws of patients, seed {terms.seed}"
    lines = [f"{drawn}. @ alerts per patient-day, lockout {durations.text(terms.lockout_ms)}."]
    for one, score in zip(result.scorers, result.scored, strict=True):
        lines.append(
            f"{one.id}: {one.title}, {one.version}; complete at {100 * score.complete.mean():.0f} % of moments"
        )
        if isinstance(one, Model):
            lines.append(one.caution)
            if study.seen_before(one, result.study, result.asked):
                lines.append(
                    f"{one.id} was fitted on this recording: its figures flatter it unless those judged are others."
                )
    lines += [f"{use}: {file['file']}, SHA-256 {file['sha256'][:16]}..." for use, file in result.study.files.items()]
    return [part for line in lines for part in render.folded(line)]


def _show_calibration(name: str, found: Calibration) -> None:
    rows = [{"moments": one.rows, "predicted": one.predicted, "observed": one.observed} for one in found.bins]
    columns = [Column(key="moments", title="moments", justify="right")]
    columns += [
        Column(key=key, title=key, justify="right", format=lambda share: f"{share:.4f}")
        for key in ("predicted", "observed")
    ]
    render.say()
    render.emit(
        rows,
        columns,
        Format.TABLE,
        title=f"Calibration of {name}",
        footer=[f"intercept {found.intercept:.3f}, slope {found.slope:.3f} (0 and 1 are perfect)"],
    )


def _show_groups(result: Result) -> None:
    shown = [("auroc_same_hour", "same hour")]
    loads = result.terms.loads[:1]
    shown += [(named("sensitivity", load), f"sens. @{load:g}") for load in loads]
    rows = [
        {
            "group": group.name,
            "score": scorer.id,
            "events": f"{_counts(group.moments)['patients_with_event']}/{len(group.moments.members)}",
            **{f"load{load:g}": f"{judged.figures[named('alerts_per_day', load)].value:.2f}" for load in loads},
            **{key: _cell(judged.figures[key]) for key, _ in shown},
        }
        for group in result.groups
        for scorer, judged in zip(result.scorers, group.judged, strict=True)
    ]
    columns = [Column(key=key, title=key) for key in ("group", "score")]
    columns += [Column(key=key, title=title, justify="right") for key, title in (("events", "events"), *shown)]
    columns += [Column(key=f"load{load:g}", title="load", justify="right") for load in loads]
    render.say()
    render.emit(rows, columns, Format.TABLE, title="By group, at the thresholds of all; load: alerts per patient-day")


def _about(scorer: Scorer) -> Row:
    about = {"id": scorer.id, "kind": type(scorer).__name__.lower(), "title": scorer.title, "version": scorer.version}
    return about | ({"caution": scorer.caution, "fitted": dict(scorer.fitted)} if isinstance(scorer, Model) else {})


def _counts(moments: Moments) -> Row:
    return {
        "patients": len(moments.members),
        "patients_with_event": len(np.unique(moments.patient[moments.positive])),
        "moments": len(moments),
        "moments_with_event": int(moments.positive.sum()),
        "patient_days": len(moments) * moments.every_ms / DAY_MS,
    }


def _judged(judged: Judged) -> Row:
    at = {
        f"{load:g}": {"lower": _known(one.lower), "upper": _known(one.threshold), "share": one.share}
        for load, one in judged.at.items()
    }
    return {**_figures(judged.figures), "thresholds": at}


def _figures(figures: Mapping[str, Figure]) -> Row:
    return {
        name: {"value": _known(one.value), "low": _known(one.low), "high": _known(one.high)}
        for name, one in figures.items()
    }


def _calibration(found: Calibration | None) -> Row | None:
    if found is None:
        return None
    bins = [{"moments": one.rows, "predicted": one.predicted, "observed": one.observed} for one in found.bins]
    return {"intercept": _known(found.intercept), "slope": _known(found.slope), "bins": bins}


def _group(group: Group) -> Row:
    return {
        "group": group.name,
        "counts": _counts(group.moments),
        "figures": [_figures(one.figures) for one in group.judged],
    }


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
