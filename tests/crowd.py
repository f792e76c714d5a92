"""Many at once: each in a thread, with a database connection of its own."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


def at_once(times: int, ask: Callable[[], Any]) -> list[Any]:
    """What ``ask`` answered, or raised, in each of ``times`` threads that began together."""
    answers: list[Any] = []
    start = threading.Barrier(times)

    def one() -> None:
        try:
            start.wait()
            answers.append(ask())
        except Exception as error:
            answers.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@contextmanager
def meanwhile(work: Callable[[], Any], *, pause: float = 0.0, at_least: int = 1) -> Iterator[list[Any]]:
    """``work`` is done over and over in a thread until the block ends, ``at_least`` so often; what it answered."""
    answers: list[Any] = []
    over = threading.Event()

    def run() -> None:
        try:
            while not over.is_set() or len(answers) < at_least:
                answers.append(work())
                over.wait(pause)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield answers
    finally:
        over.set()
        thread.join()
