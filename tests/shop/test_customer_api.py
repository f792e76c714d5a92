"""Customers over HTTP: who celebrates soon, who is premium when, where they lived, what they owe."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from eventstore import log
from eventstore.models import Event
from projections.engine import catch_up
from projections.projection import known
from projections.rebuild import verify
from shop.customers.commands import (
    add_address,
    add_payment_method,
    block_customer,
    change_address,
    charge_credit,
    end_premium,
    erase_customer,
    grant_premium,
    register_customer,
    remove_address,
    reserve_credit,
    set_birthday,
    set_credit_limit,
    set_default_address,
)
from shop.customers.models import AddressChange, CustomerSummary, born_within
from shop.models import CustomerUser
from shop.values import Address, Money

pytestmark = pytest.mark.django_db

KAI = Address("Kai 3", "Hamburg", "20457", "DE")
WALL = Address("Am Wall 1", "Bremen", "28195", "DE")
TODAY = datetime.now(UTC).date()


def eur(amount):
    return {"amount": amount, "currency": "EUR"}


def key():
    return {"HTTP_IDEMPOTENCY_KEY": str(uuid4())}


@pytest.fixture
def api(db):
    client = APIClient(raise_request_exception=False)
    client.force_authenticate(User.objects.create_user("support", is_staff=True))
    client.default_format = "json"
    return client


@pytest.fixture
def customers(db):
    return {name: register_customer(name=name, email=f"{name}@example.com").id for name in ("Ada", "Bob", "Eve")}


def named(api, query):
    answer = api.get(f"/api/v1/customers/?ordering=name&{query}")
    assert answer.status_code == 200, answer.content
    return [row["name"] for row in answer.json()["results"]]


def born(day, years=40):
    return date(day.year - years, day.month, min(day.day, 28) if day.month == 2 else day.day)


def test_who_celebrates_within_two_weeks_and_is_not_premium_gets_a_trial_once(api, customers):
    set_birthday(customers["Ada"], birthday=born(TODAY + timedelta(days=14)))
    set_birthday(customers["Bob"], birthday=born(TODAY + timedelta(days=7)))
    set_birthday(customers["Eve"], birthday=born(TODAY + timedelta(days=30)))
    grant_premium(customers["Bob"], until=TODAY + timedelta(days=100))
    catch_up()
    until = (TODAY + timedelta(days=30)).isoformat()

    chosen = api.get("/api/v1/customers/?birthday_within=14&tier=standard").json()["results"]
    answers = [
        api.post(f"/api/v1/customers/{row['id']}/premium/", {"until": until, "trial": True})
        for row in chosen
        for _ in range(2)
    ]
    catch_up()

    assert [row["name"] for row in chosen] == ["Ada"]
    assert [answer.json()["position"] is None for answer in answers] == [False, True]
    assert Event.objects.filter(stream_id=customers["Ada"], name="Customer.PremiumGranted").count() == 1
    assert named(api, "tier=premium") == ["Ada", "Bob"]
    assert named(api, "birthday_within=14&tier=standard") == []


@pytest.mark.parametrize(
    ("birthday", "day", "days", "is_in"),
    [
        (date(1985, 12, 31), date(2026, 12, 25), 14, True),
        (date(1985, 1, 8), date(2026, 12, 25), 14, True),
        (date(1985, 1, 9), date(2026, 12, 25), 14, False),
        (date(1985, 12, 24), date(2026, 12, 25), 14, False),
        (date(1985, 12, 25), date(2026, 12, 25), 0, True),
        (date(1988, 2, 29), date(2026, 2, 28), 0, True),
        (date(1988, 2, 29), date(2026, 3, 1), 14, False),
        (date(1988, 2, 29), date(2028, 2, 28), 0, False),
        (date(1988, 2, 29), date(2028, 2, 29), 0, True),
        (date(1985, 1, 1), date(9999, 12, 31), 1, True),
    ],
)
def test_a_birthday_comes_every_year(customers, birthday, day, days, is_in):
    set_birthday(customers["Ada"], birthday=birthday)
    catch_up()

    assert CustomerSummary.objects.filter(born_within(day, days)).exists() == is_in


def test_who_was_premium_then_is_asked_of_the_past(api, customers):
    last = TODAY + timedelta(days=10)
    grant_premium(customers["Ada"], until=last)
    position = log.last()
    end_premium(customers["Ada"])
    grant_premium(customers["Bob"], until=last, trial=True)
    catch_up()
    after = datetime.combine(last + timedelta(days=1), datetime.min.time(), UTC)

    found = {
        query: named(api, f"tier=premium&{query}")
        for query in ("", f"as_of={position}", f"at={after:%Y-%m-%dT%H:%MZ}", f"as_of={position}&at={after:%FT%RZ}")
    }
    then = api.get(f"/api/v1/customers/{customers['Ada']}/?as_of={position}").json()

    assert list(found.values()) == [["Bob"], ["Ada"], [], []]
    assert (then["tier"], then["premium_until"]) == ("premium", last.isoformat())
    assert api.get(f"/api/v1/customers/{customers['Ada']}/").json()["tier"] == "standard"


def test_all_pages_of_a_list_are_of_one_instant(api, customers):
    for each in customers.values():
        grant_premium(each, until=TODAY)
    catch_up()

    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    first = api.get(f"/api/v1/customers/?tier=premium&page_size=1&as_of={now}").json()
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat().replace("+00:00", "Z")

    assert f"at={now[:10]}T" in first["next"]
    assert len(api.get(first["next"]).json()["results"]) == 1
    assert named(api, f"tier=premium&at={tomorrow}") == []
    assert {row["tier"] for row in api.get(f"/api/v1/customers/?at={tomorrow}").json()["results"]} == {"standard"}


def test_customers_are_found_by_the_city_that_parcels_go_to(api, customers):
    add_address(customers["Ada"], address=KAI)
    add_address(customers["Ada"], address=WALL)
    add_address(customers["Bob"], address=KAI)
    change_address(customers["Bob"], 1, address=WALL)
    catch_up()
    before = named(api, "city=hamburg"), named(api, "city=BREMEN")
    set_default_address(customers["Ada"], 2)
    remove_address(customers["Bob"], 1)
    catch_up()

    assert before == (["Ada"], ["Bob"])
    assert (named(api, "city=Hamburg"), named(api, "city=Bremen")) == ([], ["Ada"])


def test_a_customer_is_blocked_and_pays_by_a_card_of_the_vault(api, customers):
    ada = f"/api/v1/customers/{customers['Ada']}/"
    token = str(uuid4())

    answers = [
        api.put(f"{ada}birthday/", {"birthday": "1985-12-10"}),
        api.post(f"{ada}payment-methods/", {"token": token, "label": "Visa", "last_four": "4242"}),
        api.post(f"{ada}payment-methods/", {"token": str(uuid4()), "label": "Amex", "last_four": "0005"}),
        api.delete(f"{ada}payment-methods/2/"),
        api.post(f"{ada}block/", {"reason": "three unpaid invoices"}),
    ]
    catch_up()

    assert {answer.status_code for answer in answers} == {200}
    read = api.get(ada).json()
    assert {name: read[name] for name in ("birthday", "payment_methods", "blocked", "block_reason", "tier")} == {
        "birthday": "1985-12-10",
        "payment_methods": [{"number": 1, "token": token, "label": "Visa", "last_four": "4242"}],
        "blocked": True,
        "block_reason": "three unpaid invoices",
        "tier": "standard",
    }
    assert named(api, "blocked=true") == ["Ada"]
    assert api.delete(f"{ada}payment-methods/2/").json()["code"] == "unknown_payment_method"
    assert api.delete(f"{ada}block/").status_code == 200
    catch_up()
    assert named(api, "blocked=true") == []
    assert named(api, "blocked=false") == ["Ada", "Bob", "Eve"]


def test_a_customer_does_not_read_why_they_are_blocked(customers):
    block_customer(customers["Ada"], reason="three unpaid invoices")
    catch_up()
    user = User.objects.create_user("ada")
    CustomerUser.objects.create(user=user, customer_id=customers["Ada"])
    client = APIClient()
    client.force_authenticate(user)

    (read,) = client.get("/api/v1/customers/").json()["results"]
    then = client.get(f"/api/v1/customers/{customers['Ada']}/?as_of=v2").json()

    assert [(row["blocked"], row["block_reason"]) for row in (read, then)] == [(True, "")] * 2


def test_addresses_have_a_history_which_forgets_who_is_forgotten(api, customers):
    ada = customers["Ada"]
    add_address(ada, address=KAI)
    change_address(ada, 1, address=WALL)
    add_address(ada, address=KAI, default=True)
    remove_address(ada, 1)
    catch_up()
    place = f"/api/v1/customers/{ada}/address-history/"

    told = [
        (row["kind"], row["number"], (row["address"] or {}).get("city")) for row in api.get(place).json()["results"]
    ]
    erase_customer(ada)
    catch_up()
    after = api.get(place).json()["results"]

    assert told == [
        ("added", 1, "Hamburg"),
        ("default", 1, None),
        ("changed", 1, "Bremen"),
        ("added", 2, "Hamburg"),
        ("default", 2, None),
        ("removed", 1, None),
    ]
    assert [(row["kind"], (row["address"] or {}).get("city")) for row in after] == [
        (kind, city and "[erased]") for kind, _, city in told
    ]
    assert AddressChange.objects.filter(customer_id=ada, erased=True).count() == 6
    assert not [each for each in verify(known()["AddressHistory"]) if each.differing]


def test_what_is_personal_is_forgotten_in_the_past_too(api, customers):
    ada = customers["Ada"]
    add_address(ada, address=KAI)
    set_birthday(ada, birthday=date(1985, 12, 10))
    add_payment_method(ada, token="token", label="Visa of Quince & Sons", last_four="4242")
    block_customer(ada, reason="a quarrel with Quince")
    catch_up()
    before = log.last()
    erase_customer(ada)
    catch_up()

    now = api.get(f"/api/v1/customers/{ada}/").json()
    then = api.get(f"/api/v1/customers/{ada}/?as_of={before}").json()
    (listed,) = api.get(f"/api/v1/customers/?as_of={before}&q=erased").json()["results"]

    assert then == listed
    assert (then["birthday"], then["block_reason"], now["block_reason"]) == (None, "[erased]", "")
    assert then["payment_methods"] == [
        {"number": 1, "token": "token", "label": "[erased]", "last_four": "[erased]"},
    ]
    assert (now["payment_methods"], now["birthday"]) == ([], None)
    assert named(api, f"as_of={before}&city=Hamburg") == []
    assert named(api, f"as_of={before}&birthday_within=366") == []
    assert not [each for each in verify(known()["Customers"]) if each.differing]


def test_an_account_is_kept_over_http(api, customers):
    ada = customers["Ada"]
    credit = f"/api/v1/customers/{ada}/credit/"
    opened = api.put(f"{credit}limit/", {"limit": eur("500.00")}, **key())
    order = uuid4()
    reserve_credit(ada, order_id=order, amount=Money(Decimal(120), "EUR"))
    charge_credit(ada, order_id=order)
    settled = api.post(f"{credit}settle/", {"amount": eur("20.00"), "reference": "transfer 7"}, **key())
    catch_up()

    read = api.get(settled["Location"])
    statement = api.get(f"{credit}statement/").json()["results"]

    assert (opened.status_code, settled.status_code) == (200, 200)
    assert settled["Location"].startswith(credit)
    assert read["ETag"] == settled["ETag"]
    assert {name: read.json()[name] for name in ("limit", "reserved", "owed", "available")} == {
        "limit": eur("500.00"),
        "reserved": eur("0.00"),
        "owed": eur("100.00"),
        "available": eur("400.00"),
    }
    then = api.get(f"{credit}?as_of=v3").json()
    assert (then["version"], then["reserved"], then["owed"]) == (3, eur("120.00"), eur("0.00"))
    assert [(line["kind"], line["amount"], line["owed"]) for line in statement] == [
        ("limit", eur("500.00"), eur("0.00")),
        ("reserved", eur("120.00"), eur("0.00")),
        ("charged", eur("120.00"), eur("120.00")),
        ("settled", eur("20.00"), eur("100.00")),
    ]


def test_what_moves_credit_needs_a_key_and_the_same_key_moves_it_once(api, customers):
    ada = customers["Ada"]
    settle = f"/api/v1/customers/{ada}/credit/settle/"
    set_credit_limit(ada, limit=Money(Decimal(500), "EUR"))
    order = uuid4()
    reserve_credit(ada, order_id=order, amount=Money(Decimal(120), "EUR"))
    charge_credit(ada, order_id=order)

    without = api.post(settle, {"amount": eur("20.00")})
    first, again = (api.post(settle, {"amount": eur("20.00")}, HTTP_IDEMPOTENCY_KEY="k-1") for _ in range(2))
    too_much = api.post(settle, {"amount": eur("100.01")}, HTTP_IDEMPOTENCY_KEY="k-2")

    assert (without.status_code, without.json()["code"]) == (400, "idempotency_key_required")
    assert first.json() == again.json()
    assert (too_much.status_code, too_much.json()["code"]) == (409, "credit_exceeded")
    assert Event.objects.filter(name="CreditAccount.Settled").count() == 1


def test_who_has_no_account_has_none(api, customers):
    place = f"/api/v1/customers/{customers['Bob']}/credit/"
    catch_up()

    assert api.get(place).status_code == 404
    assert api.get(f"{place}statement/").json()["results"] == []
    assert api.post(f"{place}settle/", {"amount": eur("1.00")}, **key()).status_code == 404
