"""What an order comes to, on its own; and which rates it is added up with."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given as for_all
from hypothesis import strategies as st

from projections.engine import catch_up
from projections.projection import known
from shop.application import shop
from shop.customers.commands import end_premium, grant_premium
from shop.ordering.checkout.commands import accept, set_item, show_quote, start_checkout
from shop.ordering.checkout.domain import Checkout, order_of
from shop.ordering.commands import Item, place_order
from shop.ordering.domain import Line, Order
from shop.ordering.models import OrderSummary
from shop.ordering.refusals import StaleTotal
from shop.ordering.totals import Rates, add_up
from shop.payments.domain import Payment, payment_of
from shop.percents import by_country, percent
from shop.values import Address
from tests.shop.orders import ada, card, come_to_rest, euros, goods, order

TEA_ID = UUID(int=2)
CENT = Decimal("0.01")
ABROAD = Address("Main Street 1", "Bern", "3000", "CH")
TOMORROW = datetime.now(UTC).date() + timedelta(days=1)

percents = st.integers(0, 10**6).map(lambda n: Decimal(n) / 10**4)  # quicker than st.decimals
prices = st.integers(0, 10**8).map(lambda n: Decimal(n) / 10**4)
basket = st.lists(st.tuples(st.integers(1, 10**4), prices), min_size=1, max_size=20)
parcels = st.none() | st.integers(0, 9900).map(lambda n: Decimal(n) / 100)


@for_all(basket, percents, percents, parcels)
def test_a_total_is_lines_and_shipping_and_tax_without_discount_to_the_cent(wanted, tax, discount, shipping):
    lines = [Line.of(TEA_ID, "TEA", "Tea", quantity, euros(price), 1) for quantity, price in wanted]
    shipping = None if shipping is None else euros(shipping)

    placed = Order.place(None, "", lines, shipping=shipping, rates=Rates(tax, discount))

    of_goods = sum(line.total.amount for line in placed.lines)
    parcel = shipping.amount if shipping else 0
    off, taxed = (amount.amount if amount else Decimal(0) for amount in (placed.discount, placed.tax))
    assert placed.total.amount == of_goods - off + parcel + taxed
    assert placed.total.amount == placed.total.amount.quantize(CENT)
    assert abs(off - of_goods * discount / 100) <= CENT / 2
    assert abs(taxed - (of_goods - off + parcel) * tax / 100) <= CENT / 2


def test_half_a_cent_goes_up_and_each_is_rounded_once():
    sums = add_up([euros("0.50"), euros("0.60")], euros("0.40"), Rates(tax=Decimal("7.5"), discount=Decimal("2.5")))

    assert sums.goods == euros("1.10")
    assert sums.discount == euros("0.03")  # of 0.0275
    assert sums.tax == euros("0.11")  # of 0.11025
    assert sums.total == euros("1.58")


def test_rates_are_for_all_countries_or_for_those_that_are_named():
    assert by_country("TAX", "20") == {"": Decimal(20)}
    assert by_country("TAX", "GB=20, DE=19") == {"": Decimal(0), "GB": Decimal(20), "DE": Decimal(19)}
    assert by_country("TAX", "20,CH=8.1") == {"": Decimal(20), "CH": Decimal("8.1")}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("twenty", "TAX: expected a percentage of 0 to 100, found 'twenty'"),
        ("-1", "found '-1'"),
        ("101", "found '101'"),
        ("NaN", "found 'NaN'"),
        ("1e-9", "found '1e-9'"),
        ("XX=20", "TAX: expected 20 or GB=20,DE=19, found the country 'XX'"),
        ("=20", "found the country ''"),
        ("GB=20,GB=19", "TAX: expected GB once, found two"),
        ("20,19", "expected one rate for all others once, found two"),
        ("GB=20,", "found ''"),
    ],
)
def test_a_setting_that_is_no_rate_says_so(text, told):
    with pytest.raises(ImproperlyConfigured, match=told):
        by_country("TAX", text)
    if "," not in text and "=" not in text:
        with pytest.raises(ImproperlyConfigured, match=told):
            percent("TAX", text)


@pytest.mark.django_db
def test_tax_is_that_of_the_country_that_the_order_goes_to(settings):
    settings.TAX_PERCENT = by_country("TAX", "20,CH=8.1")
    goods(MUG=10)

    home = place_order(items=[Item("MUG", 2)], customer_id=ada())
    abroad = place_order(items=[Item("MUG", 2)], ship_to=ABROAD)

    assert (order(home.id).tax, order(home.id).total) == (euros("5.00"), euros("30.00"))
    assert (order(abroad.id).tax, order(abroad.id).total) == (euros("2.03"), euros("27.03"))


@pytest.mark.django_db
def test_who_is_premium_at_that_moment_pays_less(settings):
    settings.PREMIUM_DISCOUNT_PERCENT = Decimal(10)
    goods(MUG=10)
    customer = ada()

    before = place_order(items=[Item("MUG", 2)], customer_id=customer)
    grant_premium(customer, until=TOMORROW)  # and no projection has heard of it
    during = place_order(items=[Item("MUG", 2)], customer_id=customer)
    end_premium(customer)
    after = place_order(items=[Item("MUG", 2)], customer_id=customer)

    assert [order(each.id).total for each in (before, during, after)] == [
        euros("25.00"),
        euros("22.50"),
        euros("25.00"),
    ]


@pytest.mark.django_db
def test_a_quote_with_a_discount_that_has_ended_is_shown_anew(settings):
    settings.PREMIUM_DISCOUNT_PERCENT = Decimal(10)
    goods(MUG=10)
    customer = ada()
    grant_premium(customer, until=TOMORROW)
    checkout = start_checkout(customer_id=customer).id
    set_item(checkout, sku="MUG", quantity=2)
    show_quote(checkout)
    end_premium(customer)

    with pytest.raises(StaleTotal, match=r"now comes to 29\.90 EUR, not 27\.40 EUR") as refused:
        accept(checkout, quote=1)
    accept(checkout, quote=refused.value.facts["quote"])

    assert order(order_of(checkout)).total == shop.load(Checkout, checkout).quote.total == euros("29.90")


@pytest.mark.django_db
def test_the_total_is_what_is_authorised_and_shown(settings):
    settings.TAX_PERCENT, settings.PREMIUM_DISCOUNT_PERCENT = by_country("TAX", "DE=19"), Decimal(5)
    goods(MUG=10)
    customer = ada()
    grant_premium(customer, until=TOMORROW)

    placed = place_order(items=[Item("MUG", 2)], customer_id=customer, payment=card())
    come_to_rest()
    catch_up([known()["Orders"]])

    assert shop.load(Payment, payment_of(placed.id)).amount == order(placed.id).total == euros("28.26")
    row = OrderSummary.objects.get(pk=placed.id)
    assert (row.goods, row.discount, row.shipping, row.tax, row.amount) == (
        Decimal("25.00"),
        Decimal("1.25"),
        None,
        Decimal("4.51"),
        Decimal("28.26"),
    )
    assert (row.tax_percent, row.discount_percent) == (19, 5)
