"""A thread in each worker that goes on where no message arrives: the broker is away, silent, or beat is."""

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection

from eventstore import log
from eventstore.persistence import rows

EVERY = 1.0  # seconds from one look to the next; what stood still between two of them is advanced

LOOK = 5.0  # seconds that a look takes at most, the first of all on a busy machine

PATIENCE = 60.0  # seconds, for a step of an errand: where many are asked for at once, each waits for its turn

QUIET = 60.0  # seconds between two complaints: with many workers, each may come and go

STANDS = """
    SELECT name, projection, position, epoch, (position < %s AND paused_at IS NULL OR EXISTS (
            SELECT FROM projections_errand e WHERE e.projection = c.projection AND ended_at IS NULL
            AND (%s OR statement_timestamp() - interval '1 second' * %s > greatest(asked_at, (
                SELECT max(updated_at) FROM projections_checkpoint of WHERE of.projection = c.projection)))))
        AND (leased_until IS NULL OR leased_until <= statement_timestamp()
             OR NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = backend))
    FROM projections_checkpoint c WHERE projection = ANY(%s) AND schema = ''"""

Stand = tuple[int, int]  # a position, and how often the lease was taken

logger = logging.getLogger(__name__)


def start(projections: Callable[[], Sequence[Any]], look_after: Callable[[Sequence[Any]], None]) -> None:
    turns = Standby(projections, look_after)
    os.register_at_fork(before=turns.forbid, after_in_parent=turns.allow, after_in_child=turns.allow)
    threading.Thread(target=turns.run, name="standby", daemon=True).start()


class Standby:
    """Looks at ``projections`` every second; those that nobody looks after, it looks after itself."""

    def __init__(self, projections: Callable[[], Sequence[Any]], look_after: Callable[[Sequence[Any]], None]) -> None:
        self._projections, self._look_after = projections, look_after
        self._seen: dict[str, Stand] = {}
        self._turning, self._forking = threading.RLock(), threading.local()
        self._acting = self._database_away = False
        self._silent_until = 0.0

    def run(self) -> None:
        while True:
            time.sleep(EVERY)  # first: the pool of processes is being forked
            with self._turning:
                self._try()

    def forbid(self) -> None:
        """No turn while this thread forks: the child would wait for ever for what a turn has locked, a module, a pool.

        One that acts may take longer, and is not waited for to its end.
        """
        self._forking.has_lock = self._turning.acquire(timeout=LOOK)

    def allow(self) -> None:
        if self._forking.has_lock:
            self._turning.release()

    def _try(self) -> None:
        try:
            self.turn()
        except Exception as error:  # the database is away: it may come back
            if not self._database_away:
                logger.warning("Projections cannot be looked at: %s", error)
            self._database_away, self._acting, self._seen = True, False, {}
            connection.close()
        else:
            self._database_away = False

    def turn(self) -> None:
        """One look. Neither moved nor taken since the last: no sweep has come.

        While it acts, it knows where it left everything, and does not wait for another second; until somebody else
        has moved or taken something, who is then given one for the rest.
        """
        projections = {each.name: each for each in self._projections()}
        stands, waiting = self._look(list(projections))
        if self._acting and any(stands.get(name) != stand for name, stand in self._seen.items()):
            logger.info("Sweeps arrive again.")
            self._acting, self._seen = False, {}
        left = {projections[waiting[name]] for name in waiting if self._seen.get(name) == stands[name]}
        if left:
            if not self._acting and time.monotonic() >= self._silent_until:
                self._silent_until = time.monotonic() + QUIET
                logger.warning("No sweep arrives: this worker advances projections without being asked.")
            self._acting = True
            self._look_after(sorted(left, key=lambda each: str(each.name)))
            stands, waiting = self._look(list(projections))
        self._seen = stands if self._acting else {name: stands[name] for name in waiting}

    def _look(self, names: list[str]) -> tuple[dict[str, Stand], dict[str, str]]:
        """Where each checkpoint stands, and of which projection those are that wait for somebody."""
        end = log.horizon()
        found = rows(STANDS, end, self._acting, PATIENCE, names)
        stands = {name: (position, epoch) for name, _, position, epoch, _ in found}
        waiting = {name: of for name, of, _, _, waits in found if waits}
        if end:
            for name in set(names) - {of for _, of, *_ in found}:  # it has not begun
                stands[name], waiting[name] = (0, 0), name
        return stands, waiting
