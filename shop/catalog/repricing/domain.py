"""Repricing: many prices changed for one reason, step by step: an import, the price grid, or the undo of one."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Self
from uuid import UUID

from eventsourcing.domain import event

from eventstore.domain import Aggregate, value
from shop.catalog.domain import Product
from shop.errors import Refused, WrongStatus
from shop.values import Money

MOST = 20_000  # changes of one repricing
RESULTS = ("changed", "unchanged", "conflict", "refused")
COUNTERS = ("changed", "unchanged", "conflicts", "refused")
TENTH = Decimal("0.1")


class PriceMoved(Refused):
    """Somebody else has changed it since the change was decided on."""

    code = "price_moved"


class UnknownSku(Refused):
    code = "unknown_product"


class NothingToChange(Refused):
    code = "nothing_to_change"


class TooManyChanges(Refused):
    code = "too_many_changes"


@value
class Period:
    """A price for some time; ``starts`` None: from when it is carried out, ``ends`` None: until it is cancelled."""

    price: Money
    starts: datetime | None = None
    ends: datetime | None = None


@value
class Change:
    """What is to become of the prices of a product that has had ``revision`` of them.

    ``before`` and ``after``: what was in force when it was decided on, and what it is to be. ``price`` None: the usual
    one stays. ``cancels``: the revisions of scheduled ones. ``ends_running``: one that runs ends with the new price.
    """

    sku: str
    revision: int
    before: Money | None
    after: Money | None
    price: Money | None = None
    schedules: tuple[Period, ...] = ()
    cancels: tuple[int, ...] = ()
    ends_running: bool = True

    @property
    def starts(self) -> datetime | None:
        """When it is to begin, if that is later."""
        return next((each.starts for each in self.schedules), None)

    @property
    def percent(self) -> Decimal | None:
        """By how much it becomes dearer; None: that cannot be said."""
        old, new = self.before, self.after
        if old is None or new is None or old.currency != new.currency or not old.amount:
            return None
        return (100 * (new.amount - old.amount) / old.amount).quantize(TENTH)


@value
class Outcome:
    """What became of the change with that number (from 1): one of ``RESULTS``."""

    number: int
    change: Change
    result: str
    detail: str = ""


def carry_out(product: Product, change: Change, now: datetime) -> None:
    """All of ``change``, or nothing. PriceMoved; what the product refuses."""
    there = {each.revision for each in product.schedules}
    if product.revisions != change.revision or not there.issuperset(change.cancels):
        price, revision = product.price_at(now)
        raise PriceMoved(
            f"Expected its price of revision {change.revision}, found revision {max(revision, product.revisions)} "
            f"({price or 'no price'}): it was changed meanwhile.",
            sku=product.sku,
        )
    if change.price is not None and change.ends_running:
        product.set_price(change.price, now)
    elif change.price is not None:
        product.set_usual_price(change.price)
    for scheduled in product.schedules:
        if scheduled.revision in change.cancels:
            product.cancel_schedule(scheduled.revision, now)
    for period in change.schedules:
        if period.ends is None or period.ends > now:
            product.schedule_price(period.price, max(period.starts or now, now), period.ends, now)


def carried_out(product: Product | None, number: int, change: Change, now: datetime) -> Outcome:
    """What comes of the change with that number; ``product``: there is none with that SKU, if None."""
    if product is None:
        return Outcome(number, change, "refused", f"There is no product with the SKU {change.sku}.")
    try:
        carry_out(product, change, now)
    except PriceMoved as moved:
        return Outcome(number, change, "conflict", str(moved))
    except Refused as refused:
        return Outcome(number, change, "refused", str(refused))
    return Outcome(number, change, "changed" if product.pending_events else "unchanged")


class Repricing(Aggregate):
    """running → finished | stopped. All of it has one correlation id; ``undoes`` is that of what it sets back."""

    id: UUID
    kind: str
    title: str
    changes: tuple[Change, ...]
    by: str
    why: str
    correlation_id: UUID | None
    undoes: UUID | None
    counted: tuple[int, ...]
    status: str

    # Commands decide, and may refuse.

    @classmethod
    def plan(
        cls,
        repricing_id: UUID,
        kind: str,
        title: str,
        changes: Sequence[Change],
        by: str,
        why: str,
        correlation_id: UUID | None = None,
        undoes: UUID | None = None,
    ) -> Self:
        """``kind``: import, grid, undo or api. ``by`` and ``why`` stand at each change. NothingToChange."""
        if not changes:
            raise NothingToChange("There is nothing to change: each price is what it is to be.", pointer="/lines")
        if len(changes) > MOST:
            raise TooManyChanges(f"At most {MOST:,} prices are changed at once, not {len(changes):,}.")
        return cls.with_id(repricing_id, kind, title, tuple(changes), by, why, correlation_id, undoes)

    @property
    def done(self) -> int:
        return sum(self.counted)

    @property
    def counts(self) -> dict[str, int]:
        """How many lines had which outcome so far."""
        return dict(zip(COUNTERS, self.counted, strict=True))

    def next(self, most: int) -> list[tuple[int, Change]]:
        """The changes that are to be carried out now, with their numbers."""
        if self.status != "running":
            return []
        return list(enumerate(self.changes[self.done : self.done + most], self.done + 1))

    def advance(self, outcomes: Sequence[Outcome]) -> None:
        self._advanced(tuple(outcomes))
        if self.done == len(self.changes):
            self._finished()

    def stop(self) -> None:
        """What is done stays done, and can be undone."""
        if self.status == "finished":
            raise WrongStatus("A finished change of prices cannot be stopped: it must be running. Undo it.")
        if self.status == "running":
            self._stopped(len(self.changes) - self.done)

    # Events apply, and never refuse: they already happened.

    @event("Planned")
    def __init__(
        self,
        kind: str,
        title: str,
        changes: tuple[Change, ...],
        by: str,
        why: str,
        correlation_id: UUID | None,
        undoes: UUID | None,
    ) -> None:
        self.kind = kind
        self.title = title
        self.changes = changes
        self.by = by
        self.why = why
        self.correlation_id = correlation_id
        self.undoes = undoes
        self.counted = (0,) * len(RESULTS)
        self.status = "running"

    @event("Advanced")
    def _advanced(self, outcomes: tuple[Outcome, ...]) -> None:
        results = [each.result for each in outcomes]
        self.counted = tuple(n + results.count(result) for n, result in zip(self.counted, RESULTS, strict=True))

    @event("Finished")
    def _finished(self) -> None:
        self.status = "finished"

    @event("Stopped")
    def _stopped(self, left: int) -> None:
        self.status = "stopped"
