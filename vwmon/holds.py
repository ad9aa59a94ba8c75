"""What holds technical alerts back: faults of the whole service, and the pauses of patients, as spans by rule. Pure.

The spans come from what was stored of both, so that they are the same whoever looks when.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from alerts.faults import Finding
from alerts.model import Lane
from alerts.pauses import HELD_BACK, LASTS, Span
from alerts.policy import RULES

Held = Mapping[str, tuple[Span, ...]]

TECHNICAL = tuple(name for name, rule in RULES.items() if rule.lane is Lane.TECHNICAL)
NOTHING: Held = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds:
    """The spans of the whole service, and those of each stay's pauses by its number."""

    service: tuple[Span, ...] = ()
    pauses: Mapping[int, tuple[Span, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, findings: Iterable[Finding], pauses: Mapping[int, Sequence[Span]]) -> "Holds":
        """Give the holds that findings about the whole service and pauses make."""
        of_stays = {stay_no: tuple(several) for stay_no, several in pauses.items()}
        return cls(service=tuple(service_spans(findings)), pauses=of_stays)

    def held(self, stay_no: int) -> Held:
        """Give the spans in which rules of the technical lane raise nothing for a stay."""
        mine = self.pauses.get(stay_no, ())
        if not self.service and not mine:
            return NOTHING
        return {rule: (*self.service, *(mine if rule in HELD_BACK else ())) for rule in TECHNICAL}


def service_spans(findings: Iterable[Finding]) -> list[Span]:
    """Give the spans that faults of the whole service hold technical alerts back for, one behind the other.

    Each begins when its fault counted, not when it began: what fell due before then had been raised. It ends the
    off-delay after its fault was over, for what waited at the devices to arrive and be scored.
    """
    begun: dict[str, int] = {}
    spans: list[Span] = []
    for one in findings:
        if not RULES[one.rule].holds_back:
            continue
        if one.since_ms is not None:
            begun.setdefault(one.rule, one.at_ms)
        elif one.rule in begun:
            spans.append((begun.pop(one.rule), one.at_ms + RULES[one.rule].off_delay_ms))
    return _joined([*spans, *((from_ms, LASTS) for from_ms in begun.values())])


def _joined(spans: Sequence[Span]) -> list[Span]:
    joined: list[Span] = []
    for from_ms, to_ms in sorted(spans):
        if joined and from_ms <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], to_ms))
        else:
            joined.append((from_ms, to_ms))
    return joined
