"""One target under atheris, in a process of its own: `python -m tests.fuzz.hunt NAME`, then options of libFuzzer.

Imported under atheris, so that it sees every branch that the readers take; nothing else may import this.
"""

import sys
from functools import partial

import atheris

# What is written in Python and stands between bytes and a record; the rest is compiled, or is not ours.
INSTRUMENTED = ["vwmon", "devices", "alerts", "tomllib", "json", "csv", "gzip", "datetime", "zoneinfo"]


def main() -> None:
    """Hunt until libFuzzer has had enough, or something was found."""
    name = sys.argv.pop(1)
    with atheris.instrument_imports(include=INSTRUMENTED):
        from tests.fuzz import target, targets
    atheris.Setup(sys.argv, partial(target.within_time, targets.TARGETS[name].take))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
