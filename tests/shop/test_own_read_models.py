"""What the engine promises, on the shop's own read models: nobody takes from another, and what drifted is found."""

from io import StringIO
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from eventstore import log
from eventstore.models import Event
from projections import engine
from projections.models import Checkpoint
from projections.projection import known
from projections.rebuild import rebuild, verify
from shop.ordering.commands import Item, cancel_order, place_order
from shop.ordering.models import OrderSummary
from shop.ordering.timeline import TimelineEntry
from tests.crowd import meanwhile
from tests.projections.conftest import on_real_transactions
from tests.shop.orders import goods

__all__ = ["on_real_transactions"]


def bought(number: int = 1) -> list[UUID]:
    return [place_order(items=[Item("MUG", 1)]).id for _ in range(number)]


def projections(*arguments: str) -> str:
    said = StringIO()
    call_command("projections", *arguments, stdout=said, stderr=said)
    return said.getvalue()


def differing(name: str) -> list[str]:
    return [str(each) for each in verify(known()[name]) if each.differing]


@pytest.mark.django_db
def test_scenario_11_other_consumers_ate_the_messages_of_orders() -> None:
    """The list of orders and their timeline hear of the same events, each from a checkpoint of its own."""
    goods(MUG=5)
    first, second = bought(2)
    cancel_order(first, reason="changed my mind")

    projections("run", "Orders")
    left = TimelineEntry.objects.count()
    projections("run", "OrderTimelines")

    assert left == 0
    stood = Checkpoint.objects.filter(name__in=["Orders", "OrderTimelines"]).values_list("position", flat=True)
    assert list(stood) == [log.horizon()] * 2
    assert dict(OrderSummary.objects.values_list("id", "status")) == {first: "cancelled", second: "placed"}
    told = TimelineEntry.objects.order_by("id").values_list("order_id", "what")
    assert list(told) == [(first, "placed"), (second, "placed"), (first, "cancelled")]


@pytest.mark.usefixtures("on_real_transactions")
def test_scenario_14_first_sync_of_a_new_service_while_the_shop_sells() -> None:
    """The timeline is new; customers go on ordering while it is built, and it goes on with theirs."""
    goods(MUG=500)
    bought(20)
    with meanwhile(lambda: len(bought(2)), pause=0.02, at_least=3) as sold:
        rebuild(known()["OrderTimelines"])
    built = TimelineEntry.objects.count()
    engine.catch_up([known()["OrderTimelines"]])

    assert built >= 20
    assert TimelineEntry.objects.count() == Event.objects.filter(name="Order.Placed").count() == 20 + sum(sold) > 20
    assert differing("OrderTimelines") == []


@pytest.mark.usefixtures("on_real_transactions")
def test_scenario_27_copies_drift_in_ordering() -> None:
    goods(MUG=5)
    spoiled, _ = bought(2)
    engine.catch_up([known()["Orders"]])
    assert differing("Orders") == []
    with connection.cursor() as cursor:
        cursor.execute("update ordering_ordersummary set status = 'paid twice' where id = %s", [spoiled])

    with pytest.raises(CommandError) as ended:
        projections("verify", "Orders")
    (found,) = differing("Orders")

    assert ended.value.returncode == 1
    assert str(ended.value) == "The live tables of Orders are as they were."
    assert "ordering_ordersummary: 1 of 2 rows differ" in found
    assert f"{spoiled} has status 'paid twice' instead of 'placed'" in found
