"""Leases that are held for long: extended by a thread, which stands still where its process is frozen."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import psycopg
from django.db import connection

from projections.lease import EXTEND, Lease

BEATS = 3  # in the time of a lease


@contextmanager
def extended(leases: Sequence[Lease]) -> Iterator[None]:
    """While the block runs nobody takes them, unless this process is frozen or cut off."""
    over = threading.Event()
    where = connection.get_connection_params()  # a connection of its own: a pool may have no second one
    pause = leases[0].seconds / BEATS

    def beat() -> None:
        while not over.wait(pause):
            with suppress(psycopg.Error), psycopg.connect(**where, autocommit=True) as own:
                while not over.is_set():
                    for lease in leases:
                        own.execute(EXTEND, [lease.seconds, lease.name, lease.epoch])
                    over.wait(pause)

    thread = threading.Thread(target=beat, name="pulse", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
