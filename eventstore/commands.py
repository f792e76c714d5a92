"""Each command once: its id, and the receipt it gave, are stored in the same commit as its events."""

import random
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import wraps
from hashlib import blake2b
from typing import Any, NamedTuple, ParamSpec
from uuid import UUID

import msgspec
from django.db import DatabaseError, connections
from django.db import InterfaceError as DjangoInterfaceError
from django.db import OperationalError as DjangoOperationalError
from eventsourcing.persistence import IntegrityError, InterfaceError, OperationalError

from eventstore.cause import because, cause
from eventstore.domain import uuid7
from eventstore.persistence import rows

DEADLINE = 5.0  # seconds for a command and all its tries, when others are faster or the database is away

P = ParamSpec("P")
TRY_AGAIN = (IntegrityError, OperationalError, InterfaceError, DjangoOperationalError, DjangoInterfaceError)


class Receipt(NamedTuple):
    """What a command answers: enough to read your own write."""

    id: UUID
    version: int  # of the aggregate; 1 is its first event
    position: int | None  # in the log, of its last new event; None: nothing changed


class CommandReused(Exception):
    """The id of a command that was carried out came again, with another command or other arguments."""


class UnderWay(NamedTuple):
    """The command that is being carried out, as its receipt will be stored."""

    name: str
    digest: bytes


under_way: ContextVar[UnderWay | None] = ContextVar("under_way", default=None)


def command(function: Callable[P, Receipt]) -> Callable[P, Receipt]:
    """Carry ``function`` out once per command id; again when another writer was faster or the connection was lost.

    The id is ``cause``'s (``with because(command_id=…)``), or a new one. ``function`` records once: its one append is
    its transaction, and stores the receipt too, so that a COMMIT whose reply was lost is found, not repeated. After
    ``DEADLINE`` seconds the last error is raised.
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> Receipt:
        asked = cause.get()
        me = UnderWay(function.__name__, digest(function.__name__, args, kwargs))
        command_id = asked.command_id or uuid7()
        token = under_way.set(me)
        try:
            with because(command_id=command_id, correlation_id=asked.correlation_id or command_id):
                for last_try in tries():
                    try:
                        return function(*args, **kwargs)
                    except Exception as error:
                        if lost_transaction(error):
                            raise
                        if isinstance(error, TRY_AGAIN) or asked.command_id:
                            forget_broken_connection()
                            if done := receipt(command_id, me):
                                return done
                        if last_try or not isinstance(error, TRY_AGAIN):
                            raise
                raise AssertionError("tries() ends with a last one")
        finally:
            under_way.reset(token)

    return run


def receipt(command_id: UUID, of: UnderWay) -> Receipt | None:
    """What that command answered, if it was carried out. CommandReused: it was another one."""
    found = rows(
        "select name, digest, stream_id, version, position from eventstore_command where command_id = %s", command_id
    )
    for name, its_digest, *answered in found:
        if (name, its_digest) != of:
            raise CommandReused(
                f"The id {command_id} belongs to a command that was carried out ({name}) with other arguments."
            )
        return Receipt(*answered)
    return None


def digest(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bytes:
    """Equal for equal calls: 16 bytes of the name and the arguments."""
    call = msgspec.msgpack.encode((name, args, sorted(kwargs.items())), enc_hook=repr)
    return blake2b(call, digest_size=16).digest()


def tries() -> Iterator[bool]:
    """False for each try that another may follow, at random short intervals; True for the last, at the deadline."""
    until, pause = time.monotonic() + DEADLINE, 0.002
    while time.monotonic() < until:
        yield False
        time.sleep(random.uniform(0, pause))
        pause = min(2 * pause, 0.5)
    yield True


def lost_transaction(error: Exception) -> bool:
    """Whether the caller's transaction is gone with this error, so that only the caller can try again."""
    return connections["default"].in_atomic_block and (
        connections["default"].needs_rollback or isinstance(error, DatabaseError)
    )


def forget_broken_connection() -> None:
    if not connections["default"].in_atomic_block:
        connections["default"].close_if_unusable_or_obsolete()
