"""Which modules are mutated, and the tests that hold each: narrow, so that a thousand mutants take minutes."""

from collections.abc import Mapping, Sequence
from typing import Final

_PAYLOADS = (
    "tests/unit/devices/test_poison.py",
    "tests/unit/devices/test_formats.py",
    "tests/unit/devices/test_strict_json.py",
)
_SCORING = (
    "tests/unit/test_scoring_reference.py",
    "tests/unit/test_scoring_twins.py",
)
_ALERTS = (
    "tests/unit/test_alerts_lifecycle.py",
    "tests/unit/test_alerts_confirmation.py",
    "tests/unit/test_alerts_together.py",
)

MODULES: Final[Mapping[str, Sequence[str]]] = {
    "devices/strict_json": (*_PAYLOADS, "tests/unit/devices/test_senml.py"),
    "devices/payloads/senml": (*_PAYLOADS, "tests/unit/devices/test_senml.py"),
    "devices/payloads/fhir": (*_PAYLOADS, "tests/unit/devices/test_fhir.py", "tests/unit/devices/test_fhir_refused.py"),
    "devices/payloads/native": (
        *_PAYLOADS,
        "tests/unit/devices/test_native.py",
        "tests/unit/devices/test_details.py",
    ),
    "devices/payloads/__init__": (*_PAYLOADS, "tests/unit/devices/test_native.py"),
    "devices/acceptance": (
        *_PAYLOADS,
        "tests/unit/devices/test_attempts.py",
        "tests/unit/devices/test_native.py",
        "tests/unit/devices/test_details.py",
    ),
    "vwmon/scoring/reference": (*_SCORING, "tests/unit/test_scoring_deciding.py"),
    "vwmon/scoring/vectorised": _SCORING,
    "vwmon/scoring/deciding": ("tests/unit/test_scoring_deciding.py",),
    "vwmon/scoring/ages": ("tests/unit/test_scoring_ages.py",),
    "vwmon/scoring/ratios": ("tests/unit/test_scoring_ratios.py",),
    "vwmon/scoring/charts": ("tests/unit/test_scoring_charts.py",),
    "alerts/escalation": ("tests/unit/test_alerts_escalation.py", "tests/unit/test_alerts_lifecycle.py"),
    "alerts/lifecycle": (
        *_ALERTS,
        "tests/unit/test_alerts_flapping.py",
        "tests/unit/test_alerts_silence.py",
        "tests/unit/test_alerts_faults.py",
        "tests/unit/test_alerts_undoing.py",
        "tests/unit/test_alerts_escalation.py",
        "tests/unit/test_alerts_acts.py",
        "tests/unit/test_alerts_moves.py",
    ),
    "alerts/policy": ("tests/unit/test_alerts_policy.py", "tests/unit/test_alerts_layers.py"),
    "alerts/moves": ("tests/unit/test_alerts_moves.py", "tests/unit/test_alerts_acts.py"),
    "alerts/verdicts": (*_ALERTS, "tests/unit/test_alerts_policy.py"),
    "alerts/conditions": (*_ALERTS, "tests/unit/test_alerts_silence.py", "tests/unit/test_alerts_undoing.py"),
    "alerts/acts": (
        "tests/unit/test_alerts_acts.py",
        "tests/unit/test_alerts_refused.py",
        "tests/unit/test_alerts_undoing.py",
        "tests/unit/test_alerts_moves.py",
        "tests/unit/test_alerts_lifecycle.py",
        "tests/unit/test_alerts_handover.py",
        "tests/unit/test_alerts_silence.py",
        "tests/unit/test_alerts_faults.py",
    ),
    "alerts/deadlines": (
        *_ALERTS,
        "tests/unit/test_alerts_acts.py",
        "tests/unit/test_alerts_escalation.py",
        "tests/unit/test_alerts_undoing.py",
        "tests/unit/test_alerts_silence.py",
    ),
    "alerts/evidence": (
        *_ALERTS,
        "tests/unit/test_alerts_evidence.py",
        "tests/unit/test_alerts_reasons.py",
        "tests/unit/test_alerts_silence.py",
    ),
}
