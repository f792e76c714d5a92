"""Which facts are strict and which are copies: each with where it is read, how late it is now, and what helps then.

Strict: decided on with the owning stream, in the command's own transaction, never with a projection. Copy: kept by a
projection; always there, right eventually, and somebody can put it right meanwhile.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from projections.projection import known
from projections.status import Status, statuses
from shop import faults
from shop.docs import Schema, shows
from shop.parameters import Asked
from shop.roles import may

STRICT, COPY, LIVE = "strict", "copy", "live"


class Fact(NamedTuple):
    """``copies``: the projections whose lag is its lag, if it is a copy; or which show it, if it is strict."""

    fact: str
    kind: str
    context: str  # which owns it
    read_from: str
    copies: tuple[str, ...] = ()
    fallback: str = ""


FACTS = (
    Fact(
        "price, name and sale status of a product, when an order is placed",
        STRICT,
        "catalog",
        "the product's stream, in the command's transaction",
        ("Products", "OrderingProducts"),
        "refused as stale_price, with the price of now, if it is not what was quoted",
    ),
    Fact(
        "total of an order",
        STRICT,
        "ordering",
        "Order.Placed, where it is frozen",
        ("Orders",),
        "none is needed: it does not change",
    ),
    Fact(
        "stock that can be reserved",
        STRICT,
        "inventory",
        "the stock item's stream, in the command's transaction",
        ("Stock",),
        "refused as insufficient_stock, with what there is; the order is rejected, and what it had is undone",
    ),
    Fact(
        "credit that is left",
        STRICT,
        "customers",
        "the credit account's stream, in the command's transaction",
        (),
        "refused as credit_exceeded, with what there is; another way to pay is chosen",
    ),
    Fact(
        "what became of a payment",
        STRICT,
        "payments",
        "the payment's stream; an unknown outcome is a status of its own",
        ("Payments",),
        "the gateway is asked again under the same key; nobody guesses",
    ),
    Fact(
        "who holds an e-mail address, a SKU",
        STRICT,
        "customers",
        "the one stream whose id is derived from it",
        (),
        "refused as email_taken or sku_taken",
    ),
    Fact(
        "address that a parcel leaves for",
        STRICT,
        "shipping",
        "the customer's stream, compared at dispatch",
        ("ShippingCustomers",),
        "dispatch waits for an answer: keep, or use the present one",
    ),
    Fact(
        "name and default address of a customer, when an order is placed",
        COPY,
        "customers",
        "ordering's CustomerCopy; of one who registered a moment ago, the log",
        ("OrderingCustomers",),
        "another address is given with the order; before dispatch the address is compared exactly",
    ),
    Fact("list and page of customers", COPY, "customers", "CustomerSummary", ("Customers",), "?after=, ?as_of="),
    Fact("list and page of products", COPY, "catalog", "ProductSummary", ("Products",), "?after=, ?as_of="),
    Fact("list and page of orders", COPY, "ordering", "OrderSummary", ("Orders",), "?after=, ?as_of="),
    Fact("stock that is shown", COPY, "inventory", "StockLevel", ("Stock",), "?after=; a reservation is strict"),
    Fact("list and page of payments", COPY, "payments", "PaymentSummary", ("Payments",), "?after=, ?as_of="),
    Fact("pick list and shipments", COPY, "shipping", "ShipmentSummary", ("Shipments",), "?after=, ?as_of="),
    Fact(
        "details of a customer beside an order (?expand=customer)",
        LIVE,
        "customers",
        "the customer's stream, through a cache by its version",
        (),
        "`unavailable`; the name and the address that the order holds itself",
    ),
    Fact(
        "details of products beside an order (?expand=products)",
        LIVE,
        "catalog",
        "the products' streams, through a cache by their versions",
        (),
        "`unavailable`; the name, the price and the SKU that the order holds itself",
    ),
)


class LagSerializer(serializers.Serializer):
    projection = serializers.CharField()
    position = serializers.IntegerField(help_text="That it has seen all up to.")
    behind_events = serializers.IntegerField()
    behind_seconds = serializers.FloatField()
    paused = serializers.BooleanField()
    error = serializers.BooleanField(help_text="Whether it cannot go on, or has parked events.")


class FactSerializer(serializers.Serializer):
    example = {
        "fact": "list and page of orders",
        "class": COPY,
        "context": "ordering",
        "read_from": "OrderSummary",
        "lag": [
            {
                "projection": "Orders",
                "position": 1042,
                "behind_events": 2,
                "behind_seconds": 0.4,
                "paused": False,
                "error": False,
            }
        ],
        "fallback": "?after=, ?as_of=",
        "fault": "",
    }

    fact = serializers.CharField()
    context = serializers.CharField(help_text="Which owns it.")
    read_from = serializers.CharField()
    lag = LagSerializer(many=True, help_text="Of a copy; of a strict fact, of what lists show of it.")
    fallback = serializers.CharField(help_text="What helps while it is late, or refused.")
    fault = serializers.CharField(help_text="That somebody gave its context (`manage.py fault`), or empty.")

    def get_fields(self) -> dict[str, Any]:
        kind = serializers.ChoiceField([STRICT, COPY, LIVE], help_text="strict: never decided with a projection.")
        return {**super().get_fields(), "class": kind}


class Consistency(APIView):
    schema = Schema()
    metadata_class = None

    @shows(FactSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Each fact with its class, where it is read, how late it is just now, and what helps then."""
        Asked(request, ()).settle()
        return Response(told())


def page(request: HttpRequest) -> HttpResponse:
    """The same for people, on the desk."""
    if not may(request.user, Consistency.__name__):
        raise PermissionDenied
    context = admin.site.each_context(request) | {"title": "What is exact, and what is a copy", "facts": told()}
    context["copies_page"] = reverse("customers-copies") if may(request.user, "customers.history") else ""
    return render(request, "shop/consistency.html", context)


def told() -> list[dict[str, Any]]:
    there = known()
    wanted = {name for fact in FACTS for name in fact.copies}
    stand = {each.name: each for each in statuses(there[name] for name in sorted(wanted & there.keys()))}
    wrong = faults.present()
    return [
        {
            "fact": fact.fact,
            "class": fact.kind,
            "context": fact.context,
            "read_from": fact.read_from,
            "lag": list(lags(stand[name] for name in fact.copies if name in stand)),
            "fallback": fact.fallback,
            "fault": str(wrong.get(fact.context, "")),
        }
        for fact in FACTS
    ]


def lags(found: Iterable[Status]) -> Iterable[dict[str, Any]]:
    for each in found:
        yield {
            "projection": each.name,
            "position": each.position,
            "behind_events": each.behind_events,
            "behind_seconds": round(each.behind_seconds, 3),
            "paused": each.paused_at is not None,
            "error": bool(each.error or each.parked),
        }
