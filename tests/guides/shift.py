"""A shift on a made-up ward, told step by step: what comes, what is typed, and what stands on the screen then.

The ward's scorer is the daemon's, the commands are those that people type, at times of their own on a terminal of 80
columns. The screens of the guides are taken from here.
"""

import io
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

from tests.db.test_scorer import WELL, message
from vwmon import config, scorer
from vwmon.cli import app
from vwmon.clock import Clock
from vwmon.config import Settings
from vwmon.patients import plans
from vwmon.patients.admission import Admission
from vwmon.patients.records import By
from vwmon.provenance import Provenance
from vwmon.scorer import Scorer
from vwmon.store import database, monitor, registers
from vwmon.store.database import atomic
from vwmon.store.log import LogWriter
from vwmon.store.monitor import Monitor

COLUMNS = "80"
LOOK_MS, SECOND_MS, EVERY_MS = 60_000, 1000, 1_200_000
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
CONFIG = """\
[store]
path = "vwmon.db"
[[wards]]
id = "resp"
name = "Respiratory virtual ward"
hours = "08:00-20:00"
[[people]]
id = "n.shah"
role = "nurse"
[[people]]
id = "s.ahmed"
role = "nurse"
[[duty]]
tier = 1
who = ["nurse"]
[[duty]]
tier = 2
who = ["s.ahmed"]
[[duty]]
tier = 3
who = ["nurse"]
"""
PEOPLE = (
    ("4711", "Jane Brown", "1955-03-02", "general"),
    ("4712", "Ali Khan", "1948-07-19", "copd"),
    ("4713", "Ruth Osei", "1961-11-30", "acute-respiratory"),
    ("4714", "Tom Hale", "1939-01-08", "general"),
)
ILL = WELL | {"respiratory_rate": 22.0, "spo2": 93.0, "heart_rate": 96.0}  # 2 + 2 + 1: NEWS2 of 5
WORSE = WELL | {"respiratory_rate": 26.0, "spo2": 90.0, "heart_rate": 112.0}  # 3 + 3 + 2: NEWS2 of 8


def at(text: str) -> int:
    """Give a time of the day of the shift, or of the day before as "-1 21:00"; UTC, as London is in November."""
    day, clock = (17, text[3:]) if text.startswith("-1 ") else (18, text)
    hour, minute = map(int, clock.split(":"))
    return round(datetime(2026, 11, day, hour, minute, tzinfo=UTC).timestamp()) * SECOND_MS


