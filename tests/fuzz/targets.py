"""Every fuzzing target by its name."""

from collections.abc import Mapping

from tests.fuzz.files import FILES
from tests.fuzz.messages import MESSAGES
from tests.fuzz.sheets import SHEETS
from tests.fuzz.target import Target

TARGETS: Mapping[str, Target] = MESSAGES | FILES | SHEETS
