"""Each tenth of many customers is forgotten: nothing of them is found anywhere, and all else is as it was."""

from datetime import date
from decimal import Decimal
from hashlib import blake2b
from typing import Any
from uuid import UUID

import msgspec
import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import transaction
from rest_framework.test import APIClient

from eventstore import log
from eventstore.models import Command, PersonalKey
from projections import engine
from projections.projection import Projection, known
from projections.rebuild import verify
from shop.catalog.commands import create_product
from shop.customers.commands import (
    add_address,
    add_payment_method,
    block_customer,
    change_address,
    change_email,
    erase_customer,
    register_customer,
    rename_customer,
    set_birthday,
    unblock_customer,
)
from shop.customers.models import CustomerSummary
from shop.ordering.commands import Item, cancel_order, note_order, place_order
from shop.ordering.models import OrderLine, OrderSummary
from shop.values import Address, Money, id_of
from shop.vault.commands import store_card
from shop.vault.models import SealedCard
from tests.system.canaries import canary, dump, in_tables, pages, persons_in

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:No directory at"),  # a checkout has no collected files
]

OF_THE_CUSTOMER = {"customer_name", "customer_erased", "ship_to", "notes", "position"}  # in an order's row

REFUSED = {
    "erase": {},
    "rename": {"name": "Ada"},
    "email": {"email": "ada@example.com"},
    "addresses": {"address": {"street": "Kai 3", "city": "Hamburg", "postcode": "20457", "country": "DE"}},
}


@pytest.fixture
def api(empty_log: None) -> APIClient:
    client = APIClient()
    client.force_authenticate(User.objects.create_user("support", is_staff=True))
    return client


@pytest.fixture(params=[200, pytest.param(1000, marks=pytest.mark.long)])
def everybody(request: pytest.FixtureRequest) -> set[int]:
    """Of two hundred, or of a thousand: ``./test -m long -k scenario_24``"""
    return set(range(request.param))


@pytest.fixture
def customers(empty_log: None, everybody: set[int]) -> dict[int, UUID]:
    """By number."""
    with transaction.atomic():  # as one, which is quicker
        found = {n: registered(n) for n in sorted(everybody)}
    engine.catch_up()
    return found


def registered(n: int) -> UUID:
    """Some have moved, some have other names and addresses than they had."""
    customer_id = register_customer(name=canary(n, "Ltd"), email=email(n)).id
    add_address(customer_id, address=address(n, "Street"))
    if n % 4 == 0:
        rename_customer(customer_id, name=canary(n, "& Sons"))
        change_email(customer_id, email=f"new.{email(n)}")
        change_address(customer_id, 1, address=address(n, "Avenue"))
        token = store_card(number="4242424242424242", expiry_month=12, expiry_year=2099, holder=canary(n, "& Co")).id
        add_payment_method(customer_id, token=str(token), label=canary(n, "Visa"), last_four="4242")
        block_customer(customer_id, reason=canary(n, "owes"))
        unblock_customer(customer_id)
        set_birthday(customer_id, birthday=date(1985, 12, 10))
    return customer_id


