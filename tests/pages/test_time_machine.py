"""The time machine, as staff use it in Chromium: with the keyboard, by links, and without scripts."""

import re
from collections.abc import Callable
from decimal import Decimal
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from eventstore.cause import because
from eventstore.domain import uuid7
from projections.engine import catch_up
from shop.catalog.commands import create_product, rename_product, set_price
from shop.customers.commands import add_address, change_address, erase_customer, register_customer, rename_customer
from shop.inventory.commands import receive_stock
from shop.ordering.commands import Item, place_order
from shop.values import Address, Money
from tests.pages.conftest import sign_in

HOME = Address("1 Quay Street", "Whitby", "YO21 1AA", "GB")
AWAY = Address("7 Cliff Road", "Robin Hood's Bay", "YO22 4NQ", "GB")


def gbp(amount: str) -> Money:
    return Money(Decimal(amount), "GBP")


@pytest.fixture
def order(empty_log: None) -> UUID:
    """An order of a mug and a jug that went its way: confirmed, planned, and told to the customer."""
    with because(actor="ada", reason="spring range"):
        create_product(sku="MUG-1", name="Harbour mug", price=gbp("12.50"), publish=True)
        create_product(sku="JUG-1", name="Quay jug, stoneware", price=gbp("31.00"), publish=True)
        for sku in ("MUG-1", "JUG-1"):
            receive_stock(sku, quantity=20, reference="opening stock")
    customer = register_customer(name="Mary Ann Evans", email="mary@example.com").id
    add_address(customer, address=HOME)
    with because(actor="grace", correlation_id=uuid7(), reason="by telephone"):
        items = [Item("MUG-1", 2), Item("JUG-1", 1)]
        order = place_order(customer_id=customer, items=items, reference="PO 4711").id
    catch_up()
    return order


@pytest.fixture
def mary(empty_log: None) -> UUID:
    """A customer who moved and took another name."""
    with because(actor="grace"):
        mary = register_customer(name="Mary Ann Evans", email="mary@example.com").id
        add_address(mary, address=HOME)
    with because(actor="grace", reason="she moved"):
        change_address(mary, number=1, address=AWAY)
    with because(actor="ada", reason="her pen name"):
        rename_customer(mary, name="George Eliot")
    catch_up()
    return mary


def test_staff_travel_through_a_life_with_the_keyboard(
    mary: UUID, staff: User, page: Page, shoot: Callable[[str], None]
) -> None:
    page.goto(f"/admin/eventstore/event/time-machine/{mary}/?at=v1")
    sign_in(page)
    slider, state = page.get_by_role("slider"), page.locator("#tm-fields")
    expect(page.locator("#tm-title")).to_have_text("Registered")

    slider.focus()
    page.keyboard.press("End")
    expect(page.locator("#tm-title")).to_have_text("Renamed")
    expect(state).to_contain_text("George Eliot")
    expect(page.locator("#tm-moment")).to_contain_text("Mary Ann Evans → George Eliot")
    expect(page.locator("#tm-moment")).to_contain_text("“her pen name”")
    shoot("machine-customer")
    page.get_by_role("slider").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#tm-title")).to_have_text("Address changed")
    expect(state).to_contain_text("7 Cliff Road, YO22 4NQ Robin Hood's Bay, GB")
    expect(page).to_have_url(page.url.partition("?")[0] + "?at=v4")
    page.keyboard.press("Home")
    expect(page.locator("#tm-title")).to_have_text("Registered")
    expect(state).not_to_contain_text("Quay Street")
    expect(slider).to_have_attribute(
        "aria-valuetext", re.compile(r"^Registered, version 1, \d+ \w{3} \d{4}, [\d:]{8} UTC$")
    )
    page.get_by_role("button", name="Play").click()
    expect(page.locator("#tm-place")).to_have_text("version 5 of 5")  # it goes on by itself, to the end
    expect(page.get_by_role("button", name="Play")).to_be_visible()


