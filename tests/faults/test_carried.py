"""The rows of clocks, lines, messages, load, certificates and lost ways: each is done, and finds what is planted.

What is planted is done to the daemon's process before it starts, or to this one, and never to a file of the product.
"""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.faults.daemon import PLANTED
from tests.faults.matrix import Profile, Tally, Trial
from tests.faults.rows import (
    ROWS,
    certificates,
    clocks,
    device_clocks,
    load,
    misrouted,
    network,
    nights,
    order,
    people,
    poisoned,
    slips,
    soak,
    telling,
)
from tests.integration import test_notifier, webhook
from tests.integration.broker import wait_until
from tests.integration.told_daemon import Hub
from vwmon import config_changes, kit, surroundings
from vwmon.held_clock import HeldClock
from vwmon.kernels.ragged import Ints
from vwmon.kit import CHECKS
from vwmon.store import database, scores, sequences
from vwmon.ward import Ward
from vwmon.windows import NEVER

SLOW = ("F11", "F13", "F17", "F21", "F22", "F23", "F28", "F29", "F30")
UNTOLD_JUMP = """\
from vwmon import surroundings
surroundings.CHECKS = tuple(one for one in surroundings.CHECKS if one.__name__ != "_clock_jump")
"""
FORGETS_PIECES = """\
from vwmon.intake import frames
feed = frames.Splitter.feed
def forgetful(self, chunk, received_ms):
    feed(self, chunk, received_ms)
    self._tail = b""
frames.Splitter.feed = forgetful
"""
NEVER_MUTE = """\
session.MUTE = 1000
from paho.mqtt.client import Client
Client._check_keepalive = lambda _self: None
"""
DIES_OF_IT = """\
from vwmon import ingest
def stumble(packet, prefix, error, kept):
    raise error
ingest._set_aside = stumble
"""
LETS_IT_GO = """\
from vwmon.ingest import Sorted
Sorted.set_aside = lambda *_arguments, **_named: None
"""
WEARY = """\
import threading
from vwmon.watch import Watch
turn = Watch.turn
def weary(self):
    threading.Event().wait(1.5)
    return turn(self)
Watch.turn = weary
"""
TRUSTS_ANYBODY = """\
import ssl
from vwmon import reaching
made = reaching.tls_context
def lax(tls):
    context = made(tls)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
reaching.tls_context = lax
"""
NO_DATES = """\
from vwmon import surroundings
surroundings._certificates = lambda _judged: ()
"""
NO_BOOKS = """\
from vwmon import surroundings
surroundings.CHECKS = tuple(one for one in surroundings.CHECKS if one.__name__ not in ("_unaccounted", "_unraised"))
"""
TRIES_ONCE = """\
from vwmon.store import outbox
def given_up(db, queue, trouble, now_ms):
    for one in queue:
        outbox.drop(db, one, trouble)
outbox.put_off = given_up
"""
TAKES_IT_AS_TOLD = """\
from vwmon.channels import AppriseAddress
send = AppriseAddress.send
def sanguine(self, *given):
    send(self, *given)
AppriseAddress.send = sanguine
"""
KNOWS_ITS_OWN = """\
import time
from vwmon.store import outbox
fresh, began_ms = outbox.fresh, time.time() * 1000
outbox.fresh = lambda db: [one for one in fresh(db) if one.queued_ms >= began_ms]
"""
LEAKS = """\
from vwmon.intake.session import MqttIntake
lose, left_open = MqttIntake._lose, []
def careless(self, trouble):
    left_open.extend(open("/dev/null") for _ in range(3))
    lose(self, trouble)
MqttIntake._lose = careless
"""
HOARDS = """\
import threading, time
from vwmon.store import database
from vwmon.watch import Watch
turn = Watch.turn
def hoarding(self):
    with database.atomic(self._db):
        time.sleep(BUSY_S)
    return turn(self)
Watch.turn = hoarding
"""


def short(folder: Path, runs: int) -> Trial:
    """A trial of a few runs."""
    return Trial(folder=folder, runs=runs, seed=7)


def one_of(tally: Tally, says: str) -> bool:
    """Tell whether something of that kind is named as broken."""
    return any(says in what for what in tally.broken)


# Of a handshake that failed, paho leaves the socket to be closed when it is collected (F28).
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.hazard("H7", "H19")
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name
        for name in (*SLOW, "F12", "F14", "F15", "F27")
    ],
)
def test_a_row_comes_out_as_the_page_says(name: str, tmp_path: Path) -> None:
    """Real files and processes, a few times; the numbers that prove something are those of the profiles."""
    row = ROWS[name]
    tally = row.do(short(tmp_path, row.runs[Profile.SMOKE]))
    assert (tally.lost, tally.doubled, tally.broken) == (0, 0, ())
    assert tally.runs > 0


