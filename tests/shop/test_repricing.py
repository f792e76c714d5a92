"""Many prices at once: what would come of it, and how a product takes it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from shop.catalog.domain import Product
from shop.catalog.prices import Scheduled
from shop.catalog.repricing.domain import (
    Change,
    NothingToChange,
    Outcome,
    Period,
    PriceMoved,
    Repricing,
    carry_out,
)
from shop.catalog.repricing.files import Wanted, Wrong
from shop.catalog.repricing.previews import Known, Same, preview, raised
from shop.errors import WrongStatus
from shop.values import Money
from tests.facts import facts, given

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=2)


def eur(amount):
    return Money(Decimal(amount), "EUR")


def change(sku="MUG", revision=1, before="10.00", after="12.00"):
    return Change(sku, revision, eur(before), eur(after), price=eur(after))


def mug(price="10.00"):
    product = Product.create("MUG", "Harbour mug")
    product.set_price(eur(price), NOW)
    return given(product)


KNOWN = {
    "MUG": Known("MUG", "Harbour mug", "published", eur("10.00"), 3),
    "TEA": Known("TEA", "Tea", "draft", None, 0),
    "JAR": Known("JAR", "Jar", "published", eur(8), 5, Scheduled(5, eur(8), NOW, LATER)),
}


def seen(sku, amount, currency="", starts=None):
    """What the preview says of one line."""
    return preview([Wanted(2, sku, Decimal(amount), currency, starts)], KNOWN, "EUR")


def test_a_change_says_old_new_and_by_how_much():
    (line,) = seen("MUG", "10.50").planned

    assert (line.number, line.name, line.warnings, line.steep) == (2, "Harbour mug", (), False)
    assert (line.change, line.change.percent) == (
        Change("MUG", 3, eur("10.00"), eur("10.50"), price=eur("10.50")),
        Decimal("5.0"),
    )


def test_a_line_with_the_present_price_changes_nothing():
    assert seen("MUG", "10").same == (Same(2, "MUG", "Harbour mug", eur(10)),)


@pytest.mark.parametrize(
    ("sku", "amount", "currency", "warnings", "steep"),
    [
        ("MUG", "1", "", ("changes by -90.0 %",), True),
        ("MUG", "15.01", "", ("changes by +50.1 %",), True),
        ("MUG", "15", "", (), False),
        ("MUG", "0", "", ("changes by -100.0 %", "costs nothing"), True),
        ("MUG", "10", "USD", ("another currency than before (EUR)",), True),
        ("TEA", "3", "", ("is draft",), False),
        ("JAR", "8", "", ("ends the scheduled price that runs until 2026-03-03 12:00 UTC",), False),
    ],
)
def test_what_is_unusual_is_said_before_it_is_made(sku, amount, currency, warnings, steep):
    (line,) = seen(sku, amount, currency).planned

    assert (line.warnings, line.steep) == (warnings, steep)


def test_an_unknown_sku_is_an_error_among_the_others_in_order():
    found = preview([Wanted(4, "CUP", Decimal(1), "")], KNOWN, "EUR", [Wrong(9, "", "b"), Wrong(2, "", "a")])

    assert [each.number for each in found.wrong] == [2, 4, 9]
    assert found.wrong[1].detail == "Expected the SKU of a product, found 'CUP': there is none."


def test_a_price_from_a_day_on_is_scheduled():
    (line,) = seen("MUG", "9", starts=LATER).planned

    assert line.change == Change("MUG", 3, eur("10.00"), eur(9), schedules=(Period(eur(9), LATER),))


@pytest.mark.parametrize(
    ("price", "percent", "rounding", "is_now"),
    [
        ("10.00", "5", "cent", "10.50"),
        ("9.99", "5", "cent", "10.49"),
        ("10.00", "5", "99", "10.99"),
        ("10.40", "0", "99", "9.99"),
        ("10.49", "0", "99", "10.99"),
        ("0.20", "0", "99", "0.99"),
        ("10.00", "-10", "95", "8.95"),
        ("10.00", "5", "whole", "11.00"),
        ("10.00", "-100", "cent", "0.00"),
    ],
)
def test_a_price_is_raised_and_rounded(price, percent, rounding, is_now):
    assert str(raised(Decimal(price), Decimal(percent), rounding)) == is_now


def test_a_change_sets_the_price():
    product = mug()

    carry_out(product, change(), NOW)

    assert facts(product) == [("Product.PriceSet", {"price": eur("12.00"), "revision": 2})]


def test_a_price_that_moved_since_is_left_alone():
    product = mug()
    product.set_price(eur(11), NOW)
    given(product)

    with pytest.raises(PriceMoved, match=r"Expected its price of revision 1, found revision 2 \(11.00 EUR\)"):
        carry_out(product, change(), NOW)

    assert facts(product) == []


def test_a_schedule_that_was_cancelled_since_is_left_alone():
    product = mug()

    with pytest.raises(PriceMoved):
        carry_out(product, Change("MUG", 1, eur(10), eur(10), cancels=(1,)), NOW)


def test_setting_back_lets_another_schedule_run_and_starts_one_that_was_ended_again():
    product = mug()
    product.schedule_price(eur(7), NOW, None, NOW)
    given(product)
    back = Change(
        *("MUG", 2, eur(7), eur(9)),
        price=eur(9),
        schedules=(Period(eur(8), NOW - timedelta(days=1), LATER), Period(eur(6), NOW, NOW)),
        ends_running=False,
    )

    carry_out(product, back, NOW)

    assert facts(product) == [
        ("Product.PriceSet", {"price": eur(9), "revision": 3}),
        ("Product.PriceScheduled", {"price": eur(8), "revision": 4, "starts": NOW, "ends": LATER}),
    ]


def plan(*changes):
    return Repricing.plan(uuid4(), "import", "spring.csv", changes, "ada", "spring")


def test_it_is_carried_out_step_by_step_and_then_finished():
    repricing = given(plan(change("A"), change("B"), change("C")))

    first = repricing.next(2)
    repricing.advance([Outcome(number, each, "changed") for number, each in first])
    rest = repricing.next(2)
    repricing.advance([Outcome(3, change("C"), "conflict", "moved")])

    assert ([number for number, _ in first], [number for number, _ in rest]) == ([1, 2], [3])
    assert [name for name, _ in facts(repricing)] == [
        "Repricing.Advanced",
        "Repricing.Advanced",
        "Repricing.Finished",
    ]
    assert (repricing.status, repricing.next(2)) == ("finished", [])


def test_it_can_be_stopped_while_it_runs():
    repricing = given(plan(change("A"), change("B")))
    repricing.advance([Outcome(1, change("A"), "changed")])

    repricing.stop()
    repricing.stop()

    assert facts(repricing)[1:] == [("Repricing.Stopped", {"left": 1})]
    assert repricing.next(9) == []


def test_a_finished_one_cannot_be_stopped():
    repricing = plan(change("A"))
    repricing.advance([Outcome(1, change("A"), "changed")])

    with pytest.raises(WrongStatus, match="A finished change of prices cannot be stopped"):
        repricing.stop()


def test_nothing_is_no_change():
    with pytest.raises(NothingToChange):
        plan()
