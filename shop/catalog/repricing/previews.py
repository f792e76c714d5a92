"""What would come of prices that somebody wants: every change, what stays, and what cannot be. Knows no framework."""

from collections.abc import Iterable, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import NamedTuple

from eventstore.domain import value
from shop.catalog.prices import Scheduled
from shop.catalog.repricing.domain import Change, Period
from shop.catalog.repricing.files import Wanted, Wrong
from shop.values import CENT, Money

STEEP = 50  # percent: a change by more is pointed out, whichever way
ROUNDINGS = {"cent": "to the cent", "99": "to .99", "95": "to .95", "whole": "to whole units"}


class Known(NamedTuple):
    """A product as it is when a change is decided on."""

    sku: str
    name: str
    status: str
    price: Money | None  # in force
    revision: int  # how many prices it has had
    running: Scheduled | None = None


@value
class Planned:
    """A change, and what somebody should know before it is made."""

    number: int  # of the line that asks for it
    name: str
    change: Change
    warnings: tuple[str, ...] = ()
    steep: bool = False
    conflict: str = ""  # why it will be left alone, if nothing happens meanwhile

    @property
    def percent(self) -> str:
        """As people read it: +4.0; empty, where it cannot be said."""
        return "" if self.change.percent is None else f"{self.change.percent:+}"


@value
class Same:
    """A line that changes nothing."""

    number: int
    sku: str
    name: str
    price: Money


@value
class Preview:
    planned: tuple[Planned, ...] = ()
    same: tuple[Same, ...] = ()
    wrong: tuple[Wrong, ...] = ()

    @property
    def steep(self) -> int:
        return sum(each.steep for each in self.planned)

    @property
    def conflicts(self) -> int:
        return sum(bool(each.conflict) for each in self.planned)

    @property
    def changes(self) -> tuple[Change, ...]:
        return tuple(each.change for each in self.planned)


def preview(
    wanted: Iterable[Wanted], known: Mapping[str, Known], currency: str, wrong: Iterable[Wrong] = ()
) -> Preview:
    """``currency``: of products that have no price yet, if the line does not say."""
    planned: list[Planned] = []
    same: list[Same] = []
    bad = list(wrong)
    for each in wanted:
        if (product := known.get(each.sku)) is None:
            found = f"{each.sku},{each.amount}"
            bad.append(Wrong(each.number, found, f"Expected the SKU of a product, found {each.sku!r}: there is none."))
            continue
        of = each.currency or (product.price.currency if product.price else currency)
        price = Money(each.amount, of)
        if price == product.price and product.running is None and each.starts is None:
            same.append(Same(each.number, each.sku, product.name, price))
        else:
            planned.append(_planned(each, product, price))
    return Preview(tuple(planned), tuple(same), tuple(sorted(bad, key=lambda each: each.number)))


def _planned(wanted: Wanted, product: Known, price: Money) -> Planned:
    change = Change(
        sku=product.sku,
        revision=product.revision,
        before=product.price,
        after=price,
        price=None if wanted.starts else price,
        schedules=(Period(price, wanted.starts),) if wanted.starts else (),
    )
    warnings = tuple(_warnings(change, product))
    return Planned(wanted.number, product.name, change, warnings, is_steep(change))


def is_steep(change: Change) -> bool:
    """Whether it is larger than prices usually change: somebody may have lost a digit."""
    return (change.percent is not None and abs(change.percent) > STEEP) or _other_currency(change)


def _other_currency(change: Change) -> bool:
    return bool(change.before and change.after and change.before.currency != change.after.currency)


def _warnings(change: Change, product: Known) -> Iterable[str]:
    assert change.after
    if change.percent is not None and abs(change.percent) > STEEP:
        yield f"changes by {change.percent:+} %"
    if not change.after.amount:
        yield "costs nothing"
    if change.before and _other_currency(change):
        yield f"another currency than before ({change.before.currency})"
    if product.running and change.price is not None:
        until = f"until {product.running.ends:%Y-%m-%d %H:%M} UTC" if product.running.ends else "until cancelled"
        yield f"ends the scheduled price that runs {until}"
    if product.status != "published":
        yield f"is {product.status}"


def raised(price: Decimal, percent: Decimal, rounding: str) -> Decimal:
    """``price`` and so many percent, rounded as ``ROUNDINGS`` say: of two prices as near, the higher one."""
    exact = price * (100 + percent) / 100
    if rounding == "cent":
        return exact.quantize(CENT, ROUND_HALF_UP)
    if rounding == "whole":
        return exact.quantize(Decimal(1), ROUND_HALF_UP).quantize(CENT)
    end = Decimal(rounding).scaleb(-2)
    lower, upper = ((exact - end).quantize(Decimal(1), way) + end for way in (ROUND_FLOOR, ROUND_CEILING))
    nearest = upper if upper - exact <= exact - lower else lower
    return max(nearest, end)
