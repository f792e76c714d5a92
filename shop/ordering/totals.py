"""What an order comes to: goods − discount + shipping + tax, each of them rounded once, to the cent."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from eventstore.domain import value
from shop.ordering.refusals import EmptyOrder, MixedCurrencies, TooMuch
from shop.values import Money

LIMIT = Decimal(10) ** 14  # of a total: read models have room for 14 digits before the point


@value
class Rates:
    """In percent: ``discount`` is off the goods, ``tax`` on top of what is left of them and on shipping."""

    tax: Decimal
    discount: Decimal


class Sums(NamedTuple):
    goods: Money
    discount: Money | None  # None: none is given, not even of 0.00
    tax: Money | None
    total: Money


def add_up(lines: Sequence[Money], shipping: Money | None, rates: Rates | None) -> Sums:
    """``lines``: the totals of the lines. EmptyOrder, MixedCurrencies, TooMuch."""
    if not lines:
        raise EmptyOrder("An order needs at least one line.")
    amounts = [*lines, *([shipping] if shipping else [])]
    if len(currencies := sorted({amount.currency for amount in amounts})) > 1:
        raise MixedCurrencies(f"An order is in one currency; these lines are in {' and '.join(currencies)}.")
    goods = Money(sum((line.amount for line in lines), Decimal(0)), currencies[0])
    discount = goods.percent(rates.discount) if rates and rates.discount else None
    net = goods - discount if discount else goods
    if shipping:
        net += shipping
    tax = net.percent(rates.tax) if rates and rates.tax else None
    total = net + tax if tax else net
    if total.amount >= LIMIT:
        raise TooMuch(f"An order is for less than {LIMIT:,} {total.currency}.")
    return Sums(goods, discount, tax, total)