def test_a_clock_that_is_set_in_silence_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F11, in this process: nothing looks for a jump."""
    untold = tuple(check for check in surroundings.CHECKS if check is not surroundings._clock_jump)
    monkeypatch.setattr(surroundings, "CHECKS", untold)
    monkeypatch.setattr(clocks, "NAMED_MS", (clocks.HOUR,))
    assert one_of(clocks.set_in_process(short(tmp_path, 1)), "that the clock was set is told wrongly or not at all")


@pytest.mark.hazard("H7")
@pytest.mark.slow
def test_a_process_whose_clock_is_set_in_silence_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F11, done to a whole process."""
    monkeypatch.setattr(nights, "TOLD_S", 10)
    assert one_of(nights.through_nights(short(tmp_path, 1), UNTOLD_JUMP), "that the clock was set is not told")


@pytest.mark.hazard("H7")
@pytest.mark.parametrize("wrong_ms", [-clocks.HOUR * 20, -100 * clocks.DAY])
def test_a_ward_whose_time_goes_back_with_the_machines_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong_ms: int
) -> None:
    """F11: who falls ill, and who falls silent, is so only once the clock is there again."""
    monkeypatch.setattr(HeldClock, "held_ms", lambda _self: 0)
    assert "silence is not found" in clocks._set(tmp_path, wrong_ms, put_right=False)


def test_silence_that_waits_for_a_clock_that_was_put_right_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F11: how late readings come is reckoned with times of receipt that are still to come."""
    monkeypatch.setattr("vwmon.lateness.of_stays", behind_as_it_was)
    found = list(clocks._set(tmp_path, clocks.HOUR, put_right=True))
    assert found == ["silence is not found"]


def behind_as_it_was(ward: Ward, heard_ms: Ints, registered_ms: Ints, _now_ms: int) -> Ints:
    """Reckon with any time of receipt."""
    came = ward.frontier_ms > NEVER
    reached_ms = np.where(came, ward.frontier_ms, ward.plans.admitted_ms)
    return np.where(came, heard_ms, registered_ms) - reached_ms


def test_a_devices_clock_that_nobody_looks_at_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F12."""
    monkeypatch.setattr(kit, "CHECKS", tuple(check for check in CHECKS if check is not kit._clock))
    assert one_of(device_clocks.wrong(short(tmp_path, 1)), "a clock ahead: not flagged")
    monkeypatch.setattr(kit, "CHECKS", tuple(check for check in CHECKS if check is not kit._late))
    (tmp_path / "behind").mkdir()
    assert one_of(device_clocks.wrong(short(tmp_path / "behind", 5)), "a clock behind: not flagged")


def test_a_late_beginning_taken_for_a_new_count_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F14: a spool that is emptied from its middle."""
    monkeypatch.setattr(sequences, "_is_older", lambda _count, _one: False)
    assert one_of(order.losing(order.Bench(short(tmp_path, 1)), 59), "a gap that is filled stands open")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("planted", "says"),
    [
        (FORGETS_PIECES, "while choppy, daemon: nothing is receipted"),
        (NEVER_MUTE, "half open, daemon: not noticed"),
    ],
    ids=["pieces are forgotten", "nobody minds the silence"],
)
def test_an_intake_that_does_not_stand_a_bad_line_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, planted: str, says: str
) -> None:
    """F13."""
    monkeypatch.setattr(network, "AGAIN_S", 10)
    monkeypatch.setattr("tests.faults.daemon.RECEIPTED_S", 5)
    assert one_of(network.disturbed(short(tmp_path, 4), planted), says)


@pytest.mark.parametrize(
    ("kind", "owner", "name", "says"),
    [
        (2, sequences, "note", "not exactly what did not come is missing"),
        (1, scores, "forget_from", "not the same scores as undisturbed"),
    ],
    ids=["gaps are not noted", "what a late reading re-scores is left"],
)
def test_a_log_that_minds_no_order_is_found(  # noqa: PLR0917 -- what is planted and where
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: int, owner: object, name: str, says: str
) -> None:
    """F14."""
    monkeypatch.setattr(owner, name, lambda *_arguments: None)
    do: Callable[[order.Bench, int], Tally] = (order.repeating, order.coming_late, order.losing)[kind]
    assert one_of(do(order.Bench(short(tmp_path, 1)), 7), says)


@pytest.mark.parametrize(
    ("planted", "says"),
    [(DIES_OF_IT, "the daemon has ended"), (LETS_IT_GO, "not kept with its reason")],
    ids=["dies", "lets go"],
)
def test_an_intake_that_poison_harms_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, planted: str, says: str
) -> None:
    """F15."""
    monkeypatch.setattr(poisoned, "GIVEN_UP_S", 5.0)
    assert one_of(poisoned.poisoned(short(tmp_path, 12), planted), says)


@pytest.mark.hazard("H19")
@pytest.mark.slow
def test_a_scorer_that_falls_behind_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F17."""
    monkeypatch.setattr(load, "LATEST_S", 1.0)
    assert one_of(load.loaded(short(tmp_path, 3), WEARY), "a live reading is scored only after")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("do", "planted", "says"),
    [
        (telling.in_trouble, TRIES_ONCE, "until it was tried twice"),
        (telling.in_trouble, TAKES_IT_AS_TOLD, "until it was tried twice"),
        (telling.killed, KNOWS_ITS_OWN, "until someone is told"),
    ],
    ids=["tries once", "takes it as told", "knows its own"],
)
def test_a_notifier_that_gives_up_or_forgets_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, do: Callable[[Trial], Tally], planted: str, says: str
) -> None:
    """F21: a channel in trouble is tried once, or believed. F22: what was to be told when it was killed is nobody's."""

    def within_ten(true: Callable[[], bool], what: str, deadline_s: float = 10) -> None:
        wait_until(true, what, min(deadline_s, 10))

    class Planted(Hub):
        @contextmanager
        def running(self, script: str = "") -> Iterator["subprocess.Popen[bytes]"]:
            with super().running(script or PLANTED.format(planted=planted, config=str(self.config))) as daemon:
                yield daemon

    monkeypatch.setattr(telling, "TROUBLES", (webhook.LATE,))
    monkeypatch.setattr(telling, "Hub", Planted)
    monkeypatch.setattr(test_notifier, "wait_until", within_ten)
    assert one_of(do(short(tmp_path, 1)), says)


