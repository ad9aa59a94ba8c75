"""What is said of the chart of a child on its page: which band of age holds, until when, and what a birthday changes.

From the bands that the stay keeps and the date of birth, which only the page of one patient reads.
"""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from vwmon.patients.admission import YOUNGEST
from vwmon.patients.ages import age
from vwmon.patients.chart_names import PEWS
from vwmon.patients.records import Stay

Record = dict[str, Any]


def chart(stay: Stay, born: str | None, at_ms: int, zone: str) -> Record:
    """Give the chart of a stay, and for a child the band of age that holds at a time and since when it is 16."""
    if stay.chart != PEWS:
        return {"chart": stay.chart, "age_band": None}
    from vwmon.scoring import layouts  # the charts are read for children only

    band = layouts.AGE_BANDS[layouts.band(stay.ages_ms, at_ms) - 1]
    return {"chart": PEWS, "age_band": band, "age_years": _years(born, at_ms, zone)}


def lines(record: Record) -> list[str]:
    """Say it in sentences; nothing of an adult."""
    if record["chart"] != PEWS:
        return []
    said = [f"Scored with PEWS, table {record['age_band']}: a 5 on it is no 5 of NEWS2; no trends, which are of adults"]
    years = record["age_years"]
    from vwmon.scoring import charts

    oldest = charts.load(PEWS).ages.below_years
    if years is not None and oldest is not None and years >= oldest:
        return [*said, f"{years} YEARS OLD: PEWS ends below {oldest}; discharge, and admit to a pathway for adults"]
    if years is not None and years >= YOUNGEST:
        return [*said, f"{years} years old: PEWS goes to 18 and stays until the discharge; a new admission is to NEWS2"]
    return said


def _years(born: str | None, at_ms: int, zone: str) -> int | None:
    if born is None:
        return None
    return age(date.fromisoformat(born), datetime.fromtimestamp(at_ms / 1000, ZoneInfo(zone)).date())
