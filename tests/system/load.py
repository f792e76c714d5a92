"""Somebody who works on, whatever the broker does: ``python -m tests.system.load``, until it is told to end (SIGTERM).

Then prints what it saw, as JSON: ``asked`` is [[when, seconds that the request took], …], ``read`` is
[[when, seconds until the row was there], …].
"""

import json
import signal
import threading
import time

import django

django.setup()

from django.db import connection  # noqa: E402

from projections.tasks import ask_to_wake  # noqa: E402
from projections.waiting import wait_until  # noqa: E402
from tests.lending.domain import Member  # noqa: E402
from tests.lending.story import library  # noqa: E402

LONGEST = 20.0  # seconds; longer is for ever

done = threading.Event()
asked: list[tuple[float, float]] = []
read: list[tuple[float, float]] = []


def work() -> None:
    """Some forty requests a second."""
    while not done.is_set():
        began = time.monotonic()
        library.record(Member("Ada"))
        ask_to_wake()
        asked.append((began, time.monotonic() - began))
        done.wait(0.025)


def look() -> None:
    try:
        while not done.is_set():
            receipt = library.record(Member("Ben"))
            ask_to_wake()
            began = time.monotonic()
            seen = wait_until(receipt.position or 0, "Loans", timeout=LONGEST)
            read.append((began, time.monotonic() - began if seen else LONGEST))
            done.wait(0.05)
    finally:
        connection.close()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: done.set())
    looking = threading.Thread(target=look)
    looking.start()
    print("working", flush=True)
    work()
    looking.join()
    print(json.dumps({"asked": asked, "read": read}), flush=True)
