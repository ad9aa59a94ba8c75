"""A child on the ward: admitted to the pathway of children, scored with PEWS by its age, told of in words of PEWS."""

import json
import re
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from alerts import queries
from alerts import store as cases
from tests.cli.test_patients import Ward
from tests.conftest import Command
from vwmon import config, publisher
from vwmon.cli import stay_lookups
from vwmon.cli.triage import source
from vwmon.cli.triage.records import Asked
from vwmon.clock import Clock
from vwmon.provenance import Provenance
from vwmon.scorer import Scorer
from vwmon.store import database

BORN = "2021-11-21"  # five years old on the second day
ADMIT = ("--ward", "resp", "--pathway", "children", "--born", BORN, "--from", "2026-11-20T09:00:00Z")
WELL = ("rr=26", "spo2=97", "o2=air", "hr=125", "bp=95/60", "respiratory_distress=none", "capillary_refill=1")
# On the table of 1 to 4 years: 1, 4, at least 2, 2, 1, 2 and 2 points.
VERY_ILL = ("rr=45", "spo2=90", "o2=2", "hr=155", "bp=75/50", "respiratory_distress=moderate", "capillary_refill=3")
ADMITTED_MS = 1_795_165_200_000
HOUR_MS = 3_600_000
CONFIG = """
[store]
path = "{path}"
[[wards]]
id = "resp"
name = "Children at home"
time_zone = "Pacific/Auckland"
hours = "00:00-24:00"
"""


class Home(Ward):
    """The commands on one database, with a ward in Auckland, and a scorer in the place of the daemon."""

    def __init__(self, vwmon: Command, folder: Path) -> None:
        """Make the database and its configuration."""
        super().__init__(vwmon, folder / "ward.db")
        database.create(self.db).close()
        self.config = folder / "vwmon.toml"
        self.config.write_text(CONFIG.format(path=self.db), encoding="utf-8")
        self.now_ms = ADMITTED_MS + 60_000

    def __call__(self, *arguments: object) -> tuple[int, str, str]:
        """Run a command; give the exit code and both streams."""
        done = self.vwmon(*arguments, "--config", self.config)
        return done.exit_code, done.stdout, done.stderr

    def measured(self, patient: str, words: tuple[str, ...], at: str) -> None:
        """Enter readings by hand, a minute after they were taken, and have them scored."""
        self.now_ms = round(datetime.fromisoformat(at).timestamp() * 1000) + 60_000
        assert self("readings", "add", patient, *words, "--by", "carer", "--at", at)[0] == 0
        with closing(database.open_writer(self.db)) as db:
            scorer = Scorer(db, Provenance.of(config.load(self.config)), self.now_ms)
            while scorer.cycle(self.now_ms):
                pass

    def waits(self, minutes: int) -> None:
        """Let time pass."""
        self.now_ms += minutes * 60_000
        with closing(database.open_writer(self.db)) as db:
            Scorer(db, Provenance.of(config.load(self.config)), self.now_ms).tick(self.now_ms)

    def scores(self) -> list[tuple[Any, ...]]:
        """Give the stored scores."""
        with closing(database.open_reader(self.db)) as db:
            return db.execute("select at_ms, total_min, total_max, complete, red from score order by 1").fetchall()

    def alerts(self) -> list[Mapping[str, Any]]:
        """Give the clinical alerts of the work list."""
        code, out, _ = self("alerts", "--lane", "clinical", "--json")
        assert code in {0, 4}
        found: list[Mapping[str, Any]] = json.loads(out)
        return found


