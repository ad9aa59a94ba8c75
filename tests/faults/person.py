"""A person who works the list, as a process of its own: takes what asks in hand, and lets go of some of it.

`python -m tests.faults.person CONFIG NAME ACTS SEED` does so many acts with the real commands, and prints of each as
JSON which it was, on which alert, its key, its exit code and what was said.
"""

import json
import sys
from random import Random

from tests.conftest import Command

LET_GO = 0.5  # of the acts of somebody who holds any


def work(config: str, name: str, acts: int, chance: Random) -> None:
    """Choose an alert of the list, act on it, say what came of it; and again."""
    command, held = Command(), list[str]()
    for number in range(acts):
        listed = command("alerts", "--config", config, "--format", "ids")
        lets_go = held and chance.random() < LET_GO
        verb, chosen = ("unack", held.pop()) if lets_go else ("ack", chance.choice(listed.stdout.split()))
        key = f"{name}-{number}"
        done = command("alerts", verb, chosen, "-m", "seen", "--key", key, "--as", name, "--config", config)
        said = listed.stderr + done.output
        record = {"verb": verb, "id": chosen, "key": key, "by": name, "code": done.exit_code, "said": said}
        if verb == "ack" and done.exit_code == 0:
            held.append(chosen)
        print(json.dumps(record), flush=True)  # noqa: T201 -- its word to whoever started it


if __name__ == "__main__":
    work(sys.argv[1], sys.argv[2], int(sys.argv[3]), Random(f"{sys.argv[4]} {sys.argv[2]}"))
