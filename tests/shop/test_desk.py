"""The desk: what staff look at, and cannot edit."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from projections.engine import catch_up
from shop.catalog.models import ProductSummary
from shop.customers.models import CustomerSummary
from shop.ordering.commands import Item, place_order
from shop.ordering.models import OrderSummary, number_of
from shop.shipping.commands import plan_shipment
from shop.shipping.domain import Packed
from shop.shipping.models import ShipmentSummary
from tests.shop.little import little_shop

pytestmark = pytest.mark.django_db
TABLES = (CustomerSummary, ProductSummary, OrderSummary)


@pytest.fixture
def goods():
    little_shop()
    catch_up()


@pytest.fixture
def desk(admin_client, goods):
    return admin_client


def page_of(model, view, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{view}", args=args)


@pytest.mark.parametrize("model", TABLES)
def test_staff_look_at_lists_and_at_each_object(desk, model):
    row = model.objects.order_by("id").first()

    listed = desk.get(page_of(model, "changelist"))
    shown = desk.get(page_of(model, "change", row.pk))

    assert (listed.status_code, shown.status_code) == (200, 200)
    assert str(row.pk) in shown.content.decode()
    assert desk.get(page_of(model, "changelist"), {"q": "nothing like it"}).status_code == 200


def test_an_order_is_found_by_the_number_that_its_customer_reads_out(desk):
    order = OrderSummary.objects.order_by("id").first()

    found = [desk.get(page_of(OrderSummary, "changelist"), {"q": q}) for q in (f"{order.number}", f"# {order.number}")]

    assert [[row.pk for row in page.context_data["cl"].result_list] for page in found] == [[order.pk]] * 2
    assert f"Order {order.number}" in desk.get(page_of(OrderSummary, "change", order.pk)).content.decode()


def test_parcels_are_listed_with_the_numbers_of_their_orders_which_are_asked_for_at_once(desk):
    orders = [OrderSummary.objects.get().id, place_order(items=[Item("MUG-HARBOUR", 1)]).id]
    for order in orders:
        plan_shipment(order, customer_id=None, lines=[Packed("MUG-HARBOUR", "Mug", 1)], ship_to=None)
    catch_up()

    with CaptureQueriesContext(connection) as asked:
        listed = desk.get(page_of(ShipmentSummary, "changelist")).content.decode()
    about = [each for each in asked if "ordering_ordersummary" in each["sql"]]
    one = desk.get(page_of(ShipmentSummary, "change", ShipmentSummary.objects.first().pk)).content.decode()

    numbers = [str(number_of(order)) for order in orders]
    assert all(f">{number}" in listed for number in numbers)
    assert len(about) == 1
    assert any(f">{number}" in one for number in numbers)


@pytest.mark.parametrize("model", TABLES)
def test_nobody_edits_them(desk, model):
    row = model.objects.order_by("id").first()

    tried = [
        desk.post(page_of(model, "add"), {}),
        desk.post(page_of(model, "change", row.pk), {"status": "other"}),
        desk.post(page_of(model, "delete", row.pk), {"post": "yes"}),
    ]
    desk.post(page_of(model, "changelist"), {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"})

    assert [answer.status_code for answer in tried] == [403, 403, 403]
    assert model.objects.get(pk=row.pk).position == row.position


@pytest.mark.parametrize("model", TABLES)
def test_a_stranger_is_sent_to_the_sign_in(client, model):
    answer = client.get(page_of(model, "changelist"))

    assert answer.status_code == 302
    assert answer.url.startswith(reverse("admin:login"))


def test_a_list_is_called_after_what_is_in_it(desk):
    answer = desk.get(page_of(CustomerSummary, "changelist"))

    assert re.search(r"<title>\s*Customers \|", answer.content.decode())


@pytest.mark.parametrize("page", ["admin:who_did_what", "admin:eventstore_event_changelist"])
def test_the_sidebar_shows_one_page_as_the_one_that_is_looked_at(desk, page):
    place = reverse(page)

    groups = desk.get(place).context["sidebar_navigation"]

    assert [entry["link"] for group in groups for entry in group["items"] if entry["active"]] == [place]


def test_from_what_is_not_there_one_goes_back_to_the_desk(desk):
    answer = desk.get("/admin/nowhere/at/all/")

    assert answer.status_code == 404
    assert "Back to the desk" in answer.content.decode()


def test_a_browser_that_looks_at_an_answer_of_the_api_finds_an_icon(client):
    assert client.get("/favicon.ico").url.endswith(".svg")
