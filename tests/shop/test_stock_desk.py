"""The desk's pages of stock and shipments: to look at, not to edit."""

from unittest.mock import ANY
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from projections.engine import catch_up
from shop.admin.looking import life_page
from shop.inventory.commands import receive_stock, reserve_stock
from shop.inventory.domain import Wanted, stock_of
from shop.inventory.models import Reservation, StockLevel
from shop.shipping.commands import plan_shipment
from shop.shipping.domain import Packed
from shop.shipping.models import ShipmentSummary

pytestmark = pytest.mark.django_db
TABLES = (StockLevel, Reservation, ShipmentSummary)


@pytest.fixture
def desk(client):
    order = uuid4()
    receive_stock("MUG", quantity=9, reference="delivery note 4711")
    reserve_stock(order, items=[Wanted("MUG", 2)])
    plan_shipment(order, customer_id=None, lines=[Packed("MUG", "Harbour mug", 2)], ship_to=None)
    catch_up()
    client.force_login(User.objects.create_superuser("ada"))
    return client


def shown(page):
    return [*page.context_data["wide"], *page.context_data["beside"]]


def page_of(model, view, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{view}", args=args)


@pytest.mark.parametrize("model", TABLES)
def test_staff_look_at_lists_and_at_each_object_and_edit_neither(desk, model):
    row = model.objects.get()

    listed = desk.get(page_of(model, "changelist"), {"q": "nothing like it"})
    shown = desk.get(page_of(model, "change", row.pk))
    edited = desk.post(page_of(model, "change", row.pk), {"status": "other"})

    assert (listed.status_code, shown.status_code, edited.status_code) == (200, 200, 403)
    assert str(row.pk) in desk.get(page_of(model, "changelist")).content.decode()


def test_an_item_shows_its_ledger_and_who_has_a_claim(desk):
    page = desk.get(page_of(StockLevel, "change", stock_of("MUG")))

    tables = {each.panel.title: [[str(cell) for _, cell in row] for row in each.rows] for each in shown(page)}
    assert [row[1:] for row in tables["Ledger"]][::-1] == [
        ["received", "+9", "", "9", "9", "delivery note 4711"],
        ["reserved", "", "+2", "9", "7", ANY],
    ]
    assert str(Reservation.objects.get().order_id) in tables["Reserved for"][0][0]


@pytest.mark.parametrize("model", TABLES)
def test_its_history_is_the_stream_that_it_is_made_of(desk, model):
    row = model.objects.get()

    answer = desk.get(page_of(model, "history", row.pk))

    stream = row.stock_id if model is Reservation else row.pk
    assert answer.url == life_page(stream)
    assert desk.get(answer.url).status_code == 200
