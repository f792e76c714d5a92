"""Minimal copies against the full history: what other contexts know of a customer, beside all that customers knows."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from eventstore.browser import life, moments
from eventstore.browser.machine import surroundings
from eventstore.browser.moments import Shown
from eventstore.models import Event
from projections.projection import known
from projections.status import Status, statuses
from shop.billing.models import Contact
from shop.customers.models import CustomerSummary
from shop.notifications.models import CustomerCopy as Recipient
from shop.ordering.copies import CustomerCopy
from shop.roles import may
from shop.shipping.models import CustomerCopy as Resident
from shop.values import Address

FEW = 12  # customers to choose from
LONG = 100  # events that are shown


class Copy(NamedTuple):
    """The one row that a context has, and how far the projection that keeps it has come."""

    context: str
    why: str
    fields: list[tuple[str, Any]]
    position: int | None  # of the customer's event that it is of; None: there is no row
    version: int
    status: Status
    seen_at: datetime | None = None


def page(request: HttpRequest, customer_id: UUID) -> HttpResponse:
    """The copies of one customer on the left, with their positions; the whole history on the right."""
    if not may(request.user, "customers.history"):
        raise PermissionDenied
    _, last = life.version_at(customer_id, None)
    if not last:
        raise Http404(f"There is no customer {customer_id}.")
    browser = admin.site.get_model_admin(Event)
    versions = range(max(1, last - LONG + 1), last + 1)
    span = moments.span(customer_id, versions, admin.site.name, surroundings(browser, request))
    state = span.moments[-1].step.state
    copies = copies_of(customer_id)
    context = {
        **admin.site.each_context(request),
        "title": "Copies and the full history",
        "customer_id": customer_id,
        "name": moments.called(state),
        "copies": copies,
        "moments": [(shown, unheard(shown, copies)) for shown in span.moments[::-1]],
        "last": last,
    }
    return render(request, "desk/copies.html", context)


def unheard(shown: Shown, copies: list[Copy]) -> list[str]:
    """The contexts that wait for that event."""
    entry = shown.told.entry
    return [
        copy.context
        for copy in copies
        if entry.position > copy.status.position and entry.name in known()[copy.status.name].handlers
    ]


def copies_of(customer_id: UUID) -> list[Copy]:
    names = ("OrderingCustomers", "ShippingCustomers", "Contacts", "MailCopies")
    stand = {each.name: each for each in statuses(known()[name] for name in names)}
    ordering = CustomerCopy.objects.filter(pk=customer_id).first()
    resident = Resident.objects.filter(pk=customer_id).first()
    contact = Contact.objects.filter(pk=customer_id).first()
    recipient = Recipient.objects.filter(pk=customer_id).first()
    rows = (
        ("ordering", "so that orders are taken while customers is down", ordering, "OrderingCustomers"),
        ("shipping", "so that an address can be questioned before a parcel leaves", resident, "ShippingCustomers"),
        ("billing", "so that it is known whom to write to about money", contact, "Contacts"),
        ("notifications", "so that mails find their reader", recipient, "MailCopies"),
    )
    return [
        Copy(
            context,
            why,
            list(_fields(row)) if row else [],
            row.position if row else None,
            row.version if row else 0,
            stand[keeper],
            getattr(row, "seen_at", None),
        )
        for context, why, row, keeper in rows
    ]


def _fields(row: Any) -> Any:
    for name in ("name", "email"):
        if hasattr(row, name):
            yield name.capitalize(), getattr(row, name)
    found = getattr(row, "ship_to", None) or getattr(row, "address", None)
    if hasattr(row, "default_address"):
        yield "Default address", str(Address(**found)) if found else ""
    if hasattr(row, "blocked"):
        yield "Blocked", "yes" if row.blocked else "no"


def choose(request: HttpRequest) -> HttpResponse:
    """Whose copies: found by name or e-mail; one that is found alone is shown at once."""
    if not may(request.user, "customers.history"):
        raise PermissionDenied
    wanted = request.GET.get("q", "").strip()[:200]
    found = CustomerSummary.objects.order_by("-registered_at", "-id")
    if wanted:
        found = found.filter(Q(name__istartswith=wanted) | Q(email__istartswith=wanted))
    some = list(found[:FEW])
    if wanted and len(some) == 1:
        return redirect("customer-copies", some[0].pk)
    context = {**admin.site.each_context(request), "title": "Copies and the full history", "found": some, "q": wanted}
    return render(request, "desk/copies_of.html", context)
