"""The numbers and names of alerts: the same alert has the same ones in whatever batches the log is followed.

A number comes from the stay and from how many alerts the stay has had; an id is that number scrambled, so that ids
of neighbours look nothing alike. No state lives here.
"""

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no I, L, O, U
LOOK_ALIKES = str.maketrans("OIL", "011")
BITS = 5
SHORTEST = 4
MULTIPLIER = 0x2545F4914F6CDD1D  # odd, so that multiplying by it modulo a power of two loses nothing


def number(stay_no: int, ordinal: int) -> int:
    """Pair a stay with the ordinal (from 1) of one of its alerts; no two pairs share a number (Cantor's pairing)."""
    diagonal = stay_no + ordinal - 1
    return diagonal * (diagonal + 1) // 2 + ordinal


def name(alert_no: int) -> str:
    """Give the id of an alert: four characters or, for the largest numbers, more."""
    length = SHORTEST
    while alert_no >= 1 << (BITS * length):
        length += 1
    bits = BITS * length
    mask = (1 << bits) - 1
    mixed = alert_no * MULTIPLIER & mask
    mixed ^= mixed >> (bits // 2)
    mixed = mixed * MULTIPLIER & mask
    return "".join(ALPHABET[mixed >> shift & 31] for shift in range(bits - BITS, -1, -BITS))


def spelt(text: str) -> str:
    """Give an id as it is stored from how a person may have typed it: in small letters, O for 0, I or L for 1."""
    return text.strip().upper().translate(LOOK_ALIKES)
