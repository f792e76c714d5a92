"""The storefront in Chromium: a purchase, each state of the checkout, and pages that everybody can use.

What the workers do is done here, by ``come_to_rest``, when a test says so.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from eventstore.models import Event
from projections.operations import pause
from projections.projection import known
from shop.application import shop
from shop.catalog.commands import create_product, describe_product, set_price, withdraw_product
from shop.customers.commands import add_address, change_address, register_customer, set_credit_limit
from shop.inventory.commands import count_stock, receive_stock
from shop.models import CustomerUser, Fault
from shop.ordering.domain import Order
from shop.payments.commands import record_outcome
from shop.payments.domain import Outcome, payment_of
from shop.values import Address
from tests.pages.conftest import ARTEFACTS, LAPTOP, PHONE
from tests.shop.orders import come_to_rest, euros
from tests.storefront.conftest import seen_all

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
PASSWORD = "a mug of warm tea"
HOME, MOVED = Address("Kai 3", "Hamburg", "20457", "DE"), Address("Am Wall 1", "Bremen", "28195", "DE")
GOODS = {
    "MUG-1": ("Harbour mug", "12.50", 10),
    "CANDLE-1": ("Sea salt candle", "18.00", 3),
    "TOWEL-1": ("Striped tea towel", "9.00", 40),
    "BOAT-1": ("Wooden sailing boat", "34.00", 0),
}


@pytest.fixture
def goods(empty_log: None) -> dict[str, UUID]:
    cache.clear()
    made = {}
    for sku, (name, price, quantity) in GOODS.items():
        made[sku] = create_product(sku=sku, name=name, price=euros(price), publish=True).id
        if quantity:
            receive_stock(sku, quantity=quantity)
    describe_product(made["MUG-1"], description="Stoneware, fired twice.\nHolds a third of a litre.")
    seen_all()
    return made


@pytest.fixture
def ada(goods: dict[str, UUID]) -> UUID:
    customer_id = register_customer(name="Ada <b>Harbour</b>", email="ada@example.com").id
    add_address(customer_id, address=HOME)
    CustomerUser.objects.create(user=User.objects.create_user("ada", password=PASSWORD), customer_id=customer_id)
    seen_all()
    return customer_id


class Shopper:
    """Somebody at a browser: each thing they do is said once here."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def signs_in(self) -> None:
        self.page.goto("/sign-in/")
        self.page.locator("#id_email").fill("ada@example.com")
        self.page.locator("#id_password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()

    def adds(self, sku: str = "MUG-1", quantity: int = 2) -> None:
        self.page.goto(f"/products/{sku}/")
        self.page.get_by_label("How many").fill(str(quantity))
        self.page.get_by_role("button", name="Add to basket", exact=True).click()
        expect(self.page.get_by_text("is in your basket")).to_be_visible()

    def pays(self, how: str = "Outside the shop") -> None:
        self.page.goto("/checkout/?change=payment")
        self.page.get_by_label(how).check()
        self.page.get_by_role("button", name="Pay this way").click()
        expect(self.page.get_by_role("button", name="Order for")).to_be_visible()

    def types_card(self, number: str) -> None:
        self.page.get_by_label("Card number").fill(number)
        self.page.get_by_label("Expires").fill("12/99")
        self.page.get_by_label("Name on the card").fill("Ada")
        self.page.get_by_role("button", name="Use this card").click()

    def orders(self) -> UUID:
        self.page.get_by_role("button", name="Order for").click()
        self.page.wait_for_url("**/orders/*/")
        return UUID(self.page.url.split("/")[-2])

    def sees(self, words: str) -> None:
        expect(self.page.locator("main")).to_contain_text(words)


@pytest.fixture
def context(chromium: Browser, live_server: LiveServer) -> Iterator[BrowserContext]:
    context = chromium.new_context(base_url=live_server.url, viewport=LAPTOP)
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def ask(context: BrowserContext, live_server: LiveServer) -> Iterator[Shopper]:
    """A shopper. A script that fails, what the policy blocks, or a request elsewhere, fails the test."""
    page, wrong = context.new_page(), []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda m: wrong.append(m.text) if m.type == "error" and "status of" not in m.text else None)
    page.on("request", lambda r: None if r.url.startswith(live_server.url) else wrong.append(f"elsewhere: {r.url}"))
    page.on("response", lambda r: wrong.append(f"{r.status} {r.url}") if r.status >= 500 and r.status != 503 else None)
    yield Shopper(page)
    assert wrong == []


