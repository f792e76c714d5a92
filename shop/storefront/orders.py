"""A customer's orders: what became of each, and what can be done where it was refused."""

from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from eventstore.models import Event
from projections.exact import exact
from projections.waiting import wait_until
from shop import faults
from shop.application import find
from shop.errors import Refused
from shop.fulfilment.domain import process_of
from shop.fulfilment.models import OrderProcess
from shop.inventory.domain import StockItem, stock_of
from shop.ordering.checkout.commands import choose_payment, override_address
from shop.ordering.checkout.domain import Checkout
from shop.ordering.commands import Paying, cancel_order
from shop.ordering.domain import Order
from shop.ordering.models import OrderSummary, number_of
from shop.ordering.timeline import TimelineEntry, for_customers
from shop.roles import ids_of
from shop.shipping.commands import answer_address
from shop.shipping.domain import DECISIONS, Shipment, shipment_of
from shop.storefront.asking import asking, noted, settled, who
from shop.storefront.baskets import basket_of, fill
from shop.storefront.checkout import of_a_customer

A_PAGE = 20
SHORT = 0.3  # seconds that a page waits for a list that is only beside the point


class Step(NamedTuple):
    name: str
    state: str  # done, now, failed, or to come
    at: str = ""  # the instant


WORDS = {
    "insufficient_stock": "There is not enough left",
    "credit_exceeded": "Your account does not stretch to this",
    "card_declined": "Your bank declined the card",
    "timed_out": "Your bank did not answer in time",
}
CHANGED_MIND = "The customer changed their mind."
REASONS = {  # as the log has them, to whom they are told
    CHANGED_MIND: "You changed your mind.",
    "card_declined": "It gives no reason.",
    "insufficient_funds": "There is not enough money behind it.",
}


@require_safe
@of_a_customer
def orders(request: HttpRequest) -> HttpResponse:
    faults.reach("ordering")
    is_up_to_date = settled(request, "Orders")
    mine = OrderSummary.objects.filter(customer_id__in=whose(request)).order_by("-placed_at", "-id")
    page = Paginator(mine, A_PAGE).get_page(request.GET.get("page"))
    return render(request, "storefront/orders.html", {"page": page, "is_up_to_date": is_up_to_date})