@pytest.fixture
def orders(customers: dict[int, UUID]) -> dict[UUID, int]:
    """Of three customers in ten, and whose they are: to their own address, or to another."""
    create_product(sku="MUG-1", name="Harbour mug", price=Money(Decimal("12.50"), "EUR"), publish=True)
    with transaction.atomic():
        found = {ordered(n, customers[n]): n for n in range(len(customers) * 3 // 10)}
    engine.catch_up()
    return found


def ordered(n: int, customer_id: UUID) -> UUID:
    elsewhere = address(n, "Road") if n % 3 == 0 else None
    items = [Item("MUG-1", n + 1)]
    order_id = place_order(customer_id=customer_id, items=items, ship_to=elsewhere, reference=f"PO {n}").id
    if n % 5 == 0:
        note_order(order_id, text=canary(n, "rang"))
    if n % 7 == 0:
        cancel_order(order_id, reason="changed my mind")
    return order_id


def email(n: int) -> str:
    return f"{canary(n, 'Mail').replace(' ', '.')}@example.com"


def address(n: int, street: str) -> Address:
    return Address(canary(n, street), canary(n, "Town"), canary(n, "AB"), "DE", canary(n, "to hand"))


def test_scenario_24_forgetting(
    api: APIClient,
    everybody: set[int],
    customers: dict[int, UUID],
    orders: dict[UUID, int],
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    forgotten, moved, ordering = (
        set(range(0, len(everybody), 10)),
        set(range(0, len(everybody), 4)),
        set(orders.values()),
    )
    kept = {f"/api/v1/customers/{customers[n]}/" for n in everybody if n % 25 == 1}
    kept |= {f"/api/v1/orders/{order}/" for order, n in orders.items() if n not in forgotten and n % 9 == 0}
    gone = {f"/api/v1/customers/{customers[n]}/" for n in forgotten}
    gone |= {f"/api/v1/orders/{order}/" for order, n in orders.items() if n in forgotten}
    kept_before, rows_before, orders_before = (
        told(api, kept),
        rows_of(customers, everybody - forgotten),
        orders_as_such(),
    )
    before = turnover(api)
    assert persons_in(dump()) == everybody, "whoever is there is found"
    assert persons_in("".join(told(api, gone))) == forgotten
    assert not [table for table in in_tables() if table.startswith("public.eventstore")], "the log has no plain text"

    for n in sorted(forgotten):
        erase_customer(customers[n])
    engine.catch_up()

    assert in_tables() == {
        "public.billing_contact": everybody - forgotten,
        "public.billing_contact_history": moved - forgotten,
        "public.customers_addresschange": everybody - forgotten,
        "public.customers_customersummary": everybody - forgotten,
        "public.customers_customersummary_history": everybody - forgotten,
        "public.notifications_customercopy": everybody - forgotten,
        "public.notifications_outgoingmail": ordering - forgotten,
        "public.ordering_customercopy": everybody - forgotten,
        "public.ordering_ordersummary": ordering - forgotten,
        "public.ordering_ordersummary_history": ordering - forgotten,
        "public.ordering_timelineentry": {n for n in ordering if n % 5 == 0} - forgotten,
        "public.reporting_unshippedline_history": ordering - forgotten,
        "public.shipping_customercopy": everybody - forgotten,
    }
    assert SealedCard.objects.count() == len(moved - forgotten), "their cards are no more"
    assert persons_in(dump()) == everybody - forgotten
    call_command("events", "export")
    assert persons_in(capsysbinary.readouterr().out.decode()) == set()
    assert persons_in("".join(told(api, gone))) == set()
    assert persons_in("".join(pages(api, "/api/v1/customers/"))) == everybody - forgotten
    assert persons_in("".join(pages(api, "/api/v1/orders/"))) == ordering - forgotten

    assert told(api, kept) == kept_before
    assert rows_of(customers, everybody - forgotten) == rows_before
    assert orders_as_such() == orders_before
    assert turnover(api) == before
    destroyed = PersonalKey.objects.exclude(forgotten_at=None).filter(wrapped_by=None)
    assert set(destroyed.values_list("subject_id", flat=True)) >= {customers[n] for n in forgotten}
    for projection in (each for each in known().values() if isinstance(each, Projection)):
        for compared in verify(projection):
            assert not compared.differing, str(compared)


def test_who_was_forgotten_stays_so(api: APIClient) -> None:
    ada = f"/api/v1/customers/{registered(1)}/"
    first = api.post(f"{ada}erase/", HTTP_IDEMPOTENCY_KEY="at her wish")
    again = api.post(f"{ada}erase/", HTTP_IDEMPOTENCY_KEY="at her wish")
    engine.catch_up()

    assert (first.status_code, again.json()) == (200, first.json())
    facts = ("name", "email", "addresses", "payment_methods", "birthday", "block_reason")
    assert [api.get(ada).json()[fact] for fact in facts] == ["[erased]", "[erased]", [], [], None, ""]
    refused = [api.post(f"{ada}{question}/", body, "json") for question, body in REFUSED.items()]
    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(409, "customer_erased")] * 4
    assert registered(1), "the e-mail address is free again"


def test_nothing_that_was_made_of_an_address_tells_who_tries_it(empty_log: None) -> None:
    """Neither an id nor a digest is a plain hash of what is to be forgotten."""
    register_customer(name="Ada", email="ada@example.com")

    arguments = [("email", "ada@example.com"), ("name", "Ada")]
    guessed = msgspec.msgpack.encode(("register_customer", (), arguments), enc_hook=repr)

    assert not log.of([id_of("email", "ada@example.com")])
    assert not Command.objects.filter(digest=blake2b(guessed, digest_size=16).digest()).exists()
    assert Command.objects.count() == 1


def told(api: APIClient, paths: set[str]) -> list[str]:
    """What is said of them: now, at first, and of all their past."""
    found = []
    for path in sorted(paths):
        for question in ("", "?as_of=v1", "history/"):
            answer = api.get(path + question)
            assert answer.status_code == 200, answer.content
            found.append(answer.content.decode())
    return found


def turnover(api: APIClient) -> list[str]:
    return [api.get(f"/api/v1/reports/sales/?by={period}").content.decode() for period in ("day", "month")]


def rows_of(customers: dict[int, UUID], whom: set[int]) -> list[dict[str, Any]]:
    others = [customers[n] for n in whom]
    return list(CustomerSummary.objects.filter(id__in=others).order_by("id").values())


def orders_as_such() -> list[dict[str, Any]]:
    """All orders, without who it was and what is only of the row; and all their lines."""
    such = [each.attname for each in OrderSummary._meta.concrete_fields]
    such = [each for each in such if each not in OF_THE_CUSTOMER]
    return [*OrderSummary.objects.order_by("id").values(*such), *OrderLine.objects.order_by("id").values()]
