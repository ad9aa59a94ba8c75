"""The errors of the alerts package: one base, its kinds, and the exit code each gives a command.

Not here: how an error is printed, or when an act is refused (alerts.acts).
"""


class AlertError(Exception):
    """Something the work list was asked to do cannot be done; the message says why and what to do instead."""

    exit_code = 1


class AlertUnknown(AlertError):  # noqa: N818 -- the state it is found in, as a person would say it
    """There is no alert of that id."""

    exit_code = 3


class AlertConflict(AlertError):  # noqa: N818 -- as above
    """Someone else was first, or the alert changed since it was read."""

    exit_code = 5


class AlertRefused(AlertError):  # noqa: N818 -- as above
    """A safety rule refuses it."""

    exit_code = 6


class IllegalMove(AlertError):  # noqa: N818 -- as above
    """A transition that the table of moves does not have: a fault of the program, never of its user."""


class PolicyError(AlertError):
    """The table of rules contradicts itself."""
