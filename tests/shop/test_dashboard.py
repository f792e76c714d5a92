"""The desk's first page: figures, what waits, and for each role only its own."""

from datetime import date
from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from eventstore.cause import because
from eventstore.persistence import LogRecorder, Stored
from projections.engine import catch_up
from projections.operations import pause
from projections.projection import known
from shop.customers.commands import change_email, register_customer
from shop.desk import charts, dashboard
from shop.inventory.commands import receive_stock
from shop.shipping.commands import dispatch, lose, pack, plan_shipment
from shop.shipping.domain import Packed
from tests.shop.little import little_shop
from tests.shop.orders import HOME

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore:No directory at")]


def member_of(role: str) -> User:
    user = User.objects.create_user(role, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return user


def test_bars_stand_on_a_line_and_losses_hang_from_it():
    days = [date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 3)]

    chart = charts.bars(days, [Decimal(30), Decimal(-10), Decimal(0)], "Takings", "EUR")

    up, down, none = chart.bars
    assert (up.y + up.height, down.y) == (pytest.approx(none.y + none.height), pytest.approx(up.y + up.height))
    assert up.height == pytest.approx(3 * down.height)
    assert (up.title, chart.label) == ("1 Mar: 30 EUR", "Takings on each of 3 days, at most 30 EUR")


def test_days_weeks_and_months_are_compared_with_those_before():
    values = [1] * 30 + [2] * 23 + [3] * 7

    spans = list(dashboard.spans(values, "EUR"))

    assert next(dashboard.spans([Decimal("1234.50")], "EUR")).value == "1,234 EUR"
    assert [(each.value, each.change) for each in spans] == [("3.00 EUR", None), ("21.00 EUR", 50), ("67.00 EUR", 123)]
    assert [each.change for each in dashboard.spans([0] * 60)] == [None, None, None]


def test_the_first_page_says_what_sold_what_waits_and_who_is_behind(admin_client):
    little_shop()
    catch_up()
    pause(known()["Contacts"], by="ops", reason="a look")
    with because(actor="ada"):
        ada = register_customer(name="Ada", email="ada@new.example").id
    change_email(ada, email="ada@newer.example")

    response = admin_client.get("/admin/")

    told = response.context
    assert [each.title for each in told["figures"]] == ["Orders", "Sales", "Takings"]
    assert {each.title for each in told["tiles"]} == {
        *("Stuck processes", "Mails waiting", "Address questions", "Lost parcels", "Low stock", "Payments to reconcile")
    }
    assert ("Contacts", 2, True) in [(e.name, e.behind_events, e.paused_at is not None) for e, _ in told["lags"]]
    assert "Customer.EmailChanged" in [each.entry.name for each in told["latest"]]
    assert "paused" in response.text


def test_a_parcel_that_was_lost_is_shown_to_whoever_looks_after_it(admin_client, monkeypatch):
    little_shop()
    parcel = plan_shipment(uuid4(), customer_id=None, lines=[Packed("MUG", "Mug", 1)], ship_to=HOME).id
    pack(parcel)
    dispatch(parcel, carrier="DHL")
    lose(parcel, reason="fell into the harbour")
    catch_up()

    (tile,) = (each for each in admin_client.get("/admin/").context["tiles"] if each.title == "Lost parcels")
    listed = admin_client.get(tile.url).context["cl"].result_list
    monkeypatch.setattr("shop.shipping.models.LATELY", 0)
    later = admin_client.get(tile.url).context["cl"].result_list

    assert (tile.count, tile.bad, [row.pk for row in listed], list(later)) == (1, True, [parcel], [])


def test_an_event_that_cannot_be_read_is_told_as_such(admin_client):
    LogRecorder().insert_events([Stored(uuid4(), 1, "Customer.Registered", b"\xff")])

    (told,) = admin_client.get("/admin/").context["latest"]

    assert told.problem.startswith("Customer.Registered at position")


@pytest.mark.parametrize(
    ("role", "figures", "tiles", "events"),
    [
        ("warehouse", [], {"Address questions", "Lost parcels", "Low stock"}, False),
        ("ops", [], {"Stuck processes"}, True),
        (
            "finance",
            ["Orders", "Sales", "Takings"],
            {"Address questions", "Lost parcels", "Low stock", "Payments to reconcile"},
            False,
        ),
    ],
)
def test_what_a_role_may_not_see_is_absent(client, role, figures, tiles, events):
    client.force_login(member_of(role))

    told = client.get("/admin/").context

    assert [each.title for each in told["figures"]] == figures
    assert {each.title for each in told["tiles"]} == tiles
    assert bool(told["latest"]) in (events, False)
    assert told["opens_projections"] == (role == "ops")


def test_more_of_everything_takes_no_more_queries(admin_client):
    little_shop()
    catch_up()
    admin_client.get("/admin/")  # what is asked once in a process
    with CaptureQueriesContext(connection) as few:
        admin_client.get("/admin/")
    for number in range(20):
        receive_stock(f"NEW-{number}", quantity=1, reference="more")
    catch_up()

    with CaptureQueriesContext(connection) as many:
        admin_client.get("/admin/")

    assert len(many) == len(few)
