"""The triage screen as text: at every size, with every name, and when nothing may be believed."""

import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.triage_records import NOW, look, queue, record, shown, story
from vwmon.cli import render
from vwmon.cli.triage import queues, spans
from vwmon.cli.triage.charts import Dot, Trace
from vwmon.cli.triage.filters import Filter
from vwmon.cli.triage.keys import footed, help_lines, offered
from vwmon.cli.triage.pictures import Shown, picture
from vwmon.cli.triage.queues import refreshed
from vwmon.cli.triage.spans import text_of

SIZES = [(80, 24), (100, 30), (160, 50)]
HOSTILE = "\x1b[31mEVIL\u202e\x07"
KEYS = [(key.written, key.short) for key in footed(offered(readonly=False, shared=True))]


def drawn(of: Shown, width: int = 80, height: int = 24) -> list[str]:
    """Draw a screen as lines without the spaces at their ends."""
    return [text_of(line).rstrip() for line in picture(of, width, height).lines]


def many(number: int) -> list[dict[str, Any]]:
    """Give so many alerts, of levels 3, 2 and 1 in turn, the most urgent first."""
    made = [record(f"A{n:03}", level=3 - n % 3, stay=n + 1) for n in range(number)]
    return sorted(made, key=lambda each: -each["level"])


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_every_size_shows_what_matters(width: int, height: int) -> None:
    """The banner, who acts, the alert with its patient, level, state, score, ages and due, its chart, and the keys."""
    one = shown(record(), keys=KEYS, look=look(record(), title="NOT MONITORING: nothing was scored", trusted=False))
    text = "\n".join(drawn(one, width, height))
    for said in (
        "NOT MONITORING: nothing was scored. The list below is NOT current.",
        "you: ann | 1 open, 1 unowned | read 11:06:40Z",
        "AAAA L2 p-aaaa (JB 71y)",
        "NEW",
        "in 10m",
        "p-aaaa (JB 71y), ward resp",
        "SpO2 91",
        "NEWS2 now 6; last reading 3 min ago",
        "130/min (2) 0 s",
        "pulse",
        "-24h",
        "? help",
        "q quit",
    ):
        assert said in text, said
    assert len(drawn(one, width, height)) == height


def test_at_80_columns_six_alerts_stand_above_the_chart() -> None:
    """So that the list stays a list; how many more there are, and how bad, is said."""
    lines = drawn(shown(*many(20), keys=KEYS))
    rows = [line for line in lines if line[3:4] == "A" and line[8:9] == "L"]
    assert len(rows) >= 5
    assert f"   {20 - len(rows)} more below, up to L3" in lines


def test_the_part_of_the_list_that_is_shown_has_the_cursor_in_it() -> None:
    """Wherever it goes; and it moves no more than it must."""
    state, tops = shown(*many(20), keys=KEYS), []
    for _ in range(20):
        found = picture(state, 80, 24)
        text = [text_of(line) for line in found.lines]
        assert any(line.startswith(">") and state.queue.selected in line for line in text)
        tops.append(found.top)
        state = replace(state, queue=queues.moved(state.queue, 1), top=found.top)
    assert tops == sorted(tops)
    assert all(after - before <= 1 for before, after in itertools.pairwise(tops))
    assert f"   {tops[-1]} more above, up to L3" in drawn(state)


def test_list_and_chart_stand_beside_each_other_where_there_is_room() -> None:
    """With what changed and why in the list, and bars for the score."""
    lines = drawn(shown(record(), keys=KEYS), 160, 50)
    assert any("│ AAAA L2 NEW  p-aaaa (JB 71y), ward resp" in line for line in lines)
    assert "│" in next(line for line in lines if line.startswith(">  AAAA"))
    assert any(line.startswith("   resp; NEWS2 6; SpO2 91") for line in lines)
    assert any("certain  : could be" in line for line in lines)


def test_the_chart_is_only_ever_that_of_the_patient_under_the_cursor() -> None:
    """Until it has been read, none is drawn; a fault of the service has none."""
    other = "\n".join(drawn(shown(record(stay=9), look=look(record(stay=9), story=story(1)))))
    assert "reading the chart..." in other
    assert "pulse" not in other
    service = record(stay=None, patient=None, ward=None, person=None, lane="system", score=None)
    text = "\n".join(drawn(shown(service)))
    assert "the service" in text
    assert "pulse" not in text
    assert "reading the chart" not in text


def test_a_chart_without_room_says_that_it_is_cut() -> None:
    """Nobody takes the vitals that are shown for all there are."""
    vitals = ["respiratory_rate", "spo2", "oxygen", "systolic_bp", "heart_rate", "temperature"]
    traces = [Trace(vital=vital, unit="", dots=(Dot(at_ms=NOW, value=90),)) for vital in vitals]
    state = shown(record(), look=look(record(), story=story(1, *traces)), keys=KEYS)
    assert any(line.startswith("temp") for line in drawn(state))
    short = drawn(replace(state, said="word " * 60))
    assert not any(line.startswith("temp") for line in short)
    assert "... the rest has no room here" in short