class Screen(io.StringIO):
    """A terminal to write to."""

    def isatty(self) -> bool:
        """Be one."""
        return True


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What somebody typed at a time and what stood below it, with the exit code."""

    at: str
    typed: str
    lines: tuple[str, ...]
    code: int

    @property
    def text(self) -> str:
        """Give it as it stands in a guide."""
        return "\n".join([f"$ {self.typed}", *self.lines])


class Shift:
    """The ward, its clock, and whoever types."""

    def __init__(self, folder: Path) -> None:
        """Admit everybody the evening before."""
        self.now_ms, self.who, self._sent, self._down = at("-1 15:00"), "n.shah", 0, False
        self.file = folder / "vwmon.toml"
        self.file.write_text(CONFIG, encoding="utf-8")
        self.settings: Settings = config.load(self.file)
        self.db = database.create(self.settings.store.path)
        self.log = LogWriter(self.db)
        for patient, name, born, pathway in PEOPLE:
            self._admit(patient, name, born, pathway)
        made_by = Provenance.of(self.settings, told=True)
        self.scorer = Scorer(self.db, made_by, self.now_ms, batch=scorer.BATCH)
        self.until("-1 15:01")

    def _admit(self, patient: str, name: str, born: str, pathway: str) -> None:
        by = By(actor="n.shah", at_ms=self.now_ms)
        wanted = Admission(
            patient=patient, ward="resp", plan=plans.load(pathway), admitted_ms=self.now_ms, born=born, name=name
        )
        registers.admit(self.db, wanted, by)
        registers.add_device(self.db, f"hub-{patient}", by, "hub")
        registers.assign(self.db, f"hub-{patient}", patient, self.now_ms, by)

    def until(self, text: str) -> None:
        """Let time pass, as the daemon's clock does."""
        self._pass_to(at(text))

    def _pass_to(self, end_ms: int) -> None:
        while self.now_ms < end_ms:
            self.now_ms = min(self.now_ms + LOOK_MS, end_ms)
            if not self._down:
                self._look()

    def measured(self, text: str, patient: str, values: Mapping[str, float]) -> None:
        """Let a patient's hub send what was measured."""
        self.measured_at(at(text), patient, values)

    def measured_at(self, at_ms: int, patient: str, values: Mapping[str, float]) -> None:
        """Let a patient's hub send what was measured at a time."""
        self._pass_to(at_ms)
        self._sent += 1
        device = f"hub-{patient}"
        came = message(f"{device}-{self._sent}", dict(values), self.now_ms, self.now_ms, device)
        self.log.append([came], (), self.now_ms)
        self._look()

    def alert(self, patient: str, lane: str = "clinical") -> str:
        """Name the open alert of a patient."""
        sql = "select id from alert join stay using (stay_no) where patient = ? and lane = ? and state <> 'closed'"
        (name,) = self.db.execute(sql, [patient, lane]).fetchone()
        return str(name)

    def stops(self, text: str) -> None:
        """Let the daemon be stopped."""
        self.until(text)
        self._down = True
        self._beat(stopped_ms=self.now_ms)

    def _look(self) -> None:
        while self.scorer.cycle(self.now_ms):
            pass
        self.scorer.tick(self.now_ms)
        self._beat()

    def _beat(self, stopped_ms: int | None = None) -> None:
        last = self.db.execute("select max(received_ms), max(observed_ms) from reading_log").fetchone()
        state = Monitor(
            mode="live",
            started_ms=at("-1 15:00"),
            cycle_ms=self.now_ms,
            broker_connected=True,
            broker_since_ms=at("-1 15:00"),
            last_received_ms=last[0],
            last_observed_ms=last[1],
            readings=self.scorer.cursor,
            lag_seconds=0.0,
            software="",
            config_hash=self.settings.hash,
            stopped_ms=stopped_ms,
        )
        with atomic(self.db):
            monitor.beat(self.db, state)

    def types(self, text: str, typed: str, *, who: str = "n.shah") -> Shown:
        """Let somebody type a command at a time."""
        self.until(text)
        self.who = who
        screen = Screen()
        with self._terminal(screen):
            code = _run(typed)
        if not self._down:
            self._look()
        lines = tuple(line.rstrip() for line in COLOURS.sub("", screen.getvalue()).splitlines())
        return Shown(at=text, typed=typed, lines=lines, code=code)

    @contextmanager
    def _terminal(self, screen: Screen) -> Iterator[None]:
        told = {"COLUMNS": COLUMNS, "LINES": "60", "TERM": "xterm", "NO_COLOR": "1", "VWMON_CONFIG": str(self.file)}
        with ExitStack() as during:
            during.enter_context(patch.dict(os.environ, told))
            during.enter_context(patch.object(Clock, "now_ms", lambda _clock: self.now_ms))
            during.enter_context(patch("vwmon.cli.context.login_name", lambda: self.who))
            during.enter_context(redirect_stdout(screen))
            during.enter_context(redirect_stderr(screen))
            yield


def _run(typed: str) -> int:
    words = shlex.split(typed)
    assert words[0] == "vwmon", typed
    try:
        app(args=words[1:], prog_name="vwmon")
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else 0
    return 0


def screens(folder: Path) -> Iterator[Shown]:
    """Live through the shift; yield every screen of it, in order."""
    ward = Shift(folder)
    try:
        for part in (_handed_on, _in_the_morning, _worse, _over_the_day, _at_the_end):
            yield from part(ward)
    finally:
        ward.db.close()


