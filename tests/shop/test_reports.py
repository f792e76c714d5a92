"""What was sold: by day, by month, by SKU; what comes to nothing is taken back on the day it does."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from eventstore import log
from eventstore.cause import because
from projections.engine import catch_up
from projections.projection import known
from projections.rebuild import verify
from shop.billing.models import Contact, OrderPayment, TakingsOfDay, TakingsOfMonth
from shop.catalog.commands import create_product, rename_product
from shop.customers.commands import register_customer
from shop.ordering.commands import Item, cancel_order, confirm_order, place_order, reject_order
from shop.payments.commands import capture, record_outcome, request_payment
from shop.payments.domain import Outcome
from shop.reporting.models import SalesOf, SoldLine
from shop.values import Money

pytestmark = pytest.mark.django_db

PROJECTIONS = ("Sales", "SoldLines")


@pytest.fixture(autouse=True)
def products():
    for sku, amount, currency in (("MUG", "12.50", "EUR"), ("CUP", "3.00", "EUR"), ("JUG", "20.00", "USD")):
        create_product(sku=sku, name=sku.title(), price=Money(Decimal(amount), currency), publish=True)


def on(year, month, day, hour=12):
    return because(effective_at=datetime(year, month, day, hour, tzinfo=UTC))


def placed(*items):
    return place_order(items=[Item(*item) for item in items]).id


def hear():
    catch_up([known()[name] for name in PROJECTIONS])


def sales(moment=None):
    """By period and currency: orders, gross, orders taken back, and what they were for."""
    hear()
    rows = SalesOf.objects.as_of(moment) if moment else SalesOf.objects.all()
    return {
        f"{row.id} {currency}": (t["orders"], Decimal(t["gross"]), t["orders_back"], Decimal(t["back"]))
        for row in rows
        for currency, t in row.totals.items()
    }


def test_an_order_counts_on_its_day_and_in_its_month():
    with on(2026, 1, 31, 23):
        placed(("MUG", 2), ("CUP", 1))
    with on(2026, 2, 1, 0):
        placed(("MUG", 1))
        placed(("JUG", 1))

    assert sales() == {
        "2026-01-31 EUR": (1, 28, 0, 0),
        "2026-01 EUR": (1, 28, 0, 0),
        "2026-02-01 EUR": (1, Decimal("12.50"), 0, 0),
        "2026-02 EUR": (1, Decimal("12.50"), 0, 0),
        "2026-02-01 USD": (1, 20, 0, 0),
        "2026-02 USD": (1, 20, 0, 0),
    }


@pytest.mark.parametrize("ends", ["cancelled", "rejected"])
def test_what_comes_to_nothing_is_taken_back_on_that_day(ends):
    with on(2026, 1, 31):
        order = placed(("MUG", 2))
        placed(("CUP", 1))
    january = sales()
    with on(2026, 2, 3):
        if ends == "cancelled":
            confirm_order(order)
            cancel_order(order, reason="changed my mind")
        else:
            reject_order(order, code="insufficient_stock", reason="none left")

    assert sales() == january | {"2026-02-03 EUR": (0, 0, 1, 25), "2026-02 EUR": (0, 0, 1, 25)}
    assert [line.sku for line in SoldLine.objects.all()] == ["CUP"], "a ranking is of what is still sold"


def test_a_month_is_the_sum_of_its_days_and_rows_are_what_the_log_makes():
    for number in range(12):
        with on(2026, 1 + number % 2, 1 + number):
            order = placed(("MUG", 1 + number), ("CUP", 2))
        if number % 3 == 0:
            with on(2026, 2, 20 + number % 4):
                cancel_order(order, reason="changed my mind")

    found = sales()

    for month in ("2026-01", "2026-02"):
        days = [values for period, values in found.items() if period.startswith(f"{month}-")]
        assert found[f"{month} EUR"] == tuple(map(sum, zip(*days, strict=True)))
    for name in PROJECTIONS:
        for compared in verify(known()[name]):
            assert not compared.differing, str(compared)


def test_a_report_of_a_moment_stays_what_it_was():
    with on(2026, 1, 5):
        order = placed(("MUG", 1))
    then, at = sales(), log.last()
    with on(2026, 1, 6):
        placed(("MUG", 3))
    with on(2026, 1, 7):
        cancel_order(order, reason="changed my mind")

    now = sales()

    assert sales(at) == then
    assert now["2026-01 EUR"] == (2, 50, 1, Decimal("12.50"))


def test_names_are_as_they_were_bought():
    mug = create_product(sku="POT", name="Pot", price=Money(Decimal(1), "EUR"), publish=True).id
    placed(("POT", 1))
    rename_product(mug, name="Old pot")
    placed(("POT", 1))
    hear()

    assert sorted(SoldLine.objects.values_list("name", flat=True)) == ["Old pot", "Pot"]
    assert set(SoldLine.objects.values_list("day", flat=True)) == {timezone.now().astimezone(UTC).date()}


@pytest.mark.parametrize("model", [SalesOf, Contact, OrderPayment, TakingsOfDay, TakingsOfMonth])
def test_the_desk_lists_what_is_reported_and_edits_nothing(client, model):
    """A day's row has no page of its own: it is made of many streams, and has no history."""
    amount, ok = Money(Decimal("100.00"), "EUR"), Outcome("ok", reference="1")
    customer = register_customer(name="Ada", email="ada@example.com").id
    payment = request_payment(order_id=uuid4(), customer_id=customer, amount=amount, token="t", last_four="4242").id
    record_outcome(payment, "authorise", ok)
    capture(payment)
    record_outcome(payment, "capture", ok)
    placed(("MUG", 2))
    catch_up([known()[name] for name in (*PROJECTIONS, "Contacts", "OrderPayments", "Takings")])
    client.force_login(User.objects.create_superuser("staff"))
    pages = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    row = model.objects.first()

    listed = client.get(reverse(f"{pages}_changelist"), {"o": "1"})
    page = reverse(f"{pages}_change", args=[row.pk])

    assert listed.status_code == 200
    assert client.get(page).status_code == (403 if model in (SalesOf, TakingsOfDay, TakingsOfMonth) else 200)
    assert client.post(page, {"totals": "{}"}).status_code == 403
    words = {
        SalesOf: '1 for <span class="desk-money">25.00',
        Contact: "ada@example.com",
        OrderPayment: "100.00",
        TakingsOfDay: "100.00",
        TakingsOfMonth: "100.00",
    }
    assert words[model] in listed.content.decode()