def test_an_order_shows_what_it_led_to_and_each_link_goes_to_that_moment(
    order: UUID, staff: User, page: Page, shoot: Callable[[str], None]
) -> None:
    page.goto(f"/admin/eventstore/event/time-machine/{order}/?at=v1")
    sign_in(page)
    expect(page.locator("#tm-fields table").first).to_contain_text("Quay jug, stoneware")
    expect(page.locator("#tm-moment")).to_contain_text("“by telephone”")
    shoot("machine-order")

    page.locator("#tm-moment").get_by_role("link", name="PlaceOrder.Started").click()
    expect(page.locator("#tm-title")).to_have_text("Started")
    page.locator("#tm-moment").get_by_role("link", name="Order.Placed").click()
    expect(page).to_have_url(f"{page.url.partition('/admin')[0]}/admin/eventstore/event/time-machine/{order}/?at=v1")
    page.get_by_role("link", name="Now", exact=True).click()
    expect(page.locator("#tm-title")).to_have_text("Confirmed")
    page.locator("#tm-moment").get_by_role("link", name="Mail, waiting").click()
    expect(page.locator("body")).to_contain_text("(PO 4711) is confirmed")


def test_two_moments_stand_side_by_side(mary: UUID, staff: User, page: Page, shoot: Callable[[str], None]) -> None:
    page.goto(f"/admin/eventstore/event/time-machine/{mary}/?at=v2")
    sign_in(page)
    page.get_by_text("Go to a moment").click()
    page.get_by_label("Compare this moment with").fill("v5")
    page.get_by_role("button", name="Compare").click()

    differing = page.locator(".tm-differs")
    expect(differing.filter(has_text="Name")).to_contain_text("George Eliot")
    shoot("machine-compared")
    page.get_by_role("slider").focus()
    page.keyboard.press("End")
    expect(differing).to_have_count(0)


def test_the_forgotten_are_forgotten_at_every_moment(
    mary: UUID, staff: User, page: Page, shoot: Callable[[str], None]
) -> None:
    with because(actor="grace", reason="asked to be forgotten"):
        erase_customer(mary)

    page.goto(f"/admin/eventstore/event/time-machine/{mary}/?at=v4")
    sign_in(page)

    expect(page.locator("#tm-fields")).to_contain_text("[erased]")
    expect(page.locator("body")).not_to_contain_text("Cliff Road")
    shoot("machine-forgotten")


def test_without_scripts_links_and_the_slider_s_button_lead_through_a_life(mary: UUID, staff: User, page: Page) -> None:
    page.goto("/admin/")
    sign_in(page)
    expect(page.locator("#nav-sidebar")).to_be_visible()
    context = page.context.browser.new_context(  # type: ignore[union-attr]
        base_url=page.url.partition("/admin")[0], java_script_enabled=False, storage_state=page.context.storage_state()
    )
    plain = context.new_page()

    plain.goto(f"/admin/eventstore/event/time-machine/{mary}/?at=v2")
    plain.get_by_role("link", name="Later").click()
    expect(plain.locator("#tm-place")).to_have_text("version 3 of 5")
    plain.get_by_role("link", name="First").click()
    expect(plain.locator("#tm-title")).to_have_text("Registered")
    plain.get_by_role("slider").focus()
    plain.keyboard.press("End")
    plain.locator(".tm-slide").get_by_role("button", name="Go").click()
    expect(plain.locator("#tm-fields")).to_contain_text("George Eliot")
    context.close()


def test_a_long_life_stays_usable(empty_log: None, staff: User, page: Page, shoot: Callable[[str], None]) -> None:
    mug = create_product(sku="MUG-1", name="Harbour mug", price=gbp("12.50"), publish=True).id
    for number in range(120):
        set_price(mug, price=gbp(f"{number + 1}.00"))
    rename_product(mug, name="Harbour mug, blue")

    page.goto(f"/admin/eventstore/event/time-machine/{mug}/")
    sign_in(page)
    page.get_by_role("slider").focus()
    page.keyboard.press("Home")
    expect(page.locator("#tm-title")).to_have_text("Created")
    for _ in range(11):
        page.keyboard.press("PageUp")

    expect(page.locator("#tm-place")).to_have_text("version 111 of 124")
    expect(page.locator("#tm-fields")).to_contain_text("108.00 GBP")
    shoot("machine-long")
