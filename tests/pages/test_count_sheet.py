"""The count sheet in Chromium: the system says 12, the shelf says 9, and four came while they counted."""

from collections.abc import Callable

from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from projections import engine
from shop.inventory.commands import receive_stock
from tests.pages.conftest import sign_in
from tests.shop.orders import goods, stock


def test_the_system_says_12_and_the_shelf_says_9(
    empty_log: None, staff: User, page: Page, shoot: Callable[[str], None]
) -> None:
    page.set_default_timeout(60_000)
    goods(MUG=12, TEA=5, JAR=40)
    engine.catch_up()
    page.goto("/admin/count-sheet/")
    sign_in(page)
    for sku in ("MUG", "TEA"):
        page.get_by_label(f"Count {sku}").check()
    page.get_by_role("button", name="Sheet of the ticked ones").click()
    expect(page.locator(".bulk-table tbody tr")).to_have_count(2)
    shoot("count-sheet")
    receive_stock("MUG", quantity=4)
    engine.catch_up()

    page.get_by_label("Counted of MUG").fill("9")
    page.get_by_label("Counted of TEA").fill("5")
    page.get_by_role("button", name="Preview the differences").click()
    expect(page.locator(".bulk-table tbody tr")).to_have_count(1)
    expect(page.locator(".bulk-table")).to_contain_text("+4")
    page.get_by_label("Reason for MUG").fill("broken")
    page.screenshot(path="artefacts/count-differences.png")
    page.get_by_role("button", name="Book 1 difference").click()

    expect(page.locator(".bulk-table")).to_contain_text("booked")
    assert stock("MUG") == (13, 0)
