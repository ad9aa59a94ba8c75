"""The matrix of faults, tested: what is not clean is never told as clean, and rows that are quick are done once."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults import parts, report
from tests.faults.afterwards import HELD
from tests.faults.matrix import CannotHereError, Profile, Row, Tally, Trial, added
from tests.faults.parts import Asked
from tests.faults.report import Done
from tests.faults.rows import ROWS

CLEAN = Tally(runs=300)


def row(tally: Tally) -> Row:
    """A row that comes to this."""
    return Row(id="F99", fault="nothing", do=lambda _trial: tally, runs=dict.fromkeys(Profile, 1))


@pytest.mark.parametrize(
    "tally",
    [Tally(runs=9, lost=1), Tally(runs=9, doubled=1), Tally(runs=9, broken=("the same alerts",)), Tally(runs=0)],
)
def test_whatever_is_lost_doubled_broken_or_never_run_is_not_clean(tally: Tally) -> None:
    """And supports no bound."""
    assert (tally.clean, tally.bound) == (False, None)
    done = Done(row=row(tally), tally=tally)
    assert not report.clean([done])
    assert report.cells(done)[-1] == "not clean"


def test_clean_runs_support_a_bound_of_three_in_so_many() -> None:
    """Three hundred runs without a failure: below one in a hundred."""
    assert CLEAN.bound == pytest.approx(0.01)
    assert report.cells(Done(row=row(CLEAN), tally=CLEAN))[-1] == "< 1.00% of runs"
    many = Tally(runs=100_000)
    assert report.cells(Done(row=row(many), tally=many))[-1] == "< 0.0030% of runs"


def test_what_a_machine_cannot_do_is_told_and_is_no_proof() -> None:
    """Neither a failure nor a clean run."""
    done = Done(row=row(CLEAN), tally=None, why=str(CannotHereError("no small disk")))
    assert report.cells(done)[-1] == "not done: no small disk"
    assert report.clean([done])


def test_tallies_of_one_fault_add_up() -> None:
    """Each thing that broke is named once."""
    assert added([Tally(runs=1, lost=1, broken=("a",)), Tally(runs=2, doubled=3, broken=("a", "b"))]) == Tally(
        runs=3, lost=1, doubled=3, broken=("a", "b")
    )


def test_the_page_names_what_does_not_hold_and_what_was_not_done() -> None:
    """Beside the table, in words."""
    broken = Tally(runs=2, broken=("a flipped bit: changed in silence",))
    page = report.page([Done(row=row(broken), tally=broken)], Profile.RELEASE, [], ["F5: no row yet"])
    assert "| F99 | nothing | 2 | 0 | 0 | 1 | not clean |" in page
    assert "- F99: a flipped bit: changed in silence" in page
    assert "- F5: no row yet" in page


def test_each_row_says_what_has_to_hold() -> None:
    """On the page, and of no row that there is not."""
    assert HELD.keys() == ROWS.keys()


def test_the_page_says_what_has_to_hold_and_counts_only_what_was_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not looked at is no zero, and what has to hold is not taken for what does not when the page is read."""
    some = replace(row(CLEAN), counts=False)
    monkeypatch.setitem(HELD, some.id, "as undisturbed")
    page = report.page([Done(row=some, tally=CLEAN)], Profile.RELEASE, [some], [])
    assert "| F99 | nothing | 300 | - | - | 0 | < 1.00% of runs |" in page
    assert "| F99 | as undisturbed |" in page
    assert report.had(some, page) == CLEAN
    assert report.page([], Profile.RELEASE, [some], [], page) == page


def test_a_row_that_hits_every_place_there_is_has_all_its_runs() -> None:
    """However many more were asked for; another is named as short."""
    some = replace(row(CLEAN), runs={Profile.RELEASE: 10_000})
    short = "- F99 (nothing): 300 of its 10,000 runs have been done"
    assert short in report.page([Done(row=some, tally=CLEAN)], Profile.RELEASE, [some], [])
    every = replace(some, every_place=True)
    assert short not in report.page([Done(row=every, tally=CLEAN)], Profile.RELEASE, [every], [])


