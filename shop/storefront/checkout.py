"""The checkout: where it goes, how it is paid, what it costs; and each thing that may come between."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import wraps
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from projections.projection import known
from projections.status import statuses
from shop import faults
from shop.application import find, shop
from shop.customers.commands import add_address
from shop.customers.models import CreditSummary, CustomerSummary
from shop.errors import Refused
from shop.forms import AddressForm
from shop.ordering.checkout.commands import accept, choose_payment, keep_quote, override_address
from shop.ordering.checkout.domain import Checkout, order_of
from shop.ordering.commands import Paying
from shop.ordering.copies import CustomerCopy
from shop.storefront.asking import asking, checked, noted, settled, who
from shop.storefront.baskets import basket_of, put, put_away
from shop.storefront.browsing import InBasket, lines_in
from shop.values import Address

QUOTED = "quoted"  # in the session: the number of the quote that was shown last, and its prices
LATE = 2.0  # seconds after which a copy is said to be one
ADDRESS = ("recipient", "street", "postcode", "city", "country")


class Ways(NamedTuple):
    """How the customer may pay. ``cards``: those in their account; None: customers is down, and nobody can say."""

    cards: list[dict[str, Any]] | None
    credit: CreditSummary | None


def of_a_customer(view: Any) -> Any:
    """Who is none signs in first, or registers, and comes back."""

    @wraps(view)
    @never_cache
    def signed_in(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if who(request) is not None:
            return view(request, *args, **kwargs)  # type: ignore[no-any-return]
        back = request.get_full_path() if request.method == "GET" else "/checkout/"
        return redirect(f"/sign-in/?{urlencode({'next': back})}")

    return signed_in


@require_safe
@of_a_customer
def checkout(request: HttpRequest) -> HttpResponse:
    basket = basket_of(request)
    if basket is None or not basket.items:
        messages.info(request, "There is nothing in your basket yet.")
        return redirect("/basket/")
    return shown(request, basket, change=request.GET.get("change", ""))


def shown(
    request: HttpRequest,
    basket: Checkout,
    *,
    change: str = "",
    errors: dict[str, str] | None = None,
    filled: Any = None,
    status: int = 200,
) -> HttpResponse:
    """The page, with a quote that holds; or with why there is none."""
    trouble: Refused | None = None
    before = basket.quote
    try:
        with asking(request, "quote"):
            keep_quote(basket.id)
        basket = shop.load(Checkout, basket.id)
    except Refused as refused:
        trouble = refused
        status = 503 if isinstance(refused, faults.ContextDown) else 409
    if trouble is None and basket.ship_to is None and change != "payment":
        change = "address"
    quote = None if trouble else basket.quote
    if before and quote and before.number != quote.number and before.expires <= datetime.now(UTC):
        messages.info(request, f"Your quote held until {before.expires:%H:%M} UTC. This is a new one.")
    copy = CustomerCopy.objects.filter(pk=basket.customer_id).first()
    lines, saved = lines_in(basket), addresses_of(copy)
    context = {
        "basket": basket,
        "quote": quote,
        "changed": list(changes(request, basket)),
        "trouble": trouble,
        "trouble_code": getattr(trouble, "code", ""),
        "withdrawn": [line for line in lines if line.price is None],
        "too_many": [line for line in lines if line.too_many],
        "as_of": None if basket.address or not late("OrderingCustomers") else basket.address_seen_at,
        "saved": saved,
        "is_saved": basket.address in [Address(**address) for _, address in saved],
        "ways": ways_to_pay(request, basket.customer_id),
        "change": change,
        "errors": errors or {},
        "filled": filled or {"country": "DE"},
        "ready": bool(quote and basket.ship_to and basket.payment and not change),
    }
    return render(request, "storefront/checkout.html", context, status=status)


def changes(request: HttpRequest, basket: Checkout) -> Iterator[tuple[str, str, str]]:
    """Each product whose price is another than when this visitor was shown a quote last: its name, old, new."""
    quote, seen = basket.quote, request.session.get(QUOTED) or {}
    if quote is None:
        return
    prices = {line.sku: str(line.unit_price) for line in quote.lines}
    if seen.get("of") == str(basket.id) and seen.get("number") != quote.number:
        for line in quote.lines:
            old = seen["prices"].get(line.sku, prices[line.sku])
            if old != prices[line.sku]:
                yield line.name, old, prices[line.sku]
    if (seen.get("of"), seen.get("number")) != (str(basket.id), quote.number):
        request.session[QUOTED] = {"of": str(basket.id), "number": quote.number, "prices": prices}


def late(name: str) -> bool:
    """Whether that projection has not seen what happened some seconds ago."""
    (status,) = statuses([known()[name]])
    return status.behind_events > 0 and (status.paused_at is not None or status.behind_seconds > LATE)


def addresses_of(copy: CustomerCopy | None) -> list[tuple[int, dict[str, Any]]]:
    return sorted((int(number), address) for number, address in copy.addresses.items()) if copy else []


def ways_to_pay(request: HttpRequest, customer_id: UUID | None) -> Ways:
    try:
        faults.reach("customers")
    except faults.ContextDown:
        return Ways(None, None)
    settled(request, "Customers")
    row = CustomerSummary.objects.filter(pk=customer_id).first()
    credit = CreditSummary.objects.filter(customer_id=customer_id).first()
    return Ways(row.payment_methods if row else [], credit)


@require_POST
@of_a_customer
def address(request: HttpRequest) -> HttpResponse:
    """Have this order sent elsewhere: to one of the customer's addresses, or to a new one."""
    basket = open_basket(request)
    saved = dict(addresses_of(CustomerCopy.objects.filter(pk=basket.customer_id).first()))
    if (number := request.POST.get("number", "")).isdecimal():
        if int(number) not in saved:
            raise Http404
        chosen = Address(**saved[int(number)])
    else:
        chosen, errors = checked(AddressForm, request.POST.dict())
        if errors:
            return shown(request, basket, change="address", errors=errors, filled=request.POST.dict(), status=422)
        if request.POST.get("keep") and basket.customer_id:
            with asking(request, "keep"):
                noted(request, add_address(basket.customer_id, address=chosen, default=not saved))
    with asking(request):
        noted(request, override_address(basket.id, address=chosen))
    return redirect("/checkout/")


