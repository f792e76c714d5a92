"""Harbour & Hearth's past: made by commands with a moved clock, always the same, and nobody gets a mail about it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from eventstore import history, log
from eventstore.mapper import present
from eventstore.persistence import COLUMNS, Recorded, rows
from projections.models import Checkpoint
from projections.projection import Policy, known
from projections.status import statuses
from shop.billing.models import Contact, TakingsOfDay
from shop.catalog.models import ProductSummary
from shop.customers.models import CustomerSummary
from shop.demo import stories
from shop.demo.goods import goods
from shop.demo.loading import OtherLog, load
from shop.demo.people import people
from shop.fulfilment.models import OrderProcess
from shop.inventory.models import StockLevel
from shop.notifications.models import OutgoingMail
from shop.ordering.models import OrderLine, OrderSummary
from shop.payments.models import PaymentSummary
from shop.shipping.models import ShipmentSummary
from tests.conftest import empty_the_log, flush

NOW = datetime(2026, 11, 26, 16, 40, 12, tzinfo=UTC)  # a Thursday
FEW = 12  # orders beside the stories': all of them are for the long form


class Died(BaseException):
    """The process is no more."""


def dies_after(days: int) -> Callable[..., None]:
    def report(name: str, doing: str, position: int, end: int, events: int) -> None:
        if name == "the past" and position == days:
            raise Died

    return report


def told() -> list[tuple[Any, ...]]:
    """All that is in the log but what chance made: ids of events and policies' commands, nonces, pseudonyms."""
    sql = f"select {COLUMNS}, actor, reason from eventstore_event order by position"
    found = rows(sql)
    records = present([Recorded(*row[:7]) for row in found])
    return [
        (
            None if e.name.startswith("EmailClaim.") else e.stream_id,
            *(e.version, e.name, e.data, e.effective_at, e.recorded_at),
            *row[7:],
        )
        for e, row in zip(records, found, strict=True)
    ]


def test_there_are_140_goods_and_40_people() -> None:
    assert (len(goods()), len({good.sku for good in goods()})) == (140, 140)
    assert (len(people()), len({person.email for person in people()})) == (40, 40)


def test_whoever_was_killed_goes_on_and_comes_to_the_same_past(empty_log: None, tmp_path: Path) -> None:
    with pytest.raises(Died):
        load(NOW, tmp_path / "one", dies_after(30), orders=FEW)
    half = log.last()
    assert load(NOW + timedelta(days=3), tmp_path / "one", orders=FEW)
    interrupted = told()
    assert len(interrupted) > half > 0
    empty_the_log()
    flush(None)  # type: ignore[arg-type]

    load(NOW, tmp_path / "two", orders=FEW)

    assert told() == interrupted


def test_the_past_is_as_it_would_have_been(empty_log: None, tmp_path: Path) -> None:
    assert load(NOW, tmp_path / "ledger", orders=FEW)

    end = log.last()
    assert not load(NOW + timedelta(days=1), tmp_path / "ledger", orders=FEW)  # the second time
    assert log.last() == end
    call_command("verify")
    assert set(OutgoingMail.objects.values_list("status", flat=True)) <= {"shown", "withdrawn"}
    assert OutgoingMail.objects.filter(written_at__gt=NOW).count() == 0
    behind = {each.name: each.behind_events for each in statuses(known().values()) if each.behind_events}
    assert behind == {"Contacts": 2}
    assert {each.context for each in known().values() if isinstance(each, Policy)} >= {"fulfilment", "notifications"}
    the_stories()


def the_stories() -> None:
    order = {each.reference: each for each in OrderSummary.objects.all()}
    process = {each.order_id: each for each in OrderProcess.objects.all()}

    slipped = [o for reference, o in order.items() if reference.startswith("HH-SLIP")]
    assert sorted(o.status for o in slipped) == ["cancelled"] * 2 + ["completed"] * 4
    mug = ProductSummary.objects.get(sku="MUG-HARBOUR")
    bought = OrderLine.objects.get(order_id=order["HH-SLIP-1"].id, product_id=mug.id)
    assert bought.unit_price * 10 == mug.amount

    assert StockLevel.objects.get(sku=stories.COUNTED).on_hand == 12
    shipment = ShipmentSummary.objects.get(order_id=order["HH-MOVED"].id)
    assert (shipment.status, bool(shipment.question)) == ("packed", True)
    assert len([o for o in order if o == "HH-TWICE"]) == 1
    assert (order["HH-CREDIT"].status, process[order["HH-CREDIT"].id].code) == ("rejected", "credit_exceeded")
    assert order["HH-CARD"].status == "completed"

    names = dict(
        OrderLine.objects.filter(
            sku=stories.RENAMED, order_id__in=[order[f"HH-{age}-NAME"].id for age in ("OLD", "NEW")]
        ).values_list("order_id", "name")
    )
    assert names == {order["HH-OLD-NAME"].id: stories.OLD_NAME, order["HH-NEW-NAME"].id: stories.NEW_NAME}

    zoe = CustomerSummary.objects.get(pk=order["HH-ZOE-1"].customer_id)
    assert (zoe.name, order["HH-ZOE-1"].customer_name) == ("[erased]", "[erased]")
    assert order["HH-ZOE-1"].amount > 0

    assert {
        each.context
        for each in known().values()
        if Checkpoint.objects.filter(projection=each.name, paused_at__isnull=False)
    } == {"billing"}
    assert not Contact.objects.filter(email__in=[email for _, email in stories.NEW_EMAILS]).exists()

    gift = order["HH-GIFT"]
    paid = PaymentSummary.objects.get(order_id=gift.id)
    assert (paid.status, paid.refunded) == ("refunded", gift.amount)
    refunded = TakingsOfDay.objects.filter(refunded__gt=0).order_by("day")[0].day
    assert (gift.placed_at.month, refunded.month) == (12, 1)

    late = process[order["HH-TIMEOUT"].id]
    assert (late.status, late.code) == ("rejected", "timed_out")
    assert PaymentSummary.objects.get(order_id=order["HH-TIMEOUT"].id).status == "voided"
    assert (order["HH-LAST-1"].status, order["HH-LAST-2"].status) == ("delivered", "rejected")
    assert process[order["HH-LAST-2"].id].code == "insufficient_stock"

    weekend = OrderLine.objects.get(order_id=order["HH-WEEKEND"].id)
    assert (weekend.unit_price, weekend.quantity) == (15, 2)

    moment = history.moment((gift.placed_at + timedelta(hours=1)).isoformat())
    assert history.at(gift.id, moment).status == "confirmed"
    then = OrderSummary.objects.as_of(gift.placed_at + timedelta(hours=1))
    assert {o.placed_at <= gift.placed_at + timedelta(hours=1) for o in then} == {True}


def test_no_past_is_put_before_what_there_is(empty_log: None) -> None:
    from shop.catalog.commands import create_product

    create_product(sku="MUG", name="Mug")

    with pytest.raises(OtherLog, match="something in the log already"):
        load(NOW)


@pytest.mark.django_db
def test_where_it_is_no_demo_nothing_is_made(settings: Any) -> None:
    settings.DEMO = False

    with pytest.raises(CommandError, match="only with DEMO=true"):
        call_command("demo")


@pytest.mark.long
def test_all_of_it(empty_log: None, tmp_path: Path) -> None:
    load(datetime.now(UTC), tmp_path / "ledger")

    call_command("verify")
    assert OrderSummary.objects.count() >= 980
