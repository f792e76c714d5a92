"""The basket: the open checkout that a session knows of, read from the log, so that it is there while all else lags."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.http import HttpRequest

from eventstore.commands import CommandReused
from shop.application import find, shop
from shop.errors import Refused
from shop.ordering.checkout.commands import abandon_checkout, set_item, start_checkout
from shop.ordering.checkout.domain import Checkout
from shop.ordering.checkout.models import CheckoutSummary
from shop.storefront.asking import asking, noted, who

BASKET = "basket"  # in the session: the id of the checkout


def basket_of(request: Any) -> Checkout | None:
    """The visitor's, if they have put anything into one."""
    if not hasattr(request, "_basket"):
        request._basket = _found(request)
    return request._basket  # type: ignore[no-any-return]


def pieces(request: HttpRequest) -> int:
    basket = basket_of(request)
    return sum(basket.items.values()) if basket else 0


def put(request: HttpRequest, sku: str, quantity: int, *, more: bool = False) -> None:
    """So many of it in all, or so many ``more``. What the command refuses, is refused."""
    basket = basket_of(request) or _started(request)
    wanted = quantity + basket.items.get(sku, 0) if more else quantity
    with suppress(CommandReused), asking(request, sku):  # the second click of two: it was put there by the first
        noted(request, set_item(basket.id, sku=sku, quantity=wanted))
    _look_again(request, basket.id)


def fill(request: HttpRequest, items: Mapping[str, int]) -> list[str]:
    """At least so many of each; answers why some were refused."""
    basket = basket_of(request) or _started(request)
    refused = []
    for sku, quantity in items.items():
        if quantity > basket.items.get(sku, 0):
            try:
                with asking(request, sku):
                    noted(request, set_item(basket.id, sku=sku, quantity=quantity))
            except Refused as error:
                refused.append(str(error))
    _look_again(request, basket.id)
    return refused


def bring_along(request: HttpRequest, guests: Checkout | None) -> None:
    """Who signs in finds the basket they left last, with what they have put into one since: of each the larger number.

    ``guests``: the basket before they signed in.
    """
    customer_id = who(request)
    if customer_id is None:
        return
    last = CheckoutSummary.objects.filter(customer_id=customer_id, status="open").order_by("-started_at").first()
    if last and (own := find(Checkout, last.id)) and own.status == "open":
        _look_again(request, own.id)
    if guests is None or guests.customer_id is not None or not guests.items:
        return
    fill(request, guests.items)
    with suppress(Refused), asking(request, "abandon"):
        abandon_checkout(guests.id, reason="signed in")


def put_away(request: HttpRequest) -> None:
    """It has become an order."""
    request.session.pop(BASKET, None)
    request._basket = None  # type: ignore[attr-defined]


def _found(request: HttpRequest) -> Checkout | None:
    if not (kept := request.session.get(BASKET)):
        return None
    basket = find(Checkout, UUID(kept))
    is_mine = basket is not None and basket.status == "open" and basket.customer_id == who(request)
    return basket if is_mine else None


def _started(request: HttpRequest) -> Checkout:
    with asking(request, "start"):
        receipt = noted(request, start_checkout(customer_id=who(request)))
    return _look_again(request, receipt.id)


def _look_again(request: Any, checkout_id: UUID) -> Checkout:
    request.session[BASKET] = str(checkout_id)
    request._basket = shop.load(Checkout, checkout_id)
    return request._basket  # type: ignore[no-any-return]
