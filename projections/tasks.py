"""All that Celery runs: ``wake`` when something was recorded, ``sweep`` every second. Losing either loses nothing."""

import logging
import os
import threading
import time
from contextlib import suppress

from celery import shared_task

from eventstore import log
from projections.engine import catch_up

SECONDS = 20.0  # of one task: far less than the broker's visibility timeout
PAUSE = 0.02  # between two messages of one process
QUIET = 60.0  # between two complaints of one process

logger = logging.getLogger(__name__)


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]
def wake() -> None:
    """Advance all projections that have something to do, except those that stopped."""
    catch_up(seconds=SECONDS, failed=False)


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]
def sweep() -> None:
    """The same for what was missed, and another try for those that stopped."""
    log.publish()  # for those who read a replica
    catch_up(seconds=SECONDS)


def ask_to_wake() -> None:
    """Have ``wake`` sent soon, by a thread of this process: never waits for the broker, and never fails."""
    bell.ring()


class Bell:
    """A thread, started when first rung, that sends one message for all the rings of the last 20 ms."""

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
            wake.apply_async(retry=False, ignore_result=True)
        except Exception as error:  # whatever a broker can do: the sweep finds the event within a second
            if time.monotonic() >= self._silent_until:
                self._silent_until = time.monotonic() + QUIET
                logger.warning("No wake-up could be sent (%s); projections are swept instead.", error)


bell = Bell()
