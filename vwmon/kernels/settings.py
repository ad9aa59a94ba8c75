"""What the statistics of a window can be told beside its length. No reckoning lives here."""

from dataclasses import dataclass

from vwmon.kernels.ragged import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`reach_ms`: how long a reading covers. `half_lives`: how many of them a window is long, for the weighted mean.

    `target` and `slack` are in the values' unit, for the cumulative sum: the level that is no change, for each series
    (series,) or one for all, and how far from it is none either. A target of NaN gives NaN.
    """

    reach_ms: int = 3_600_000
    half_lives: int = 4
    target: Floats | float | None = None
    slack: float = 0.0


DEFAULTS = Settings()
