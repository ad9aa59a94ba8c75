"""NEWS2 and NEWS 2012 as the Royal College of Physicians printed them: plain chains of comparisons, for tests alone.

The numbers are those of Chart 1 and Chart 4 (2017), and of the report of 2012. No code or chart file of the product is
used here.
"""

NAMES = ("respiratory_rate", "spo2", "oxygen", "systolic_bp", "heart_rate", "consciousness", "temperature")
MOST = (3, 3, 2, 3, 3, 3, 3)

EVERY: dict[str, list[float]] = {
    "respiratory_rate": [float(n) for n in range(1, 121)],
    "spo2": [float(n) for n in range(1, 101)],
    "oxygen": [0.0, 0.5, 1.0, 2.0, 15.0, 60.0],
    "systolic_bp": [float(n) for n in range(30, 401)],
    "heart_rate": [float(n) for n in range(1, 351)],
    "consciousness": [0.0, 1.0, 2.0, 3.0, 4.0],
    "temperature": [n / 10 for n in range(100, 501)],
}


def respiratory_rate(value: float) -> int:
    """Score breaths a minute by Chart 1."""
    if value <= 8:
        return 3
    if value <= 11:
        return 1
    if value <= 20:
        return 0
    if value <= 24:
        return 2
    return 3


def scale_1(value: float) -> int:
    """Score SpO2 on scale 1 by Chart 1."""
    if value <= 91:
        return 3
    if value <= 93:
        return 2
    if value <= 95:
        return 1
    return 0


def scale_2(value: float, *, on_oxygen: bool) -> int:
    """Score SpO2 on scale 2 by Chart 1: above 92 it counts on oxygen only."""
    if value <= 83:
        return 3
    if value <= 85:
        return 2
    if value <= 87:
        return 1
    return scale_2_above_87(value) if on_oxygen else 0


def scale_2_above_87(value: float) -> int:
    """Score SpO2 from 88 on oxygen on scale 2 by Chart 1."""
    if value <= 92:
        return 0
    if value <= 94:
        return 1
    if value <= 96:
        return 2
    return 3


def systolic_bp(value: float) -> int:
    """Score mmHg by Chart 1."""
    if value <= 90:
        return 3
    if value <= 100:
        return 2
    if value <= 110:
        return 1
    if value <= 219:
        return 0
    return 3


def heart_rate(value: float) -> int:
    """Score beats a minute by Chart 1."""
    if value <= 40:
        return 3
    if value <= 50:
        return 1
    if value <= 90:
        return 0
    if value <= 110:
        return 1
    if value <= 130:
        return 2
    return 3


def temperature(value: float) -> int:
    """Score degrees Celsius by Chart 1."""
    if value <= 35.0:
        return 3
    if value <= 36.0:
        return 1
    if value <= 38.0:
        return 0
    if value <= 39.0:
        return 1
    return 2


def response(total: int, *, red: bool) -> str:
    """Name the clinical risk of a whole total by Chart 4."""
    if total >= 7:
        return "high"
    if total >= 5:
        return "medium"
    return "low-medium" if red else "low"


def response_of_2012(total: int, *, red: bool) -> str:
    """Name the clinical risk of a whole total by the report of 2012: a lone 3 is medium."""
    if total >= 7:
        return "high"
    return "medium" if total >= 5 or red else "low"