@require_safe
@of_a_customer
def order(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """What became of it: the order and its process as the log has them now, whatever lags."""
    found = mine(request, order_id)
    process_id = process_of(order_id)
    process = exact(OrderProcess, [process_id]).get(process_id)
    seen = f"{found.version}.{process.version if process else 0}"
    if request.GET.get("seen") == seen:
        return HttpResponse(status=204)  # to the page that looks again every second: nothing is new
    quoted = find(Checkout, found.checkout_id) if found.checkout_id else None
    code = process.code if process and found.status == "rejected" else ""
    entries = for_customers(TimelineEntry.objects.filter(order_id=order_id)).order_by("id")[:100]
    last = Event.objects.filter(stream_id=order_id).order_by("-version").values_list("position", flat=True)[0]
    context = {
        "order": found,
        "number": number_of(order_id),
        "seen": seen,
        "is_up_to_date": wait_until(last, "OrderTimelines", timeout=SHORT),
        "process": process,
        "steps": list(steps(found, process)),
        "cheaper": list(cheaper(found, quoted)),
        "code": code,
        "title": WORDS.get(code, "It could not be placed"),
        "reason": REASONS.get(found.cancel_reason, found.cancel_reason),
        "short": short_of(found) if code == "insufficient_stock" else [],
        "parcel": find(Shipment, shipment_of(order_id)),
        "can_cancel": found.status in ("placed", "confirmed"),
        "entries": [(each, REASONS.get(each.detail, each.detail)) for each in entries],
    }
    return render(request, "storefront/order.html", context)


@require_POST
@of_a_customer
def again(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """What was refused is in the basket again: no more of it than there are; ``pay`` says how else it is to be paid."""
    found = mine(request, order_id)
    if found.status != "rejected":
        raise Http404
    items = {line.sku: line.quantity for line in found.lines}
    for line, available in short_of(found):
        items[line.sku] = available
    for refused in fill(request, items):
        messages.warning(request, refused)
    basket = basket_of(request)
    quoted = find(Checkout, found.checkout_id) if found.checkout_id else None
    if basket and quoted:
        if quoted.address:
            with asking(request, "address"):
                noted(request, override_address(basket.id, address=quoted.address))
        if found.payment and request.POST.get("pay") != "otherwise":
            token = UUID(found.payment.token) if found.payment.token else None
            with asking(request, "payment"):
                noted(request, choose_payment(basket.id, payment=Paying(found.payment.kind, token)))
    return redirect("/checkout/" + ("?change=payment" if request.POST.get("pay") == "otherwise" else ""))


@require_POST
@of_a_customer
def cancel(request: HttpRequest, order_id: UUID) -> HttpResponse:
    mine(request, order_id)
    try:
        with asking(request):
            noted(request, cancel_order(order_id, reason=CHANGED_MIND))
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect(f"/orders/{order_id}/")


@require_POST
@of_a_customer
def answer(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Where the parcel of who has moved is to go: they were asked."""
    mine(request, order_id)
    if find(Shipment, shipment_of(order_id)) is None:
        raise Http404
    if (decision := request.POST.get("decision")) not in DECISIONS:
        return HttpResponseBadRequest(f"Expected {' or '.join(DECISIONS)}.")
    try:
        with asking(request):
            noted(request, answer_address(shipment_of(order_id), decision=decision))
        messages.success(request, "Thank you. Your parcel goes where you said.")
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect(f"/orders/{order_id}/")


def whose(request: HttpRequest) -> list[UUID]:
    """The visitor's own orders, and those of whoever was merged into them."""
    customer_id = who(request)
    return ids_of(customer_id) if customer_id else []


def mine(request: HttpRequest, order_id: UUID) -> Order:
    """Others' there are none."""
    found = find(Order, order_id)
    if not isinstance(found, Order) or found.customer_id not in whose(request):
        raise Http404
    return found


def short_of(order: Order) -> list[tuple[Any, int]]:
    """The lines of which there is not enough, each with how many there are: by the log."""
    wanted: dict[str, int] = {}
    for line in order.lines:
        wanted[line.sku] = wanted.get(line.sku, 0) + line.quantity
    found = {sku: find(StockItem, stock_of(sku)) for sku in wanted}
    left = {sku: item.available if item else 0 for sku, item in found.items() if not (item and item.back_orders)}
    return [(line, left[line.sku]) for line in order.lines if wanted[line.sku] > left.get(line.sku, wanted[line.sku])]


def cheaper(order: Order, quoted: Checkout | None) -> Any:
    """What had become cheaper when it was placed: each line, and what was quoted for one."""
    if quoted is None or quoted.quote is None:
        return
    for before, line in zip(quoted.quote.lines, order.lines, strict=True):
        if line.unit_price.amount < before.unit_price.amount:
            yield line, before.unit_price


NEXT = {"placed": 1, "confirmed": 2, "shipped": 3, "delivered": 4, "completed": 4, "rejected": 1, "cancelled": 0}


def steps(order: Order, process: OrderProcess | None) -> Any:
    """From placed to delivered; what is checked in between, as far as it goes."""
    told = {each["step"]: each["at"] for each in process.steps} if process else {}
    yield Step("Placed", "done", str(order.created_on.isoformat()))
    checks = [("stock reserved", "Goods set aside", "Not enough left")]
    if order.payment and order.payment.kind == "account":
        checks.insert(0, ("credit reserved", "Account checked", "Account: not enough"))
    if order.payment and order.payment.kind == "card":
        checks.append(("payment authorised", "Card accepted", "Card not accepted"))
    going = order.status == "placed"
    for step, name, failed in checks:
        if step in told:
            yield Step(name, "done", told[step])
        elif order.status in ("rejected", "cancelled"):
            yield Step(failed, "failed") if order.status == "rejected" else Step(name, "to come")
            return
        else:
            yield Step(name, "now" if going else "to come")
            going = False
    if order.status in ("rejected", "cancelled"):
        return
    reached = NEXT[order.status]
    for number, name in enumerate(("Confirmed", "On its way", "Delivered"), 2):
        yield Step(name, "done" if number <= reached else "to come", told.get("confirmed", "") if number == 2 else "")
