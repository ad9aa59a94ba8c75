"""What kit a stay was given, and what of it is out. Read only; where kit goes is vwmon.store.kit_out's."""

from dataclasses import dataclass

from vwmon.store import kit
from vwmon.store.kit_out import BY_HAND
from vwmon.store.sqlite import Connection

GIVEN = f"""select distinct stay_no, profile = '{BY_HAND}' from assignment join device using (device_no)
    where ?1 is null or stay_no = ?1"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a stay was ever given: a device, or only the means to enter readings by hand."""

    device: bool = False
    by_hand: bool = False


def out(db: Connection, stay_no: int | None = None) -> dict[int, list[str]]:
    """Name the devices that have not come back from a stay, of one or of all."""
    return {number: sorted(one.device for one in found) for number, found in kit.still_out(db, stay_no).items()}


def given(db: Connection, stay_no: int | None = None) -> dict[int, Given]:
    """Give what each stay, or one, was ever given."""
    found: dict[int, Given] = {}
    for number, by_hand in db.execute(GIVEN, [stay_no]):
        before = found.get(number, Given())
        found[number] = Given(device=before.device or not by_hand, by_hand=before.by_hand or bool(by_hand))
    return found
