"""The tour, walked in Chromium: do this, see that, at every stop."""

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from projections import engine
from shop.demo import stories
from shop.demo.loading import load
from shop.demo.route import ROUTE
from shop.demo.signins import CUSTOMER, PASSWORD, USER, sign_ins
from shop.inventory.models import StockLevel
from shop.notifications.models import OutgoingMail
from shop.ordering.models import OrderSummary
from shop.roles import ROLES


@pytest.fixture
def demo(empty_log: None, tmp_path: Path, settings: Any) -> None:
    """The shop with its stories, and a little everyday trade."""
    settings.DEMO = True
    load(datetime.now(UTC), tmp_path / "ledger", orders=6)
    sign_ins()


def test_the_tour(demo: None, page: Page, shoot: Callable[[str], None]) -> None:
    page.goto("/admin/")
    page.fill("#id_username", USER)
    page.fill("#id_password", PASSWORD)
    page.press("#id_password", "Enter")
    page.goto("/tour/")
    expect(page.locator("article")).to_have_count(len(ROUTE))
    expect(page.get_by_text(f"0 of {len(ROUTE)} seen")).to_be_visible()
    shoot("tour")

    buys(page)
    two_want_the_last(page)
    clicks_twice(page)
    resumes_billing(page)
    decides_where_it_goes(page)
    counts_the_shelf(page)
    every_door_leads_somewhere(page)

    page.goto("/tour/")
    expect(page.get_by_text(f"{len(ROUTE)} of {len(ROUTE)} seen")).to_be_visible()
    shoot("tour-done")
    each_role_can_sign_in()
    support_signs_in_at_the_desk(page)
    ada_signs_in_at_the_storefront(page)


def press(page: Page, stop: str) -> Any:
    """Press the button of that stop; answers what was said about it, once the policies have heard."""
    page.locator(f"#{stop} form button").click()
    engine.catch_up()
    said = page.locator(f"#{stop} .said")
    expect(said).to_be_visible()
    return said


def is_done(page: Page, stop: str) -> None:
    page.goto("/tour/")
    expect(page.locator(f"#{stop} .tick")).to_be_visible()


def buys(page: Page) -> None:
    expect(press(page, "buy")).to_contain_text("an event at position")
    assert OrderSummary.objects.get(reference="TOUR-ADA").status == "confirmed"
    assert ask(page, "buy", "Or order by REST")["version"] == 1
    is_done(page, "buy")


def two_want_the_last(page: Page) -> None:
    said = press(page, "last")
    expect(said.get_by_role("link")).to_have_count(2)
    found = dict(OrderSummary.objects.filter(reference__startswith="TOUR-LAST").values_list("status", "id"))
    assert sorted(found) == ["confirmed", "rejected"]
    assert OutgoingMail.objects.get(order_id=found["rejected"]).kind == "rejected"
    assert StockLevel.objects.get(sku=stories.LAST_NOW).available == 0
    is_done(page, "last")


def clicks_twice(page: Page) -> None:
    expect(press(page, "twice")).to_contain_text("Sent 5 times; 1 answer, 1 order")
    assert OrderSummary.objects.filter(reference="TOUR-TWICE").count() == 1
    assert ask(page, "twice", "Or by REST") == ask(page, "twice", "Or by REST")
    is_done(page, "twice")


def resumes_billing(page: Page) -> None:
    expect(page.locator("#missed .tick")).to_have_count(0)
    page.goto("/admin/billing/contact/?q=clara")
    expect(page.locator("#result_list")).to_contain_text("clara@example.com")
    page.goto("/tour/")
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Resume billing").click()
    opened.value.get_by_role("button", name="Resume").click()
    opened.value.wait_for_load_state()
    engine.catch_up()
    page.goto("/admin/billing/contact/?q=clara")
    expect(page.locator("#result_list")).to_contain_text(stories.NEW_EMAILS[0][1])
    is_done(page, "missed")


def ask(page: Page, stop: str, starts: str) -> dict[str, Any]:
    """Carry out that stop's curl command, as it stands there."""
    told = page.locator(f"#{stop} details").filter(has_text=starts).locator("code").text_content() or ""
    answered = subprocess.run(["bash", "-c", told], check=True, capture_output=True, text=True, timeout=30).stdout
    return dict(json.loads(answered))


def decides_where_it_goes(page: Page) -> None:
    refused = ask(page, "address", "Try to dispatch it")
    assert (refused["status"], refused["code"]) == (409, "address_question_open")
    assert ask(page, "address", "Decide")["version"] == 4
    engine.catch_up()
    is_done(page, "address")


def counts_the_shelf(page: Page) -> None:
    expect(page.locator("#count .see")).to_contain_text("On hand is 12 now")
    assert "position" in ask(page, "count", "Count it: 9")
    engine.catch_up()
    is_done(page, "count")
    expect(page.locator("#count .see")).to_contain_text("On hand is 9 now")


def every_door_leads_somewhere(page: Page) -> None:
    doors = page.locator(".door").evaluate_all("doors => doors.map(door => [door.innerText, door.href])")
    assert len(doors) > 40
    wrong = [(text, answer.status) for text, href in doors if not (answer := page.request.get(href)).ok]
    assert wrong == []


def each_role_can_sign_in() -> None:
    for name in ROLES:
        client = Client()
        assert client.login(username=name, password=PASSWORD), name
        assert client.get("/admin/").status_code == 200, name
        assert client.get("/tour/").status_code == 200, name


def support_signs_in_at_the_desk(page: Page) -> None:
    page.context.clear_cookies()
    page.goto("/admin/ordering/ordersummary/")
    page.fill("#id_username", "support")
    page.fill("#id_password", PASSWORD)
    page.press("#id_password", "Enter")
    expect(page.locator("#result_list")).to_contain_text("DEMO-1")


def ada_signs_in_at_the_storefront(page: Page) -> None:
    page.context.clear_cookies()
    page.goto("/sign-in/")
    page.fill("#id_email", CUSTOMER)
    page.fill("#id_password", PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#id_password")).to_have_count(0)
    page.goto("/orders/")
    expect(page.get_by_text("DEMO-1")).to_be_visible()


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/tour/", "/tour/slip/0/", "/tour/buy/do/"])
def test_where_it_is_no_demo_there_is_no_tour(client: Client, settings: Any, path: str) -> None:
    settings.DEMO = False

    assert client.get(path).status_code == 404
    assert client.post(path).status_code == 404


@pytest.mark.django_db
def test_a_shop_without_the_past_says_how_to_get_it(client: Client, settings: Any) -> None:
    settings.DEMO = True

    answer = client.get("/tour/")

    assert "There is no past here" in answer.content.decode()
