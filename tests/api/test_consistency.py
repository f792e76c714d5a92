"""What is strict and what is a copy, as it is shown."""

import html
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from projections import engine
from projections.operations import pause
from projections.projection import Policy, known
from shop.consistency import FACTS, STRICT
from shop.customers.commands import change_email
from shop.models import Fault

PATH = "/api/v1/consistency/"


def fact(api: APIClient, beginning: str) -> dict[str, Any]:
    (found,) = [each for each in api.get(PATH).json() if each["fact"].startswith(beginning)]
    return found  # type: ignore[no-any-return]


def test_what_is_said_of_facts_is_of_projections_and_contexts_that_there_are() -> None:
    for each in FACTS:
        assert set(each.copies) <= known().keys(), each.fact
        assert apps.is_installed(f"shop.{each.context}"), each.fact
        assert each.fallback
        assert each.read_from


@pytest.mark.parametrize("word", ["price", "total", "stock", "credit", "payment"])
def test_money_and_goods_are_strict(word: str) -> None:
    assert any(each.kind == STRICT and word in each.fact for each in FACTS)


def test_every_list_of_the_main_contexts_is_there() -> None:
    shown = {name for each in FACTS for name in each.copies}

    assert shown >= {"Customers", "Products", "Orders", "Stock", "Payments", "Shipments", "OrderingCustomers"}
    assert not any(isinstance(known()[name], Policy) for name in shown)


def test_a_copy_says_how_late_it_is(api: APIClient, ada: UUID) -> None:
    engine.catch_up()
    before = fact(api, "list and page of customers")
    pause(known()["Customers"], by="desk", reason="a stocktaking")
    change_email(ada, email="ada@example.org")
    change_email(ada, email="ada@example.net")

    late = fact(api, "list and page of customers")

    assert [(lag["behind_events"], lag["paused"]) for lag in before["lag"]] == [(0, False)]
    assert [(lag["behind_events"], lag["paused"]) for lag in late["lag"]] == [(2, True)]
    assert late["lag"][0]["behind_seconds"] > 0


def test_a_fault_is_shown_where_it_is_felt(api: APIClient, ada: UUID, settings: Any) -> None:
    settings.DEMO = True
    Fault.objects.create(context="customers")

    assert fact(api, "details of a customer")["fault"] == "customers is down"
    assert fact(api, "list and page of orders")["fault"] == ""


def test_staff_see_it_as_a_page(client: Client, ada: UUID) -> None:
    page = "/admin/consistency/"
    client.force_login(User.objects.create_user("packer", is_staff=True))

    shown = client.get(page)

    assert shown.status_code == 200
    for each in FACTS:
        assert each.fact in html.unescape(shown.content.decode())
    client.force_login(User.objects.create_user("customer"))
    assert client.get(page).status_code == 302
