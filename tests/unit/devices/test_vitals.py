"""The table of vitals: what it holds, what it refuses to hold, and that a vital is added without code."""

import math
import tomllib
from importlib import resources

import pytest

from devices.errors import UnitError, VitalsError
from devices.vitals import KNOWN, VERSION, VITALS, Span, find, load

ENTRY = """
version = "1"
[vital.mood]
title = "Mood"
unit = "{score}"
possible = { at_least = 0, at_most = 10 }
why = "Its scale."
"""


def test_the_table_in_the_package_is_loaded_with_its_version() -> None:
    """The version is part of what made a score."""
    assert VERSION == "4"
    assert list(VITALS)[:2] == ["respiratory_rate", "spo2"]
    assert all(name == vital.name for name, vital in VITALS.items())


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("heart_rate", "heart_rate"),
        ("pulse", "heart_rate"),
        ("resp_rate", "respiratory_rate"),
        ("supplemental_oxygen", "oxygen"),
        ("loinc:59408-5", "spo2"),
        ("loinc:2708-6", "spo2"),
        ("loinc:8480-6", "systolic_bp"),
        ("mdc:150456", "spo2"),
        ("mdc:19384", "spo2"),
        ("mdc:147842", "heart_rate"),
        ("mdc:149530", "heart_rate"),
        ("mdc:18458", "heart_rate"),
        ("mdc:150364", "temperature"),
        ("mdc:188736", "weight"),
        ("mdc:57664", "weight"),
        ("mdc:20506", "respiratory_rate"),
        ("mdc:150021", "systolic_bp"),
    ],
)
def test_names_aliases_and_codes_mean_a_vital(code: str, name: str) -> None:
    """LOINC and IEEE 11073 codes, the latter in 32 bits and 16, stand for the name."""
    found = find(code)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("word", ["", "HEART_RATE", "loinc:85354-9", "mdc:150020", "mdc:2", "59408-5", "glucose_mg"])
def test_other_words_mean_no_vital(word: str) -> None:
    """No name is guessed at; a panel's code is not one of its parts'."""
    assert find(word) is None


@pytest.mark.hazard("H6")
def test_a_mass_glucose_code_is_not_taken_for_a_molar_one() -> None:
    """LOINC 2339-0 is mg/dL by definition: with the unit left out, taking it as mmol/L would be a mix-up."""
    assert find("loinc:2339-0") is None
    assert find("loinc:15074-8") is VITALS["glucose"]


def test_every_entry_says_why_its_range_is_what_it_is() -> None:
    """No limit without a sentence, and every conversion with its source."""
    for vital in VITALS.values():
        assert vital.why.endswith(".")
        assert vital.title
        assert all(conversion.source for conversion in vital.conversions.values())


def test_a_vital_is_added_without_code() -> None:
    """An entry in the TOML is all that a new vital needs."""
    _, vitals = load(ENTRY)
    mood = vitals["mood"]
    assert mood.possible(7)
    assert not mood.possible(11)
    assert mood.canonical(7, None) == mood.canonical(7, "{score}") == 7
    assert not mood.unusual(10)
    assert mood.label(7) is None


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('also = ["{score}"]', "unit is given twice"),
        ('also = ["x"]\nconvert = [{ unit = "x", source = "s" }]', "unit is given twice"),
        ('convert = [{ unit = "%", divide = 0, source = "s" }]', "by nothing"),
        ("numeric = false", "has choices"),
        ('numeric = false\nchoices = { A = 0 }\nconvert = [{ unit = "%", source = "s" }]', "no other units"),
        ("mdc = [19384]", "partition"),
        ("question = { at_least = -1, at_most = 10 }", "outside what is possible"),
        ("choices = { much = 11 }", "outside what is possible"),
        ("question = { at_least = 1 }", "a range needs"),
        ("question = { at_least = 1, above = 1, at_most = 2 }", "a range needs"),
        ("question = { at_least = 5, at_most = 2 }", "below its upper end"),
        ("colour = 1", "unknown field"),
        ("whole = 1", "Expected"),
        ("version", "cannot be read"),
        (
            (
                '[vital.other]\ntitle = "O"\nunit = "1"\naliases = ["mood"]\nwhy = "W."\n'
                "possible = { at_least = 0, at_most = 1 }"
            ),
            "means both",
        ),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(more: str, said: str) -> None:
    """Each contradiction is found on load, not when the first patient meets it."""
    with pytest.raises(VitalsError, match=said):
        load(ENTRY + more)


def test_a_table_without_a_version_is_refused() -> None:
    """What made a score must be nameable."""
    with pytest.raises(VitalsError):
        load(ENTRY.replace('version = "1"', ""))


def test_open_ends_are_just_outside() -> None:
    """`above` and `below` exclude their own value and nothing else."""
    low, high = Span(above=0, below=50).bounds()
    assert 0 < low < 1e-300
    assert math.nextafter(high, math.inf) == 50
    assert Span(at_least=0, at_most=50).bounds() == (0, 50)


def test_a_unit_that_is_not_text_is_no_unit() -> None:
    """The empty unit is not the canonical one; leaving it out is."""
    with pytest.raises(UnitError):
        VITALS["spo2"].canonical(97, "")
    assert VITALS["spo2"].canonical(97, None) == 97


@pytest.mark.hazard("H9")
def test_not_a_number_is_never_possible() -> None:
    """NaN is outside every range."""
    assert not any(vital.possible(math.nan) for vital in VITALS.values())


def test_the_file_is_in_the_order_of_the_score_and_without_repeats() -> None:
    """TOML itself refuses a vital given twice; codes are unique over the table."""
    text = resources.files("devices").joinpath("vitals.toml").read_text(encoding="utf-8")
    assert list(tomllib.loads(text)["vital"]) == list(VITALS)
    codes = [code for vital in VITALS.values() for code in (*vital.loinc, *vital.mdc)]
    assert len(codes) == len(set(codes))
    assert set(VITALS) <= set(KNOWN)
