"""The log on the desk: whose lives a role may travel through, and the mails that came of events."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse

from eventstore.browser.consequences import Thing
from eventstore.browser.site import EventBrowser
from eventstore.browser.told import Told
from shop.notifications.models import OutgoingMail
from shop.notifications.policies import telling_of
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
        found = telling_of(each.entry.event_id for each in told)
        return {event_id: [thing(mail) for mail in mails] for event_id, mails in found.items()}

    def object_page(self, request: HttpRequest, kind: str, stream_id: UUID) -> str:
        known = KINDS.get(kind)
        if not known or not known.page or not request.user.has_perm(_view(known.page)):
            return ""
        return reverse(f"admin:{known.page}_change", args=[stream_id], current_app=self.admin_site.name)


def _view(page: str) -> str:
    app, model = page.split("_")
    return f"{app}.view_{model}"


def thing(mail: OutgoingMail) -> Thing:
    page = reverse("admin:notifications_outgoingmail_change", args=[mail.pk])
    return Thing(f"Mail, {mail.status}: {mail.subject}", page)
