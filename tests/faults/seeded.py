"""Faults that are planted on purpose, one at a time, to see that a test finds each: the tests, tested.

The ten of the safety page (section 8), the three that the trial of the alert model let through, three of whose a
reading is, and one that the daemon's own books must find. Each is an edit of the product's own text, made in a copy of
the tree. Each names the tests that find it, every one of them by itself; those of the work list are also found by its
machine (tests.property.test_alerts_machine), by the invariant that is named beside. `python -m tests.faults.seeded`
plants all of them.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
COPIED = ("alerts", "devices", "vwmon", "tests", "docs", "deploy", "pyproject.toml", "config.example.toml", "README.md")
MACHINE = "tests/property/test_alerts_machine.py::test_the_invariants_hold_after_every_step[0]"
KIT = "tests/property/test_kit_machine.py"
LEFT_OUT = shutil.ignore_patterns("__pycache__", "images")
# Of what is walked at random: a planted fault is found within so few, and without one nothing else is to be seen.
FEWER = {"VWMON_WALKS": "1000", "VWMON_STEPS": "10000"}
TESTS_FAILED = 1  # pytest's exit code when tests ran and some failed


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One piece of text in one file, and what takes its place."""

    file: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault to plant: its name, the edits that make it, and the tests that must find it."""

    name: str
    edits: tuple[Edit, ...]
    found_by: tuple[str, ...]


def _one(file: str, before: str, after: str) -> tuple[Edit, ...]:
    return (Edit(file=file, before=before, after=after),)


FAULTS = (
    Fault(
        name="acknowledged before it is committed",
        edits=_one(
            "vwmon/ingest.py",
            "        kept = sort(batch.packets, self._prefix)\n",
            "        kept = sort(batch.packets, self._prefix)\n"
            "        self._intake.done(batch, list(receipts(kept.ids)))\n",
        ),
        found_by=("tests/unit/test_ingest_loop.py::test_commit_comes_before_receipts_and_acknowledgements",),
    ),
    Fault(
        name="one message in a hundred dropped and acknowledged",
        edits=(
            Edit(
                file="vwmon/ingest.py",
                before="        kept = sort(batch.packets, self._prefix)\n",
                after=(
                    "        number = self.counts.messages + 1\n"
                    "        whole = [one for at, one in enumerate(batch.packets, number) if at % 100]\n"
                    "        kept = sort(whole, self._prefix)\n"
                ),
            ),
        ),
        found_by=(
            "tests/integration/test_reckoning_daemon.py::test_a_daemon_that_loses_nothing_has_everything_accounted_for",
        ),
    ),
    Fault(
        name="synchronous=OFF",
        edits=_one("vwmon/store/database.py", "pragma synchronous = full", "pragma synchronous = off"),
        found_by=("tests/db/test_store_database.py::test_a_connection_keeps_what_it_commits_through_a_power_cut",),
    ),
    Fault(
        name="naive local time",
        edits=_one("vwmon/hours.py", "at_ms / 1000, ZoneInfo(time_zone)", "at_ms / 1000"),
        found_by=("tests/unit/test_hours.py::test_the_hours_are_those_of_the_wards_wall",),
    ),
    Fault(
        name="the last value carried forward for ever",
        edits=_one(
            "vwmon/pipeline.py",
            "np.where(age <= plans.valid_ms[plan], value, np.nan)",
            "np.where(age >= 0, value, np.nan)",
        ),
        found_by=("tests/unit/test_pipeline_step.py::test_a_reading_counts_up_to_its_last_valid_minute",),
    ),
    Fault(
        name="every exception swallowed",
        edits=_one(
            "vwmon/daemon.py",
            '            log.exception("thread_died name=%s", name)\n            self._failure = error\n',
            '            log.exception("thread_died name=%s error=%s", name, error)\n            return\n',
        ),
        found_by=("tests/integration/test_daemon.py::test_a_thread_that_dies_ends_the_daemon",),
    ),
    Fault(
        name="not-a-number stored",
        edits=(
            Edit(file="devices/strict_json.py", before="parse_constant=_not_finite", after="parse_constant=float"),
            Edit(
                file="devices/acceptance.py",
                before=(
                    "    if not math.isfinite(number):\n"
                    '        raise ReadingError("value_not_finite", vital.name)\n'
                    "    plain"
                ),
                after="    plain",
            ),
            Edit(
                file="devices/acceptance.py",
                before="if not vital.low <= value <= vital.high:",
                after="if value < vital.low or value > vital.high:",
            ),
        ),
        found_by=("tests/unit/devices/test_poison.py::test_a_message_of_no_use_is_refused_whole_for_its_one_reason",),
    ),
    Fault(
        name="a retained reading accepted",
        edits=_one(
            "vwmon/ingest.py",
            "if kind != KIND or packet.retain or packet.oversize:",
            "if kind != KIND or packet.oversize:",
        ),
        found_by=("tests/unit/test_ingest_loop.py::test_what_cannot_be_used_is_kept_with_its_reason",),
    ),
    Fault(
        name="acknowledged by patient, not by alert",
        edits=_one(
            "alerts/store.py",
            "    alert = latest if latest is not None and latest.alert_no == found.alert_no else found\n",
            "    alert = latest if latest is not None else found\n",
        ),
        found_by=(
            "tests/db/test_alerts_store.py::test_an_old_alert_can_be_noted_and_nothing_else",
            MACHINE,  # s14
        ),
    ),
    Fault(
        name="a database made where there is none",
        edits=_one(
            "vwmon/store/database.py",
            "def _opened(path: Path) -> Connection:\n    _check_file(path)\n",
            "def _opened(path: Path) -> Connection:\n    if not path.exists():\n        create(path).close()\n",
        ),
        found_by=("tests/db/test_store_database.py::test_a_database_that_is_not_there_is_not_made",),
    ),
    Fault(
        name="no outbox",  # what people are to be told is written after the alert, in a transaction of its own
        edits=_one(
            "alerts/store.py",
            "        _notify(db, changed)\n",
            '        db.execute("commit")\n        db.execute("begin immediate")\n        _notify(db, changed)\n',
        ),
        found_by=(
            "tests/db/test_outbox.py::test_an_alert_and_its_notification_are_committed_together",
            MACHINE,  # a10: no transaction but the caller's
        ),
    ),
    Fault(
        name="an acknowledgement of what was not seen",
        edits=_one(
            "alerts/acts.py",
            "    if act.seen_level is None or not attention.worse_than(alert, act.seen_level, act.seen_evidence):\n",
            "    if act.seen_level is None or not attention.worse_than(alert, alert.level, None):\n",
        ),
        found_by=(
            "tests/unit/test_alerts_acts.py::test_what_rose_since_it_was_seen_cannot_be_acknowledged_blindly",
            MACHINE,  # a3
        ),
    ),
    Fault(
        name="a device belongs to a stay one moment too long",
        edits=_one("vwmon/attribution.py", "(observed_ms < self._to_ms[at])", "(observed_ms <= self._to_ms[at])"),
        found_by=(f"{KIT}::test_no_reading_is_given_to_a_stay_that_had_not_the_device_then",),
    ),
    Fault(
        name="a late reading goes to whoever has the device now",
        edits=_one(
            "vwmon/attribution.py",
            "intervals.rows(log.device, log.observed_ms)",
            "intervals.rows(log.device, log.received_ms)",
        ),
        found_by=(f"{KIT}::test_what_the_scorer_has_scored_of_each_stay_is_what_the_table_says",),
    ),
    Fault(
        name="a swapped device begins now, not when it was swapped",
        edits=_one("vwmon/store/stock.py", "held.stay_no).patient, at_ms, by)", "held.stay_no).patient, by.at_ms, by)"),
        found_by=(
            f"{KIT}::test_no_reading_is_given_to_a_stay_that_had_not_the_device_then",
            "tests/db/test_stock.py::test_a_new_device_goes_on_where_the_old_one_ends",
        ),
    ),
    Fault(
        name="a relapse stuck in settled",
        edits=_one(
            "alerts/attention.py",
            "    State.SETTLED: _relapse,\n",
            "    State.SETTLED: lambda case, alert, signal, level, _terms: _no_worse(case, alert, signal, level),\n",
        ),
        found_by=(
            "tests/unit/test_alerts_lifecycle.py::test_an_acknowledgement_survives_a_brief_recovery",
            MACHINE,  # a6
        ),
    ),
    Fault(
        name="a blind alert cleared by a reading of something else",
        edits=_one(
            "alerts/conditions.py",
            "    if alert is not None and alert.blind_ms is not None:\n        return Verdict.UNKNOWN\n",
            "",
        ),
        found_by=(
            "tests/unit/test_alerts_silence.py::test_a_blind_alert_never_settles",
            MACHINE,  # a7
        ),
    ),
)


def planted(fault: Fault, at: Path) -> Path:
    """Make a copy of the tree under `at` with one fault in it; AssertionError where its text is not there once."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, at / name, ignore=LEFT_OUT)
        else:
            shutil.copy(source, at / name)
    for edit in fault.edits:
        file = at / edit.file
        text = file.read_text(encoding="utf-8")
        assert text.count(edit.before) == 1, f"{fault.name}: {edit.file} does not have this text once: {edit.before!r}"
        file.write_text(text.replace(edit.before, edit.after), encoding="utf-8")
    return at


def is_found(fault: Fault, at: Path, tests: Iterable[str]) -> tuple[bool, str]:
    """Run tests in the copy that has a fault; say whether one of them is red, and what they wrote."""
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:randomly", *tests],
        cwd=at,
        env={**os.environ, **FEWER, "PYTHONPATH": str(at), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert ran.returncode in {0, TESTS_FAILED}, f"{fault.name}: {ran.stdout}{ran.stderr}"
    return ran.returncode == TESTS_FAILED, ran.stdout + ran.stderr


def main(names: Iterable[str]) -> int:
    """Plant the faults whose names begin with one of those given (all when none is), and say what found each."""
    import tempfile

    wanted = tuple(names) or ("",)
    missed = 0
    for fault in (fault for fault in FAULTS if fault.name.startswith(wanted)):
        with tempfile.TemporaryDirectory() as folder:
            at = planted(fault, Path(folder))
            for test in fault.found_by:
                found, told = is_found(fault, at, [test])
                missed += not found
                print(f"{'found ' if found else 'MISSED'}  {fault.name}, by {test}", flush=True)  # noqa: T201 -- a script
                if not found:
                    print(told[-3000:])  # noqa: T201 -- a script
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
