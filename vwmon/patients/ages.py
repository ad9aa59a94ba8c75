"""Whole years between a birth and a day. By itself, because charts count ages and know nothing of stays."""

from datetime import date


def age(born: date, on: date) -> int:
    """Give the whole years from birth to a day; someone born on 29 February is a year older on 1 March."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))
