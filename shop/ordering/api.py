"""Orders over HTTP: POST asks, GET reads."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import django_filters
import msgspec
from django.db.models import Q, QuerySet
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from shop.docs import asks, shows
from shop.expand import CUSTOMER, PRODUCT, Expansion
from shop.filters import InstantFilter
from shop.forms import Nothing
from shop.http import ask
from shop.ordering.commands import (
    cancel_order,
    change_order_address,
    complete_order,
    edit_lines,
    note_order,
    place_order,
)
from shop.ordering.domain import Order
from shop.ordering.models import OrderLine, OrderSummary, TimelineEntry, number_of
from shop.ordering.shapes import (
    CancelOrder,
    ChangeAddress,
    EditLines,
    NoteOrder,
    OrderPageSerializer,
    OrderSerializer,
    PlaceOrder,
    TimelineSerializer,
)
from shop.ordering.timeline import for_customers
from shop.resource import Resource, wait_for
from shop.roles import ids_of, own
from shop.words import as_number

STATUSES = ("placed", "confirmed", "rejected", "cancelled", "shipped", "delivered", "completed")


class OrderFilters(django_filters.FilterSet):
    q = django_filters.CharFilter(
        method="search", max_length=200, help_text="The number; or part of the reference or the name."
    )
    status = django_filters.ChoiceFilter(choices=[(status, status) for status in STATUSES])
    customer_id = django_filters.UUIDFilter(method="of", help_text="Theirs, and of whoever was merged into them.")
    number = django_filters.NumberFilter(min_value=1, max_digits=18, decimal_places=0, help_text="The shop's.")
    reference = django_filters.CharFilter(max_length=200, help_text="The whole reference.")
    placed_after = InstantFilter(field_name="placed_at", lookup_expr="gte", help_text="At this instant or later.")
    placed_before = InstantFilter(field_name="placed_at", lookup_expr="lt", help_text="Before this instant.")

    def of(self, orders: QuerySet[OrderSummary], name: str, value: UUID) -> QuerySet[OrderSummary]:
        return orders.filter(customer_id__in=ids_of(value))

    def search(self, orders: QuerySet[OrderSummary], name: str, value: str) -> QuerySet[OrderSummary]:
        found = Q(reference__icontains=value) | Q(customer_name__icontains=value)
        return orders.filter(found if (number := as_number(value)) is None else found | Q(number=number))


class Orders(Resource):
    queryset = OrderSummary.objects.all()
    filterset_class = OrderFilters
    orderings = {
        "-placed_at": "placed_at",
        "total": "amount",
        "reference": "reference",
        "customer_name": "customer_name",
    }
    aggregate = Order
    expansions = {
        "customer": Expansion(CUSTOMER, "customer_id"),
        "products": Expansion(PRODUCT, "product_id", within="lines"),
    }

    def get_serializer_class(self) -> type[OrderSerializer]:
        return OrderSerializer if self.action == "list" else OrderPageSerializer

    def row(self, pk: UUID) -> OrderSummary:
        order: Any = super().row(pk)
        order.notes = self.told(order.notes)
        order.lines = OrderLine.objects.filter(order_id=pk).order_by("number")
        return order  # type: ignore[no-any-return]

    def told(self, notes: Sequence[str]) -> list[str]:
        """Notes are made among staff."""
        return [] if own(self.request.user, self.basename) else list(notes)

    def row_of(self, aggregate: Order) -> OrderSummary:
        order: Any = OrderSummary(
            id=aggregate.id,
            version=aggregate.version,
            number=number_of(aggregate.id),
            reference=aggregate.reference,
            customer_id=aggregate.customer_id,
            customer_name=aggregate.customer_name,
            status=aggregate.status,
            items=sum(line.quantity for line in aggregate.lines),
            amount=aggregate.total.amount,
            currency=aggregate.total.currency,
            ship_to=msgspec.to_builtins(aggregate.ship_to),
            placed_at=aggregate.created_on,
            cancel_reason=aggregate.cancel_reason,
            payment=aggregate.payment.kind if aggregate.payment else "",
            last_four=aggregate.payment.last_four if aggregate.payment else "",
            shipping=aggregate.shipping.amount if aggregate.shipping else None,
            discount=aggregate.discount.amount if aggregate.discount else None,
            tax=aggregate.tax.amount if aggregate.tax else None,
            discount_percent=aggregate.rates.discount if aggregate.rates else None,
            tax_percent=aggregate.rates.tax if aggregate.rates else None,
            notes=self.told(aggregate.notes),
            shipment_id=aggregate.shipment_id,
            checkout_id=aggregate.checkout_id,
        )
        order.lines = [
            OrderLine(
                number=number,
                product_id=line.product_id,
                sku=line.sku,
                name=line.name,
                quantity=line.quantity,
                unit_price=line.unit_price.amount,
                price_revision=line.price_revision,
                amount=line.total.amount,
                currency=line.total.currency,
                cancelled=bought.quantity - line.quantity,
            )
            for number, (line, bought) in enumerate(zip(aggregate.lines, aggregate.bought, strict=True), 1)
        ]
        return order  # type: ignore[no-any-return]

    @asks(
        PlaceOrder,
        "idempotency_key_required",
        *("unknown_customer", "customer_merged", "unknown_product", "not_on_sale", "stale_price"),
        *("empty_order", "mixed_currencies", "too_much", "customer_blocked", "unknown_card", "no_account"),
        *("insufficient_stock", "credit_exceeded"),
    )
    def create(self, request: Request) -> Response:
        """Place an order, at the prices in force.

        It is confirmed or rejected soon: `process` shows how far it is. Where the shop is set to do all in one
        transaction, too little stock or credit is refused here.
        """
        return ask(request, PlaceOrder, place_order, key_required=True)

    @action(detail=True, methods=["post"])
    @asks(CancelOrder, "idempotency_key_required", "wrong_status")
    def cancel(self, request: Request, pk: UUID) -> Response:
        """Cancel an order."""
        return ask(request, CancelOrder, cancel_order, pk, key_required=True)

    @action(detail=True, methods=["post"])
    @asks(ChangeAddress, "wrong_status")
    def address(self, request: Request, pk: UUID) -> Response:
        """Have an order sent elsewhere."""
        return ask(request, ChangeAddress, change_order_address, pk)

    @action(detail=True, methods=["post"])
    @asks(
        EditLines,
        *("idempotency_key_required", "wrong_status", "unknown_line", "more_than_ordered", "empty_order"),
    )
    def lines(self, request: Request, pk: UUID) -> Response:
        """Have fewer of some lines, while the order is confirmed and its parcel has not left.

        Total, tax and discount are reckoned anew; stock, credit and parcel follow at once, and less is captured. What
        is more is another order.
        """
        return ask(request, EditLines, edit_lines, pk, key_required=True)

    @action(detail=True, methods=["post"])
    @asks(Nothing, "wrong_status")
    def complete(self, request: Request, pk: UUID) -> Response:
        """Say that nothing is to come back any more of a delivered order. After some days it is done by itself."""
        return ask(request, Nothing, complete_order, pk)

    @action(detail=True, methods=["post"])
    @asks(NoteOrder, "customer_erased")
    def notes(self, request: Request, pk: UUID) -> Response:
        """Write down something about an order, for staff: its customer does not read it."""
        return ask(request, NoteOrder, note_order, pk)

    @action(detail=True)
    @shows(TimelineSerializer(many=True))
    def timeline(self, request: Request, pk: UUID) -> Response:
        """What happened to an order, its payment and its parcel, the first thing first; `as_of`: until then."""
        entries = TimelineEntry.objects.filter(order_id=pk)
        if own(request.user, self.basename):
            entries = for_customers(entries)
        page = self.page(entries, TimelineSerializer, {"position": "id"}, came="id")
        self.row(pk)  # or there is none
        return page

    def wait(self, after: int | None, model: Any = None) -> None:
        super().wait(after, model)
        if after and self.action == "timeline":
            wait_for("Orders", after)  # that says whether there is such an order
