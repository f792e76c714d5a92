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
from eventstore.log import all_names
from eventstore.mapper import present
from eventstore.moved_clock import movable_clock, moved_clock
from eventstore.persistence import COLUMNS, Recorded, rows
from eventstore.personal import remembered
from projections import operations
from projections.engine import catch_up
from projections.lease import Lease, hold, move_all
from projections.policies import hear
from projections.progress import Report, silent
from projections.projection import Policy, known
from shop.demo import stories, trade
from shop.demo.book import DAYS, Book, Step, command_of
from shop.demo.till import Till
from shop.notifications.models import OutgoingMail
from shop.notifications.policies import Mails

FIRST = "MUG-HARBOUR create"
LONG = 3600.0  # seconds of a lease: longer than it takes; whoever is killed gives it up at once
TICK = timedelta(milliseconds=37)  # between what is done, and what is done about it
EVENTS = f"""
    select {COLUMNS}, event_id, coalesce(correlation_id, command_id, event_id) from eventstore_event
    where position > %s and name = any(%s) order by position"""
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
        catch_up(report=report)
        pause()
        live_through([late], silent)
    catch_up(report=report)
    return True


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
    with ExitStack() as holding:
        leases = [lease for each in known().values() for lease in holding.enter_context(hold(each, seconds=LONG))]
        past = Past([lease for lease in leases if isinstance(lease.projection, Policy)])
        for number, day in enumerate(days, 1):
            with moved_clock(), remembered():
                for step in day:
                    past.do(step)
                past.end_of_day()
            report("the past", "loading", number, len(days), len(day))


def pause() -> None:
    """Leave billing as somebody left it, who went home."""
    for each in known().values():
        if each.context == PAUSED:
            with suppress(operations.Refused):  # it was, before this was killed
                operations.pause(each, by=BY, reason=WHY)


class Past:
    """The shop as it was, while its time goes on: what is asked, and what policies make of it."""

    def __init__(self, leases: Sequence[Lease]) -> None:
        if len(places := {lease.position for lease in leases}) != 1:
            raise OtherLog(f"Expected all policies at one position, found them at {sorted(places)}.")
        self._leases = leases
        self._position = leases[0].position
        self._policies: list[Policy] = [lease.projection for lease in leases]
        self._names = all_names({name for policy in self._policies for name in policy.handlers})
        self._time = datetime.min.replace(tzinfo=UTC)

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
        while found := rows(EVENTS, self._position, self._names):  # all of them our own: nothing can precede them
            causes = [{"causation_id": event_id, "correlation_id": of} for *_, event_id, of in found]
            for event, why in zip(present([Recorded(*row[:-2]) for row in found]), causes, strict=True):
                self._hear(event, why)

    def _hear(self, event: Recorded, why: dict[str, UUID]) -> None:
        self._position = event.position
        for policy in self._policies:
            if event.name in policy.handlers:
                self._time += TICK
                with because(effective_at=self._time):
                    hear(policy, event, **why)
                if isinstance(policy, Mails):
                    self._put_into_mailbox()

    def _put_into_mailbox(self) -> None:
        """Nobody gets a mail about what never was."""
        OutgoingMail.objects.filter(status="waiting").update(
            status="shown", written_at=self._time, due_at=self._time, sent_at=self._time
        )

    def end_of_day(self) -> None:
        move_all(self._leases, max(self._position, self._leases[0].position), release=False)
