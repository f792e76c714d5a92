"""The event browser, as staff see it in Chromium."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.contrib import admin
from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.urls import path
from playwright.sync_api import Page, expect

from eventstore.browser.site import EventBrowser
from eventstore.cause import because
from eventstore.domain import uuid7
from eventstore.models import Event
from eventstore.persistence import LogRecorder, Stored
from projections.engine import catch_up
from shop.catalog.commands import create_product, rename_product, set_price, withdraw_product
from shop.customers.commands import add_address, change_email, erase_customer, register_customer
from shop.ordering.commands import Item, cancel_order, place_order
from shop.values import Address, Money
from tests.pages.conftest import sign_in

HOME = Address("1 Quay Street", "Whitby", "YO21 1AA", "GB")


def gbp(amount: str) -> Money:
    return Money(Decimal(amount), "GBP")


@pytest.fixture
def mug(empty_log: None) -> UUID:
    """A product that was renamed, repriced and withdrawn; an order that a policy cancelled; a customer forgotten."""
    with because(actor="ada", reason="spring range"):
        mug = create_product(sku="MUG-1", name="Harbour mug", price=gbp("12.50"), publish=True).id
        jug = create_product(sku="JUG-1", name="Quay jug, stoneware", price=gbp("31.00"), publish=True).id
    with because(actor="import"):
        for number in range(50):
            create_product(sku=f"TEA-{number}", name=f"Tea No. {number}", price=gbp("6.90"))
    with because(actor="grace", correlation_id=uuid7()):
        customer = register_customer(name="Mary Ann Evans", email="mary@example.com").id
        add_address(customer, address=HOME)
        order = place_order(customer_id=customer, items=[Item("MUG-1", 2), Item("JUG-1", 1)], reference="PO 4711").id
        placed = Event.objects.get(stream_id=order).event_id
        with because(causation_id=placed, actor="fulfilment"):
            cancel_order(order, reason="payment declined")
            cancelled = Event.objects.get(stream_id=order, version=2).event_id
            with because(causation_id=cancelled, reason="its last order fell through"):
                withdraw_product(jug)
                rename_product(jug, name="Quay jug (last ones)")
        change_email(customer, email="mary.ann@example.com")
    lost = register_customer(name="Nobody", email="nobody@example.com").id
    with because(actor="grace", reason="asked to be forgotten"):
        erase_customer(lost)
    LogRecorder().insert_events([Stored(uuid7(), 1, "Fax.Received", b'{"pages": 3}')])
    with because(actor="ada"):
        rename_product(mug, name="Harbour mug, blue")
        set_price(mug, price=gbp("13.50"))
    with because(actor="grace", reason="chipped on arrival"):
        withdraw_product(mug)
    return mug


def test_staff_find_an_event_go_back_in_time_and_see_what_caused_it(
    mug: UUID, staff: User, page: Page, shoot: Callable[[str], None]
) -> None:
    page.goto("/admin/")
    sign_in(page)
    page.locator("#nav-sidebar").get_by_role("link", name="Events").click()

    expect(page.locator(".log-events tbody tr")).to_have_count(50)
    expect(page.locator(".log-problem")).to_contain_text("no class is stored as Fax.Received")
    shoot("events")
    page.get_by_role("link", name="Older").click()
    page.get_by_role("link", name="Newest").click()

    page.get_by_label("Event", exact=True).select_option("Product.Withdrawn")
    page.get_by_label("Who").fill("grace")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator(".log-events tbody tr")).to_have_count(1)
    expect(page.locator(".log-events tbody tr")).to_contain_text("chipped on arrival")
    page.get_by_text("Period and ids").click()
    page.get_by_label("Stream id").fill("no id")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("alert")).to_contain_text("Stream id: Enter a valid UUID.")
    shoot("events-filtered")
    page.get_by_label("Stream id").fill("")
    page.get_by_role("button", name="Filter").click()

    page.locator(".log-events .log-stream a").click()
    expect(page.locator(".log-state h3")).to_contain_text("Now")
    expect(page.locator(".log-state")).to_contain_text("Harbour mug, blue")
    shoot("stream")
    page.locator("#v4").get_by_role("link", name="as of this version").click()
    page.get_by_role("link", name="3", exact=True).click()
    expect(page.locator(".log-state h3")).to_contain_text("As of version 3")
    expect(page.locator(".log-changed").filter(has_text="name")).to_contain_text("Harbour mug, blue")
    shoot("stream-then")
    page.get_by_label("As of").fill("yesterday")
    page.get_by_role("button", name="Go").click()
    expect(page.get_by_role("alert")).to_contain_text("'yesterday' is no moment")

    page.goto("/admin/eventstore/event/?name=Order.Cancelled")
    page.locator(".log-events .log-name a").click()
    expect(page.locator(".log-neighbours")).to_contain_text("Order.Placed")
    shoot("event")
    page.get_by_role("link", name="Causes and consequences").click()
    nested = page.locator("li", has_text="place_order").locator("li", has_text="cancel_order").locator("li")
    expect(nested.filter(has_text="rename_product").last).to_contain_text("Product.Renamed")
    shoot("causes")


def test_a_product_leads_to_its_events(mug: UUID, staff: User, page: Page) -> None:
    catch_up()

    page.goto("/admin/catalog/productsummary/?q=MUG-1")
    sign_in(page)
    page.get_by_role("link", name="MUG-1", exact=True).click()
    page.get_by_role("link", name="History", exact=True).click()

    expect(page.locator("#content")).to_contain_text("Harbour mug, blue")


def test_a_customer_who_was_forgotten_is_forgotten_here(
    mug: UUID, staff: User, page: Page, shoot: Callable[[str], None]
) -> None:
    erased = Event.objects.get(name="Customer.Erased")

    page.goto(f"/admin/eventstore/event/stream/{erased.stream_id}/?at=v1")
    sign_in(page)

    expect(page.locator(".log-state")).to_contain_text("[erased]")
    expect(page.locator("body")).not_to_contain_text("nobody@example.com")
    shoot("stream-forgotten")


stock = AdminSite()
stock.register(Event, EventBrowser)
urlpatterns = [path("admin/", stock.urls)]


def test_the_pages_are_at_home_in_djangos_own_admin(
    mug: UUID, staff: User, page: Page, shoot: Callable[[str], None], settings: Any
) -> None:
    own = f"{admin.__path__[0]}/templates"
    settings.TEMPLATES = [settings.TEMPLATES[0] | {"DIRS": [own]}]
    settings.ROOT_URLCONF = __name__

    page.goto("/admin/")
    sign_in(page)
    page.locator("#content").get_by_role("link", name="Events", exact=True).click()

    expect(page.locator(".log-events tbody tr")).to_have_count(50)
    shoot("stock-events")
    page.goto(f"/admin/eventstore/event/stream/{mug}/?at=v3")
    shoot("stock-stream")
    page.goto(f"/admin/eventstore/event/causes/{Event.objects.get(name='Order.Cancelled').correlation_id}/")
    shoot("stock-causes")
