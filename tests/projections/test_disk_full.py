"""A disk that is full is no event's fault: nothing is parked or half done, and all goes on when there is room."""

import pytest
from django.db import connection

from eventstore import log
from projections.engine import catch_up
from projections.lease import begin
from projections.models import Checkpoint, Parked
from projections.projection import known
from projections.rebuild import verify
from projections.status import statuses
from projections.trouble import TROUBLE
from shop.notifications.models import OutgoingMail
from shop.ordering.commands import Item, confirm_order, place_order
from shop.ordering.models import OrderSummary
from tests.full import disk_full
from tests.projections.test_command import command, refused
from tests.shop.orders import ada, goods

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def orders(empty_log):
    """Two, one of which read models and policies know of."""
    begin(known()["Mails"])
    goods(MUG=5)
    customer = ada()
    first = place_order(items=[Item("MUG", 1)], customer_id=customer).id
    hear()
    confirm_order(first)
    second = place_order(items=[Item("MUG", 1)], customer_id=customer).id
    return first, second


def hear():
    catch_up([known()[name] for name in ("Orders", "Mails")])


def stands():
    return {each.name: each.behind_events for each in statuses([known()["Orders"], known()["Mails"]])}


@pytest.mark.parametrize("table", ["ordering_ordersummary", "notifications_outgoingmail"])
def test_what_cannot_be_written_is_tried_again_and_everything_else_goes_on(orders, table):
    name, other = ("Orders", "Mails") if table.startswith("ordering") else ("Mails", "Orders")
    with disk_full(table):
        hear()
        hear()
        behind = stands()
        error = Checkpoint.objects.get(name=name).error

    hear()

    assert (behind[name] > 0, behind[other]) == (True, 0)
    assert "No space left on device" in error
    assert not Parked.objects.exists()
    assert stands() == {"Orders": 0, "Mails": 0}
    assert Checkpoint.objects.get(name=name).error == ""
    assert OrderSummary.objects.count() == 2
    assert OutgoingMail.objects.count() == 1
    assert not [each for each in verify(known()["Orders"]) if each.differing]


def test_where_nothing_at_all_can_be_written_whoever_works_fails_and_works_on_after(orders):
    tables = connection.introspection.table_names()
    with disk_full(*tables), pytest.raises(TROUBLE, match="No space left on device"):
        hear()

    hear()

    assert not Parked.objects.exists()
    assert stands() == {"Orders": 0, "Mails": 0}
    assert (OrderSummary.objects.count(), OutgoingMail.objects.count()) == (2, 1)
    assert Checkpoint.objects.get(name="Orders").position == log.horizon()


def test_an_operator_is_told_so_without_a_traceback_and_asks_again(orders):
    hear()
    with disk_full("projections_historyepoch"):
        said, why = refused("rebuild", "Orders")
        rehearsed, _ = refused("rebuild", "Orders", "--dry-run")

    assert "Orders: stopped by the database; what was built is kept, and gone on with: could not extend file" in said
    assert "Orders: stopped by the database: could not extend file" in rehearsed, "of a rehearsal nothing is kept"
    assert why == "The live tables of Orders are as they were."
    assert command("rebuild", "Orders").splitlines()[-1].endswith("rows, all equal")
