"""Real orders through all that the shop does with one: its books are right at every moment, and so is every row."""

import os
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import connections

from eventstore import log
from projections import engine
from projections.models import Parked
from projections.projection import Policy, Projection, known
from projections.rebuild import verify
from shop import importing
from shop.application import Receipt, shop
from shop.books.check import Books
from shop.books.facts import facts
from shop.customers.commands import set_credit_limit
from shop.importing import DATES, Import, Invoice, Report, invoices
from shop.inventory.commands import receive_stock
from shop.ordering.commands import Paying, cancel_order, place_order
from shop.payments import work as worker
from shop.payments.commands import refund_payment
from shop.payments.domain import Payment, payment_of
from shop.payments.models import PaymentWork
from shop.shipping.commands import deliver, dispatch, pack
from shop.shipping.domain import shipment_of
from shop.values import Money
from tests.shop.gateway import Fake, fake_gateway
from tests.shop.orders import HOME, NEEDED, card, order

pytestmark = pytest.mark.django_db(transaction=True)

EXTRACT = Path(__file__).parents[1] / "data" / "orders-extract.csv"
PLENTY = 1_000_000
TOGETHER = 200  # orders that are under way at once


@pytest.fixture
def fake(empty_log: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    for pause in ("SHORTEST", "SOON", "LATER"):
        monkeypatch.setattr(worker, pause, 0.0)
    with fake_gateway(tmp_path, "--anyway") as fake:
        yield fake


def test_the_books_of_real_orders_are_right_at_every_moment(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty of them; the read models that change most."""
    lived_through(fake, monkeypatch, EXTRACT, 30, ("Orders", "OrderProcesses", "Stock", "Payments", "Credit"))


@pytest.mark.long
def test_a_whole_file_of_real_orders(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """``DAYBOOK_ORDERS=orders.csv.gz [DAYBOOK_MOST=500] ./test -m long -k whole_file -s``"""
    path, most = Path(os.environ["DAYBOOK_ORDERS"]), int(os.environ.get("DAYBOOK_MOST", "1000000"))
    every = [name for name, each in known().items() if isinstance(each, Projection)]
    print(lived_through(fake, monkeypatch, path, most, every))


def lived_through(fake: Fake, monkeypatch: pytest.MonkeyPatch, path: Path, most: int, compared: Any) -> str:
    """Every third is paid by card, every third on account; one in ten is cancelled, the others sent, some paid back."""
    chance = random.Random(2026)
    paid_by, customers = buying(monkeypatch, chance)
    stocked, accounts = set[str](), set[UUID]()
    report = Report()
    bring = Import("USD", report)
    raw, text = importing.opened(path, "utf-8-sig")
    some = islice(invoices(text, UTC, DATES, report), most)
    while batch := list(islice(some, TOGETHER)):
        before = set(paid_by)
        for invoice in batch:
            arrives(invoice, stocked, chance)
            bring.take(invoice, set())
        for customer in sorted(customers - accounts):
            set_credit_limit(customer, limit=Money(Decimal(chance.choice((100, 2000))), "USD"))
        accounts |= customers
        comes_to_rest(fake)
        for placed in [each for each in paid_by if each not in before and order(each).status == "confirmed"]:
            if chance.random() < 0.1:
                cancel_order(placed, reason="changed my mind")
            else:
                pack(shipment_of(placed))
                dispatch(shipment_of(placed), carrier="DHL")
        comes_to_rest(fake)
        for placed in [each for each in paid_by if each not in before and order(each).status == "shipped"]:
            deliver(shipment_of(placed))
            costs = order(placed).total.amount > 0  # some of the real ones do not, and no card is asked
            if costs and paid_by[placed] == "card" and chance.random() < 0.3:
                taken = shop.load(Payment, payment_of(placed)).captured
                assert taken
                refund_payment(payment_of(placed), amount=taken, reason="came back")
        comes_to_rest(fake)
    text.close()
    raw.close()
    engine.catch_up()

    books = Books()
    assert [*books.read(facts(log.horizon())), *books.at_rest(), *books.against(fake.did())] == []
    assert Parked.objects.count() == 0
    for name in compared:
        assert [str(each) for each in verify(known()[name]) if each.differing] == [], name
    ends = Counter(books.orders.orders[str(placed)].status for placed in paid_by)
    assert set(ends) == {"delivered", "cancelled", "rejected"}
    connections.close_all()
    money = sum(paid.captured - paid.refunded for paid in books.payments.paid.values())
    return f"\n{len(paid_by):,} orders, {books.events:,} events, {dict(ends)}, {money:,} USD kept"


def buying(monkeypatch: pytest.MonkeyPatch, chance: random.Random) -> tuple[dict[UUID, str], set[UUID]]:
    """Have the import place orders that are paid for, of what is there; how each is paid, and who bought."""
    paid_by: dict[UUID, str] = {}
    customers = set[UUID]()
    good = card()

    def placing(*, customer_id: UUID | None = None, **asked: Any) -> Receipt:
        kind = chance.choice(("card", "account", "none") if customer_id else ("card", "none"))
        payment = good if kind == "card" else Paying(kind)
        receipt = place_order(customer_id=customer_id, ship_to=HOME, payment=payment, **asked)
        paid_by[receipt.id] = kind
        customers.update({customer_id} if customer_id else ())
        return receipt

    monkeypatch.setattr(importing, "place_order", placing)
    monkeypatch.setattr(Import, "may_be_sold_before_it_is_there", lambda *_: None)  # stock decides
    return paid_by, customers


def arrives(invoice: Invoice, stocked: set[str], chance: random.Random) -> None:
    """Of what is sold for the first time there is plenty, or too little."""
    for line in invoice.lines:
        if line.sku not in stocked:
            stocked.add(line.sku)
            receive_stock(line.sku, quantity=PLENTY if chance.random() < 0.98 else 2)


def comes_to_rest(fake: Fake) -> None:
    read = [each for each in known().values() if isinstance(each, Policy) or each.name in NEEDED]
    while True:
        engine.catch_up(read)
        if not PaymentWork.objects.exists():
            return
        worker.work(fake.gateway(5), seconds=1.0)
