"""Reading your own write: wait until a projection has seen it."""

import os
import threading
import time
from collections.abc import Sequence

from django.db import connection

from eventstore.persistence import rows
from projections.models import Parked

SHORTEST, LONGEST = 0.002, 0.05  # seconds from one look to the next: in between an eighth of what was waited
GRACE = 0.25  # seconds after which a thread no longer relies on another's look: the database may be silent

STAND = """
    SELECT c.projection, min(c.position), (
        SELECT array_agg(p.position) FROM projections_parked p
        WHERE p.projection = c.projection AND p.position = ANY(%s) AND p.skipped_at IS NULL)
    FROM projections_checkpoint c WHERE c.projection = ANY(%s) AND c.schema = '' GROUP BY c.projection"""


def wait_until(position: int, *names: str, timeout: float = 2.0) -> bool:
    """Wait until the projections ``names`` have seen the event at ``position``; answers whether they have.

    Of all threads of a process that wait, one looks at the checkpoints for all: at once, after 2, 4, … ms, then an
    eighth later than it has waited, at most 50 ms, and once more after ``timeout`` seconds. Only a look that began
    later than a thread came counts for it: a rebuild or a restore puts checkpoints back. Inside
    ``transaction.atomic()`` each looks for itself. If one of the projections has parked that very event, it has not
    seen it, and the answer is False at once.
    """
    among = Lookout() if connection.in_atomic_block else lookout
    return among.wait(Waiting(position, names, time.monotonic() + timeout))


def is_parked(position: int, name: str) -> bool:
    """Whether that projection has parked the very event: to wait for it is in vain, until somebody has mended it."""
    return Parked.objects.filter(projection=name, position=position, skipped_at=None).exists()


class Waiting:
    """A thread, and what it waits for: waiting → looking for all who wait → answered."""

    def __init__(self, position: int, names: Sequence[str], until: float) -> None:
        self.position, self.names, self.until = position, set(names), until
        self.answer: bool | None = None
        self.bell = threading.Event()  # it has its answer; or it is to look; or, while it looks, somebody came


class Lookout:
    """Those who wait, and the one of them who looks."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Waiting] = []
        self._looker: Waiting | None = None

    def wait(self, me: Waiting) -> bool:
        with self._lock:
            self._waiting.append(me)
            if self._looker is None:
                self._looker = me
            else:
                self._looker.bell.set()
        try:
            while me.answer is None:
                if self._looker is me:
                    self._look(me)
                elif not me.bell.wait(max(0.0, me.until + GRACE - time.monotonic())) and self._looker is not me:
                    break
        finally:
            self._leave(me)
        return bool(me.answer)

    def _look(self, me: Waiting) -> None:
        """Until ``me`` has its answer; the others get theirs on the way."""
        since = time.monotonic()
        while True:
            with self._lock:
                me.bell.clear()  # who comes from here on sets it
                asking = list(self._waiting)
            began = time.monotonic()
            self._tell(asking, began)
            if me.answer is not None:
                return
            now = time.monotonic()
            next_due = min(each.until for each in asking if each.answer is None)
            if me.bell.wait(max(SHORTEST, min((now - since) / 8, LONGEST, next_due - now))):
                time.sleep(max(0.0, began + SHORTEST - time.monotonic()))  # for others who come at the same time
                since = time.monotonic()

    def _tell(self, asking: Sequence[Waiting], began: float) -> None:
        """One look, for all who were there before it."""
        names = set().union(*(each.names for each in asking))
        stand = {
            name: (position, parked or ())
            for name, position, parked in rows(STAND, list({each.position for each in asking}), list(names))
        }
        missing = (0, ())
        for each in asking:
            stands = [stand.get(name, missing) for name in each.names]
            if any(each.position in parked for _, parked in stands):
                each.answer = False
            elif all(position >= each.position for position, _ in stands):
                each.answer = True
            elif began >= each.until:
                each.answer = False
        with self._lock:
            self._waiting = [each for each in self._waiting if each.answer is None]
        for each in asking:
            if each.answer is not None:
                each.bell.set()

    def _leave(self, me: Waiting) -> None:
        with self._lock:
            if me in self._waiting:
                self._waiting.remove(me)
            if self._looker is me:
                self._looker = max(self._waiting, key=lambda each: each.until, default=None)
                if self._looker:
                    self._looker.bell.set()


lookout = Lookout()  # of this process
os.register_at_fork(after_in_child=lookout.reset)  # its threads are not its child's
