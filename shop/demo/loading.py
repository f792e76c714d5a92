"""The demo's past, made with a moved clock: each day one commit, in which policies hear what they heard then.

Nobody else moves a projection or a policy meanwhile: their leases are held. Whoever is killed loses the day that was
under way, and goes on with it the next time: command ids are made of what the steps are called.
"""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from uuid import UUID

from eventstore.cause import because
from eventstore.log import all_names, caused_by
from eventstore.mapper import present
from eventstore.memory import Memory
from eventstore.moved_clock import movable_clock, moved_clock, remembered
from eventstore.persistence import Recorded, rows
from projections import operations
from projections.engine import catch_up, no_collection
from projections.lease import Lease, hold, move_all
from projections.policies import hear
from projections.progress import Report, silent
from projections.projection import Policy, known
from shop.demo import stories, trade
from shop.demo.book import DAYS, Book, Step, command_of
from shop.demo.till import Till
from shop.notifications.policies import Mails

FIRST = "MUG-HARBOUR create"
LONG = 3600.0  # seconds of a lease: longer than it takes; whoever is killed gives it up at once
TICK = timedelta(milliseconds=37)  # between what is done, and what is done about it
SHOWN = """
    update notifications_outgoingmail set status = 'shown', written_at = at, due_at = at, sent_at = at
    from unnest(%s::uuid[], %s::timestamptz[]) heard (cause, at) where causation_id = cause and status = 'waiting'
    returning 1"""
PAUSED, BY, WHY = "billing", "ops", "Looking into a wrong address on an invoice"


class OtherLog(Exception):
    """The log has a present already: no past can be put before it."""


def load(now: datetime, ledger: Path | None = None, report: Report = silent, *, orders: int = trade.ORDERS) -> bool:
    """Make the past, up to ``now``, with so many orders beside the stories'; False: it was there. OtherLog."""
    end = ends(now.replace(microsecond=0))
    steps = plan(end, Till(ledger), orders)
    late = [step for step in steps if step.at > end - stories.LATE]
    if not missing([late]):
        return False
    days = [list(day) for _, day in groupby(steps[: len(steps) - len(late)], key=lambda step: step.at.date())]
    with movable_clock():
        live_through(missing(days), report)
        catch_up(report=as_one(report))
        pause()
        live_through([late], silent)
    catch_up()
    return True


def as_one(report: Report) -> Report:
    """All read models, which are at one place, as one."""

    def told(_: str, doing: str, position: int, end: int, events: int) -> None:
        report("its read models", doing, position, end, 0)

    return told


def ends(now: datetime) -> datetime:
    """Now; or then, when this was begun before: the first event says when the shop opened. OtherLog."""
    first = rows("select command_id, effective_at from eventstore_event order by position limit 1")
    for command_id, opened in first:
        if command_id != command_of(FIRST):
            raise OtherLog("There is something in the log already, and no past can be put before it.")
        return opened + timedelta(days=DAYS)  # type: ignore[no-any-return]
    return now


def plan(end: datetime, till: Till, orders: int) -> list[Step]:
    """All that happens until ``end``, by time."""
    book = Book(end, till)
    book.kept.update(stories.KEPT)
    trade.open_shop(book)
    trade.price_lists(book)
    trade.join(book)
    stories.tell(book)
    trade.Trade(book).run(orders)
    return book.in_order()


def missing(days: Iterable[list[Step]]) -> list[list[Step]]:
    """Those of which no step was done: a day is one commit. Of some steps nothing comes, and no receipt."""
    days = list(days)
    asked = [step.command_id for day in days for step in day]
    done = {found for (found,) in rows("select command_id from eventstore_command where command_id = any(%s)", asked)}
    return [day for day in days if not any(step.command_id in done for step in day)]


def live_through(days: Sequence[Sequence[Step]], report: Report) -> None:
    """One after the other, alone: what else moves projections waits, and policies hear in these days' own time."""
    with ExitStack() as holding, remembered() as memory:
        leases = [lease for each in known().values() for lease in holding.enter_context(hold(each, seconds=LONG))]
        past = Past([lease for lease in leases if isinstance(lease.projection, Policy)], memory)
        for number, day in enumerate(days, 1):
            with moved_clock(), no_collection():
                for step in day:
                    past.do(step)
                past.end_of_day()
            report("the past", "living through its days", number, len(days), 0)


def pause() -> None:
    """Leave billing as somebody left it, who went home."""
    for each in known().values():
        if each.context == PAUSED:
            with suppress(operations.Refused):  # it was, before this was killed
                operations.pause(each, by=BY, reason=WHY)


class Past:
    """The shop as it was, while its time goes on: what is asked, and what policies make of it."""

    def __init__(self, leases: Sequence[Lease], memory: Memory) -> None:
        if len(places := {lease.position for lease in leases}) != 1:
            raise OtherLog(f"Expected all policies at one position, found them at {sorted(places)}.")
        self._leases = leases
        self._position = leases[0].position
        self._policies: list[Policy] = [lease.projection for lease in leases]
        self._names = set(all_names({name for policy in self._policies for name in policy.handlers}))
        self._time = datetime.min.replace(tzinfo=UTC)
        self._memory = memory
        self._mailed: dict[UUID, datetime] = {}  # event → when mails were written about it, if any were

    def do(self, step: Step) -> None:
        """Ask for it at its time, or as soon as what came before it is done."""
        self._time = max(step.at, self._time + TICK)
        command = step.command_id
        with because(
            command_id=command,
            correlation_id=command_of(step.correlation) if step.correlation else command,
            actor=step.actor,
            reason=step.reason,
            effective_at=self._time,
        ):
            try:
                step.do(*step.args, **step.kwargs)
            except Exception as error:
                error.add_note(f"It was step {step.key!r} of the demo's past, at {self._time}.")
                raise
        while new := self._memory.take():
            for event in present([event for event in new if event.name in self._names]):
                self._hear(event, caused_by(event.position))
            self._position = new[-1].position

    def _hear(self, event: Recorded, why: dict[str, UUID]) -> None:
        for policy in self._policies:
            if event.name in policy.handlers:
                self._time += TICK
                with because(effective_at=self._time):
                    hear(policy, event, **why)
                if isinstance(policy, Mails):
                    self._mailed[why["causation_id"]] = self._time

    def end_of_day(self) -> None:
        """Nobody gets a mail about what never was; and policies have heard all."""
        if self._mailed:
            rows(SHOWN, list(self._mailed), list(self._mailed.values()))
            self._mailed.clear()
        move_all(self._leases, max(self._position, self._leases[0].position), release=False)
