"""The log on the desk: whose lives a role may travel through, and the mails that came of events."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from django.http import HttpRequest
from django.urls import reverse

from eventstore.browser.consequences import Thing
from eventstore.browser.site import EventBrowser
from eventstore.browser.told import Told
from shop.notifications.models import OutgoingMail
from shop.roles import may


class Kind(NamedTuple):
    """Of streams: what lets somebody see its past, and the page that shows it as it is now."""

    action: str
    page: str = ""


KINDS = {
    "Customer": Kind("customers.history", "customers_customersummary"),
    "CreditAccount": Kind("customers.statement"),
    "Product": Kind("products.history", "catalog_productsummary"),
    "StockItem": Kind("stock.history", "inventory_stocklevel"),
    "Checkout": Kind("checkouts.history"),
    "Order": Kind("orders.history", "ordering_ordersummary"),
    "PlaceOrder": Kind("processes.history", "fulfilment_orderprocess"),
    "Payment": Kind("payments.history", "payments_paymentsummary"),
    "Shipment": Kind("shipments.history", "shipping_shipmentsummary"),
    "Card": Kind("cards.history", "vault_cardsummary"),
}


class ShopLog(EventBrowser):
    """All of it for whoever may see events; for others the lives of what is theirs, as over HTTP."""

    def sees(self, request: HttpRequest, kind: str) -> bool:
        return super().sees(request, kind) or (kind in KINDS and may(request.user, KINDS[kind].action))

    def things(self, request: HttpRequest, told: Sequence[Told]) -> dict[UUID, list[Thing]]:
        if not may(request.user, "mails.list"):
            return {}
        return mails_of((each.entry.stream_id, each.entry.version, each.entry.event_id) for each in told)

    def object_page(self, request: HttpRequest, kind: str, stream_id: UUID) -> str:
        known = KINDS.get(kind)
        if not known or not known.page or not request.user.has_perm(_view(known.page)):
            return ""
        return reverse(f"admin:{known.page}_change", args=[stream_id], current_app=self.admin_site.name)


def _view(page: str) -> str:
    app, model = page.split("_")
    return f"{app}.view_{model}"


def mails_of(events: Iterable[tuple[UUID, int, Any]]) -> dict[Any, list[Thing]]:
    """The mail that was written for each event, as a link, by its third part: a mail's id is made of the event."""
    wanted = {uuid5(stream_id, f"mail:{version}"): key for stream_id, version, key in events}
    found = OutgoingMail.objects.filter(pk__in=wanted).values_list("pk", "subject", "status")
    return {
        wanted[pk]: [Thing(f"Mail, {status}: {subject}", reverse("admin:notifications_outgoingmail_change", args=[pk]))]
        for pk, subject, status in found
    }
