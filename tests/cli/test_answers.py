"""`vwmon answers`: what was said and what was not, and answers entered by hand, asked for one by one or given."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.test_patients import BEGAN, BEGAN_MS, DAY_MS, Ward
from tests.conftest import Command
from vwmon.patients import plans
from vwmon.provenance import Provenance
from vwmon.scorer import Scorer
from vwmon.store import database, hub
from vwmon.store.database import atomic
from vwmon.store.hub import QUESTIONS, Queued

WAITING = ("--ward", "resp", "--born", "1948-05-17", "--pathway", "cardiac-surgery-waiting-list", "--from", BEGAN)
TEN = "2026-11-20T10:00:00Z"
WORSE = ("compared=worse", "what=breathing", "sudden=no")


@pytest.fixture
def ward(vwmon: Command, tmp_path: Path) -> Ward:
    """A patient who waits, without any device."""
    database.create(tmp_path / "ward.db").close()
    made = Ward(vwmon, tmp_path / "ward.db")
    made("patients", "admit", "P1", *WAITING)
    return made


def asks(ward: Ward, due_ms: int = BEGAN_MS, said: str = "wellbeing", sent_ms: int | None = None) -> None:
    """Write down that something was asked, as the daemon does."""
    with closing(database.open_writer(ward.db)) as db, atomic(db):
        one = Queued(
            stay_no=1,
            kind=QUESTIONS,
            said=said,
            actor="vwmon",
            due_ms=due_ms,
            until_ms=due_ms + 7 * DAY_MS,
            version="1",
        )
        number = hub.queue(db, one)
        if sent_ms is not None and number is not None:
            hub.sent(db, [number], sent_ms)


def test_answers_are_stored_whole_with_who_entered_them(ward: Ward) -> None:
    """And listed as one row with the words that were said; a program learns person, way and note."""
    asks(ward, sent_ms=BEGAN_MS + 1000)
    done = ward("answers", "add", "P1", "wellbeing", *WORSE, "--by", "phone", "--at", TEN, "-m", "sounds breathless")
    assert done[0] == 0
    assert "Stored for patient P1" in done[1]
    assert "compared worse, what breathing, sudden no" in done[1]
    (row,) = ward.record("answers", "P1")
    assert row["answers"] == {"compared": "worse", "what": "breathing", "sudden": "no"}
    assert (row["state"], row["version"], row["asked_at"]) == ("answered", "1", BEGAN)
    assert (row["entered_how"], row["note"], row["device"]) == ("phone", "sounds breathless", "hand-phone-1")
    assert ward.record("answers") == [row]
    shown = ward("answers", "P1")[1]
    assert "compared worse, what breathing, sudden no" in shown


def test_they_raise_what_the_hub_s_answers_raise(ward: Ward) -> None:
    """By the same rules, through the same log."""
    ward("answers", "add", "P1", "wellbeing", *WORSE, "--by", "nurse", "--at", TEN)
    with closing(database.open_writer(ward.db)) as db:
        scorer = Scorer(db, Provenance(config_hash="test", plans=plans.load_all()), BEGAN_MS + DAY_MS)
        assert scorer.cycle(BEGAN_MS + DAY_MS) == 4
    (alert,) = json.loads(ward("alerts", "--lane", "clinical", "--json")[1])
    assert (alert["level"], alert["patient"]) == (2, "P1")
    assert any('answered with "My breathing"' in sentence for sentence in alert["why"])


def test_without_answers_each_question_is_put_along_its_way(ward: Ward) -> None:
    """What is no answer is asked again; who is better is asked nothing more."""
    said = ["answers", "add", "P1", "wellbeing", "--by", "phone", "--at", TEN, "--db", ward.db]
    done = ward.vwmon(*said, stdin="dreadful\nworse\nbreathing\nyes\n")
    assert done.exit_code == 0, done.output
    assert done.stderr.count("Compared with the last time") == 2
    assert "One of better, same (The same), worse" in done.stderr
    assert ward.record("answers", "P1")[0]["answers"] == {"compared": "worse", "what": "breathing", "sudden": "yes"}
    again = ward.vwmon(*said[:-3], "2026-11-20T11:00:00Z", "--db", ward.db, stdin="better\n")
    assert again.exit_code == 0
    assert ward.record("answers", "P1")[0]["answers"] == {"compared": "better"}


def test_an_end_in_the_middle_keeps_what_was_said_and_says_that_it_is_not_whole(ward: Ward) -> None:
    """An empty line ends the asking; what is due stays due."""
    asks(ward)
    done = ward.vwmon(
        "answers", "add", "P1", "wellbeing", "--by", "phone", "--at", TEN, "--db", ward.db, stdin="worse\n\n"
    )
    assert done.exit_code == 0
    assert "what was not answered" in done.stderr
    rows = {row["state"]: row for row in ward.record("answers", "P1")}
    assert rows["partly answered"]["answers"] == {"compared": "worse"}
    assert any(state.startswith(("OVERDUE", "never", "waiting")) for state in rows)
    nothing = ward.vwmon("answers", "add", "P1", "wellbeing", "--by", "phone", "--db", ward.db, stdin="\n")
    assert (nothing.exit_code, "nothing is stored" in nothing.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["P2", "wellbeing", "compared=same", "--by", "nurse"], 3, "P2"),
        (["P1", "mood", "compared=same", "--by", "nurse"], 3, "wellbeing, breathlessness"),
        (["P1", "wellbeing", "compared=same", "--by", "pigeon"], 2, "phone, nurse, carer"),
        (["P1", "wellbeing", "compared=fine", "--by", "nurse"], 2, "One of better"),
        (["P1", "wellbeing", "feeling=same", "--by", "nurse"], 2, "compared=better"),
        (["P1", "wellbeing", "compared", "--by", "nurse"], 2, "compared=better"),
        (["P1", "wellbeing", "compared=same", "compared=worse", "--by", "nurse"], 2, "answered twice"),
        (["P1", "wellbeing", "compared=better", "what=wound", "--by", "nurse"], 2, "do not lead"),
        (["P1", "breathlessness", "now=more", "since=99", "--by", "nurse"], 2, "from 0 to 60"),
        (["P1", "breathlessness", "now=more", "since=long", "--by", "nurse"], 2, "not a number"),
        (["P1", "wellbeing", "compared=same", "--by", "nurse", "--at", "2999-01-01T00:00:00Z"], 2, "future"),
        (["P1", "wellbeing", "compared=same", "--by", "nurse", "--at", "2026-11-19T09:00:00Z"], 2, "not on the ward"),
    ],
)
def test_what_cannot_be_entered_says_why_and_nothing_is_stored(
    ward: Ward, arguments: list[str], code: int, complaint: str
) -> None:
    """One wrong answer and none is taken."""
    done = ward("answers", "add", *arguments)
    assert (done[0], complaint in done[2]) == (code, True), done
    assert ward.record("answers") == []


def test_answers_that_no_rule_looks_at_are_kept_with_a_warning(ward: Ward) -> None:
    """Nobody must think that somebody is told."""
    done = ward("answers", "add", "P1", "wound", "changed=yes", "fever=yes", "--by", "carer", "--at", TEN)
    assert done[0] == 0
    assert "raise nothing" in done[2]
    assert "raise nothing" not in ward("answers", "add", "P1", "wellbeing", *WORSE, "--by", "carer", "--at", TEN)[2]


@pytest.mark.parametrize(
    ("due_ms", "sent", "state"),
    [
        (BEGAN_MS, False, "waiting, not sent"),
        (BEGAN_MS, True, "waiting"),
        (BEGAN_MS - 2 * DAY_MS, True, "OVERDUE"),
        (BEGAN_MS - 9 * DAY_MS, True, "never answered"),
    ],
)
def test_what_was_asked_and_not_answered_is_a_row_that_says_so(
    ward: Ward, due_ms: int, sent: bool, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waiting until it is overdue, and then overdue; never anything that sounds well."""
    monkeypatch.setattr("vwmon.clock.Clock.now_ms", lambda _self: BEGAN_MS + 60_000)
    asks(ward, due_ms, sent_ms=due_ms if sent else None)
    (row,) = ward.record("answers", "P1")
    assert (row["state"], row["answers"], row["overdue"]) == (state, {}, state in {"OVERDUE", "never answered"})
    assert state.split(",", maxsplit=1)[0] in ward("answers", "P1")[1]


def test_every_format_lists_and_an_unknown_patient_is_not_found(ward: Ward) -> None:
    """As every list."""
    ward("answers", "add", "P1", "wellbeing", *WORSE, "--by", "phone", "--at", TEN)
    assert json.loads(ward("answers", "P1", "--format", "jsonl")[1])["questionnaire"] == "wellbeing"
    assert ward("answers", "P1", "--format", "csv")[1].startswith("at,")
    assert ward("answers", "list", "P1", "--json")[1] == ward("answers", "P1", "--json")[1]
    assert ward("answers", "P9")[0] == 3
