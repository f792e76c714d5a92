"""All that Celery runs: ``wake`` when something was recorded, ``sweep`` every second. Losing either loses nothing."""

import logging
import os
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from celery import shared_task
from celery.signals import task_prerun, worker_init
from django.db import connections
from django.utils import timezone

from eventstore import log
from eventstore.commands import forget_broken_connection
from projections import complaints, errands, history, queues, rebuild, standby
from projections.engine import catch_up
from projections.projection import Projection, known

SECONDS = 20.0  # of one task: far less than the broker's visibility timeout
STEP = 1.0  # of an errand, such as a rebuild: other projections wait meanwhile, where a worker has no other process
PAUSE = 0.02  # between two messages of one process
QUIET = 60.0  # between two complaints of one process

logger = logging.getLogger(__name__)


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]
def wake(queue: str | None = None) -> None:
    """Advance the projections of ``queue`` (all) that have something to do, except those that stopped."""
    catch_up(of(queue), seconds=SECONDS, failed=False)


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]
def sweep(queue: str | None = None) -> None:
    """The same for what was missed, and another try for those that stopped; then say what is wrong."""
    look_after(of(queue))


def of(queue: str | None) -> list[Any]:
    return list(known().values()) if queue is None else queues.served_by([queue])


def look_after(projections: Sequence[Any]) -> None:
    """What a sweep does for them, and in its place each worker's own thread."""
    try:
        log.publish()  # for those who read a replica
    except Exception as error:  # whatever it is: rows are more than a replica's
        if publishing.is_news(type(error).__name__):
            logger.warning("The horizon was not published for replicas (%s).", error)
        forget_broken_connection()
    else:
        publishing.is_news("")
    until = time.monotonic() + SECONDS
    catch_up(projections, seconds=SECONDS)
    for projection in projections:
        if time.monotonic() < until and errands.go_on(projection, seconds=STEP):
            catch_up(projections, seconds=SECONDS, failed=False)  # nobody waits for more than one step
    rebuild.drop_expired()
    pruning.now_and_then(projections)
    complaints.say(projections)


class Pruning:
    """Once an hour in each process, history that is older than its projection keeps it is forgotten."""

    EVERY = 3600.0  # seconds

    def __init__(self) -> None:
        self._due = time.monotonic() + self.EVERY

    def now_and_then(self, projections: Sequence[Any]) -> None:
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + self.EVERY
        for projection in projections:
            if isinstance(projection, Projection):
                history.prune(projection, timezone.now())


pruning = Pruning()


class Publishing:
    """What this process has said of it: the same is not said twice, until it was mended."""

    def __init__(self) -> None:
        self._said = ""

    def is_news(self, wrong: str) -> bool:
        was, self._said = self._said, wrong
        return was != wrong


publishing = Publishing()


def ask_to_wake() -> None:
    """Have ``wake`` sent soon, by a thread of this process: never waits for the broker, and never fails."""
    bell.ring()


class Bell:
    """A thread, started when first rung, that sends one message to each queue for all the rings of the last 20 ms."""

    def __init__(self) -> None:
        self.reset()
        os.register_at_fork(after_in_child=self.reset)  # a child has no thread of its parent's, nor a lock surely free

    def reset(self) -> None:
        self._rung = threading.Event()
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None
        self._silent_until = 0.0

    def ring(self) -> None:
        self._rung.set()
        if self._thread is None or not self._thread.is_alive():
            with self._start, suppress(RuntimeError):  # no more threads: the sweep will do
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(target=self._run, name="wake", daemon=True)
                    self._thread.start()

    def _run(self) -> None:
        while self._rung.wait():
            self._rung.clear()
            self._send()
            time.sleep(PAUSE)

    def _send(self) -> None:
        try:
            for queue in queues.in_use():
                wake.apply_async([queue], queue=queue, retry=False, ignore_result=True)
        except Exception as error:  # whatever a broker can do: the sweep finds the event within a second
            if time.monotonic() >= self._silent_until:
                self._silent_until = time.monotonic() + QUIET
                logger.warning("No wake-up could be sent (%s); projections are swept instead.", error)


bell = Bell()


@task_prerun.connect  # type: ignore[untyped-decorator]
def keep_connected(**_: Any) -> None:
    """A connection goes from one task to the next (``CELERY_DB_REUSE_MAX``), unless the server has closed it."""
    for each in connections.all(initialized_only=True):
        if not each.in_atomic_block:
            each.close_if_unusable_or_obsolete()
            each.close_if_health_check_failed()


@worker_init.connect  # type: ignore[untyped-decorator]
def start_standby(sender: Any, **_: Any) -> None:
    """In each worker's main process, of whatever pool; not when it is ready, since that wants a broker."""
    served = list(sender.app.amqp.queues.consume_from)
    standby.start(lambda: queues.served_by(served), look_after)
