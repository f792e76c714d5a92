"""What stands in the sidebar: groups of pages, and of those only what who looks may see."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html

from shop.roles import may


class Entry(NamedTuple):
    """A page: the name of its address, and the permission, or the action of ``shop.roles``, that it takes."""

    title: str
    icon: str  # https://fonts.google.com/icons
    place: str
    takes: str
    query: str = ""


def table(title: str, icon: str, app: str, model: str, query: str = "") -> Entry:
    """The list of a model."""
    return Entry(title, icon, f"admin:{app}_{model}_changelist", f"{app}.view_{model}", query)


FEW = 2  # entries that a group shows always

GROUPS = {
    "Customers": (
        table("Customers", "group", "customers", "customersummary"),
        table("Billing contacts", "contact_mail", "billing", "contact"),
        table("Sign-ins", "key", "shop", "customeruser"),
    ),
    "Orders": (
        table("Orders", "shopping_bag", "ordering", "ordersummary"),
        table("Checkouts", "shopping_cart", "ordering", "checkoutsummary"),
        table("Processes", "account_tree", "fulfilment", "orderprocess"),
    ),
    "Catalogue": (
        table("Products", "local_cafe", "catalog", "productsummary"),
        Entry("Price grid", "grid_on", "price-grid", "products.price"),
        Entry("Import prices", "upload_file", "price-import", "repricings.create"),
        Entry("Price changes", "published_with_changes", "price-changes", "repricings.list"),
    ),
    "Stock": (
        table("Levels", "inventory_2", "inventory", "stocklevel"),
        table("Reservations", "bookmark", "inventory", "reservation"),
        Entry("Count sheet", "checklist", "count-sheet", "stock.count"),
    ),
    "Payments": (
        table("Payments", "credit_card", "payments", "paymentsummary"),
        table("To reconcile", "rule", "payments", "paymentsummary", "?look=reconcile"),
        table("Alarms", "notification_important", "payments", "paymentalarm"),
        table("Paid by order", "receipt_long", "billing", "orderpayment"),
        table("Takings", "savings", "billing", "takingsofday"),
        table("Takings by month", "calendar_month", "billing", "takingsofmonth"),
        table("Sales", "monitoring", "reporting", "salesof"),
        table("Cards", "lock", "vault", "cardsummary"),
    ),
    "Shipping": (
        table("Shipments", "local_shipping", "shipping", "shipmentsummary"),
        table("Pick list", "shelves", "shipping", "shipmentsummary", "?look=pick"),
        table("Address questions", "wrong_location", "shipping", "shipmentsummary", "?question=open"),
    ),
    "Mails": (table("Mails", "mail", "notifications", "outgoingmail"),),
    "Operations": (
        table("Projections", "sync_alt", "projections", "checkpoint"),
        table("Parked events", "report", "projections", "parked"),
        Entry("Exact or a copy", "balance", "consistency-page", "Consistency"),
        Entry("Copies", "file_copy", "customers-copies", "customers.history"),
    ),
    "Log": (
        table("Events", "history", "eventstore", "event"),
        Entry("Who did what", "person_search", "admin:who_did_what", "eventstore.view_event"),
    ),
    "Staff": (
        table("People", "badge", "auth", "user"),
        table("Roles", "shield_person", "auth", "group"),
    ),
}


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """As unfold wants it; a group with nothing for who looks is left out."""
    desk = {"title": "Desk", "icon": drawn("space_dashboard"), "link": reverse("admin:index"), "active": at_home}
    groups: list[dict[str, Any]] = [{"title": None, "items": [desk]}]
    for title, entries in GROUPS.items():
        if items := list(shown(request, entries)):
            groups.append({"title": title, "collapsible": len(items) > FEW, "items": items})
    return groups


def shown(request: HttpRequest, entries: tuple[Entry, ...]) -> Iterator[dict[str, Any]]:
    beneath = nearest(request, entries)
    for entry in entries:
        if not allowed(request.user, entry.takes):
            continue
        try:
            place = reverse(entry.place)
        except NoReverseMatch:
            continue
        here = request.path == place and all(
            request.GET.get(name) == value for name, _, value in [entry.query.lstrip("?").partition("=")] if name
        )
        above = not entry.query and request.path != place == beneath
        yield {
            "title": entry.title,
            "icon": drawn(entry.icon),
            "link": place + entry.query,
            "active": above or (here and (bool(entry.query) or not another(request, entry, entries))),
        }


def nearest(request: HttpRequest, entries: tuple[Entry, ...]) -> str:
    """Of these places, the one that is closest above what is looked at; empty: none is."""
    above = []
    for entry in entries:
        with suppress(NoReverseMatch):
            above.append(reverse(entry.place))
    return max((place for place in above if request.path.startswith(place)), key=len, default="")


def drawn(icon: str) -> str:
    """A letter of the font of icons, which nobody is to have read out."""
    return format_html('<span aria-hidden="true">{}</span>', icon)


def another(request: HttpRequest, entry: Entry, entries: tuple[Entry, ...]) -> bool:
    """Whether an entry with a query, of the same list, is the one that is looked at."""
    asked = {f"?{name}={value}" for name, value in request.GET.items()}
    return any(each.place == entry.place and each.query in asked for each in entries if each.query)


def allowed(user: Any, takes: str) -> bool:
    return may(user, takes) or bool(user.has_perm(takes))


def at_home(request: HttpRequest) -> bool:
    return request.path == reverse("admin:index")


def environment(request: HttpRequest) -> list[str] | None:
    """Which shop this is, so that nobody takes one for the other."""
    if settings.DEMO:
        return ["Demo", "info"]
    return [settings.ENVIRONMENT, "warning"] if settings.ENVIRONMENT else None
