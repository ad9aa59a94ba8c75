"""What somebody's spreadsheet writes, as fuzzing targets: admissions, and observation sets to be scored."""

import gzip
import math
from collections.abc import Iterator

from tests.faults.poison import NOW_MS
from tests.fuzz.files import folder
from tests.fuzz.target import Target, choice
from vwmon.cli import observation_sets
from vwmon.errors import RecordingError, UsageError
from vwmon.patients import roll
from vwmon.patients.admission import Admission
from vwmon.scoring import charts

CHARTS = {b"n": "news2", b"p": "pews", b"q": "qsofa", b"r": "rox", b"z": "news2.gz", b"Z": "news2.Z"}
ROLL = """\
patient,ward,born,pathway,from,spo2_scale,prescriber,name,nhs_number,contact,days,no_kit,pregnant
P1,resp,1948-05-17,general,2026-11-20,1,,Ann Odd,9434765919,020 7946 0000,5,no,no
P2;resp;03/04/1948;copd;;2;dr.k;;;;;yes;
"""
SETS = """\
respiratory_rate,spo2,spo2_scale,oxygen,systolic_bp,heart_rate,consciousness,temperature,age_years,pregnant
16,97,1,air,120,70,A,37.0,70,no
25,88,2,2,90,120,V,39.1,70.5,
"""
BORN = "born,time,respiratory_rate,heart_rate\n2020-02-29,2026-11-22T09:15:00Z,30,120\n"


def admissions(sent: bytes) -> None:
    """Read a file of admissions: each line is one, or has faults; UsageError for a file that is none."""
    try:
        found, _ = roll.lines(roll.decoded(sent[1:]))
    except UsageError:
        return
    for line in found:
        outcome = roll.read(line, NOW_MS, day_first=sent[:1] == b"d")
        assert outcome or isinstance(outcome, Admission)


def _admission_seeds() -> Iterator[bytes]:
    yield b"d" + ROLL.encode()
    yield b"m" + ROLL.replace(",", ";").encode("utf-8-sig")
    yield b"m" + ROLL.replace(",", "\t").encode()


def sets(sent: bytes) -> None:
    """Read a table of observation sets: every row has what was read of it and what is wrong, none is lost."""
    kind, body = choice(sent, CHARTS)
    name, _, packed = kind.partition(".")
    path = folder() / f"sets.csv{'.gz' if packed else ''}"
    path.write_bytes(gzip.compress(body, compresslevel=0, mtime=0) if packed == "gz" else body)
    try:
        with observation_sets.opened(charts.either(name), str(path)) as sheet:
            for batch in sheet.batches:
                assert len(batch.cells) == len(batch.read) == len(batch.faults)
                assert all(math.isfinite(one) for row in batch.read for one in row.values() if isinstance(one, float))
    except (RecordingError, UsageError):
        return


def _set_seeds() -> Iterator[bytes]:
    yield from (letter + SETS.encode() for letter in (b"n", b"q", b"r", b"z"))
    yield b"p" + BORN.encode()
    yield b"Z" + gzip.compress(SETS.encode(), mtime=0)


SHEETS = {
    "admissions": Target(
        title="files of admissions",
        take=admissions,
        seeds=_admission_seeds,
        words=(*roll.COLUMNS, '"', ";", "\t", "\0", "17/05/1948", "2026-11-20T10:00", "-1d", "children"),
    ),
    "sets": Target(
        title="tables of observation sets",
        take=sets,
        seeds=_set_seeds,
        words=(
            *SETS.partition("\n")[0].split(","),
            "born",
            "time",
            "air",
            "yes",
            "1e400",
            "-0",
            "nan",
            '"',
            "2020-02-29",
        ),
    ),
}
