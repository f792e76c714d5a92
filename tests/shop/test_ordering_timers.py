"""What is due in ordering, found by looking."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from eventstore.cause import because
from projections.engine import catch_up
from projections.projection import known
from shop.application import shop
from shop.ordering.checkout.commands import abandon_checkout, set_item, start_checkout
from shop.ordering.checkout.domain import Checkout
from shop.ordering.commands import Item, confirm_order, deliver_order, place_order, ship_order
from shop.ordering.tasks import abandon_idle, complete_delivered
from tests.shop.orders import goods, order


@pytest.mark.django_db
def test_what_was_delivered_long_ago_is_completed_and_nothing_else():
    goods(MUG=10)
    old, new = (place_order(items=[Item("MUG", 1)]).id for _ in range(2))
    for each, days in ((old, 15), (new, 13)):
        confirm_order(each)
        ship_order(each, shipment_id=uuid4())
        with because(effective_at=timezone.now() - timedelta(days=days)):
            deliver_order(each)
    catch_up([known()["Orders"]])

    complete_delivered()
    complete_delivered()  # and the read model has not heard yet

    assert (order(old).status, order(new).status) == ("completed", "delivered")


@pytest.mark.django_db
def test_a_checkout_that_nobody_comes_back_to_is_abandoned():
    goods(MUG=10)
    long_ago = timezone.now() - timedelta(hours=73)
    with because(effective_at=long_ago):
        idle, busy, left = (start_checkout().id for _ in range(3))
    set_item(busy, sku="MUG", quantity=1)
    catch_up([known()["Checkouts"]])
    abandon_checkout(left, reason="only looking")  # and the read model has not heard yet

    abandon_idle()
    abandon_idle()

    assert [shop.load(Checkout, each).status for each in (idle, busy, left)] == ["abandoned", "open", "abandoned"]
    assert shop.load(Checkout, left).reason == "only looking"