def test_rows_that_were_not_done_now_stay_on_the_page() -> None:
    """With what they found; those that were done are told anew, in the order of their numbers."""
    other = Row(id="F100", fault="more", do=lambda _trial: CLEAN, runs={})
    before = report.page(
        [Done(row=row(Tally(runs=2, lost=1, broken=("gone",))), tally=Tally(runs=2, lost=1, broken=("gone",)))],
        Profile.CI,
        [],
        ["F5 (x): no row yet"],
    )
    both = report.page([Done(row=other, tally=CLEAN)], Profile.CI, [], [], before)
    assert both.index("| F99 | nothing | 2 |") < both.index("| F100 | more | 300 |")
    assert "- F99: gone" in both
    assert "- F99: gone" not in report.page([Done(row=row(CLEAN), tally=CLEAN)], Profile.CI, [], [], both)


def test_a_row_whose_runs_have_not_been_done_is_named_as_that() -> None:
    """However many rows are clean, the page says which are not there."""
    missing = replace(row(CLEAN), id="F98", fault="more", runs={Profile.RELEASE: 2000})
    page = report.page([Done(row=row(CLEAN), tally=CLEAN)], Profile.RELEASE, [row(CLEAN), missing], ["F5: elsewhere"])
    assert page.index("- F5: elsewhere") < page.index("- F98 (more): its 2,000 runs of this page have not been done")
    assert "- F99" not in page


@pytest.mark.hazard("H2", "H16")
@pytest.mark.slow
@pytest.mark.parametrize("name", ["F20", "F26"])
def test_a_quick_row_comes_out_clean(name: str, tmp_path: Path) -> None:
    """Real files and processes, once or twice; the numbers that prove something are those of the profiles."""
    found = ROWS[name]
    tally = found.do(Trial(folder=tmp_path, runs=found.runs[Profile.SMOKE], seed=7))
    assert (tally.lost, tally.doubled, tally.broken) == (0, 0, ())
    assert tally.runs > 0


def test_processes_share_the_runs_of_a_row_that_stand_apart(tmp_path: Path) -> None:
    """All of them are done, each by one process only, in a folder of its own."""
    tally = parts.shared(ROWS["F12"], Trial(folder=tmp_path, runs=3, seed=7), jobs=2)
    assert (tally.runs, tally.clean) == (3, True)
    assert sorted(folder.name for folder in tmp_path.iterdir()) == ["part-0", "part-1"]


def test_a_row_whose_runs_need_each_other_is_done_by_one_process(tmp_path: Path) -> None:
    """However many are asked for."""
    alone = Row(id="F99", fault="nothing", do=lambda trial: Tally(runs=trial.runs, said=str(trial.folder)), runs={})
    tally = parts.shared(alone, Trial(folder=tmp_path, runs=9, seed=7), jobs=4)
    assert (tally.runs, tally.said) == (9, str(tmp_path))


def test_a_row_that_is_done_in_portions_goes_on_from_what_is_on_the_page() -> None:
    """With another chance each time, until it has the runs of the profile; what is missing is named until then."""
    seeds: dict[int, int] = {}

    def do(trial: Trial) -> Tally:
        seeds[trial.seed] = trial.runs
        return Tally(runs=trial.runs, broken=("now and then",) if trial.seed == 47 else ())

    some = Row(id="F99", fault="nothing", do=do, runs={Profile.RELEASE: 100}, apart=True)
    begun = Tally(runs=40, lost=1, broken=("once",))
    page = report.page([Done(row=some, tally=begun)], Profile.RELEASE, [some], [])
    assert "- F99 (nothing): 40 of its 100 runs have been done" in page
    assert report.had(some, page) == begun
    asked = Asked(row=some, runs=100, seed=7, portion=25)
    came = [done.tally for done in parts.portions(report.had(some, page), asked)]
    assert [tally and tally.runs for tally in came] == [65, 90, 100]
    assert came[-1] == Tally(runs=100, lost=1, broken=("once", "now and then"))
    assert seeds == {47: 25, 72: 25, 97: 10}
    assert "of its" not in report.page([Done(row=some, tally=came[-1])], Profile.RELEASE, [some], [], page)


def test_a_row_that_is_not_on_the_page_or_could_not_be_done_begins_at_none() -> None:
    """A dash in the table is no count."""
    none = report.page([Done(row=row(CLEAN), tally=None, why="no small disk")], Profile.RELEASE, [], [])
    assert report.had(row(CLEAN), none) == report.had(row(CLEAN), "") == Tally(runs=0)
