"""Whom a recording is about: an admission for each of its patients, children to the pathway whose chart is for them.

A recording may say in a column `born` when somebody was born, or in a column `age` how many years they had completed at
the time of a reading. What a reading scores by then is the engine's.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from vwmon.errors import RecordingError, RefusedError
from vwmon.patients import plans
from vwmon.patients.admission import YOUNGEST, Admission
from vwmon.patients.ages import age
from vwmon.patients.chart_names import PEWS
from vwmon.recordings import Sending
from vwmon.scoring import charts

ADULTS, CHILDREN = "general", "children"
NOT_YET_MS = 1 << 62  # of a band of age that nobody reaches in the recording


def admissions(sendings: Iterable[Sending], ward: str, zone: str) -> Iterator[Admission]:
    """Yield an admission for each patient as of the first message, in that order; birthdays are those of `zone`.

    RecordingError where a recording contradicts itself, RefusedError where a chart would have to be guessed: nothing
    says how old somebody is, and the recording has children, or readings of them that only a child's chart has.
    """
    theirs: dict[str, list[Sending]] = {}
    for sending in sendings:
        theirs.setdefault(sending.patient, []).append(sending)
    years = {patient: _first_years(several, zone) for patient, several in theirs.items()}
    childrens = any(found is not None and found < YOUNGEST for found in years.values())
    for patient, several in theirs.items():
        found = years[patient]
        if found is None and (childrens or any(one.of_child for one in several)):
            raise RefusedError(
                f"patient {patient!a}: nothing says how old they are, and children are scored with another chart than "
                f"adults; give every patient of the recording a column born (YYYY-MM-DD) or age (completed years)"
            )
        yield _admission(several, ward, zone, child=found is not None and found < YOUNGEST)


def _admission(several: Sequence[Sending], ward: str, zone: str, *, child: bool) -> Admission:
    first, born = several[0], _born(several)
    return Admission(
        patient=first.patient,
        ward=ward,
        plan=plans.load(CHILDREN if child else ADULTS),
        admitted_ms=first.at_ms,
        born=born or None,
        zone=zone,
        recorded_ages_ms=_bands_ms(several) if child and not born else (),
    )


def _first_years(several: Sequence[Sending], zone: str) -> int | None:
    """Give the completed years at the first message; None where nothing says so."""
    born = _born(several)
    if not born:
        return min((one.age_years for one in several if one.age_years is not None), default=None)
    try:
        day = datetime.strptime(born, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError as error:
        raise RecordingError(f"patient {several[0].patient!a}: born {born!a} is no date such as 2019-05-17") from error
    years = age(day, datetime.fromtimestamp(several[0].at_ms / 1000, ZoneInfo(zone)).date())
    if years < 0:
        raise RecordingError(f"patient {several[0].patient!a}: born {born}, after the first reading")
    return years


def _born(several: Sequence[Sending]) -> str:
    said = sorted({one.born for one in several if one.born})
    if len(said) > 1:
        raise RecordingError(f"patient {several[0].patient!a} is born on {' and on '.join(said)}")
    return said[0] if said else ""


def _bands_ms(several: Sequence[Sending]) -> tuple[int, ...]:
    """Give when each band of age begins by the ages that are said: 0 for those begun by the first message."""
    said = [(one.at_ms, one.age_years) for one in several if one.age_years is not None]
    if any(after < before for (_, before), (_, after) in pairwise(said)):
        raise RecordingError(f"patient {several[0].patient!a} grows younger: the column age is of completed years")
    starts = charts.load(PEWS).age_context["age_band"]
    begun = [min((at_ms for at_ms, years in said if years >= start), default=NOT_YET_MS) for start in starts]
    return tuple(0 if at_ms <= said[0][0] else at_ms for at_ms in begun)