def _handed_on(ward: Shift) -> Iterator[Shown]:
    """Let the night pass, and look at what it brought."""
    for patient, *_ in PEOPLE:
        ward.measured("-1 15:30", patient, WELL)
    _worn(ward, "-1 15:50", "-1 20:40", WELL)
    for patient in ("4711", "4712"):
        ward.measured("-1 20:40", patient, WELL)
    _worn(ward, "-1 20:50", "05:40", WELL)
    ward.measured("07:10", "4712", WELL)
    ward.measured("07:50", "4711", ILL)
    ward.measured("07:56", "4711", ILL)
    yield ward.types("08:00", "vwmon alerts --catch-up")
    yield ward.types("08:01", "vwmon alerts")


def _in_the_morning(ward: Shift) -> Iterator[Shown]:
    """Take in hand what is there."""
    sick = ward.alert("4711")
    yield ward.types("08:02", f"vwmon alerts show {sick}")
    yield ward.types("08:05", f"vwmon alerts ack {sick} -m 'breathless since supper; measures at 08:45'")
    yield ward.types("08:08", "vwmon patients show 4714")
    said = "spo2=95 rr=17 hr=78 bp=132/80 consciousness=A"
    yield ward.types("08:12", f"vwmon readings add 4714 {said} --by phone")
    flat = ward.alert("4713", "technical")
    yield ward.types("08:20", f"vwmon alerts ack {flat} -m 'daughter charges the wearable'")
    yield ward.types("08:21", f"vwmon alerts snooze {flat} --for 30m")
    yield ward.types("08:22", "vwmon alerts")


def _worse(ward: Shift) -> Iterator[Shown]:
    """Let the one who was sick get worse than was acknowledged."""
    sick = ward.alert("4711")
    ward.measured("08:44", "4711", WORSE)
    yield ward.types("08:46", "vwmon alerts")
    yield ward.types("08:47", f"vwmon alerts ack {sick} -m '999 called, daughter is with her'")
    yield ward.types("09:10", f"vwmon alerts close {sick} --outcome transferred -m 'taken to hospital'")
    yield ward.types("09:11", "vwmon patients discharge 4711 --reason readmitted")


def _over_the_day(ward: Shift) -> Iterator[Shown]:
    """Let the day go on."""
    ward.measured("10:20", "4713", WELL)
    yield ward.types("10:30", "vwmon alerts")
    yield ward.types("12:54", "vwmon patients plan 4712")
    yield ward.types("12:55", "vwmon patients pause 4712 --for 3h --reason 'outpatient clinic'")


def _at_the_end(ward: Shift) -> Iterator[Shown]:
    """Hand over, and go; then the monitor stops."""
    _worn(ward, "13:16", "19:16", WELL)
    _worn(ward, "19:16", "19:40", ILL)
    sick = ward.alert("4713")
    yield ward.types("19:40", f"vwmon alerts ack {sick} -m 'GP has begun antibiotics; call at 20:30'")
    yield ward.types("19:50", "vwmon handover start -m '4713 wants a call at 20:30'")
    yield ward.types("19:55", "vwmon handover accept --all", who="s.ahmed")
    _worn(ward, "19:56", "20:30", ILL)
    yield ward.types("20:32", f"vwmon alerts ack {sick} -m 'comfortable, drinks; call at 21:30'", who="s.ahmed")
    _worn(ward, "20:36", "21:30", ILL)
    yield ward.types("21:32", f"vwmon alerts ack {sick} -m 'asleep, wife watches; call at 22:30'", who="s.ahmed")
    _worn(ward, "21:36", "22:17", ILL)
    ward.stops("22:17")
    yield ward.types("22:40", "vwmon alerts", who="s.ahmed")


def _worn(ward: Shift, begin: str, end: str, values: Mapping[str, float]) -> None:
    """Let the wearable send every twenty minutes, from a time to before another."""
    for at_ms in range(at(begin), at(end), EVERY_MS):
        ward.measured_at(at_ms, "4713", values)
