"""Scenario 8: a product is renamed in all lists in one commit with the event, or not at all."""

from unittest.mock import patch
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from eventstore.models import Command, Event
from projections import engine
from projections.gateway import hearing
from projections.models import Checkpoint, Parked
from projections.operations import pause, resume
from projections.projection import known
from shop.catalog.commands import create_product, rename_product
from shop.catalog.models import Products, ProductSummary
from shop.ordering.copies import OrderingProducts, ProductCopy
from tests.projections.conftest import sql

pytestmark = pytest.mark.usefixtures("empty_log")

KEEPERS = ["OrderingProducts", "Products"]
EVERYWHERE = {"name": "Lighthouse mug", "everywhere": True}


@pytest.fixture
def mug() -> UUID:
    mug = create_product(sku="MUG-1", name="Harbour mug").id
    engine.catch_up()
    return mug


@pytest.fixture
def desk(empty_log: None) -> APIClient:
    client = APIClient()
    client.force_authenticate(User.objects.create_superuser("desk"))
    client.default_format = "json"
    return client


def names() -> set[str]:
    """In every table that has one."""
    return {*ProductSummary.objects.values_list("name", flat=True), *ProductCopy.objects.values_list("name", flat=True)}


def test_whoever_copies_the_name_is_known_by_what_it_hears():
    assert set(hearing("Product.Renamed")) >= set(KEEPERS)
    assert all(hasattr(known()[name], "keeps_history") for name in hearing("Product.Renamed")), "no policy"


def test_all_lists_have_the_new_name_when_the_command_answers(mug: UUID) -> None:
    receipt = rename_product(mug, name="Lighthouse mug", everywhere=True)

    assert names() == {"Lighthouse mug"}
    stands = Checkpoint.objects.filter(projection__in=KEEPERS, schema="").values_list("position", flat=True)
    assert set(stands) == {receipt.position}
    engine.catch_up()
    assert names() == {"Lighthouse mug"}, "seen once"


@pytest.mark.parametrize("projection", [Products, OrderingProducts])
def test_scenario_08_rename_all_or_nothing(mug: UUID, desk: APIClient, projection: type) -> None:
    before = Event.objects.count(), Command.objects.count(), list(Checkpoint.objects.order_by("name").values())
    name = projection.name  # type: ignore[attr-defined]
    fail = patch.object(known()[name].handlers["Product.Renamed"][0], "method", side_effect=ValueError("disk on fire"))

    with fail:
        refused = desk.post(f"/api/v1/products/{mug}/rename/", EVERYWHERE)

    assert (refused.status_code, refused.json()["code"]) == (409, "not_renamed")
    assert "was not renamed, and nothing has changed" in refused.json()["detail"]
    assert names() == {"Harbour mug"}
    assert before == (
        Event.objects.count(),
        Command.objects.count(),
        list(Checkpoint.objects.order_by("name").values()),
    )
    assert not Parked.objects.exists()
    assert desk.post(f"/api/v1/products/{mug}/rename/", EVERYWHERE).status_code == 200
    assert (names(), Event.objects.count()) == ({"Lighthouse mug"}, before[0] + 1)


def test_the_database_refuses_one_table_and_nothing_has_happened(mug: UUID) -> None:
    sql("ALTER TABLE ordering_productcopy ADD CONSTRAINT no_lighthouse CHECK (name NOT LIKE 'Light%%')")
    before = Event.objects.count()

    try:
        with pytest.raises(Exception, match="no_lighthouse"):
            rename_product(mug, name="Lighthouse mug", everywhere=True)
    finally:
        sql("ALTER TABLE ordering_productcopy DROP CONSTRAINT no_lighthouse")

    assert (names(), Event.objects.count()) == ({"Harbour mug"}, before)


def test_while_a_list_is_paused_it_is_refused_over_http_and_says_what_can_be_done(mug: UUID, desk: APIClient) -> None:
    pause(known()["Products"], by="desk", reason="a stocktaking")

    refused = desk.post(f"/api/v1/products/{mug}/rename/", EVERYWHERE)

    assert (refused.status_code, refused.json()["code"]) == (409, "not_renamed")
    assert "Without `everywhere`, it is renamed at once" in refused.json()["detail"]
    assert names() == {"Harbour mug"}
    resume(known()["Products"])
    done = desk.post(f"/api/v1/products/{mug}/rename/", EVERYWHERE)
    assert (done.status_code, names()) == (200, {"Lighthouse mug"})
