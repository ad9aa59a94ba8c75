"""The charts that a pathway can have its patients scored with. By itself, because charts know nothing of stays."""

from typing import Final

NEWS2: Final = "news2"  # of adults
PEWS: Final = "pews"  # of children
