"""The single measurement that would settle a score, as people and programs are shown it.

Here: its words. Which one it is is vwmon.scoring.deciding's.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from devices.vitals import VITALS
from vwmon.scoring.deciding import Decider


def label(name: str) -> str:
    """Give what a measure is called in a sentence."""
    return VITALS[name].title.lower() if name in VITALS else name.replace("_", " ")


def record(decider: Decider | None) -> dict[str, Any] | None:
    """Give it as JSON carries it, with the sentence."""
    return None if decider is None else {**asdict(decider), "sentence": decider.sentence(label(decider.measure))}


def sentence(shown: Mapping[str, Any] | None) -> str:
    """Give the sentence of such a record, or nothing."""
    return "" if shown is None else str(shown["sentence"])
