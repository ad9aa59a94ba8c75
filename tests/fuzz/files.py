"""What somebody writes, as fuzzing targets: settings, recordings, pathways and questionnaires, spools, words."""

import binascii
import gzip
import math
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from devices.errors import PayloadError
from devices.payloads import decode
from devices.spool import DAMAGED, JOURNAL, Letter, Spool
from tests.faults.poison import NOW_MS
from tests.fuzz.target import Target, choice
from vwmon import by_hand, config, recordings
from vwmon.errors import ChartError, ConfigError, RecordingError, UsageError
from vwmon.patients import asked, plans

ROOT = Path(__file__).parents[2]
FILE = Path("vwmon.toml")
ENDINGS = {b"c": ".csv", b"z": ".csv.gz", b"j": ".jsonl", b"p": ".parquet", b"Z": "written.csv.gz"}
TABLES = {b"q": "questionnaire", b"p": "pathway"}
ROWS = "patient,time,vital,value,unit\na,0,spo2,97,%\nb,2026-11-22T09:15:00Z,consciousness,A,\na,60,heart_rate,80,bpm\n"
ANSWERED = "patient,time,vital,value,unit\na,0,answer:wellbeing.compared,same,\n"
LINE = '{"patient": "a", "time": 1.5, "vital": "spo2", "value": 97, "unit": "%"}\n'
SMALL = """\
[[wards]]
id = "resp"
name = "Respiratory"
hours = "08:00-20:00"
[[wards.limits]]
rule = "news2_5"
author = "dr.k"
reason = "agreed"
from = "2026-01-01"
level = 1
[[people]]
id = "a.b"
channels = ["sms"]
[[duty]]
tier = 1
who = ["a.b"]
[notify.channels.sms]
urls_file = "credential:sms"
"""


@cache
def folder() -> Path:
    """Make a folder for what has to be a file, in memory where there is such a thing."""
    memory = Path("/dev/shm")  # noqa: S108 -- a folder of its own is made in it
    kept = tempfile.TemporaryDirectory(prefix="vwmon-fuzz-", dir=memory if memory.is_dir() else None)
    _KEPT.append(kept)
    return Path(kept.name)


_KEPT: list[tempfile.TemporaryDirectory[str]] = []  # until the process ends


def settings(sent: bytes) -> None:
    """Read settings: they, or faults that name the file."""
    try:
        found = config.parse(sent.decode("utf-8", "replace"), FILE)
    except ConfigError as error:
        assert error.faults and all(fault.startswith(f"{FILE}:") for fault in error.faults)
        return
    assert len(found.hash) == 16


def _settings_seeds() -> Iterator[bytes]:
    yield SMALL.encode()
    text = (ROOT / "config.example.toml").read_text(encoding="utf-8")
    yield from (part.encode() for part in text.split("\n\n"))
    bare = "\n".join(line.removeprefix("# ") for line in text.splitlines() if "=" in line or "[" in line)
    yield from (part.encode() for part in bare.split("\n["))
    yield b"mqtt.port = 0\nstore = 3\n[[wards]]\nid = 'A'\n[[wards]]\n"


def recording(sent: bytes) -> None:
    """Read a recording: messages that can be read in turn, or RecordingError."""
    ending, body = choice(sent, ENDINGS)
    if ending.startswith("written"):
        ending, body = ".csv.gz", gzip.compress(body, compresslevel=0, mtime=0)
    path = folder() / f"recording{ending}"
    path.write_bytes(body)
    try:
        messages = list(recordings.read(path))
    except RecordingError:
        return
    for one in messages:
        read = decode if one.kind == "readings" else asked.message
        try:
            read(one.payload, device=one.device, received_ms=one.at_ms)
        except PayloadError as error:
            assert error.reason in {"questionnaire_unknown", "answers_missing", "time_past"}, error


def _recording_seeds() -> Iterator[bytes]:
    for text in (ROWS, ANSWERED):
        yield b"c" + text.encode()
        yield b"Z" + text.encode()
        yield b"z" + gzip.compress(text.encode(), mtime=0)
    yield b"j" + LINE.encode() * 2
    yield b"p" + _parquet()


def _parquet() -> bytes:
    from pyarrow import Table, parquet

    columns = {"patient": ["a"], "time": ["0"], "vital": ["spo2"], "value": ["97"], "unit": ["%"]}
    path = folder() / "seed.parquet"
    parquet.write_table(Table.from_pydict(columns), path)
    return path.read_bytes()


