"""An order on its way to being confirmed, drawn step by step: what was done, what refused, what was undone."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from eventstore.browser import life, moments
from eventstore.browser.machine import surroundings
from eventstore.browser.moments import Shown
from eventstore.models import Event
from projections.models import Parked
from shop.fulfilment.domain import STEPS
from shop.fulfilment.models import OrderProcess
from shop.payments.domain import payment_of
from shop.payments.models import GatewayCall
from shop.roles import may

TITLES = {"credit": "Credit", "stock": "Stock", "payment": "Payment", "confirm": "Confirm"}
DONE = {"CreditReserved": "credit", "StockReserved": "stock", "PaymentAuthorised": "payment", "Confirmed": "confirm"}
REFUSED = {
    "CreditRefused": "credit",
    "StockRefused": "stock",
    "PaymentDeclined": "payment",
    "ConfirmRefused": "confirm",
    "TimedOut": "payment",
}


class Box(NamedTuple):
    """A step of the diagram: done, waiting, refused, undone, due or skipped, and that in words."""

    title: str
    state: str
    at: datetime | None = None
    took: timedelta | None = None
    said: str = ""

    @property
    def seconds(self) -> str:
        if self.took is None:
            return ""
        seconds = self.took.total_seconds()
        return f"{seconds * 1000:,.0f} ms" if seconds < 1 else f"{seconds:,.1f} s"


class Moved(NamedTuple):
    """An event of the process, how long it took from the one before, and what it led to."""

    shown: Shown
    took: timedelta | None


def boxes(process: OrderProcess, moved: list[Moved]) -> list[Box]:
    """The diagram, from left to right."""
    at, took, refused = dict[str, datetime](), dict[str, timedelta | None](), ""
    for each in moved:
        entry = each.shown.told.entry
        name = each.shown.told.what
        if step := DONE.get(name) or REFUSED.get(name):
            at[step], took[step] = entry.recorded_at, each.took
        refused = REFUSED.get(name, refused)
    free = process.amount == 0
    skipped = {"credit": free or process.payment != "account", "payment": free or process.payment != "card"}
    over = process.status in ("undoing", "rejected")
    found = []
    for step in STEPS:
        state = "due"
        if step == refused:
            state = "refused"
        elif step in at:
            state = "undone" if over else "done"
        elif step == process.waits_for:
            state = "waiting"
        elif skipped.get(step) or over:
            state = "skipped"
        said = state if state != "skipped" else "not needed" if skipped.get(step) else "not reached"
        found.append(Box(TITLES[step], state, at.get(step), took.get(step), said))
    return found


def page(request: HttpRequest, process_id: UUID) -> HttpResponse:
    """One process: the diagram, and each event with what it led to."""
    if not may(request.user, "processes.retrieve"):
        raise PermissionDenied
    process = get_object_or_404(OrderProcess, pk=process_id)
    moved = list(moves(request, process_id))
    steps = boxes(process, moved)
    streams = [process_id, process.order_id]
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "Placing an order",
        "process": process,
        "boxes": steps,
        "undone": any(step.state == "undone" for step in steps),
        "moved": moved,
        "lasted": process.ended_at - process.started_at if process.ended_at else None,
        "parked": Parked.objects.filter(stream_id__in=streams, skipped_at=None),
        "call": GatewayCall.objects.filter(pk=payment_of(process.order_id), tries__gt=1).first(),
        "order_page": reverse("admin:ordering_ordersummary_change", args=[process.order_id])
        if request.user.has_perm("ordering.view_ordersummary")
        else "",
        "may_browse": request.user.has_perm("eventstore.view_event"),
        "travels": may(request.user, "processes.history"),
    }
    return render(request, "desk/process.html", context)


def moves(request: HttpRequest, process_id: UUID) -> Iterator[Moved]:
    """Each event of the process, and how long after the one before it came."""
    _, last = life.version_at(process_id, None)
    if not last:
        return
    browser = admin.site.get_model_admin(Event)  # it knows who sees what
    before: datetime | None = None
    versions = range(1, min(last, moments.PAGE) + 1)
    for shown in moments.span(process_id, versions, admin.site.name, surroundings(browser, request)).moments:
        at = shown.told.entry.recorded_at
        yield Moved(shown, at - before if before else None)
        before = at
