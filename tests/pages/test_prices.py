"""Prices changed in bulk, in Chromium: typed, imported, looked at twice, carried out, and set back."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from eventstore.cause import because
from projections import engine
from shop.catalog.commands import create_product, schedule_price, set_price
from shop.catalog.models import ProductSummary
from shop.values import id_of
from tests.pages.conftest import sign_in
from tests.shop.orders import euros

SKUS = ["BOWL", "CANDLE", "CUP", "JAR", "MUG-HARBOUR", "MUG-LIGHTHOUSE", "PLATE", "TEA-EARL", "TEA-MINT"]
SKUS += ["TRAY", "VASE"]
WORKED = 30_000  # milliseconds until the page has looked again


@pytest.fixture
def goods(empty_log: None, staff: User, page: Page) -> None:
    page.set_default_timeout(60_000)
    for number, sku in enumerate(SKUS):
        name = sku.replace("-", " ").title()
        create_product(sku=sku, name=name, price=euros(f"{12 + number}.50"), publish=sku != "VASE")
    now = datetime.now(UTC)
    earlier = now - timedelta(hours=1)
    with because(effective_at=earlier):
        weekend = {"starts": earlier, "ends": now + timedelta(days=2)}
        schedule_price(id_of("product", "TRAY"), price=euros("18.00"), **weekend)
    engine.catch_up()


def amount(sku: str) -> str:
    return str(ProductSummary.objects.get(sku=sku).amount.normalize())


def test_a_slip_is_imported_seen_carried_out_and_set_back_but_for_a_conflict(
    goods: None, page: Page, shoot: Callable[[str], None]
) -> None:
    lines = [f"{sku},{number}.25" for number, sku in enumerate(SKUS[:8], 1)]
    text = "\n".join(["sku,price", *lines, "TRAY,18.00", "PLATE", "CUPS,3", "VASE,=1+1", 'TEA-MINT,"4,20"'])
    page.goto("/admin/prices/import/")
    sign_in(page)
    page.get_by_label("A CSV file").set_input_files({"name": "a.csv", "mimeType": "text/csv", "buffer": b"sku;price"})
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("alert")).to_contain_text("separated by semicolons")
    shoot("price-import")

    page.get_by_label("Or lines, pasted").fill(text)
    page.get_by_role("button", name="Preview").click()

    expect(page.locator(".bulk-counts")).to_contain_text("8 by more than 50 %")
    shoot("price-preview")
    page.get_by_role("link", name="4 errors").click()
    expect(page.locator(".bulk-table")).to_contain_text("found 1.")
    expect(page.locator(".bulk-table")).to_contain_text("a decimal comma")
    shoot("price-errors")
    page.get_by_label("Reason").fill("spring prices")
    page.get_by_role("button", name="Change 9 prices").click()
    expect(page.get_by_role("alert").first).to_contain_text("tick the box")
    page.get_by_label("I have looked at the 8").check()
    page.get_by_label("Leave out the 4 lines").check()
    page.get_by_role("button", name="Change 9 prices").click()

    engine.catch_up()  # as the workers do; the page looks again by itself
    expect(page.locator(".bulk-progress")).to_contain_text("9 of 9 lines, finished", timeout=WORKED)
    assert amount("BOWL") == "1.25"
    shoot("price-change")

    with because(actor="carol"):
        set_price(id_of("product", "CUP"), price=euros("13.00"))
    engine.catch_up()
    page.get_by_role("button", name="Undo this import…").click()
    expect(page.locator(".bulk-table")).to_contain_text("carol changed it to 13.00 EUR")
    shoot("price-undo")
    page.get_by_label("Reason").fill("a tenth, by mistake")
    page.get_by_role("button", name="Set back 8 prices").click()
    engine.catch_up()
    expect(page.locator(".bulk-progress")).to_contain_text("9 of 9 lines, finished", timeout=WORKED)
    page.get_by_role("link", name="1 conflict").click()
    expect(page.locator(".bulk-table")).to_contain_text("it was changed meanwhile")
    shoot("price-undone")
    assert [amount(sku) for sku in ("BOWL", "CUP", "TRAY")] == ["12.5", "13", "21.5"]
    page.goto("/admin/prices/changes/")
    expect(page.locator(".bulk-table tbody tr")).to_have_count(2)
    shoot("price-changes")


def test_prices_are_typed_and_raised_in_the_grid(goods: None, page: Page, shoot: Callable[[str], None]) -> None:
    page.goto("/admin/prices/grid/?q=mug")
    sign_in(page)
    expect(page.locator(".bulk-table tbody tr")).to_have_count(2)
    page.get_by_label("New price of MUG-HARBOUR").fill("17.90")
    page.get_by_role("button", name="Preview typed prices").click()
    expect(page.locator(".bulk-table")).to_contain_text("+8.5 %")
    page.get_by_label("Reason").fill("the potter is dearer")
    page.get_by_role("button", name="Change 1 price").click()
    engine.catch_up()
    expect(page.locator(".bulk-progress")).to_contain_text("1 of 1 lines, finished", timeout=WORKED)
    assert amount("MUG-HARBOUR") == "17.9"

    page.goto("/admin/prices/grid/")
    shoot("price-grid")
    for sku in ("BOWL", "JAR"):
        page.get_by_label(f"Choose {sku}").check()
    page.get_by_label("Percent").fill("+5")
    page.get_by_label("Rounding").select_option("99")
    page.get_by_role("button", name="Preview", exact=True).click()

    expect(page.locator(".bulk-table tbody tr")).to_have_count(2)
    expect(page.locator(".bulk-table")).to_contain_text("12.99 EUR")
    expect(page.locator(".bulk-table")).to_contain_text("15.99 EUR")
