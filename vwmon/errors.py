"""The errors of vwmon: one base, its kinds, and the exit code each gives a command.

Here: classes that say in one sentence what went wrong. Not here: how an error is printed (vwmon.cli) or avoided.

VwmonError                 1
 +-- UsageError            2   what was asked for cannot be meant
 +-- NotFoundError         3   nothing of that name
 +-- StaleError            4   the list may be out of date
 +-- ConflictError         5   someone else was first
 +-- RefusedError          6   a safety rule says no
 +-- PartialError          7   some of several failed
 +-- ConfigError           8   the configuration cannot be used
 +-- BrokerError           1   no broker to talk to
 +-- RecordingError        1   a file of readings cannot be read
 +-- ChartError            1   a chart, pathway or table of the package contradicts itself
 +-- StoreError            1   the database cannot be used
      +-- StoreMissing     3
      +-- StoreForeign     1
      +-- StoreCorrupt     1
      +-- StoreNotMigrated 1
      +-- StoreExists      5
      +-- StoreBusy        1
      +-- StoreUnreadable  1
      +-- StoreSealed      1
"""


class VwmonError(Exception):
    """Something vwmon was asked to do cannot be done; the message says what and, where possible, what to do."""

    exit_code = 1


class UsageError(VwmonError):
    """What was asked for cannot be meant."""

    exit_code = 2


class NotFoundError(VwmonError):
    """There is nothing of that name."""

    exit_code = 3


class StaleError(VwmonError):
    """The daemon or its input is stale, so what was asked for may be out of date."""

    exit_code = 4


class ConflictError(VwmonError):
    """Someone else was first, or the row changed since it was read."""

    exit_code = 5


class RefusedError(VwmonError):
    """A safety rule refuses it."""

    exit_code = 6


class PartialError(VwmonError):
    """Some of several failed; each has been named."""

    exit_code = 7


class ConfigError(VwmonError):
    """The configuration cannot be used; `faults` holds every sentence, not only the first."""

    exit_code = 8

    def __init__(self, *faults: str) -> None:
        """Take one sentence for each fault."""
        super().__init__("\n".join(faults))
        self.faults = faults


class BrokerError(VwmonError):
    """There is no MQTT broker to talk to, or it refuses us."""


class RecordingError(VwmonError):
    """A file of readings cannot be read."""


class ChartError(VwmonError):
    """A chart, pathway or other clinical table of the package contradicts itself."""


class StoreError(VwmonError):
    """The database cannot be used."""


class StoreMissing(StoreError):  # noqa: N818 -- the state it is found in, as a person would say it
    """There is no database at that path; one is made by `vwmon db migrate` only."""

    exit_code = 3


class StoreForeign(StoreError):  # noqa: N818 -- as above
    """The file is not a database of vwmon's."""


class StoreCorrupt(StoreError):  # noqa: N818 -- as above
    """The database is damaged."""


class StoreNotMigrated(StoreError):  # noqa: N818 -- as above
    """The database has the tables of another release; `vwmon db migrate` brings it up to date."""


class StoreExists(StoreError):  # noqa: N818 -- as above
    """There is something at that path already, and nothing is ever written over it unasked."""

    exit_code = 5


class StoreBusy(StoreError):  # noqa: N818 -- as above
    """Another program holds the database and did not let go in time."""


class StoreUnreadable(StoreError):  # noqa: N818 -- as above
    """The database is there and cannot be opened by this user as things stand."""


class StoreSealed(StoreError):  # noqa: N818 -- as above
    """The key of the database cannot be used, or is beside one that is not sealed."""
