"""What is wrong says what was expected, and what was found; the index says what there is."""

from uuid import UUID

import pytest
from django.contrib.auth.models import Group, User
from rest_framework.test import APIClient

from shop.shipping.commands import plan_shipment
from shop.shipping.domain import Packed
from tests.api.conftest import HAMBURG

pytestmark = pytest.mark.django_db
API = "/api/v1/"


def test_a_word_that_is_none_of_a_few_is_told_which_there_are(api: APIClient, ada: UUID, order: UUID) -> None:
    parcel = plan_shipment(order, customer_id=ada, lines=[Packed("MUG-1", "Mug", 2)], ship_to=HAMBURG).id

    asked = api.post(f"{API}shipments/{parcel}/address/", {"decision": "burn"}).json()["errors"]
    listed = api.get(f"{API}shipments/", {"pick_list": "no"}).json()["errors"]
    looked_for = api.get(f"{API}orders/", {"status": "gone"}).json()["errors"]

    assert [(each["pointer"], each["detail"]) for each in asked] == [
        ("/decision", "Expected keep or use_present or ask, found 'burn'.")
    ]
    assert [(each["parameter"], each["detail"]) for each in listed] == [("pick_list", "Expected true, found 'no'.")]
    assert looked_for[0]["detail"].startswith("Expected placed or confirmed or ")


def test_a_method_that_is_not_there_is_told_which_are(api: APIClient, ada: UUID) -> None:
    answer = api.post(f"{API}customers/{ada}/addresses/1/", {})

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.json()["detail"] == "Expected PUT or DELETE, found POST."
    assert answer["Allow"] == "PUT, DELETE, OPTIONS"


def test_a_version_that_is_still_to_come_is_told_the_last(api: APIClient, order: UUID) -> None:
    answer = api.get(f"{API}orders/{order}/", {"as_of": "v9"})

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.json()["detail"] == "It is at version 1: there is no v9 yet."


def test_each_place_of_the_index_is_there(api: APIClient, db: None) -> None:
    told = api.get(API).json()

    assert {"customers", "checkouts", "stock", "shipments", "events", "ops/processes", "docs"} <= told.keys()
    needs = {"token": 405, "reports/month-close": 400}
    found = {name: api.get(address).status_code for name, address in told.items()}
    assert {name: status for name, status in found.items() if status not in (200, 403)} == needs


def test_who_may_not_is_told_who_may(api: APIClient, staff: User, ada: UUID) -> None:
    staff.groups.set([Group.objects.get_or_create(name="catalog")[0]])

    answer = api.post(f"{API}shipments/{ada}/pack/", {})

    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    assert answer.json()["detail"] == "This is for warehouse: you are catalog."


def test_what_cannot_be_bought_is_pointed_at_where_it_was_sent(api: APIClient, checkout: UUID) -> None:
    unknown = {"sku": "MUG-2", "quantity": 1}

    in_basket = api.post(f"{API}checkouts/{checkout}/items/", unknown)
    ordered = api.post(f"{API}orders/", {"lines": [unknown]}, HTTP_IDEMPOTENCY_KEY="1")
    dear = {"sku": "MUG-1", "quantity": 1, "quoted": {"amount": "1.00", "currency": "EUR"}}
    stale = api.post(f"{API}orders/", {"lines": [dear]}, HTTP_IDEMPOTENCY_KEY="2")

    pointers = [answer.json()["errors"][0]["pointer"] for answer in (in_basket, ordered, stale)]
    assert pointers == ["/sku", "/lines/0/sku", "/lines/0/quoted"]
