"""Each command once: its id, and the receipt it gave, are stored in the same commit as its events."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, wraps
from hashlib import blake2b
from typing import Any, NamedTuple, ParamSpec
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import DatabaseError, connections
from django.db import InterfaceError as DjangoInterfaceError
from django.db import OperationalError as DjangoOperationalError
from django.utils.crypto import salted_hmac
from eventsourcing.persistence import IntegrityError, InterfaceError, OperationalError

from eventstore.cause import because, cause
from eventstore.domain import uuid7
from eventstore.patience import patience
from eventstore.persistence import rows

DEADLINE = 5.0  # seconds for a command and all its tries, when others are faster or the database is away
SILENCE = 5.0  # seconds of a command's wait for one answer; longer than a server's lock_timeout

P = ParamSpec("P")
IN_VAIN = ("55P03", "53100")  # SQLSTATEs: a lock was not had within lock_timeout; there is no room on the disk
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
    older_digests: list[bytes]  # by the keys of SECRET_KEY_FALLBACKS


class VersionConflict(Exception):
    """The aggregate is not as the caller last saw it."""

    def __init__(self, stream_id: UUID, expected: int, found: int) -> None:
        super().__init__(f"Expected version {expected} of {stream_id}, found {found}.")
        self.expected, self.found = expected, found


expected: ContextVar[int | None] = ContextVar("expected", default=None)


@contextmanager
def at_version(version: int) -> Iterator[None]:
    """Commands in the block change an aggregate only as it is at ``version``. VersionConflict: it is at another."""
    token = expected.set(version)
    try:
        yield
    finally:
        expected.reset(token)


under_way: ContextVar[UnderWay | None] = ContextVar("under_way", default=None)


def command(function: Callable[P, Receipt]) -> Callable[P, Receipt]:
    """Carry ``function`` out once per command id; again when another writer was faster or the connection was lost.

    The id is ``cause``'s (``with because(command_id=…)``), or a new one. ``function`` records once: its one append is
    its transaction, and stores the receipt too, so that a COMMIT whose reply was lost is found, not repeated. After
    ``DEADLINE`` seconds the last error is raised; OperationalError, too, if nobody can say whether it was carried out.
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> Receipt:
        asked = cause.get()
        command_id = asked.command_id or uuid7()
        me = UnderWay(function.__name__, *digests(command_id, function.__name__, args, kwargs))
        in_doubt = asked.command_id is not None  # whether it may have been carried out
        until = time.monotonic() + DEADLINE
        token = under_way.set(me)
        try:
            with patience(SILENCE), because(command_id=command_id, correlation_id=asked.correlation_id or command_id):
                for last_try in tries(until):
                    try:
                        return function(*args, **kwargs)
                    except Exception as error:
                        if lost_transaction(error):
                            raise
                        again = isinstance(error, TRY_AGAIN)
                        in_doubt = in_doubt or again
                        if in_doubt and (done := found(command_id, me, until)):
                            return done
                        if last_try or not again or is_in_vain(error):
                            raise
                raise AssertionError("tries() ends with a last one")
        finally:
            under_way.reset(token)

    return run


def found(command_id: UUID, of: UnderWay, until: float) -> Receipt | None:
    """The receipt, if there is one, as soon as the database says so. OperationalError: it does not say."""
    for last_try in tries(until):
        try:
            forget_broken_connection()
            return receipt(command_id, of)
        except TRY_AGAIN as error:
            if last_try or lost_transaction(error):
                raise OperationalError(
                    f"The database does not answer ({error}): whether command {command_id} was carried out is not "
                    "known. Asked again under that id, it is not carried out twice."
                ) from error
    raise AssertionError("tries() ends with a last one")


def receipt(command_id: UUID, of: UnderWay) -> Receipt | None:
    """What that command answered, if it was carried out. CommandReused: it was another one."""
    found = rows(
        "select name, digest, stream_id, version, position from eventstore_command where command_id = %s", command_id
    )
    for name, its_digest, *answered in found:
        if name != of.name or its_digest not in (of.digest, *of.older_digests):
            raise CommandReused(
                f"The id {command_id} belongs to a command that was carried out ({name}) with other arguments."
            )
        return Receipt(*answered)
    return None


def digests(command_id: UUID, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[bytes, list[bytes]]:
    """16 bytes, equal for equal calls under one id, by the present SECRET_KEY; and those by each older one.

    Keyed, because arguments are personal: a plain hash would tell whoever tries names which one it was.
    """
    call = msgspec.json.encode((name, args, sorted(kwargs.items())), enc_hook=repr)
    first, *older = (
        blake2b(call, digest_size=16, key=key, salt=command_id.bytes)
        for key in _keys(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    )
    return first.digest(), [each.digest() for each in older]


@cache
def _keys(*secrets: str | bytes) -> list[bytes]:
    return [salted_hmac("eventstore.commands", "digest", secret, algorithm="sha256").digest() for secret in secrets]


def tries(until: float) -> Iterator[bool]:
    """False for each try that another may follow, at random short intervals; True for the last, at the deadline."""
    pause = 0.002
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


def is_in_vain(error: Exception) -> bool:
    """Whether the same at once would end the same: a wait would not be shorter, nor a disk less full."""
    return getattr(error.__cause__, "sqlstate", None) in IN_VAIN


def forget_broken_connection() -> None:
    if not connections["default"].in_atomic_block:
        connections["default"].close_if_unusable_or_obsolete()
