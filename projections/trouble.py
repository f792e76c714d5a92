"""What goes wrong around an event, and is not its fault."""

from django.db import InterfaceError as DjangoInterfaceError
from django.db import OperationalError as DjangoOperationalError
from eventsourcing.persistence import InterfaceError, OperationalError

LOST = ("none", "08", "57P")  # how the SQLSTATE begins where the connection is gone
ENDED = ("25P03", "25P04")  # … by the server, since a transaction was idle, or took too long
SHORTLY = ("40", "55P03")  # … and where the same may well succeed in a moment: a deadlock, a lock not had in time
TROUBLE = (OperationalError, InterfaceError, DjangoOperationalError, DjangoInterfaceError)


class TryAgain(Exception):
    """Others were faster, again and again."""


def of_the_moment(error: BaseException) -> bool:
    """The connection, a lock, the disk, a migration that is not applied (42): no event is to blame.

    For 54 it is: a value too long for an index.
    """
    state = sqlstate(error)
    return state.startswith(("42", *ENDED)) or (isinstance(error, (*TROUBLE, TryAgain)) and not state.startswith("54"))


def is_lost(error: BaseException) -> bool:
    """Whether the connection is gone."""
    state = sqlstate(error)
    return state in ENDED or (isinstance(error, TROUBLE) and state.startswith(LOST))


def passes(error: BaseException) -> bool:
    """Whether the same may well succeed in a moment."""
    return isinstance(error, TryAgain) or (isinstance(error, TROUBLE) and sqlstate(error).startswith(SHORTLY))


def sqlstate(error: BaseException) -> str:
    return getattr(error.__cause__, "sqlstate", None) or "none"