def test_a_list_that_cannot_be_read_says_so_and_of_when_it_is() -> None:
    """What is there stays, with a banner over it; when nothing was ever read, nothing is claimed."""
    lines = drawn(shown(record(), trouble="ward.db is gone", now_ms=NOW + 34_000))
    assert lines[0] == " CANNOT READ THE LIST: ward.db is gone. Trying again. What is below was read at"
    assert any("AAAA" in line for line in lines)
    never = drawn(Shown(queue=queue(), look=None, now_ms=NOW, trouble="ward.db is gone"))
    assert "No open alerts" not in "\n".join(never)


def test_a_list_that_was_not_read_again_is_called_old() -> None:
    """A screen that stands still must not look like a quiet ward."""
    assert drawn(shown(record(), now_ms=NOW + 9_000))[0].startswith("you: ann")
    assert drawn(shown(record(), now_ms=NOW + 70_000))[0].startswith(" OLD LIST: it was read 1 min ago.")


def test_an_empty_list_says_why_it_is_empty() -> None:
    """Quiet; not watched; filtered; not read yet: four different things."""
    assert "No open alerts." in drawn(shown())
    unwatched = "\n".join(drawn(shown(look=look(title="NOT MONITORING: stopped", trusted=False))))
    assert "No open alerts were known when monitoring ended." in unwatched
    hidden = replace(shown(record()), queue=queues.filtered(queue(record()), Filter(ward="hf")))
    text = "\n".join(drawn(hidden))
    assert "No open alert fits the filter; 1 are open." in text
    assert "filter: ward:hf, HIDES 1 to L2" in text
    assert "Reading the list..." in drawn(Shown(queue=queues.Queue(), look=None, now_ms=NOW))


def test_what_was_put_off_is_counted_above_the_list() -> None:
    """It is off the list and not out of the world."""
    off = [record("AAAA", flags=["snoozed"]), record("BBBB")]
    assert "2 open, 2 unowned, 1 put off" in drawn(shown(*off))[0]
    alone = "\n".join(drawn(shown(off[0])))
    assert "No open alerts but 1 put off" in alone


def test_who_was_asked_to_take_an_alert_over_is_said() -> None:
    """In the row where there is room, and under the cursor."""
    text = "\n".join(drawn(shown(record(offered_to="bea")), 160, 50))
    assert text.count("offered to bea") >= 1
    assert "offered to bea" in "\n".join(drawn(shown(record(offered_to="bea"))))


def test_a_recording_is_called_one_and_ages_stand_at_its_last_moment() -> None:
    """However long ago that was."""
    old = look(record(), live=False, title="RECORDING: stands at 2026-11-18T11:06:40Z")
    lines = drawn(shown(record(), look=old, now_ms=NOW + 9_000_000, read_ms=NOW + 9_000_000))
    assert lines[0] == " RECORDING: stands at 2026-11-18T11:06:40Z."
    assert any("in 10m" in line for line in lines)


def test_ages_grow_while_nothing_is_read() -> None:
    """They are against the clock, not against the last look."""
    text = "\n".join(drawn(shown(record(), now_ms=NOW + 9_000, read_ms=NOW)))
    assert "in 9m" in text


def test_what_came_or_got_worse_is_announced_above_the_list() -> None:
    """In words, with the level, also when a filter hides it; the most of them are counted."""
    before = queue(record("AAAA"))
    after = refreshed(queues.filtered(before, Filter(words=("aaaa",))), [record("AAAA"), record("BBBB", level=3)])
    state = replace(shown(record("AAAA")), queue=after)
    assert "! LOOK: BBBB L3 p-bbbb (JB 71y) new here (filtered out)  (N goes there)" in drawn(state, 100)[1]
    crowd = refreshed(before, [record("AAAA"), *many(9)])
    assert drawn(replace(state, queue=crowd), 120)[1].endswith("and 7 more  (N goes there)")
    assert "(N goes there)" not in drawn(replace(state, queue=crowd, readonly=True), 120)[1]


def test_a_row_that_changed_is_marked_in_place() -> None:
    """With a sign before it and the change below it; gone ones say so and are no longer counted as open."""
    risen = refreshed(queues.moved(queue(record("AAAA"), record("BBBB")), 1), [record("AAAA", level=3), record("BBBB")])
    lines = drawn(replace(shown(record()), queue=risen))
    row = next(number for number, line in enumerate(lines) if line.startswith(" * AAAA L3"))
    assert lines[row + 1].startswith("   [L2 -> L3]")
    gone = "\n".join(drawn(replace(shown(record()), queue=refreshed(queue(record("AAAA")), []))))
    assert ">x AAAA L2" in gone
    assert "AAAA L2 LEFT THE LIST" in gone
    assert "0 open, 0 unowned" in gone


