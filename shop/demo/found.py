"""What the tour is about, as it is found in the shop now."""

from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from typing import TypeVar
from urllib.parse import urlencode
from uuid import UUID

from django.urls import NoReverseMatch, reverse

from eventstore.persistence import rows
from projections.models import Checkpoint
from projections.projection import known
from shop.catalog.models import ProductSummary
from shop.customers.models import CustomerSummary
from shop.demo import loading, stories
from shop.demo.book import command_of
from shop.fulfilment.models import OrderProcess
from shop.inventory.models import StockLevel
from shop.ordering.models import OrderSummary
from shop.shipping.models import ShipmentSummary
from shop.values import id_of

T = TypeVar("T")
SOON = 5_000  # positions after the demo's own, in which a visitor's first steps are looked for
ENDED = f"{stories.NEW_EMAILS[-1][0]} email"  # the last step of the past


class Found:
    """Each thing is looked for once, when it is first asked for."""

    @cached_property
    def end(self) -> int | None:
        """Where the made-up past ends in the log; None: it is not there."""
        found = rows("select position from eventstore_command where command_id = %s", command_of(ENDED))
        return found[0][0] if found else None

    @cached_property
    def since(self) -> dict[str, set[UUID]]:
        """What has happened since, by name: of which streams."""
        first = self.end or 0
        sql = "select name, stream_id from eventstore_event where position > %s and position <= %s"
        found: dict[str, set[UUID]] = {}
        for name, stream_id in rows(sql, first, first + SOON):
            found.setdefault(name, set()).add(stream_id)
        return found

    @cached_property
    def orders(self) -> dict[str, OrderSummary]:
        """By reference."""
        wanted = OrderSummary.objects.filter(reference__in=REFERENCES)
        return {order.reference: order for order in wanted.order_by("-placed_at")}

    def order(self, reference: str) -> OrderSummary:
        """LookupError: it is not there; that stop of the tour is left out."""
        return self.orders[reference]

    @cached_property
    def newest(self) -> OrderSummary | None:
        return OrderSummary.objects.order_by("-placed_at", "-id").first()

    def product(self, sku: str) -> ProductSummary:
        return _one(ProductSummary.objects.filter(sku=sku), sku)

    def stock(self, sku: str) -> StockLevel:
        return _one(StockLevel.objects.filter(sku=sku), sku)

    def customer(self, order: str) -> CustomerSummary:
        """Whose order that is."""
        return _one(CustomerSummary.objects.filter(pk=self.order(order).customer_id), order)

    def person(self, key: str) -> CustomerSummary:
        return _one(CustomerSummary.objects.filter(pk=id_of("demo", key)), key)

    def shipment(self, order: str) -> ShipmentSummary:
        return _one(ShipmentSummary.objects.filter(order_id=self.order(order).id), order)

    def process(self, order: OrderSummary) -> OrderProcess:
        return _one(OrderProcess.objects.filter(order_id=order.id), order)

    def correlation(self, stream_id: UUID, name: str) -> UUID:
        """What all that came of one request has in common: of that stream's first event of that name."""
        sql = "select correlation_id from eventstore_event where stream_id = %s and name = %s order by version limit 1"
        return _one(rows(sql, stream_id, name), name)[0]

    @cached_property
    def slip(self) -> tuple[UUID, datetime, int]:
        """The correlation id of the price slip, when it began, and how many prices it changed."""
        ((correlation, at, prices),) = rows(
            "select correlation_id, min(recorded_at), count(*) from eventstore_event where correlation_id = %s "
            "group by correlation_id",
            command_of("slip"),
        ) or [(None, None, 0)]
        if correlation is None:
            raise LookupError("slip")
        return correlation, at, prices

    @cached_property
    def paused(self) -> list[Checkpoint]:
        """What billing has that is paused."""
        names = [each.name for each in known().values() if each.context == loading.PAUSED]
        return list(Checkpoint.objects.filter(projection__in=names, schema="").exclude(paused_at=None))


TOLD = "MOVED TWICE CREDIT CARD OLD-NAME NEW-NAME ZOE-1 GIFT TIMEOUT LAST-1 LAST-2 WEEKEND SLIP-1"
REFERENCES = ["DEMO-1", *(f"HH-{each}" for each in TOLD.split())]


def _one(found: Iterable[T], what: object) -> T:
    for each in found:
        return each
    raise LookupError(str(what))


def desk(page: str, *args: object, **query: object) -> str | None:
    """The address of a page of the desk; None: there is no such page."""
    return address(f"admin:{page}", *args, **query)


def address(name: str, *args: object, **query: object) -> str | None:
    try:
        found = reverse(name, args=args)
    except NoReverseMatch:
        return None
    return f"{found}?{urlencode(query)}" if query else found


def life(stream_id: UUID) -> str | None:
    """All that happened to one object: the time machine, where there is one."""
    return desk("time_machine", stream_id) or desk("eventstore_event_stream", stream_id)
