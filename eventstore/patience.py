"""How long a command waits for an answer: a server that hangs, or a proxy that swallows, would keep it for ever.

A time-out of the server's does not help then, nor one of TCP's: whoever acknowledges a packet need not answer it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import psycopg
from django.db.backends.signals import connection_created
from django.dispatch import receiver

_patience: ContextVar[float | None] = ContextVar("patience", default=None)


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Within the block no statement, and no COMMIT, is waited for longer than that.

    OperationalError: it would have been; the connection is closed then.
    """
    token = _patience.set(seconds)
    try:
        yield
    finally:
        _patience.reset(token)


class Connection(psycopg.Connection[Any]):
    """psycopg's, with patience: all its waiting is here."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        seconds = _patience.get() if timeout is None else None
        try:
            return super().wait(gen, interval, timeout if seconds is None else seconds)
        except psycopg.errors._WaitTimeout:
            if seconds is None:
                raise
            self.close()
            raise psycopg.OperationalError(f"no answer within {seconds:g} seconds") from None


@receiver(connection_created)
def _be_patient(connection: Any, **_: Any) -> None:
    if type(connection.connection) is psycopg.Connection:  # Django has no setting for its class
        connection.connection.__class__ = Connection
