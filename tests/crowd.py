"""Many at once: each in a thread, with a database connection of its own."""

import threading
from collections.abc import Callable
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
