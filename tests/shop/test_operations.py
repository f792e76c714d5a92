"""Pages of operations: processes step by step, who did what, copies beside the full history; each for its roles."""

import re
from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.urls import reverse

from eventstore.cause import because
from eventstore.models import Event
from projections.engine import catch_up
from projections.operations import pause
from projections.projection import known
from shop.customers.commands import rename_customer, set_credit_limit
from shop.desk.log import KINDS
from shop.fulfilment.domain import process_of
from shop.notifications.models import OutgoingMail
from shop.ordering.commands import Item, Paying, place_order
from shop.values import Address, Money
from tests.shop.little import ADA, little_shop

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore:No directory at")]


@pytest.fixture
def order():
    order = little_shop()
    catch_up()
    return order


def member_of(role: str) -> User:
    user = User.objects.create_user(role, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return user


def machine_of(stream) -> str:
    return reverse("admin:time_machine", args=[stream])


def states(response) -> list[tuple[str, str]]:
    return [(box.title, box.state) for box in response.context["boxes"]]


def test_a_confirmed_order_went_through_its_steps(admin_client, order):
    response = admin_client.get(reverse("process-page", args=[process_of(order)]))

    assert states(response) == [("Credit", "skipped"), ("Stock", "done"), ("Payment", "skipped"), ("Confirm", "done")]
    assert [each.shown.title for each in response.context["moved"]] == ["Started", "Stock reserved", "Confirmed"]
    assert "StockItem.<b>Reserved</b>" in response.text


@pytest.mark.parametrize(("payment", "said"), [(None, "Nothing had been done"), (Paying("account"), "in reverse")])
def test_a_rejected_order_shows_what_refused_and_what_was_undone(admin_client, order, payment, said):
    set_credit_limit(ADA, limit=Money(Decimal(50_000), "EUR"))
    items = [Item("MUG-HARBOUR", 1), Item("CANDLE-SEA", 1000)]
    order = place_order(items=items, customer_id=ADA, payment=payment).id
    catch_up()

    response = admin_client.get(reverse("process-page", args=[process_of(order)]))

    assert ("Stock", "refused") in states(response)
    assert "insufficient_stock" in response.text
    assert said in response.text


def test_processes_are_found_by_how_they_go(admin_client, order):
    rejected = place_order(items=[Item("CANDLE-SEA", 1000)], customer_id=ADA).id
    catch_up()
    with connection.cursor() as cursor:  # as if a worker had died an hour ago, and nobody gone on
        cursor.execute(
            "update fulfilment_orderprocess set status = 'running', started_at = now() - interval '1 hour' "
            "where order_id = %s",
            [order],
        )
    listed = reverse("admin:fulfilment_orderprocess_changelist")

    def found(how: str) -> set:
        return {row.order_id for row in admin_client.get(listed, {"how": how}).context["cl"].result_list}

    assert (found("compensated"), found("stuck"), found("running")) == ({rejected}, {order}, {order})
    assert "Stuck processes" in [tile.title for tile in admin_client.get("/admin/").context["tiles"] if tile.bad]
    assert reverse("process-page", args=[process_of(order)]) in admin_client.get(listed).text


def test_who_did_what_on_a_day_with_reasons_and_what_it_touched(admin_client, order):
    with because(actor="grace", reason="her pen name"):
        rename_customer(ADA, name="Ada Quay")

    response = admin_client.get(reverse("admin:who_did_what"), {"actor": "grace"})

    (deed,) = response.context["found"].deeds
    assert (deed.command, deed.first.entry.reason) == ("rename_customer", "her pen name")
    assert {doer.actor for doer in response.context["found"].doers} >= {"grace", "demo"}
    assert [told.entry.name for told in deed.told] == ["Customer.Renamed"]
    assert "did nothing" in admin_client.get(reverse("admin:who_did_what"), {"day": "2020-01-01"}).text
    assert "is no day" in admin_client.get(reverse("admin:who_did_what"), {"day": "soon"}).text


def test_scenario_02_minimal_copy_against_full_history(admin_client, order):
    pause(known()["OrderingCustomers"], by="ops", reason="a look")
    rename_customer(ADA, name="Ada Quay")
    catch_up([each for each in known().values() if each.name != "OrderingCustomers"])

    response = admin_client.get(reverse("customer-copies", args=[ADA]))

    ordering, _, billing, _ = response.context["copies"]
    heard = Event.objects.filter(stream_id=ADA).order_by("-version")[1]
    assert (ordering.position, ordering.version) == (heard.position, heard.version)
    assert dict(ordering.fields)["Name"] == "Ada Harbour"
    assert dict(billing.fields)["Name"] == "Ada Quay"
    assert (ordering.status.behind_events, billing.status.behind_events) == (1, 0)
    assert [(shown.title, waiting) for shown, waiting in response.context["moments"]][:2] == [
        ("Renamed", ["ordering"]),
        ("Default address set", []),
    ]
    assert len(response.context["moments"]) == heard.version + 1
    assert "not heard of yet by ordering" in response.text


def test_scenario_03_change_of_address_propagates(admin_client, order):
    moved = {"address": {"street": "Am Wall 1", "city": "Bremen", "postcode": "28195", "country": "DE"}}
    copies = reverse("customer-copies", args=[ADA])

    position = admin_client.put(f"/api/v1/customers/{ADA}/addresses/1/", moved, "application/json").json()["position"]
    event = admin_client.get(reverse("admin:eventstore_event_changelist"), {"stream": str(ADA)})
    lagging = admin_client.get(copies).context["copies"][0]
    catch_up()
    followed = admin_client.get(copies).context["copies"][0]

    assert "Customer.AddressChanged" in event.text
    assert (lagging.status.behind_events, followed.status.behind_events) == (1, 0)
    assert ("Bremen" in str(lagging.fields), "Bremen" in str(followed.fields)) == (False, True)
    assert (lagging.position < position, followed.position) == (True, position)


def test_copies_are_found_by_the_customer_s_name(admin_client, order):
    assert admin_client.get(reverse("customers-copies"), {"q": "Ada"}).url.endswith(f"/{ADA}/")
    assert "Ada Harbour" in admin_client.get(reverse("customers-copies")).text
    assert admin_client.get(reverse("customer-copies", args=[uuid4()])).status_code == 404


def test_a_trace_ends_in_mails(admin_client, order):
    confirmed = Event.objects.get(name="Order.Confirmed", stream_id=order)
    mail = OutgoingMail.objects.get(order_id=order)

    response = admin_client.get(reverse("admin:eventstore_event_causes", args=[confirmed.correlation_id]))

    assert f"Mail, waiting: {mail.subject}" in response.text


@pytest.mark.parametrize(
    ("role", "lives"),
    [
        ("support", {"Customer", "CreditAccount", "Checkout", "Order", "PlaceOrder"}),
        ("warehouse", {"StockItem", "Shipment"}),
        ("catalog", {"Product"}),
        ("ops", {*KINDS, "EmailClaim"}),
    ],
)
def test_a_role_travels_through_the_lives_that_are_its_own(client, order, role, lives):
    client.force_login(member_of(role))
    first = Event.objects.filter(version=1).values_list("stream_id", "name")

    found = {name.partition(".")[0]: client.get(machine_of(stream)).status_code for stream, name in first}

    assert found == {kind: 200 if kind in lives else 403 for kind in found}


def test_what_a_role_may_not_see_is_no_link_and_is_counted(client, order):
    client.force_login(member_of("support"))

    process = client.get(machine_of(process_of(order)) + "?at=v1")

    assert "StockItem" not in process.text
    assert "that your role does not see" in process.text


@pytest.mark.parametrize("role", ["support", "warehouse", "finance", "ops"])
def test_where_a_role_may_not_go_its_lists_do_not_lead(client, order, role):
    user = member_of(role)
    client.force_login(user)
    led = {}
    for app, model in [("shipping", "shipmentsummary"), ("ordering", "ordersummary"), ("fulfilment", "orderprocess")]:
        page = client.get(reverse(f"admin:{app}_{model}_changelist"))
        if page.status_code == 200:
            for where in re.findall(r'href="(/admin/[a-z]+/[a-z]+/[^/"]+/change/)"', page.text):
                led[where] = client.get(where).status_code

    assert set(led.values()) <= {200}
    assert led


@pytest.mark.parametrize(("role", "status"), [("support", 200), ("ops", 403), ("warehouse", 403)])
def test_copies_are_for_those_who_see_customers_pasts(client, order, role, status):
    client.force_login(member_of(role))

    assert client.get(reverse("customer-copies", args=[ADA])).status_code == status
    assert client.get(reverse("process-page", args=[process_of(order)])).status_code == (
        403 if role == "warehouse" else 200
    )


def test_an_address_says_itself_in_one_line():
    assert str(Address("1 Quay Street", "Whitby", "YO21 1AA", "GB")) == "1 Quay Street, YO21 1AA Whitby, GB"
    assert str(Address("1 Quay", "Whitby", "", "GB", recipient="Ada")) == "Ada, 1 Quay, Whitby, GB"
