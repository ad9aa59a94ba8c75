"""`python -m vwmon`: the same as `vwmon`."""

from vwmon.cli import main

main()
