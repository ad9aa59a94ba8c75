"""The rows of the matrix that are there, by their numbers."""

from tests.faults.matrix import Row
from tests.faults.rows import (
    backups,
    barred,
    calls,
    certificates,
    cuts,
    device_clocks,
    disk,
    forgotten,
    kills,
    load,
    memory,
    migration,
    misrouted,
    network,
    nights,
    order,
    people,
    poisoned,
    power,
    processes,
    rotten,
    slips,
    soak,
    telling,
    threads,
)

KILLED = (kills, forgotten, calls, processes, threads, memory, people)
STORED = (disk, backups, migration, rotten, power, cuts, barred)
CARRIED = (nights, device_clocks, network, order, poisoned, load, telling, certificates, misrouted, slips, soak)
ROWS: dict[str, Row] = {row.id: row for module in (*KILLED, *STORED, *CARRIED) for row in module.ROWS}
ROWS = dict(sorted(ROWS.items(), key=lambda item: int(item[0].removeprefix("F"))))
