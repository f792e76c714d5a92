"""``?after=`` waits for all that an answer is made of; what has not come says so, and what to ask."""

from uuid import UUID

import pytest
from rest_framework.test import APIClient

from eventstore import log
from projections.engine import catch_up
from projections.lease import begin
from projections.projection import known
from shop.fulfilment.domain import process_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def impatient(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(known()["PlaceOrders"])
    monkeypatch.setattr("shop.resource.PATIENCE", 0.01)


def test_a_timeline_waits_for_the_order_it_is_of_as_well(api: APIClient, order: UUID) -> None:
    asked = f"/api/v1/orders/{order}/timeline/", {"after": log.last()}
    catch_up([known()["OrderTimelines"]])

    early = api.get(*asked)
    catch_up([known()["Orders"]])
    answer = api.get(*asked)

    assert (early.status_code, early.json()["code"]) == (425, "not_yet")
    assert early.json()["detail"].startswith(f"Orders has not come to position {asked[1]['after']} ")
    assert [each["what"] for each in answer.json()["results"]] == ["placed"]


def test_a_timeline_waits_for_itself(api: APIClient, order: UUID) -> None:
    catch_up([known()["Orders"]])

    answer = api.get(f"/api/v1/orders/{order}/timeline/", {"after": log.last()})

    assert answer.json()["detail"].startswith("OrderTimelines has not come to position ")


def test_a_process_waits_until_somebody_has_begun_with_it(api: APIClient, order: UUID) -> None:
    placed, asked = log.last(), f"/api/v1/orders/{order}/process/"
    catch_up([known()["OrderProcesses"]])

    unbegun, waited = api.get(asked), api.get(asked, {"after": placed})
    catch_up([known()["PlaceOrders"]])
    begun = api.get(asked, {"after": placed})
    catch_up([known()["OrderProcesses"]])
    answer = api.get(asked, {"after": placed})

    assert [(each.status_code, each.json()["code"]) for each in (unbegun, waited, begun)] == [(425, "not_yet")] * 3
    assert unbegun.json()["detail"] == (
        "Nobody has begun with this order yet: ?after= the position at which it was placed waits for that. Ask again."
    )
    assert waited.json()["detail"].startswith(f"PlaceOrders has not come to position {placed} ")
    assert begun.json()["detail"].startswith(f"OrderProcesses has not come to position {log.last()} ")
    assert (answer.status_code, answer.json()["id"]) == (200, str(process_of(order)))