def test_a_channel_that_was_in_no_trouble_is_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F21: one that was to be slow takes what is sent to it at once."""
    monkeypatch.setattr(
        webhook.Webhook, "answer", property(lambda _self: webhook.TAKE, lambda _self, _how: None), raising=False
    )
    monkeypatch.setattr(telling, "TROUBLES", (webhook.SLOW,))
    assert one_of(telling.in_trouble(short(tmp_path, 1)), "slow: ")


@pytest.mark.slow
def test_a_daemon_that_keeps_the_database_to_itself_is_found(tmp_path: Path) -> None:
    """F23: whoever acts meanwhile is refused."""
    busy_s = database.BUSY_TIMEOUT_S + 2
    tally = people.worked(short(tmp_path, 16), HOARDS.replace("BUSY_S", str(busy_s)))
    assert one_of(tally, "ack ends with 1")


@pytest.mark.slow
def test_people_who_come_too_late_for_everything_are_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F23: what is on record of acts that nobody did says nothing."""
    monkeypatch.setattr(people, "DONE", 1)
    assert one_of(people.worked(short(tmp_path, 8)), "nobody was told that anything is done")


def test_an_act_that_is_on_record_never_or_twice_is_counted(tmp_path: Path) -> None:
    """F23."""
    path = tmp_path / "ward.db"
    database.create(path).close()
    act = {"verb": "ack", "id": "AAAA", "key": "ahmed-0", "by": "ahmed", "code": 0, "said": ""}
    assert people._on_record(path, [act]) == (1, 0)
    with closing(database.open_writer(path)) as db:
        db.execute("pragma foreign_keys = off")
        db.execute("drop table alert_event")
        db.execute("create table alert_event (op_id, kind, actor)")
        db.executemany(
            "insert into alert_event values (?, 'acknowledged', ?)",
            [("ack.ahmed-0.AAAA", "ahmed"), ("ack.hill-0.BBBB", "hill")],
        )
    assert people._on_record(path, [act]) == (0, 1)
    assert list(people._wrong(act | {"said": "database is locked"})) == ["somebody reads that the database is locked"]


def test_a_change_of_the_configuration_that_nobody_is_told_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F27."""
    monkeypatch.setattr(config_changes, "between", lambda _before, _after: [])
    assert one_of(slips.slipped(short(tmp_path, 60)), "a change is not told")


# Of a handshake that failed, paho leaves the socket to be closed when it is collected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.slow
def test_a_daemon_that_trusts_anybody_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F28."""
    monkeypatch.setattr(certificates, "TOLD_S", 10)
    assert one_of(certificates.ended(short(tmp_path, 3), TRUSTS_ANYBODY), "the broker's has ended: nobody is told")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.slow
def test_a_daemon_that_looks_at_no_date_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F28."""
    monkeypatch.setattr(certificates, "TOLD_S", 10)
    tally = certificates.ended(short(tmp_path, 2), NO_DATES)
    assert one_of(tally, "the broker's ends soon: nobody is told")
    assert one_of(tally, "the daemon's ends soon: nobody is told")


@pytest.mark.slow
def test_books_that_nobody_reads_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F29."""
    monkeypatch.setattr(misrouted, "WITHIN_S", 10)
    what, where = misrouted.WHAT["one patient"], misrouted.WHERE["between reading and the batch"]
    planted = {"a patient": misrouted.LOSING.format(what=what, where=where) + NO_BOOKS}
    assert one_of(misrouted.misrouted(short(tmp_path, 1), planted), "a patient lost: nobody is told")


@pytest.mark.slow
def test_a_daemon_that_leaks_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F30."""
    monkeypatch.setattr(soak, "WARM", 1)
    monkeypatch.setattr(soak, "KINDS", {"line reset": soak.KINDS["line reset"]})
    assert one_of(soak.soaked(short(tmp_path, 4), LEAKS, round_s=2.0), "open files grew")
