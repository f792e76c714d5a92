"""Reading your own write: wait until a projection has seen it."""

import time

from eventstore.persistence import rows

SEEN = "SELECT count(*) FROM projections_checkpoint WHERE name = ANY(%s) AND position >= %s"


def wait_until(position: int, *names: str, timeout: float = 2.0) -> bool:
    """Wait until the projections ``names`` have seen the event at ``position``; answers whether they have.

    Looks at their checkpoints after 2, 5, 10, 16, … ms, then every 50 ms, and once more after ``timeout`` seconds.
    """
    until, pause = time.monotonic() + timeout, 0.002
    while rows(SEEN, list(names), position)[0][0] < len(set(names)):
        left = until - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, 0.05)
    return True