def test_an_identifier_too_long_for_its_row_stands_whole_below_it() -> None:
    """Two patients whose identifiers begin alike must not look like one."""
    for width, height in SIZES:
        one = shown(record(patient="LLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLL"))
        assert any(
            line.startswith("   patient LLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLL (JB 71y)")
            for line in drawn(one, width, height)
        )


def test_who_acts_is_always_said() -> None:
    """Somebody, nobody yet, or nobody at all on a wall."""
    assert drawn(shown(who="s.ahmed"))[0].startswith("you: s.ahmed |")
    assert drawn(shown(who=""))[0].startswith("you: NOBODY YET (asked before an act) |")
    assert drawn(shown(readonly=True))[0].startswith("read only |")


def test_a_refusal_stands_whole_at_the_foot() -> None:
    """It is the one line that must be read, so it is folded and not cut."""
    said = "AAAA changed since revision 4: level L2 -> L3, SpO2 91 -> 84, respiratory rate 24 -> 31. Look again (enter)"
    lines = drawn(shown(record(), said=said, refused=True, keys=KEYS))
    assert " ".join(line.strip() for line in lines[-3:-1]) == said


@pytest.mark.parametrize(("width", "height"), [*SIZES, (40, 10)])
def test_nothing_that_a_terminal_would_obey_is_drawn(width: int, height: int) -> None:
    """Names, notes, reasons, owners and errors with escape sequences are shown, not obeyed."""
    evil: dict[str, Any] = {
        "patient": HOSTILE,
        "person": {"name": HOSTILE},
        "owner": HOSTILE,
        "note": HOSTILE,
        "ward": HOSTILE,
        "why": [HOSTILE],
        "brief": [HOSTILE],
    }
    state = shown(record(**evil), who=HOSTILE, said=HOSTILE, trouble=HOSTILE, keys=KEYS)
    text = "".join(drawn(state, width, height))
    assert not set(text) & set("\x1b\x07\u202e")
    assert "EVIL" in text


@given(
    st.integers(12, 200),
    st.integers(1, 60),
    st.integers(0, 30),
    st.sampled_from(["", "L" * 300, "患者 " * 30, HOSTILE]),
    st.booleans(),
)
def test_every_line_fits_its_terminal(width: int, height: int, number: int, text: str, charted: bool) -> None:
    """At any size, with any names: as many lines as there are, each exactly as wide."""
    records = [
        each | {"person": {"name": text}, "owner": text, "note": text, "why": [text], "brief": [text]}
        for each in many(number)
    ]
    state = shown(*records, who=text, said=text, trouble=text, keys=KEYS, charted=charted)
    lines = picture(state, width, height).lines
    assert len(lines) == height
    assert {spans.width_of(line) for line in lines} == {width}
    assert not any(render.UNSAFE.search(text_of(line)) for line in lines)


@pytest.mark.parametrize("colour", [True, False])
def test_every_style_has_its_look_with_and_without_colour(colour: bool) -> None:
    """No level and no banner is only a colour: without any it is bold, underlined or reversed."""
    from rich.style import Style

    looks = [Style.parse(spans.painted(style, colour=colour)) for style in ("urgent", "level3", "level2", "", "dim")]
    assert len(set(looks)) == len(looks)
    assert all((each.color is None and each.bgcolor is None) for each in looks) != colour


def test_keys_that_act_are_not_offered_where_acting_is_off() -> None:
    """On a wall none of them; who acts is only a question where several share a login."""
    wall = {key.written for key in offered(readonly=True, shared=False)}
    assert wall & set("atncuzwN") == set()
    assert {"j", "k", "/", "?", "q", "enter"} <= wall
    assert "w" not in {key.written for key in offered(readonly=False, shared=False)}
    assert "w" in {key.written for key in offered(readonly=False, shared=True)}


def test_every_key_is_on_the_page_of_help() -> None:
    """With what it does."""
    text = "\n".join(help_lines(offered(readonly=False, shared=True)))
    assert all(f" {key.written}  {key.said}" in text for key in offered(readonly=False, shared=True))
    assert len({name for key in offered(readonly=False, shared=True) for name in key.keys.split(",")}) == sum(
        len(key.keys.split(",")) for key in offered(readonly=False, shared=True)
    )


def test_the_keys_that_nobody_can_do_without_are_on_the_foot_of_the_narrowest_screen() -> None:
    """Help, leaving, and taking an alert in hand."""
    foot = drawn(shown(record(), keys=KEYS))[-1]
    assert foot.startswith("? help  q quit  a ack")
