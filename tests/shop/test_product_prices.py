"""Which price is in force when: of the product, of lists in SQL, and in the history of prices."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from hypothesis import HealthCheck, settings
from hypothesis import given as for_all
from hypothesis import strategies as st
from rest_framework.test import APIClient

from eventstore.cause import because
from projections.engine import catch_up
from projections.exact import exact
from projections.projection import known
from projections.rebuild import verify
from shop.application import shop
from shop.catalog.commands import (
    cancel_schedule,
    create_product,
    describe_product,
    publish_product,
    schedule_price,
    set_price,
)
from shop.catalog.domain import BadSchedule, Product, UnknownSchedule
from shop.catalog.models import AmountInForce, ProductSummary
from shop.catalog.prices import Past, in_force, lowest_before
from shop.customers.commands import register_customer
from shop.errors import Refused, WrongStatus
from shop.models import CustomerUser
from shop.ordering.copies import ProductCopy
from shop.values import Money
from tests.facts import facts, given

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def euros(amount):
    return Money(Decimal(amount), "EUR")


def eur(amount):
    return {"amount": amount, "currency": "EUR"}


@pytest.fixture
def mug():
    mug = Product.create("MUG", "Mug")
    mug.set_price(euros(10), NOW - 5 * DAY)
    return given(mug)


@pytest.fixture
def api(db):
    client = APIClient(raise_request_exception=False)
    client.force_authenticate(User.objects.create_user("catalog", is_staff=True))
    client.default_format = "json"
    return client


def test_a_weekend_price_comes_and_goes_by_itself(mug):
    mug.schedule_price(euros(8), NOW + DAY, NOW + 3 * DAY, NOW)

    found = [mug.price_at(NOW + n * DAY) for n in (0, 1, 2, 3)]

    assert found == [(euros(10), 1), (euros(8), 2), (euros(8), 2), (euros(10), 1)]
    assert facts(mug) == [
        (
            "Product.PriceScheduled",
            {"price": euros(8), "revision": 2, "starts": NOW + DAY, "ends": NOW + 3 * DAY},
        )
    ]


def test_of_several_that_run_the_one_that_began_last_is_in_force(mug):
    mug.schedule_price(euros(9), NOW + 2 * DAY, None, NOW)
    mug.schedule_price(euros(8), NOW + DAY, NOW + 5 * DAY, NOW)
    mug.schedule_price(euros(7), NOW + 2 * DAY, NOW + 3 * DAY, NOW)

    assert [mug.price_at(NOW + n * DAY)[0] for n in (1, 2, 3, 6)] == [euros(8), euros(7), euros(9), euros(9)]


def test_a_price_that_is_set_is_in_force_at_once_and_leaves_what_is_to_come(mug):
    mug.schedule_price(euros(8), NOW, NOW + 3 * DAY, NOW)
    mug.schedule_price(euros(7), NOW + 5 * DAY, NOW + 6 * DAY, NOW)
    given(mug)

    mug.set_price(euros(12), NOW + DAY)

    assert facts(mug) == [
        ("Product.ScheduleCancelled", {"revision": 2}),
        ("Product.PriceSet", {"price": euros(12), "revision": 4}),
    ]
    assert [mug.price_at(NOW + n * DAY)[0] for n in (1, 5, 6)] == [euros(12), euros(7), euros(12)]


def test_to_set_the_usual_price_ends_a_promotion(mug):
    mug.schedule_price(euros(8), NOW, None, NOW)
    given(mug)

    mug.set_price(euros(10), NOW + DAY)

    assert facts(mug) == [("Product.ScheduleCancelled", {"revision": 2})]
    assert mug.price_at(NOW + DAY) == (euros(10), 1)


def test_the_same_schedule_again_changes_nothing(mug):
    for _ in range(2):
        mug.schedule_price(euros(8), NOW + DAY, None, NOW)

    assert len(facts(mug)) == 1


@pytest.mark.parametrize(
    ("starts", "ends", "pointer"),
    [(NOW - DAY, None, "/starts"), (NOW + DAY, NOW + DAY, "/ends"), (NOW + 2 * DAY, NOW + DAY, "/ends")],
)
def test_a_schedule_is_to_come_and_ends_after_it_began(mug, starts, ends, pointer):
    with pytest.raises(BadSchedule) as refused:
        mug.schedule_price(euros(8), starts, ends, NOW)

    assert refused.value.pointer == pointer
    assert facts(mug) == []


def test_a_scheduled_price_is_cancelled_before_it_is_over(mug):
    mug.schedule_price(euros(8), NOW + DAY, NOW + 2 * DAY, NOW)
    mug.schedule_price(euros(7), NOW + DAY, NOW + 2 * DAY, NOW)

    mug.cancel_schedule(3, NOW)

    assert mug.price_at(NOW + DAY)[0] == euros(8)
    with pytest.raises(UnknownSchedule, match="There is no scheduled price 3: this product has 2"):
        mug.cancel_schedule(3, NOW)
    with pytest.raises(WrongStatus, match="was over at"):
        mug.cancel_schedule(2, NOW + 2 * DAY)


def test_a_product_with_nothing_but_a_scheduled_price_is_not_published():
    mug = Product.create("MUG", "Mug")
    mug.schedule_price(euros(8), NOW, NOW + DAY, NOW)

    with pytest.raises(Refused, match="needs a price"):
        mug.publish()


def test_a_product_is_described_once(mug):
    mug.describe("Stoneware.\nFired twice.")
    mug.describe("Stoneware.\nFired twice.")

    assert facts(mug) == [("Product.Described", {"description": "Stoneware.\nFired twice."})]


PRICES = [
    Past(1, Decimal(10), "EUR", False, NOW),
    Past(2, Decimal(6), "EUR", True, NOW + 5 * DAY, NOW + 7 * DAY),
    Past(3, Decimal(12), "EUR", False, NOW + 20 * DAY),
    Past(4, Decimal(1), "EUR", True, NOW + 22 * DAY, NOW + 21 * DAY),  # cancelled before it began
    Past(5, Decimal(2), "USD", True, NOW + 30 * DAY, NOW + 31 * DAY),
]


@pytest.mark.parametrize(
    ("after", "price"),
    [
        (-1, None),
        (0, euros(10)),
        (5, euros(6)),
        (7, euros(10)),
        (20, euros(12)),
        (22, euros(12)),
        (30, Money(Decimal(2), "USD")),
    ],
)
def test_the_history_of_prices_says_what_one_cost(after, price):
    assert in_force(PRICES, NOW + after * DAY) == price


@pytest.mark.parametrize(
    ("after", "price"),
    [
        (0, None),
        (5, euros(10)),
        (6, euros(6)),
        (36, euros(6)),
        (37, euros(10)),  # 30 days before it ended at the very moment at which the promotion did
        (49, euros(10)),
        (50, euros(12)),
        (90, euros(12)),
    ],
)
def test_the_lowest_price_is_that_of_the_30_days_before(after, price):
    assert lowest_before(PRICES, NOW + after * DAY, "EUR") == price


def test_the_price_history_names_the_lowest_before_each(api):
    mug = create_product(sku="MUG", name="Mug", price=euros(10), publish=True).id
    start = datetime.now(UTC) + DAY
    schedule_price(mug, price=euros(8), starts=start, ends=start + 2 * DAY)
    schedule_price(mug, price=euros(9), starts=start + 10 * DAY, ends=start + 12 * DAY)
    schedule_price(mug, price=euros(1), starts=start + 3 * DAY)
    cancel_schedule(mug, 4)
    catch_up()

    rows = api.get(f"/api/v1/products/{mug}/price-history/").json()["results"]

    told = [(row["revision"], row["price"]["amount"], row["lowest_30_days"], row["is_scheduled"]) for row in rows]
    assert told == [
        (1, "10.00", None, False),
        (2, "8.00", eur("10.00"), True),
        (3, "9.00", eur("8.00"), True),
        (4, "1.00", eur("8.00"), True),
    ]
    assert rows[3]["ends"] < rows[3]["since"], "it was cancelled before it began"


def test_lists_and_pages_show_the_price_in_force_though_nothing_happens(api):
    mug = create_product(sku="MUG", name="Mug", price=euros(10), publish=True).id
    create_product(sku="CUP", name="Cup", price=euros(9), publish=True)
    start = datetime.now(UTC) + DAY
    schedule_price(mug, price=euros(8), starts=start, ends=start + DAY)
    catch_up()

    def skus(query):
        answer = api.get(f"/api/v1/products/?ordering=sku&{query}")
        assert answer.status_code == 200, answer.content
        return [(row["sku"], row["price"]["amount"], row["price_revision"]) for row in answer.json()["results"]]

    then = f"{start:%Y-%m-%dT%H:%M:%S.%fZ}"
    assert skus("price_max=9") == [("CUP", "9.00", 1)]
    assert skus(f"price_max=9&at={then}") == [("CUP", "9.00", 1), ("MUG", "8.00", 2)]
    assert skus(f"price_min=9&at={then}") == [("CUP", "9.00", 1)]
    assert skus(f"q=mug&at={start + DAY:%Y-%m-%dT%H:%M:%S.%fZ}") == [("MUG", "10.00", 1)]
    page = api.get(f"/api/v1/products/{mug}/").json()
    assert (page["price"], page["usual_price"]) == (eur("10.00"), eur("10.00"))
    assert [(each["revision"], each["price"]) for each in page["scheduled"]] == [(2, eur("8.00"))]


def test_a_customer_does_not_hear_of_prices_to_come(db):
    mug = create_product(sku="MUG", name="Mug", price=euros(10), publish=True).id
    now = datetime.now(UTC)
    with because(effective_at=now - DAY):
        schedule_price(mug, price=euros(8), starts=now - DAY, ends=now + DAY)
    schedule_price(mug, price=euros(7), starts=now + DAY)
    catch_up()
    user = User.objects.create_user("ada")
    CustomerUser.objects.create(user=user, customer_id=register_customer(name="Ada", email="ada@example.com").id)
    client = APIClient()
    client.force_authenticate(user)

    page = client.get(f"/api/v1/products/{mug}/").json()
    history = client.get(f"/api/v1/products/{mug}/price-history/").json()["results"]
    future = client.get("/api/v1/products/?at=2099-01-01T00:00Z")

    assert [each["revision"] for each in page["scheduled"]] == [2]
    assert [row["revision"] for row in history] == [1, 2]
    assert (future.status_code, future.json()["code"]) == (400, "unknown_parameter")


def test_a_price_that_ran_then_is_shown_then(api):
    past = datetime.now(UTC) - 10 * DAY
    with because(effective_at=past):
        mug = create_product(sku="MUG", name="Mug", price=euros(10), publish=True).id
        schedule_price(mug, price=euros(8), starts=past + DAY, ends=past + 3 * DAY)
    catch_up()
    then = f"{past + 2 * DAY:%Y-%m-%dT%H:%M:%SZ}"

    assert api.get(f"/api/v1/products/{mug}/?effective_at={then}").json()["price"] == eur("8.00")
    assert api.get(f"/api/v1/products/{mug}/").json()["price"] == eur("10.00")
    assert api.get(f"/api/v1/products/?at={then}").json()["results"][0]["price"] == eur("8.00")
    assert api.get(f"/api/v1/products/{mug}/").json()["scheduled"] == []


def test_a_product_is_scheduled_described_and_found(api):
    made = api.post("/api/v1/products/", {"sku": "4006381333931", "name": "Pen", "price": eur("2.00"), "publish": True})
    pen = f"/api/v1/products/{made.json()['id']}/"

    answers = [
        api.put(f"{pen}description/", {"description": "A pen.\r\nIt writes, and is blue. "}),
        api.post(
            f"{pen}schedule/",
            {"price": eur("1.50"), "starts": "2099-11-27T00:00+01:00", "ends": "2099-11-30T00:00:00Z"},
        ),
        api.post(f"{pen}schedule/", {"price": eur("1.40"), "starts": "2099-12-27T00:00Z"}),
        api.delete(f"{pen}schedule/3/"),
    ]
    catch_up()

    assert made.status_code == 201
    assert {answer.status_code for answer in answers} == {200}
    (read,) = api.get("/api/v1/products/?q=writes").json()["results"]
    assert read["description"] == "A pen.\nIt writes, and is blue."
    assert [(each["starts"], each["ends"]) for each in read["scheduled"]] == [
        ("2099-11-26T23:00:00Z", "2099-11-30T00:00:00Z")
    ]
    assert api.delete(f"{pen}schedule/3/").json()["code"] == "unknown_schedule"


@pytest.mark.parametrize("sku", ["4006381333931", "4242424242426", "10012345678902", "4006381333931-BLUE"])
def test_an_ean_is_a_sku_whatever_its_digits_look_like(api, sku):
    assert api.post("/api/v1/products/", {"sku": sku, "name": "Pen"}).status_code == 201


@pytest.mark.parametrize("sku", ["4242424242424242", "4242 4242 4242 4242", "42 4242424242424 2", "378282246310005"])
def test_a_card_number_is_no_sku(api, sku):
    answer = api.post("/api/v1/products/", {"sku": sku, "name": "Pen"})

    assert (answer.status_code, answer.json()["code"]) == (422, "card_data_refused")


def test_a_card_number_is_no_description_on_two_lines_either(api):
    pen = create_product(sku="PEN", name="Pen").id

    answer = api.put(f"/api/v1/products/{pen}/description/", {"description": "Pay by 4242 4242\n4242 4242"})

    assert (answer.status_code, answer.json()["code"]) == (422, "card_data_refused")


HOURS = st.integers(-48, 48)
STEPS = st.tuples(st.sampled_from(["set", "schedule", "cancel"]), st.integers(1, 20), HOURS, st.integers(0, 30))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@for_all(steps=st.lists(STEPS, max_size=12), asked=st.lists(HOURS, min_size=1, max_size=4))
def test_lists_and_products_agree_on_the_price_at_any_instant(db, steps, asked):
    sku = f"MUG-{datetime.now(UTC).timestamp()}"
    mug = create_product(sku=sku, name="Mug", price=euros(10)).id
    for step, amount, hours, length in steps:
        instant = NOW + timedelta(hours=hours)
        try:
            with because(effective_at=NOW):
                match step:
                    case "set":
                        set_price(mug, price=euros(amount))
                    case "schedule":
                        ends = instant + timedelta(hours=length) if length else None
                        schedule_price(mug, price=euros(amount), starts=instant, ends=ends)
                    case "cancel":
                        cancel_schedule(mug, amount)
        except Refused:
            pass
    catch_up()

    row, product = ProductSummary.objects.get(pk=mug), shop.load(Product, mug)
    for hours in asked:
        instant = NOW + timedelta(hours=hours)
        price = product.price_at(instant)
        listed = ProductSummary.objects.annotate(now=AmountInForce(instant)).get(pk=mug).now
        assert (price, price[0].amount) == (row.price_at(instant), listed)
        assert exact(ProductCopy, [mug])[mug].price_at(instant) == price, "ordering has the same rule"
    assert not [each for each in verify(known()["Products"]) if each.differing]


def test_a_draft_is_described_and_then_published(db):
    mug = create_product(sku="MUG", name="Mug", price=euros(1)).id
    describe_product(mug, description="Stoneware")
    publish_product(mug)

    assert shop.load(Product, mug).description == "Stoneware"
