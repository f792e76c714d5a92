"""The desk, as staff see it in Chromium: look for an order, cancel it, look back, and take the list along."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from projections.engine import catch_up
from shop.catalog.commands import create_product
from shop.customers.commands import add_address, register_customer
from shop.inventory.commands import receive_stock
from shop.ordering.commands import Item, place_order
from shop.values import Address, Money
from tests.pages.conftest import sign_in
from tests.shop.orders import come_to_rest


@pytest.fixture
def placed(empty_log: None, monkeypatch: Any) -> int:
    """Two orders; and projections that come as soon as the desk waits for them. The position they are at."""
    monkeypatch.setattr("shop.admin.asking.wait_until", lambda *_, **__: catch_up() or True)
    create_product(sku="MUG-1", name="Harbour mug", price=Money(Decimal("12.50"), "GBP"), publish=True)
    receive_stock("MUG-1", quantity=9)
    ada = register_customer(name="Ada Lovelace", email="ada@example.com").id
    add_address(ada, address=Address("1 Quay Street", "Whitby", "YO21 1AA", "GB"))
    place_order(customer_id=ada, items=[Item("MUG-1", 2)], reference="PO 4711")
    position = place_order(items=[Item("MUG-1", 1)], reference="=HYPERLINK(1)").position
    catch_up()
    come_to_rest()
    catch_up()
    assert position
    return position


def test_staff_cancel_an_order_with_a_reason_look_back_and_export(
    placed: int, staff: User, page: Page, shoot: Callable[[str], None]
) -> None:
    page.goto("/admin/ordering/ordersummary/")
    sign_in(page)
    expect(page.locator("#result_list tbody tr")).to_have_count(2)
    shoot("desk-orders")
    page.locator("#searchbar").fill("love 4711")
    page.keyboard.press("Enter")
    page.locator("#result_list").get_by_role("link", name=", PO 4711").click()

    expect(page.locator(".desk-head h2")).to_contain_text("PO 4711 confirmed")
    expect(page.get_by_role("region", name="Lines")).to_contain_text("Harbour mug")
    expect(page.get_by_role("region", name="Customer")).to_contain_text("ada@example.com")
    shoot("desk-order")
    page.get_by_role("link", name="Cancel…").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("alert").first).to_contain_text("Say why")
    shoot("desk-ask")
    page.get_by_label("Reason").fill("changed their mind")
    page.keyboard.press("Enter")

    expect(page.locator(".desk-head h2")).to_contain_text("cancelled")
    expect(page.get_by_role("region", name="What happened")).to_contain_text("changed their mind")
    page.get_by_label("As of").fill(str(placed))
    page.get_by_label("As of").press("Enter")
    expect(page.locator(".desk-head h2")).to_contain_text("placed")
    expect(page.get_by_role("status")).to_contain_text(f"As of position {placed}")
    shoot("desk-order-then")

    page.goto("/admin/ordering/ordersummary/?status=cancelled")
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    page.get_by_label("As of").fill(str(placed))
    page.get_by_role("button", name="Look back").click()
    expect(page.get_by_role("status")).to_contain_text("Back to now")
    expect(page.locator("#result_list tbody tr")).to_have_count(0)
    page.get_by_role("link", name="Back to now").click()
    expect(page.locator("#result_list tbody tr")).to_have_count(1)

    page.goto("/admin/ordering/ordersummary/")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export as CSV").click()
    text = Path(download.value.path()).read_text("utf-8-sig")
    assert "PO 4711" in text
    assert "'=HYPERLINK(1)" in text


def test_the_page_of_a_customer_fits_a_phone(
    placed: int, staff: User, page: Page, shoot: Callable[[str], None]
) -> None:
    page.goto("/admin/customers/customersummary/?q=ada")
    sign_in(page)
    page.locator("#result_list").get_by_role("link", name="Ada Lovelace").click()

    expect(page.get_by_role("region", name="Orders")).to_contain_text("PO 4711")
    page.get_by_text("More…").click()
    expect(page.get_by_role("link", name="Erase…")).to_be_visible()
    shoot("desk-customer")
