"""Which price is in force when: a function of what was said and of the time. Knows no framework."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from eventstore.domain import value
from shop.values import Money

LOOKING_BACK = timedelta(days=30)  # before a promotion (Directive 98/6/EC, article 6a)


@value
class Scheduled:
    """A price for some time: from ``starts`` to before ``ends``; None: until it is cancelled."""

    revision: int
    price: Money
    starts: datetime
    ends: datetime | None

    def is_running(self, instant: datetime) -> bool:
        return self.starts <= instant and not self.is_over(instant)

    def is_over(self, instant: datetime) -> bool:
        return self.ends is not None and self.ends <= instant


def running(schedules: Iterable[Scheduled], instant: datetime) -> Scheduled | None:
    """The one in force at ``instant``: of several, the one that began last."""
    found = (each for each in schedules if each.is_running(instant))
    return max(found, key=lambda each: (each.starts, each.revision), default=None)


class Past(NamedTuple):
    """A price that a product ever had: a usual one since ``since``, or a scheduled one until ``until``."""

    revision: int
    amount: Decimal
    currency: str
    is_scheduled: bool
    since: datetime
    until: datetime | None = None  # when it ended, or was cancelled; of a usual one, the next one

    def as_scheduled(self) -> Scheduled:
        return Scheduled(self.revision, Money(self.amount, self.currency), self.since, self.until)


def in_force(prices: Iterable[Past], instant: datetime) -> Money | None:
    """What one cost at ``instant``."""
    prices = list(prices)
    if scheduled := running((each.as_scheduled() for each in prices if each.is_scheduled), instant):
        return scheduled.price
    usual = [each for each in prices if not each.is_scheduled and each.since <= instant]
    last = max(usual, key=lambda each: each.revision, default=None)
    return last and Money(last.amount, last.currency)


def lowest_before(prices: Iterable[Past], instant: datetime, currency: str) -> Money | None:
    """The lowest price in that currency that was in force at any time of the 30 days before ``instant``."""
    prices = list(prices)
    start = instant - LOOKING_BACK
    turns = {start} | {turn for turn in _turns(prices) if start < turn < instant}
    found = [price for turn in turns if (price := in_force(prices, turn)) and price.currency == currency]
    return min(found, key=lambda price: price.amount, default=None)


def _turns(prices: Iterable[Past]) -> Iterator[datetime]:
    """When another price may have come into force."""
    for each in prices:
        yield each.since
        if each.until:
            yield each.until
