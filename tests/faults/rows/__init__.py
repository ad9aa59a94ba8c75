"""The rows of the matrix that are there, by their numbers."""

from tests.faults.rows import calls, disk, files, kills, processes

ROWS = {row.id: row for module in (kills, calls, disk, files, processes) for row in module.ROWS}
ROWS = dict(sorted(ROWS.items(), key=lambda item: int(item[0].removeprefix("F"))))
