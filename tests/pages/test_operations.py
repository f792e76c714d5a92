"""What operators look at, in Chromium: the first page, a process, the trace, who did what, copies; pause and resume."""

import re
from collections.abc import Callable
from decimal import Decimal
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from eventstore import log
from eventstore.cause import because
from eventstore.domain import uuid7
from projections import engine
from projections.projection import known
from shop.billing.models import Contact
from shop.catalog.commands import create_product
from shop.customers.commands import add_address, change_email, register_customer, set_credit_limit
from shop.fulfilment.domain import process_of
from shop.inventory.commands import receive_stock
from shop.ordering.commands import Item, Paying, place_order
from shop.values import Address, Money
from tests.pages.conftest import sign_in


@pytest.fixture
def mary(empty_log: None) -> UUID:
    """A customer with a confirmed order, and one on account that was rejected: there were not enough jugs."""
    with because(actor="ada", reason="spring range"):
        for sku, name, price in (("MUG-1", "Harbour mug", "12.50"), ("JUG-1", "Quay jug", "31.00")):
            create_product(sku=sku, name=name, price=Money(Decimal(price), "EUR"), publish=True)
            receive_stock(sku, quantity=3, reference="opening stock")
    with because(actor="grace"):
        mary = register_customer(name="Mary Ann Evans", email="mary@example.com").id
        add_address(mary, address=Address("1 Quay Street", "Whitby", "YO21 1AA", "GB"))
    with because(actor="ada"):
        set_credit_limit(mary, limit=Money(Decimal(1000), "EUR"))
    for number, jugs, pays in ((1, 1, "none"), (2, 9, "account")):
        with because(actor="grace", reason="by telephone", correlation_id=uuid7()):
            asked = {"items": [Item("MUG-1", 1), Item("JUG-1", jugs)], "payment": Paying(pays)}
            place_order(customer_id=mary, reference=f"PO {number}", order_id=UUID(int=number), **asked)
    engine.catch_up()
    return mary


def test_scenario_10_missed_two_messages(mary: UUID, staff: User, page: Page, shoot: Callable[[str], None]) -> None:
    page.goto("/admin/projections/checkpoint/Contacts/change/")
    sign_in(page)
    page.get_by_role("link", name="Pause…").click()
    page.get_by_label("Reason").fill("a look")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("heading", name="Contacts: paused")).to_be_visible()

    heard = log.last()
    changed = [change_email(mary, email=f"mary@example.{domain}").position or 0 for domain in ("org", "net")]

    expect(page.locator("[data-told=behind]").last).to_contain_text("2 events, ")  # without a reload
    shoot("projection-behind")
    page.goto(f"/admin/copies/{mary}/")
    expect(page.get_by_label("billing")).to_contain_text("2 behind")
    expect(page.get_by_label("billing")).to_contain_text("mary@example.com")
    shoot("copies")
    page.goto("/admin/")
    expect(page.get_by_label("Projections")).to_contain_text("Contacts most: 2 events")
    shoot("dashboard")
    page.goto("/admin/projections/checkpoint/Contacts/change/")
    page.get_by_role("link", name="Resume…").click()
    page.get_by_role("button", name="Resume").click()
    engine.catch_up([known()["Contacts"]])
    expect(page.locator("[data-told=state]").first).to_have_text("live")
    assert [Contact.objects.as_of(each).get(id=mary).email for each in (heard, *changed)] == [
        *("mary@example.com", "mary@example.org", "mary@example.net")
    ]
    page.goto(f"/admin/copies/{mary}/")
    expect(page.get_by_label("billing")).to_contain_text("mary@example.net")


def test_a_rejected_order_is_followed_from_the_request_to_the_mail(
    mary: UUID, staff: User, page: Page, shoot: Callable[[str], None]
) -> None:
    page.goto(f"/admin/processes/{process_of(UUID(int=2))}/")
    sign_in(page)
    expect(page.locator(".step-refused")).to_contain_text("Stock")
    expect(page.locator(".step-back")).to_contain_text("in reverse")
    shoot("process-rejected")
    page.goto(f"/admin/processes/{process_of(UUID(int=1))}/")
    expect(page.locator(".step-done")).to_have_count(2)
    shoot("process-confirmed")

    page.goto("/admin/eventstore/event/who/?actor=grace")
    expect(page.locator(".deeds > li")).to_have_count(4)
    shoot("deeds")
    page.locator(".deeds > li", has_text="place_order").first.get_by_role("link", name="trace").click()
    tree = page.locator(".log-tree")
    expect(tree).to_contain_text(
        re.compile("Order.Placed.*PlaceOrder.Started.*Order.Rejected.*Mail, waiting", re.DOTALL)
    )
    shoot("trace")
    page.goto("/admin/consistency/")
    expect(page.locator(".exact tbody tr").first).to_contain_text("strict")
    shoot("consistency")
