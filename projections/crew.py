"""Other processes that build parts of one projection's tables, and end when this one does."""

import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import parent_process
from typing import Any, NamedTuple

from django.db import connections

from projections.projection import Part
from projections.rows import EventFailed
from projections.trouble import of_the_moment

SOON = 5.0  # seconds in which one that was told to end does

not_ours: list[Any] = []  # connections of the process that this one was forked from

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


Work = Callable[[Part, Iterable[int]], Iterator[Done | None]]  # to each of these positions; None: it is there


@contextmanager
def crew(work: Work, parts: Sequence[Part]) -> Iterator[list[Worker]]:
    """A worker for each of ``parts``; they wait for a position to go to."""
    fork = multiprocessing.get_context("fork")  # to import again what this process has would take a second or two
    workers: list[Worker] = []
    try:
        for part in parts:
            ours, theirs = fork.Pipe()
            not_its_own = [*(worker.pipe for worker in workers), ours]
            process = fork.Process(target=_serve, args=(theirs, not_its_own, work, part), name=str(part), daemon=True)
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
        raise WorkerGone(f"The worker for {worker.process.name} ended: code {worker.process.exitcode}") from error


def heard(workers: Sequence[Worker], timeout: float) -> Iterator[tuple[Worker, Done | Failed | None]]:
    """What they have said; None: it is where it was told to go. WorkerGone: one is no more."""
    for pipe in wait([worker.pipe for worker in workers], timeout):
        worker = next(each for each in workers if each.pipe is pipe)
        try:
            yield worker, worker.pipe.recv()
        except (EOFError, OSError) as error:
            raise WorkerGone(f"The worker for {worker.process.name} ended: code {worker.process.exitcode}") from error


def _serve(pipe: Connection, not_its_own: Sequence[Connection], work: Work, part: Part) -> None:
    _end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all of a terminal: the parent decides what it means
    for each in not_its_own:
        each.close()
    _disown()
    try:
        for done in work(part, iter(pipe.recv, None)):
            pipe.send(done)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass  # there is nothing more to do
    except Exception as error:
        about = (error.event, error.place) if isinstance(error, EventFailed) else None
        try:
            pickle.dumps(about)
        except Exception:
            about = None
        with suppress(OSError):
            pipe.send(Failed(type(error).__name__, str(error), of_the_moment(error), about))


def _disown() -> None:
    """Leave the parent's connections to it; there will be others when they are needed.

    To close them, as forgetting them does, would tell the server that they are over.
    """
    nowhere = os.open(os.devnull, os.O_RDWR)
    for django in connections.all(initialized_only=True):
        if django.connection is not None and not django.connection.closed:
            os.dup2(nowhere, django.connection.fileno())
            not_ours.append(django.connection)
        django.connection = None
        django._connection_pools = {}  # type: ignore[attr-defined]  # a pool's threads have stayed there


def _end_with_parent() -> None:
    """However that ends."""

    def watch() -> None:
        parent = parent_process()
        if parent is not None:
            wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
