"""A read model is built anew by each door; what went out into the world does not go out again."""

from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from eventstore.models import Event
from projections import engine, tasks
from projections.models import Checkpoint, Errand
from projections.projection import known
from shop.notifications.models import OutgoingMail
from shop.ordering.commands import Item, place_order
from shop.ordering.models import OrderSummary
from shop.payments.commands import capture_payment, record_outcome
from shop.payments.domain import Outcome, payment_of
from shop.payments.models import GatewayCall, PaymentWork
from tests.projections.conftest import on_real_transactions
from tests.shop.orders import ada, card, come_to_rest, goods

pytestmark = pytest.mark.usefixtures("on_real_transactions")
__all__ = ["on_real_transactions"]

ORDERS = "/api/v1/ops/projections/Orders/"


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("desk"))
    return client


def sold() -> None:
    """By card, captured, and written about."""
    goods(MUG=5)
    placed = place_order(customer_id=ada(), items=[Item("MUG", 2)], payment=card()).id
    come_to_rest()
    record_outcome(payment_of(placed), "authorise", Outcome("ok", reference="r1"))
    come_to_rest()
    capture_payment(placed)
    record_outcome(payment_of(placed), "capture", Outcome("ok", reference="r2"))
    engine.catch_up()
    OutgoingMail.objects.update(status="sent")


def the_world() -> list[list[Any]]:
    """All that was ever said to somebody outside, or is still to be said."""
    return [
        list(OutgoingMail.objects.order_by("id").values()),
        list(PaymentWork.objects.values()),
        list(GatewayCall.objects.values()),
        list(Event.objects.order_by("position").values_list("position", "name")),
    ]


def swept() -> int:
    """By the workers, until nothing is asked of them; answers how many rows were compared, all equal."""
    asked = Errand.objects.get(projection="Orders", kind="rebuild", ended_at=None)
    while Errand.objects.filter(pk=asked.pk, ended_at=None).exists():
        tasks.look_after([known()["Orders"]])
    asked.refresh_from_db()
    assert asked.refused == ""
    assert {each["differing"] for each in asked.found["tables"]} == {0}
    return sum(each["rows"] for each in asked.found["tables"])


def test_scenario_15_rehydrate(desk: Client) -> None:
    sold()
    before, rows = the_world(), list(OrderSummary.objects.values())

    said = StringIO()
    call_command("projections", "rebuild", "Orders", "Payments", "PaymentsToWork", "MailCopies", stdout=said)
    assert desk.post(f"{ORDERS}rebuild/", {}, "application/json").status_code == 202
    by_rest = swept()
    orders = Checkpoint.objects.get(projection="Orders", schema="")
    act = f"{reverse('admin:projections_checkpoint_act', args=['rebuild'])}?of={orders.pk}"
    assert desk.post(act).status_code == 302
    by_the_desk = swept()
    engine.catch_up()

    assert said.getvalue().count(": rebuilt from ") == 4
    assert by_rest == by_the_desk >= 2
    assert [len(each) for each in before] == [1, 0, 0, len(before[3])]
    assert the_world() == before
    assert list(OrderSummary.objects.values()) == rows