@pytest.fixture
def till(ask: Shopper, ada: UUID) -> Shopper:
    """Ada, about to order two mugs."""
    ask.signs_in()
    ask.adds()
    ask.pays()
    return ask


@pytest.fixture
def look(ask: Shopper) -> Callable[[str], None]:
    """Keep pictures of the page, on a laptop, a phone, by night: nothing is too wide, and axe has no complaint."""

    def take(name: str) -> None:
        ARTEFACTS.mkdir(exist_ok=True)
        for device, size, scheme in (("phone", PHONE, "light"), ("night", LAPTOP, "dark"), ("laptop", LAPTOP, "light")):
            ask.page.set_viewport_size(size)
            ask.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            ask.page.screenshot(path=ARTEFACTS / f"storefront-{name}-{device}.png", full_page=True)
            assert ask.page.evaluate("document.documentElement.scrollWidth") <= size["width"], f"{name}: {device}"
            if device != "phone":
                rules = "color-contrast" if scheme == "dark" else ""
                assert complaints(ask.page, rules) == [], f"{name}, {scheme}"

    return take


def complaints(page: Page, rules: str) -> list[str]:
    """What axe calls serious or critical; of those rules alone, if it is said which."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)  # outside the page's policy, as the tools of a person are
    only = {"runOnly": [rules]} if rules else {}
    found: Any = page.evaluate("options => axe.run(document, options)", {"resultTypes": ["violations"]} | only)
    return [
        f"{each['id']}: {node['html'][:200]}"
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


def test_a_newcomer_finds_a_mug_and_buys_it_by_card(
    ask: Shopper, goods: dict[str, UUID], look: Callable[[str], None]
) -> None:
    page = ask.page
    page.goto("/")
    look("shelf")
    page.get_by_label("Search the shop").fill("muggs")
    page.get_by_role("button", name="Search").click()
    ask.sees("Here is what there is for mug.")
    page.get_by_role("link", name="Harbour mug").click()
    look("product")
    page.get_by_role("button", name="Add to basket", exact=True).click()
    expect(page.locator("#basket-link")).to_have_text("Basket1 in it")  # in place: the page was not left
    page.get_by_role("link", name="Basket").click()
    page.get_by_label("How many: Harbour mug").fill("2")
    page.get_by_label("How many: Harbour mug").blur()
    ask.sees("Goods€25.00")
    look("basket")
    page.get_by_role("link", name="To the checkout").click()
    look("sign-in")
    page.get_by_label("Your name").fill("Grace")
    page.locator("#new_email").fill("grace@example.com")
    page.locator("#new_password").fill("a boat at sea")
    page.get_by_role("button", name="Register").click()
    look("checkout-address")
    page.get_by_label("Street and number").fill("Ness 9")
    page.get_by_label("Postcode").fill("18055")
    page.get_by_label("City").fill("Rostock")
    page.get_by_role("button", name="Use this address").click()
    look("checkout-payment")
    ask.types_card("4242 4242 4242 4242")
    ask.sees("Card ending in 4242")
    look("checkout-ready")
    order = ask.orders()
    ask.sees("We are looking after it")
    look("order-placed")

    come_to_rest()
    record_outcome(payment_of(order), "authorise", Outcome("ok", reference="ref_1"))
    come_to_rest()
    expect(page.get_by_role("heading", name="It is yours")).to_be_visible()  # by itself
    seen_all()
    page.reload()
    look("order-confirmed")
    page.get_by_role("link", name="Orders").click()
    look("orders")
    page.get_by_role("link", name="Account").click()
    look("account")


def test_scenario_04_change_address_as_fallback(till: Shopper, ada: UUID, look: Callable[[str], None]) -> None:
    pause(known()["OrderingCustomers"], by="test", reason="a context that is down")
    change_address(ada, 1, address=MOVED)
    till.page.goto("/checkout/")
    till.sees(HOME.street)
    expect(till.page.locator(".lag")).to_contain_text("as of")
    look("checkout-stale-address")

    till.page.get_by_role("link", name="Change address").first.click()
    look("checkout-change-address")
    till.page.get_by_label("Street and number").fill("Am Wall 1")
    till.page.get_by_label("Postcode").fill("28195")
    till.page.get_by_label("City").fill("Bremen")
    till.page.get_by_role("button", name="Use this address").click()
    till.sees("For this order alone")
    order = till.orders()

    assert shop.load(Order, order).ship_to == MOVED
    come_to_rest()
    expect(till.page.get_by_role("heading", name="It is yours")).to_be_visible()


def test_scenario_01_checkout_when_customers_is_down(till: Shopper, settings: Any, look: Callable[[str], None]) -> None:
    settings.DEMO, settings.CHECKOUT_ADDRESS_SOURCE = True, "live"
    Fault.objects.create(context="customers")
    till.page.goto("/checkout/")
    till.sees("We cannot look up your address just now")
    look("checkout-live-down")

    settings.CHECKOUT_ADDRESS_SOURCE = "copy"
    till.page.get_by_role("link", name="Try again").click()
    till.page.goto("/checkout/?change=payment")
    till.sees("Your saved cards cannot be looked up just now")
    look("checkout-copy-down")
    till.page.goto("/checkout/")
    order = till.orders()
    till.page.goto("/account/")
    till.sees("A part of the shop does not answer")
    look("context-down")
    come_to_rest()

    bought = shop.load(Order, order)
    assert (bought.status, bought.ship_to) == ("confirmed", HOME)


def test_a_price_went_up_and_another_down(till: Shopper, goods: dict[str, UUID], look: Callable[[str], None]) -> None:
    till.adds("TOWEL-1", 1)
    till.page.goto("/checkout/")
    set_price(goods["MUG-1"], price=euros("14.00"))
    till.page.get_by_role("button", name="Order for").click()
    till.sees("Harbour mug: was €12.50 → €14.00")
    look("checkout-price-up")

    set_price(goods["TOWEL-1"], price=euros("7.00"))
    order = till.orders()

    till.sees("Striped tea towel: was €9.00 → €7.00")
    look("order-price-down")
    assert shop.load(Order, order).total == euros("39.90")


def test_there_is_not_enough_left_before_and_after(till: Shopper, look: Callable[[str], None]) -> None:
    count_stock("MUG-1", counted=1, reason="nine were broken")
    till.page.goto("/checkout/")
    order = till.orders()  # what is shown is a copy, and has not heard of it
    come_to_rest()
    till.page.goto(f"/orders/{order}/")
    till.sees("There is not enough left")
    look("order-not-enough")

    till.page.get_by_role("button", name="Reduce to 1 and try again").click()
    till.sees("1 × €12.50")
    till.adds("MUG-1", 1)
    seen_all()
    till.page.goto("/checkout/")
    look("checkout-not-enough")
    till.page.get_by_role("button", name="Reduce to 1").click()
    order = till.orders()
    come_to_rest()

    expect(till.page.get_by_role("heading", name="It is yours")).to_be_visible()
    assert shop.load(Order, order).lines[0].quantity == 1


def test_something_was_withdrawn(till: Shopper, goods: dict[str, UUID], look: Callable[[str], None]) -> None:
    till.adds("CANDLE-1", 1)
    withdraw_product(goods["MUG-1"])
    till.page.goto("/checkout/")
    till.sees("Harbour mug: not sold any more")
    look("checkout-withdrawn")

    till.page.get_by_role("button", name="Take it out").click()
    order = till.orders()

    assert [line.sku for line in shop.load(Order, order).lines] == ["CANDLE-1"]


def test_the_account_does_not_stretch_and_the_card_is_declined(
    till: Shopper, ada: UUID, look: Callable[[str], None]
) -> None:
    set_credit_limit(ada, limit=euros("20.00"))
    seen_all()
    till.pays("On your account")
    till.orders()
    come_to_rest()
    till.sees("Your account does not stretch to this")
    look("order-credit-exceeded")

    till.page.get_by_role("button", name="Pay by card instead").click()
    till.types_card("4000 0000 0000 0002")
    order = till.orders()
    come_to_rest()
    record_outcome(payment_of(order), "authorise", Outcome("declined", reason="insufficient_funds"))
    come_to_rest()
    till.sees("Your bank declined the card")
    look("order-card-declined")

    till.page.get_by_role("button", name="Pay with another card").click()
    till.types_card("4242 4242 4242 4242")
    order = till.orders()
    come_to_rest()
    record_outcome(payment_of(order), "authorise", Outcome("ok", reference="ref_1"))
    come_to_rest()
    expect(till.page.get_by_role("heading", name="It is yours")).to_be_visible()


def test_a_double_click_is_one_order(till: Shopper) -> None:
    till.page.goto("/checkout/")
    till.page.get_by_role("button", name="Order for").dblclick()
    till.page.wait_for_url("**/orders/*/")

    assert Event.objects.filter(name="Order.Placed").count() == 1


def test_a_quote_has_expired(till: Shopper, look: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shop.ordering.checkout.domain.HOLDS_FOR", timedelta(milliseconds=-1))
    till.adds("TOWEL-1", 1)
    till.page.goto("/checkout/")
    monkeypatch.undo()

    till.page.get_by_role("button", name="Order for").click()

    till.sees("The quote has expired. Nothing was ordered: this is a new one.")
    look("checkout-expired")
    till.orders()


def test_an_order_is_placed_without_javascript(chromium: Browser, live_server: LiveServer, ada: UUID) -> None:
    context = chromium.new_context(base_url=live_server.url, java_script_enabled=False, viewport=PHONE)
    shopper = Shopper(context.new_page())
    shopper.adds("CANDLE-1", 1)
    shopper.page.goto("/basket/")
    shopper.page.get_by_label("How many: Sea salt candle").fill("3")
    shopper.page.get_by_role("button", name="Change", exact=True).click()
    shopper.page.get_by_role("link", name="To the checkout").click()
    shopper.page.locator("#id_email").fill("ada@example.com")
    shopper.page.locator("#id_password").fill(PASSWORD)
    shopper.page.get_by_role("button", name="Sign in").click()
    shopper.page.get_by_label("Outside the shop").check()
    shopper.page.get_by_role("button", name="Pay this way").click()
    order = shopper.orders()
    come_to_rest()

    expect(shopper.page.get_by_role("heading", name="It is yours")).to_be_visible()  # it looks again by itself
    assert shop.load(Order, order).lines[0].quantity == 3
    context.close()


def test_an_order_is_placed_with_the_keyboard_alone(ask: Shopper, ada: UUID) -> None:
    page, keys = ask.page, ask.page.keyboard

    def to(name: str, most: int = 60) -> None:
        """Press Tab until what has the focus is called that."""
        for _ in range(most):
            keys.press("Tab")
            if page.evaluate(CALLED).startswith(name):
                assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
                return
        raise AssertionError(f"Tab never came to {name}")

    page.goto("/products/MUG-1/")
    to("Skip to the content")
    keys.press("Enter")
    to("Add to basket")
    keys.press("Enter")
    expect(page.locator("#basket-link")).to_contain_text("1")
    assert page.evaluate(CALLED).startswith("Add to basket"), "the focus stays where it was"
    page.goto("/checkout/")
    to("I have been here before E-mail address")
    keys.type("ada@example.com")
    keys.press("Tab")
    keys.type(PASSWORD)
    keys.press("Enter")
    page.wait_for_url("**/checkout/")
    to("Outside the shop")
    keys.press("Space")
    to("Pay this way")
    keys.press("Enter")
    expect(page.get_by_role("button", name="Order for")).to_be_visible()
    to("Order for")
    keys.press("Enter")
    page.wait_for_url("**/orders/*/")

    assert Event.objects.filter(name="Order.Placed").count() == 1


CALLED = """(() => {
    const it = document.activeElement, label = it.labels && it.labels[0] ? it.labels[0].innerText : it.innerText;
    const form = it.id === 'id_email' ? 'I have been here before ' : '';
    return form + (label || '').trim().replace(/\\s+/g, ' ');
})()"""


def test_what_is_not_there_has_a_page(ask: Shopper, goods: dict[str, UUID], look: Callable[[str], None]) -> None:
    ask.page.goto("/products/NOTHING/")

    ask.sees("Nothing washed up here")
    look("not-found")
