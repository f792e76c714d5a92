"""A context can be made to fail, to see what the others do; and never where it matters."""

from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from shop import faults
from shop.models import Fault


@pytest.fixture
def demo(settings: Any, db: None) -> None:
    settings.DEMO = True


@pytest.fixture
def api(django_user_model: Any, demo: None) -> APIClient:
    client = APIClient()
    client.force_authenticate(django_user_model.objects.create_superuser("boss"))
    return client


def fault(*arguments: str) -> str:
    out = StringIO()
    call_command("fault", *arguments, stdout=out)
    return out.getvalue().strip()


def test_a_context_is_down_until_it_is_not(api: APIClient) -> None:
    said = [fault("customers", "on"), api.get("/api/v1/customers/"), fault("customers", "off")]

    assert (said[0], said[2]) == ("customers is down", "No context has a fault.")
    assert (said[1].status_code, said[1].json()["code"], said[1].json()["context"]) == (
        *(503, "context_down"),
        "customers",
    )
    assert said[1]["Retry-After"] == "1"
    assert api.get("/api/v1/customers/").status_code == 200


def test_the_others_go_on(api: APIClient) -> None:
    fault("customers", "on")

    assert api.get("/api/v1/products/").status_code == 200
    assert api.get("/api/v1/orders/").status_code == 200


def test_what_is_written_is_written(api: APIClient) -> None:
    fault("customers", "on")

    answer = api.post("/api/v1/customers/", {"name": "Ada", "email": "ada@example.com"}, "json")

    assert answer.status_code == 201


def test_a_slow_context_answers_late_and_who_has_no_patience_gets_nothing(
    demo: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(faults, "time", SimpleNamespace(sleep=slept.append))
    assert fault("catalog", "delay", "--seconds", "0.5") == "catalog is 0.5 s slower"

    faults.reach("catalog")
    fault("catalog", "delay", "--seconds", "3")
    with pytest.raises(faults.ContextDown):
        faults.reach("catalog")

    assert slept == [0.5, faults.PATIENCE]


def test_where_it_is_no_demo_nothing_is_made_to_fail(settings: Any, db: None) -> None:
    settings.DEMO = settings.DEBUG = False
    Fault.objects.create(context="customers")

    with pytest.raises(CommandError, match="only with DEMO=true"):
        fault("customers", "on")
    faults.reach("customers")
    assert faults.present() == {}


def test_where_it_is_no_demo_nobody_looks_for_one(settings: Any, django_assert_num_queries: Any, db: None) -> None:
    settings.DEMO = settings.DEBUG = False

    with django_assert_num_queries(0):
        faults.reach("customers")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["customer", "on"], "invalid choice"),
        (["customers", "broken"], "invalid choice"),
        (["customers"], "on, off or delay"),
        (["customers", "delay", "--seconds", "0"], "more than 0"),
        (["customers", "delay", "--seconds", "11"], "at most 10"),
        (["customers", "delay", "--seconds", "nan"], "more than 0"),
    ],
)
def test_what_cannot_be_asked_is_said(arguments: list[str], words: str, demo: None) -> None:
    with pytest.raises(CommandError, match=words):
        fault(*arguments)

    assert not Fault.objects.exists()