def table(sent: bytes) -> None:
    """Read a questionnaire or a pathway: one that leads somewhere, or ChartError."""
    kind, body = choice(sent, TABLES)
    text = body.decode("utf-8", "replace")
    try:
        if kind == "pathway":
            assert plans.parse("general", text).expected
            return
        found = asked.parse("wellbeing", text)
    except ChartError:
        return
    assert found.set.open({}) == found.set.first


def _table_seeds() -> Iterator[bytes]:
    yield from (b"p" + file.read_bytes() for file in sorted(plans.FOLDER.glob("*.toml")))
    yield from (b"q" + file.read_bytes() for file in sorted(asked.FOLDER.glob("*.toml")))


def spool(sent: bytes) -> None:
    """Open a journal: what is whole in it is given, what is not is set aside, and opened again it is the same."""
    lines = sent[1:]
    if sent[:1] == b"c":  # what stands there has its right checksum, so that what is behind it is reached
        bodies = lines.split(b"\n")
        lines = b"".join(b"%08x %s\n" % (binascii.crc32(body), body) for body in bodies)
    for name in (JOURNAL, DAMAGED):
        (folder() / name).unlink(missing_ok=True)
    (folder() / JOURNAL).write_bytes(lines)
    before = _waiting()
    assert (before, 0) == _waiting_whole()


def _waiting() -> list[tuple[str, str, bytes]]:
    with Spool(folder()) as opened:
        return [(kept.device, kept.message_id, opened.payload(kept)) for kept in opened.waiting()]


def _waiting_whole() -> tuple[list[tuple[str, str, bytes]], int]:
    waiting = _waiting()
    with Spool(folder()) as opened:
        return waiting, opened.damaged


def _spool_seeds() -> Iterator[bytes]:
    with Spool(folder()) as opened:
        kept = opened.keep([Letter("d-1", "a", b"{}"), Letter("d-1", "b", b"{}", "answers")])
        written = (folder() / JOURNAL).read_bytes()
        for one in kept:
            opened.forget(one.device, one.message_id)
    yield b"r" + written
    yield b"c" + b"\n".join(line[9:] for line in written.splitlines())
    yield b'c["d-1","a",null]\n["d-1","a","e30=",7]'


def words(sent: bytes) -> None:
    """Read what somebody says of a patient: readings that can be stored, or UsageError."""
    try:
        message = by_hand.message(sent.decode("utf-8", "replace").split("\n"), "id", NOW_MS)
    except UsageError:
        return
    assert message.readings and not message.refused
    assert all(one.value is not None and math.isfinite(one.value) for one in message.readings)
    assert by_hand.questioned(message) is not None


def _words_seeds() -> Iterator[bytes]:
    yield b"spo2=94 %\nrr=18\nhr=72bpm\ntemp=101.3degF\nbp=120/80"
    yield b"bp=16/10.5kPa\no2=air\nacvpu=c\nweight=80.5"
    yield b"spo2=0.94\ngcs=15\nglucose=5.1 mmol/L\noxygen=2 L/min"


TOML = ("[[", "]]", " = ", '"""', "'''", "{ ", "1979-05-27T07:32:00Z", "inf", "nan", "0x", "1_0", "~root", "\\u0000")
SETTING_WORDS = (
    *("[store]", "path", "[mqtt]", "host", "port", "socket", "prefix", "[mqtt.tls]", "ca", "[ingest]", "batch"),
    *("merge_every", "[monitor]", "silent_after", "metrics", "127.0.0.1:9464", "[commands]", "[commands.roles]"),
    *("[notify.channels.x]", "urls_file", "credential:", "[[wards]]", "time_zone", "Europe/London", "hours", "24:00"),
    *("[[wards.limits]]", "limit_on", "cadence", "on_delay", "from", "to", "[[people]]", "[[duty]]", "calendar"),
)
FILES = {
    "config": Target(title="settings", take=settings, seeds=_settings_seeds, words=(*TOML, *SETTING_WORDS)),
    "recordings": Target(
        title="recordings: CSV, gzip, JSON Lines, Parquet",
        take=recording,
        seeds=_recording_seeds,
        words=("patient", "time", "vital", "value", "unit", "answer:", "nan", "9" * 30, '"', "\\ud800", "9999-12-31"),
    ),
    "tables": Target(
        title="questionnaires and pathways",
        take=table,
        seeds=_table_seeds,
        words=(*TOML, "questions", "first", "next", "choices", "range", "levels", "valid_for", "limits", "vitals"),
    ),
    "spool": Target(title="the journal of a device's messages", take=spool, seeds=_spool_seeds, words=("answers", "[")),
    "words": Target(
        title="readings entered by hand",
        take=words,
        seeds=_words_seeds,
        words=("spo2=", "rr=", "bp=", "/", "acvpu=", "o2=", "temp=", "kPa", "\n", "9" * 30),
    ),
}