@pytest.fixture
def home(vwmon: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A child of four on the ward, and nobody else."""
    made = Home(vwmon, tmp_path)
    monkeypatch.setattr(Clock, "now_ms", lambda _: made.now_ms)
    assert made("patients", "admit", "kid", *ADMIT)[0] == 0
    return made


@pytest.mark.hazard("H28")
@pytest.mark.parametrize(
    ("pathway", "born", "complaint"),
    [
        ("general", "2010-11-21", "NEWS2 is for patients of 16 and over; those below go to the pathway children"),
        ("canary", "2015-01-01", "NEWS2 is for patients of 16 and over"),
        ("children", "2010-11-20", "is for those below 16; NEWS2 is for 16 and over"),
        ("children", "1950-01-01", "is for those below 16"),
    ],
)
def test_a_child_goes_to_the_pathway_of_children_and_nobody_else_does(
    home: Home, pathway: str, born: str, complaint: str
) -> None:
    """Exit code 6 and the rule, and nobody is on the ward by half."""
    done = home("patients", "admit", "p2", *ADMIT[:2], "--pathway", pathway, "--born", born, *ADMIT[-2:])
    assert (done[0], complaint in " ".join(done[2].split())) == (6, True)
    assert [row["patient"] for row in home.record("patients")] == ["kid"]


@pytest.mark.hazard("H28")
def test_the_sixteenth_birthday_is_that_of_the_wards_clock(home: Home) -> None:
    """At 12:00 on 20 November in London it is the 21st in Auckland, and who was born on it is sixteen."""
    home.now_ms += 4 * HOUR_MS
    later = ("--born", "2010-11-21", "--from", "2026-11-20T12:00:00Z")
    assert home("patients", "admit", "p2", "--ward", "resp", "--pathway", "children", *later)[0] == 6
    assert home("patients", "admit", "p2", "--ward", "resp", *later)[0] == 0


def test_children_are_admitted_from_a_file_by_the_same_rules(home: Home, tmp_path: Path) -> None:
    """By the ward's clock too, and nobody is written where one line is of somebody whom no chart fits."""
    home.now_ms += 4 * HOUR_MS
    rows = ["patient,ward,born,pathway,from", "a,resp,2010-11-22,children,2026-11-20T12:00:00Z"]
    for last, code in (("b,resp,2010-11-21,children,2026-11-20T12:00:00Z", 2), ("b,resp,2019-01-01,general,", 2)):
        (tmp_path / "wrong.csv").write_text("\n".join([*rows, last]), encoding="utf-8")
        done = home("patients", "import", tmp_path / "wrong.csv")
        assert (done[0], "16 and over" in " ".join((done[1] + done[2]).split())) == (code, True)
    (tmp_path / "right.csv").write_text("\n".join(rows), encoding="utf-8")
    assert home("patients", "import", tmp_path / "right.csv")[0] == 0
    assert home.record("patients", "show", "a")["chart"] == "pews"


def test_a_childs_date_of_birth_is_not_put_right_beside_its_chart(home: Home) -> None:
    """The bands were worked out at the admission: another date is another admission."""
    done = home("patients", "correct", "kid", "--born", "2020-01-01")
    assert (done[0], "discharge with the reason error" in " ".join(done[2].split())) == (6, True)
    assert home.record("patients", "show", "kid")["born"] == BORN
    assert home("patients", "correct", "kid", "--name", "Kim Ito")[0] == 0


def test_scale_2_is_not_for_a_child(home: Home) -> None:
    """It is a scale of NEWS2."""
    done = home("patients", "admit", "p2", *ADMIT, "--spo2-scale", 2, "--prescriber", "Dr Osei")
    assert (done[0], "a scale of NEWS2" in done[2]) == (6, True)


def test_the_admission_asks_for_the_limits_that_no_source_has(home: Home) -> None:
    """No national threshold was found, so none is there."""
    said = " ".join(home("patients", "plan", "kid")[1].split())
    assert "the limits of this child: the source has none for home" in said
    assert "scored with PEWS" in said
    assert "PEWS 9 or more (pews_9)" in said
    assert "news2" not in said.lower().replace("is news2's", "")


def test_a_child_who_has_a_birthday_scores_by_the_next_table_from_then_on(home: Home) -> None:
    """The same readings: nothing at four, two points at five. Midnight in Auckland is at 11:00 UTC."""
    home.measured("kid", WELL, "2026-11-20T10:59:59Z")
    home.measured("kid", WELL, "2026-11-20T11:00:00Z")
    assert [row[1:] for row in home.scores()] == [(0, 0, 1, 0), (2, 2, 1, 0)]
    assert home.record("patients", "show", "kid")["age_band"] == "5-12y"


def test_scoring_never_reads_a_date_of_birth(home: Home) -> None:
    """With the table of identities emptied every score is the same, over the birthday too."""
    with closing(database.open_writer(home.db)) as db:
        db.execute("delete from identity")
    home.measured("kid", WELL, "2026-11-20T10:59:59Z")
    home.measured("kid", WELL, "2026-11-20T11:00:00Z")
    assert [row[1] for row in home.scores()] == [0, 2]


def test_of_a_date_of_birth_the_stay_keeps_only_the_birthdays_to_come(home: Home) -> None:
    """When the bands begin that the child has yet to come to; those behind it are not told apart."""
    with closing(database.open_reader(home.db)) as db:
        (bands,) = db.execute("select age_bands from stay").fetchone()
    assert json.loads(bands) == [0, 0, ADMITTED_MS + 2 * HOUR_MS, 2_047_633_200_000]


@pytest.mark.hazard("H28")
def test_a_very_ill_child_raises_an_alert_in_the_words_of_pews(home: Home) -> None:
    """At once, at level 3, with PEWS as the chart in every form, and nowhere a NEWS2."""
    home.measured("kid", VERY_ILL, "2026-11-20T09:30:00Z")
    (alert,) = home.alerts()
    assert (alert["level"], alert["patient"]) == (3, "kid")
    score = alert["score"]
    assert (score["chart"], score["total_min"], score["total_max"]) == ("pews", 14, 16)
    assert (score["complete"], score["missing"]) == (False, [])
    assert any(said.startswith("PEWS 14 to 16 (7 of 7 measured)") for said in alert["why"])
    assert any("respiratory distress: moderate distress scored 2" in said for said in alert["why"])
    for words in ((), ("--json",)):
        assert "NEWS2" not in home("alerts", *words)[1]
        assert "NEWS2" not in home("alerts", "show", alert["id"], *words)[1]
    assert "PEWS 14-16" in home("alerts")[1]
    assert "covers L3, score to 15; raised again by score 16 or more, expiry" in _acknowledged(home, alert["id"])


def _acknowledged(home: Home, alert_id: str) -> str:
    assert home("alerts", "ack", alert_id, "-m", "on the phone")[0] == 0
    return " ".join(home("alerts", "show", alert_id)[1].split())


@pytest.mark.hazard("H28")
def test_the_alert_is_published_with_its_chart(home: Home) -> None:
    """What other programs are given says which scale its numbers are on."""
    home.measured("kid", VERY_ILL, "2026-11-20T09:30:00Z")
    with closing(database.open_reader(home.db)) as db:
        lookups = stay_lookups.lookups(db, home.now_ms)
        ((alert, record),) = queries.by_number(db, lookups, home.now_ms, [number for (number,) in db.execute(ALERTS)])
    said = publisher.published(alert, record, home.now_ms)
    assert (said["score"]["chart"], said["score"]["total_min"]) == ("pews", 14)
    assert any(one.startswith("PEWS 14 to 16") for one in said["why"])


ALERTS = "select alert_no from alert where lane = 'clinical'"


def test_an_explanation_makes_the_alert_again_with_the_same_chart(home: Home) -> None:
    """To the bit, from the log: points, total, history; and the chart that it names is PEWS."""
    home.measured("kid", WELL, "2026-11-20T09:10:00Z")
    home.measured("kid", VERY_ILL, "2026-11-20T09:30:00Z")
    (alert,) = home.alerts()
    code, out, _ = home("explain", alert["id"], "--json")
    told = json.loads(out)
    assert (code, told["equal"]) == (0, True)
    assert (told["chart"]["id"], told["score"]["chart"]) == ("pews", "pews")
    assert told["versions"]["now"]["chart"].startswith("pews ")
    points = {one["part"]: (one["points_min"], one["points_max"]) for one in told["readings"]}
    assert points["oxygen"] == (2, 4)
    assert points["heart_rate"] == (2, 2)
    assert told["before"]["total_min"] == 0
    assert not re.search(r"NEWS2 \d", home("explain", alert["id"])[1])  # nor any number on that scale


@pytest.mark.parametrize(
    ("words", "level", "title"),
    [
        (("acvpu=V",), 3, "a child who is not alert: consciousness is V"),
        (("gcs=14",), 3, "a child who is not alert"),
        (("carer_concern=emergency",), 3, "the family is worried: high or emergency"),
        (("carer_concern=medium",), 2, "the family is worried: medium: concern of parent or carer is medium"),
        (("carer_concern=low",), 1, "the family is worried: low"),
        (("clinical_intuition=high",), 3, "a clinician's intuition: high or emergency"),
        (("clinical_intuition=medium",), 2, "a clinician's intuition: medium: clinical intuition is medium"),
        (("specific_concern=emergency",), 3, "a clinician's specific concern: high or emergency"),
        (("specific_concern=low",), 1, "a clinician's specific concern: low"),
    ],
)
def test_what_has_no_points_raises_the_response_whatever_the_total(
    home: Home, words: tuple[str, ...], level: int, title: str
) -> None:
    """Not alert, and a worried family, with a total of 0."""
    home.measured("kid", (*WELL, *words), "2026-11-20T09:30:00Z")
    (alert,) = home.alerts()
    assert (alert["level"], alert["score"]["total_min"]) == (level, 0)
    assert any(title in said for said in alert["why"]), alert["why"]


@pytest.mark.parametrize(
    "words", [("acvpu=A", "carer_concern=none"), ("gcs=15",), ("clinical_intuition=none", "specific_concern=none")]
)
def test_a_well_child_raises_nothing(home: Home, words: tuple[str, ...]) -> None:
    """Nor does a temperature, which is no part of the score: it is shown."""
    home.measured("kid", (*WELL, *words, "temp=38.4"), "2026-11-20T09:30:00Z")
    assert home.alerts() == []
    shown = home("patients", "show", "kid")[1]
    assert "PEWS 0; last reading" in shown
    assert "Scored with PEWS, table 1-4y" in shown


def test_what_is_overdue_of_a_child_could_be_a_breach(home: Home) -> None:
    """The pulse alone, a day later: what the plan expects and has not come may be anything, and is never nothing."""
    home.measured("kid", WELL, "2026-11-20T09:30:00Z")
    home.measured("kid", ("hr=100",), "2026-11-21T08:00:00Z")
    home.waits(16)  # for a repeat that does not come
    (alert,) = home.alerts()
    assert (alert["level"], alert["score"]["total_min"], alert["score"]["could_be"]) == (1, 0, 18)
    assert "could be 18 with what is overdue" in alert["why"]
    assert "oxygen" not in alert["score"]["missing"]  # counts for a day


def test_an_adult_beside_a_child_is_scored_with_news2(home: Home) -> None:
    """One ward, two charts: much the same readings are level 3 to one and nothing to the other."""
    adult = ("--ward", "resp", "--born", "1950-01-01", "--from", "2026-11-20T09:00:00Z")
    assert home("patients", "admit", "ann", *adult)[0] == 0
    home.measured("ann", ("hr=145", "spo2=90", "rr=26"), "2026-11-20T09:30:00Z")
    home.measured("kid", ("hr=139", "spo2=97", "rr=26"), "2026-11-20T09:30:00Z")
    (alert,) = home.alerts()
    assert (alert["patient"], alert["score"]["chart"]) == ("ann", "news2")
    scores = {one: home.record("patients", "show", one)["score"] for one in ("ann", "kid")}
    assert {one: score["chart"] for one, score in scores.items()} == {"ann": "news2", "kid": "pews"}
    assert scores["kid"]["points"] == {"heart_rate": 0, "spo2": 0, "respiratory_rate": 0}
    assert scores["kid"]["total_max"] == 14


def test_what_is_of_adults_is_refused_of_a_child(home: Home) -> None:
    """Trends rest on what is usual of adults, and a limit on a rule of NEWS2 would move nothing."""
    done = home("patients", "show", "kid", "--trends")
    assert (done[0], "there are none of a child" in done[2]) == (6, True)
    done = home("patients", "plan", "kid", "--limit", "news2_5", "--on", 4, "--off", 3, "--reason", "x")
    assert (done[0], "the patient is scored with pews" in done[2]) == (2, True)


def test_who_turns_16_stays_on_the_chart_and_the_page_says_so(home: Home) -> None:
    """The oldest table of PEWS is for 13 to 18 years: nobody changes scale in the middle of a stay."""
    teen = ("--born", "2010-11-22", "--from", "2026-11-20T09:00:00Z")
    assert home("patients", "admit", "teen", "--ward", "resp", "--pathway", "children", *teen)[0] == 0
    well = ("rr=16", "spo2=97", "o2=air", "hr=75", "bp=110/70", "respiratory_distress=none", "capillary_refill=1")
    home.measured("teen", well, "2026-11-23T09:00:00Z")
    record = home.record("patients", "show", "teen")
    assert (record["score"]["chart"], record["age_band"], record["age_years"] >= 16) == ("pews", "13-18y", True)
    assert "stays until the discharge; a new admission is to NEWS2" in " ".join(
        home("patients", "show", "teen")[1].split()
    )


def test_the_screen_draws_a_childs_chart_with_its_name(home: Home) -> None:
    """Points of each reading by the table of its own time, and never under NEWS2."""
    home.measured("kid", VERY_ILL, "2026-11-20T09:30:00Z")
    (alert,) = home.alerts()
    with closing(database.open_reader(home.db)) as db:
        story = source.story(db, alert["stay"], home.now_ms, 24)
    points = {trace.vital: trace.dots[-1].points for trace in story.traces if trace.dots}
    assert (story.chart, points["heart_rate"], points["respiratory_distress"]) == ("pews", 2, 2)
    assert points["oxygen"] is None  # what a flow scores hangs on its device
    look = source.look(config.load(home.config), Asked(stay=alert["stay"], alert=alert["id"]))
    assert not isinstance(look, str)
    assert "NEWS2" not in " ".join(look.detail)


def test_a_limit_of_the_ward_is_for_its_adults(home: Home) -> None:
    """A pulse above 110 is no alarm of a child of four, whatever the ward says of everyone."""
    limit = """[[wards.limits]]
rule = "heart_rate_110"
enabled = true
cadence = "at_once"
author = "Dr Osei"
reason = "watched closely"
from = 2026-01-01T00:00:00Z
"""
    home.config.write_text(home.config.read_text(encoding="utf-8") + limit, encoding="utf-8")
    adult = ("--ward", "resp", "--born", "1950-01-01", "--from", "2026-11-20T09:00:00Z")
    assert home("patients", "admit", "ann", *adult)[0] == 0
    home.measured("kid", ("hr=130",), "2026-11-20T09:30:00Z")
    assert home.alerts() == []
    home.measured("ann", ("hr=115",), "2026-11-20T09:30:00Z")
    assert [alert["patient"] for alert in home.alerts()] == ["ann"]
    with closing(database.open_reader(home.db)) as db:
        assert len(cases.load(db, [1, 2])) == 2


def test_a_childs_score_is_held_against_its_alerts_by_the_rules_of_its_own_chart(home: Home) -> None:
    """A total that would be an emergency of NEWS2 is none of PEWS; one of PEWS is counted, and has its alert."""

    def breaches() -> tuple[int, int]:
        with closing(database.open_writer(home.db)) as db:
            return Scorer(db, Provenance.of(config.load(home.config)), home.now_ms).breaches(ADMITTED_MS)

    some = ("rr=26", "spo2=90", "o2=air", "hr=155", "bp=95/60", "respiratory_distress=none", "capillary_refill=3")
    home.measured("kid", some, "2026-11-20T10:00:00Z")
    lower = home.scores()[-1][1]
    assert breaches() == (0, 0)
    home.measured("kid", VERY_ILL, "2026-11-20T11:00:00Z")
    assert 7 <= lower < 9 <= home.scores()[-1][1]
    assert breaches() == (1, 0)
