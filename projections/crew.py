"""Other processes that build parts of one projection's tables, and end when this one does.

Knows no models: it is imported in a process in which Django is not set up yet.
"""

import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from multiprocessing.connection import Connection, wait
from multiprocessing.process import parent_process
from typing import Any, NamedTuple

SOON = 5.0  # seconds in which one that was told to end does

Done = tuple[int, int]  # the position that a worker has come to, and with how many events


class Failed(NamedTuple):
    """Why a worker cannot go on, as far as it can be told to another process."""

    kind: str
    said: str
    of_the_moment: bool  # the same may well succeed
    about: Any = None  # of EventFailed: the event, and its place


class WorkerGone(Exception):
    """A worker ended: it was killed, had no memory left, or lost its connection."""


class Worker(NamedTuple):
    process: Any
    pipe: Connection


@contextmanager
def crew(
    topic: str, schema: str, parts: Sequence[tuple[int, int]], database: str, batch: int
) -> Iterator[list[Worker]]:
    """A worker for each of ``parts`` of the tables in ``schema``; they wait for a position to go to."""
    spawn = multiprocessing.get_context("spawn")  # a fork would share the connection, and locks of other threads
    workers: list[Worker] = []
    try:
        for part in parts:
            ours, theirs = spawn.Pipe()
            process = spawn.Process(
                target=_serve, args=(theirs, topic, schema, part, database, batch), name=f"{topic} {part}", daemon=True
            )
            process.start()
            theirs.close()
            workers.append(Worker(process, ours))
        yield workers
    finally:
        for worker in workers:
            worker.pipe.close()  # at the end of a batch it sees that, and lets go
        for worker in workers:
            worker.process.join(SOON)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()


def send(worker: Worker, goal: int) -> None:
    """Tell it how far to go. WorkerGone: it is no more."""
    try:
        worker.pipe.send(goal)
    except OSError as error:
        raise WorkerGone(f"The worker for {worker.process.name} ended: code {worker.process.exitcode}.") from error


def heard(workers: Sequence[Worker], timeout: float) -> Iterator[tuple[Worker, Done | Failed | None]]:
    """What they have said; None: it is where it was told to go. WorkerGone: one is no more."""
    for pipe in wait([worker.pipe for worker in workers], timeout):
        worker = next(each for each in workers if each.pipe is pipe)
        try:
            yield worker, worker.pipe.recv()
        except (EOFError, OSError) as error:
            raise WorkerGone(f"The worker for {worker.process.name} ended: code {worker.process.exitcode}.") from error


def _serve(pipe: Connection, topic: str, schema: str, part: tuple[int, int], database: str, batch: int) -> None:
    import django
    from django.conf import settings

    _end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all of a terminal: the parent decides what it means
    settings.DATABASES["default"]["NAME"] = database  # a test's is not what the settings say
    django.setup()
    from projections import build
    from projections.trouble import of_the_moment

    build.BATCH = batch
    module, _, name = topic.partition(":")
    try:
        projection = getattr(import_module(module), name)()
        for done in build.orders(projection, schema, part, iter(pipe.recv, None)):
            pipe.send(done)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass  # there is nothing more to do
    except Exception as error:
        about = (error.event, error.place) if type(error).__name__ == "EventFailed" else None  # type: ignore[attr-defined]
        try:
            pickle.dumps(about)
        except Exception:
            about = None
        with suppress(OSError):
            pipe.send(Failed(type(error).__name__, str(error), of_the_moment(error), about))


def _end_with_parent() -> None:
    """However that ends."""

    def watch() -> None:
        parent = parent_process()
        if parent is not None:
            wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
