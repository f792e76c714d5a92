"""Lists below an object as of any moment: equal to what was shown then."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from eventstore import log
from projections import engine
from shop.catalog.commands import cancel_schedule, schedule_price, set_price
from shop.catalog.repricing.commands import reprice
from shop.catalog.repricing.files import Wanted
from shop.customers.commands import change_address, erase_customer, set_credit_limit
from shop.inventory.commands import count_stock, receive_stock
from shop.models import CustomerUser
from shop.ordering.commands import Item, cancel_order, note_order, place_order
from shop.values import Money
from tests.api.conftest import BREMEN

BELOW = [
    "customers/{ada}/history/",
    "customers/{ada}/address-history/?page_size=2",
    "customers/{ada}/credit/statement/",
    "products/{mug}/history/?page_size=3",
    "products/{mug}/price-history/?page_size=2",
    "orders/{order}/history/",
    "orders/{order}/timeline/?page_size=2",
    "stock/MUG-1/history/",
    "stock/MUG-1/ledger/?page_size=1",
    "stock/MUG-1/reservations/?page_size=1",
    "repricings/{spring}/lines/",
    "repricings/{spring}/history/",
]


@pytest.fixture
def made(ada: UUID, mug: UUID) -> dict[str, UUID]:
    receive_stock("MUG-1", quantity=100)
    order = place_order(customer_id=ada, items=[Item("MUG-1", 1)], reference="PO 1").id
    spring = reprice(title="Spring", reason="r", lines=[Wanted(1, "MUG-1", Decimal(13), "EUR")]).id
    return {"ada": ada, "mug": mug, "order": order, "spring": spring}


def life(made: dict[str, UUID]) -> list[Callable[[], Any]]:
    """What happens, step by step."""
    ada, mug, order = made["ada"], made["mug"], made["order"]
    revisions = count(4)
    return [
        lambda: place_order(customer_id=ada, items=[Item("MUG-1", 2)]),
        lambda: set_price(mug, price=Money(Decimal("4.00"), "EUR")),
        lambda: schedule_price(mug, price=Money(Decimal(3), "EUR"), starts=datetime(2099, 1, 1, tzinfo=UTC)),
        lambda: cancel_schedule(mug, next(revisions)),
        lambda: cancel_order(order, reason="changed my mind"),
        lambda: count_stock("MUG-1", counted=90, reason="stock-taking"),
        lambda: change_address(ada, 1, address=BREMEN),
        lambda: set_credit_limit(ada, limit=Money(Decimal(100), "EUR")),
    ]


def pages(api: APIClient, url: str | None) -> list[dict[str, Any]]:
    found = []
    while url:
        answer = api.get(url)
        assert answer.status_code == 200, (url, answer.content)
        found += answer.json()["results"]
        url = answer.json()["next"]
    return found


def then(url: str, moment: object) -> str:
    return f"{url}{'&' if '?' in url else '?'}as_of={quote(str(moment))}"


def test_lists_below_an_object_are_shown_as_they_were_then(api: APIClient, made: dict[str, UUID]) -> None:
    urls = [f"/api/v1/{url}".format(**made) for url in BELOW]
    moments: list[tuple[datetime, int, dict[str, Any]]] = []

    for step in [lambda: None, *life(made)]:
        step()
        engine.catch_up()
        moments.append((timezone.now(), log.last(), {url: pages(api, url) for url in urls}))

    changed = {url for url in urls if len({str(lists[url]) for _, _, lists in moments}) > 1}
    assert changed == set(urls) - {url for url in urls if "repricings" in url}
    for number, (instant, position, lists) in enumerate(moments):
        for url in urls:
            moment = instant.isoformat() if number % 2 else position
            assert pages(api, then(url, moment)) == lists[url], (url, moment)
    (nothing, *_) = [pages(api, then(url, 0)) for url in urls if "price-history" not in url]
    assert nothing == []


def test_pages_of_a_history_are_of_one_moment(api: APIClient, made: dict[str, UUID]) -> None:
    engine.catch_up()
    instant = timezone.now()
    url = f"/api/v1/orders/{made['order']}/timeline/?page_size=1"
    then_there = pages(api, url)
    first = api.get(then(url, instant.isoformat())).json()
    note_order(made["order"], text="call first")
    engine.catch_up()

    found = first["results"] + pages(api, first["next"])

    assert found == then_there
    assert len(pages(api, url)) == len(found) + 1
    (error,) = api.get(first["next"].replace("as_of=", "after=")).json()["errors"]
    assert error["parameter"] == "cursor"


def test_what_a_history_has_not_heard_of_yet_is_not_answered(
    api: APIClient, made: dict[str, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shop.resource.PATIENCE", 0.01)
    engine.catch_up()
    receive_stock("MUG-1", quantity=1)

    answers = {name: api.get(f"/api/v1/stock/MUG-1/{name}/?as_of={log.last()}") for name in ("ledger", "reservations")}

    assert {name: (each.status_code, each.json()["code"]) for name, each in answers.items()} == {
        "ledger": (425, "not_yet"),
        "reservations": (425, "not_yet"),
    }
    assert api.get(f"/api/v1/stock/MUG-1/history/?as_of={log.last()}").status_code == 200, "that is the log itself"


def test_a_customer_asks_about_the_past_of_their_own_alone(
    made: dict[str, UUID], django_user_model: type[User], mug: UUID
) -> None:
    def client(customer_id: UUID) -> APIClient:
        user = django_user_model.objects.create_user(str(customer_id))
        CustomerUser.objects.create(user=user, customer_id=customer_id)
        signed_in = APIClient()
        signed_in.force_authenticate(user)
        return signed_in

    engine.catch_up()
    url = f"/api/v1/orders/{made['order']}/timeline/?as_of={log.last()}"

    assert client(made["ada"]).get(url).status_code == 200
    assert client(made["mug"]).get(url).status_code == 404


def test_histories_have_forgotten_who_was_erased(api: APIClient, made: dict[str, UUID]) -> None:
    note_order(made["order"], text="Ada calls first")
    engine.catch_up()
    before = log.last()
    erase_customer(made["ada"])
    engine.catch_up()

    said = [str(api.get(then(f"/api/v1/{url}".format(**made), before)).json()["results"]) for url in BELOW]

    assert any(each != "[]" for each in said)
    assert not [each for each in said if "Ada" in each or "Kai" in each or "ada@" in each]