@require_POST
@of_a_customer
def payment(request: HttpRequest) -> HttpResponse:
    """Choose one of the customer's cards, their account, or to pay outside the shop."""
    basket = open_basket(request)
    kind, _, number = request.POST.get("pay", "").partition(":")
    token = None
    if kind == "card":
        cards = ways_to_pay(request, basket.customer_id).cards or []
        token = next((UUID(card["token"]) for card in cards if str(card["number"]) == number), None)
        if token is None:
            raise Http404
    elif kind not in ("account", "none"):
        messages.error(request, "Choose how you want to pay.")
        return redirect("/checkout/?change=payment")
    with asking(request):
        noted(request, choose_payment(basket.id, payment=Paying(kind, token)))
    return redirect("/checkout/")


@require_POST
@of_a_customer
def reduce(request: HttpRequest) -> HttpResponse:
    """Take no more of each product than there are; what is not sold any more, out."""
    basket = open_basket(request)
    for line in lines_in(basket):
        if (quantity := within_reach(line)) != line.quantity:
            with suppress(Refused):
                put(request, line.sku, quantity)
    return redirect("/checkout/")


def within_reach(line: InBasket) -> int:
    if line.price is None:
        return 0
    return line.left.available if line.left and line.too_many else line.quantity


@require_POST
@of_a_customer
def place(request: HttpRequest) -> HttpResponse:
    """Accept the quote. A second click finds the order of the first."""
    try:
        basket = find(Checkout, UUID(request.POST.get("checkout", "")))
        number = int(request.POST.get("quote", ""))
    except ValueError:
        raise Http404 from None
    if basket is None or basket.customer_id != who(request):
        raise Http404
    if basket.status == "open" and (basket.payment is None or basket.ship_to is None):
        messages.error(request, "Say first where it goes, and how you want to pay.")
        return redirect("/checkout/")
    try:
        with asking(request):
            noted(request, accept(basket.id, quote=number))
    except Refused as refused:
        messages.warning(request, WORDS.get(refused.code, str(refused)))
        return redirect("/checkout/" + ("?change=payment" if refused.code == "credit_exceeded" else ""))
    put_away(request)
    return redirect(f"/orders/{order_of(basket.id)}/")


WORDS = {
    "stale_price": "A price has changed since you looked. Nothing was ordered: look at the new total.",
    "stale_total": "The total has changed since you looked. Nothing was ordered: look at the new one.",
    "quote_expired": "The quote has expired. Nothing was ordered: this is a new one.",
    "quote_replaced": "There is a newer quote. Nothing was ordered: look at this one.",
    "no_quote": "Something was changed meanwhile. Nothing was ordered: look again.",
    "insufficient_stock": "There is not enough left. Nothing was ordered.",
    "credit_exceeded": "Your account does not stretch to this. Nothing was ordered: pay by card instead.",
    "customer_blocked": "Orders from this account are stopped. Please write to us: we will sort it out.",
}


def open_basket(request: HttpRequest) -> Checkout:
    basket = basket_of(request)
    if basket is None:
        raise Http404
    return basket
