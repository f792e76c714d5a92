"""A worker in a process of its own that meets a fault: ``python -m tests.projections.worker kill|stop AFTER SECONDS``.

Killed or frozen at its AFTER-th row of a COPY, or statement; its lease lasts SECONDS.
"""

import os
import signal
import sys

import django
import psycopg

django.setup()

from projections import engine, layout, lease  # noqa: E402
from projections.projection import known  # noqa: E402

fault, after, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
left = after


def count() -> None:
    global left  # noqa: PLW0603
    left -= 1
    if left == 0:
        print("suffering", flush=True)
        os.kill(os.getpid(), {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}[fault])


write_row, execute = psycopg.Copy.write_row, psycopg.Cursor.execute


def counted_row(copy, row):
    write_row(copy, row)
    count()


def counted_statement(cursor, *args, **kwargs):
    result = execute(cursor, *args, **kwargs)
    count()
    return result


psycopg.Copy.write_row = counted_row
if fault == "kill":
    psycopg.Cursor.execute = counted_statement
layout.MANY = 1  # always COPY
engine.BATCH = 100
lease.take.__kwdefaults__["seconds"] = seconds

engine.catch_up([known()[name] for name in ("Books", "Shelves", "Loans")])
print("finished")
