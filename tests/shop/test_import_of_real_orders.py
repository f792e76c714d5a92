"""A file of real orders, imported once: each line of it is found again in what came of it."""

from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal

import pytest

from eventstore.models import Command, Event
from shop.application import shop
from shop.ordering.domain import Order
from shop.values import id_of
from tests.shop.test_import import at, every_product_has_the_price_of_its_last_line, import_orders, sellable_lines

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def imported(once):
    """What the import said."""
    return once(import_orders)


def test_every_sellable_line_becomes_a_line_of_an_order(imported):
    expected = defaultdict(dict)
    for row in sellable_lines():
        expected[row["InvoiceNo"]][row["StockCode"]] = (int(row["Quantity"]), Decimal(row["UnitPrice"]))
    for number, lines in expected.items():
        order: Order = shop.repository.get(id_of("invoice", number))
        assert {line.sku: (line.quantity, line.unit_price.amount) for line in order.lines} == lines
        total = sum((q * p).quantize(Decimal("0.01"), ROUND_HALF_UP) for q, p in lines.values())
        assert (order.reference, order.total.amount, order.total.currency) == (number, total, "USD")
    assert Event.objects.filter(name="Order.Placed").count() == len(expected)
    assert f"{len(expected):,} orders" in imported
    assert "refused: 9 lines, no_quantity" in imported


def test_what_was_true_when_is_kept(imported):
    bought = defaultdict(list)
    for row in sellable_lines():
        bought[row["StockCode"]].append((at(row), Decimal(row["UnitPrice"])))

    for name, kept_at in Event.objects.values_list("name", "effective_at").filter(name="Order.Placed")[:5]:
        assert kept_at in {when for sales in bought.values() for when, _ in sales}, name
    dates = Event.objects.filter(name="Order.Placed").order_by("position").values_list("effective_at", flat=True)
    assert list(dates) == sorted({at(row) for row in sellable_lines()})


def test_the_same_file_again_changes_nothing(imported):
    events, commands = Event.objects.count(), Command.objects.count()

    told = import_orders()

    assert (Event.objects.count(), Command.objects.count()) == (events, commands)
    assert "0 orders" in told


def test_every_product_has_the_price_of_its_last_line(imported):
    every_product_has_the_price_of_its_last_line()
