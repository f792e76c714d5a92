"""A worker that really dies: a forked process, ended by ``os._exit`` at a named point; and the list of the points.

Every handler of every policy is two, before its commit and after; and after each thing that asking the gateway takes.
"""

import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from django.db import connections

from projections import engine, policies
from projections.projection import Policy, known
from shop.payments import work

Point = str  # PlaceOrders, Order.Placed, committed
DIED = 9
GATEWAY = ("take", "ask", "record_outcome", "let_go")  # what `work` calls, in this order, each a commit or a request


def points() -> set[Point]:
    """All there are: who adds a handler adds two."""
    ours = [each for each in known().values() if isinstance(each, Policy) and type(each).__module__.startswith("shop.")]
    handlers = {f"{policy.name}, {event}" for policy in ours for event in policy.handlers}
    return {
        *(f"{handler}, {when}" for handler in handlers for when in ("uncommitted", "committed")),
        *(f"gateway, {step}, done" for step in GATEWAY),
    }


def forked(run: Callable[[], None], dies: Callable[[Point], bool]) -> tuple[Point, list[Point]]:
    """Have a process of its own ``run``, until it comes to a point at which it ``dies``; where (empty: it did not).

    It may also end itself by ``os._exit(DIED)``: then that is after the last point.

    And all the points that it came to.
    """
    connections.close_all()
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(reading)
            with _watched(lambda point: _reached(point, dies, writing)):
                run()
            code = 0
        except BaseException:
            traceback.print_exc(file=sys.__stderr__)
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        reached = pipe.read().splitlines()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert code in (0, DIED), f"it failed by itself after {reached[-1:]}"
    return ((reached or ["no point"])[-1] if code == DIED else ""), reached


def _reached(point: Point, dies: Callable[[Point], bool], told: int) -> None:
    os.write(told, f"{point}\n".encode())
    if dies(point):
        os._exit(DIED)


@contextmanager
def _watched(reached: Callable[[Point], None]) -> Iterator[None]:
    def acting(policy: Any, events: Any) -> None:
        act(policy, events)
        for event in events:
            reached(f"{policy.name}, {event.name}, uncommitted")

    def applying(lease: Any, events: Any, to: int, **more: Any) -> None:
        apply(lease, events, to, **more)
        if isinstance(lease.projection, Policy):
            for event in events:
                reached(f"{lease.projection.name}, {event.name}, committed")

    def asking(step: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def asked(*args: Any, **kwargs: Any) -> Any:
            answer = real(*args, **kwargs)
            reached(f"gateway, {step}, done")
            return answer

        return asked

    act, apply = policies.act, engine.apply
    with ExitStack() as patches:
        patches.enter_context(patch.object(policies, "act", acting))
        patches.enter_context(patch.object(engine, "apply", applying))
        for step in GATEWAY:
            patches.enter_context(patch.object(work, step, asking(step, getattr(work, step))))
        yield
