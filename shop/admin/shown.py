"""How the desk shows what things are worth, how they stand, and where more is said of them."""

from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.apps import apps
from django.contrib import admin
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from eventstore.sealing import ERASED
from shop.values import plain


class Looking(NamedTuple):
    """Who looks at a page, as of which day, and at which rows; and the numbers of their orders."""

    user: Any = None  # nobody in particular
    day: date | None = None  # as it is
    rows: Iterable[Any] = ()
    orders: dict[UUID, str] | None = None


looking: ContextVar[Looking] = ContextVar("looking", default=Looking())  # noqa: B039  # a tuple


def day() -> date:
    """The day by which a page reckons who is premium, and whose birthday is soon."""
    return looking.get().day or datetime.now(UTC).date()


NOTHING = mark_safe('<span class="log-quiet">–</span>')

TONES = {
    "good": "confirmed delivered completed captured authorised sent published premium shown settled received active",
    "busy": "placed shipped packed planned requested running waiting dispatched open reserved accepted charged",
    "warn": "unknown undoing low lost withdrawn refunded parked paused",
    "bad": "rejected cancelled declined refused blocked failed",
}
TONE = {status: tone for tone, statuses in TONES.items() for status in statuses.split()}


def badge(status: str, tone: str = "") -> SafeString:
    """A status as a small sign, in the colour of how good it is."""
    if not status:
        return NOTHING
    return format_html('<span class="desk-badge desk-{}">{}</span>', tone or TONE.get(status, "plain"), status)


def money(amount: Decimal | None, currency: str) -> SafeString:
    if amount is None:
        return NOTHING
    whole, _, cents = plain(amount).partition(".")
    text = f"{int(whole):,}.{cents}" if whole not in ("-0", "0") else plain(amount)
    return format_html('<span class="desk-money">{} <small>{}</small></span>', text, currency)


def when(instant: datetime | None) -> SafeString:
    if instant is None:
        return NOTHING
    return format_html('<time datetime="{}">{}</time>', instant.isoformat(), f"{instant:%d %b %Y, %H:%M}")


def address(facts: Mapping[str, Any] | None) -> SafeString:
    """As it stands on a parcel."""
    if not facts:
        return NOTHING
    if facts.get("street") == ERASED:
        return format_html('<span class="log-erased">{}</span>', ERASED)
    place = f"{facts.get('postcode', '')} {facts.get('city', '')}, {facts.get('country', '')}"
    lines = [facts.get("recipient", ""), facts.get("street", ""), place.strip(" ,")]
    return format_html_join(mark_safe("<br>"), "{}", ((line,) for line in lines if line))


def page_of(model: Any, pk: Any) -> str:
    """Where the desk shows an object; empty: nowhere."""
    if pk is None:
        return ""
    try:
        return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[pk])
    except NoReverseMatch:
        return ""


def link(model: Any, pk: Any, text: Any = "") -> SafeString:
    """To another object's page."""
    if pk is None:
        return NOTHING
    text = text or f"…{str(pk)[-8:]}"
    where = page_of(model, pk)
    return format_html('<a href="{}" title="{}">{}</a>', where, pk, text) if where else format_html("{}", text)


def short(pk: Any) -> SafeString:
    """The end of an id: the beginning is a time."""
    return NOTHING if pk is None else format_html('<span class="desk-id" title="{}">…{}</span>', pk, str(pk)[-8:])


def status_of(field: str, **options: Any) -> Callable[..., SafeString]:
    """A column of badges."""

    @admin.display(description=options.get("description", field.replace("_", " ")), ordering=options.get("ordering"))
    def shown(self: Any, row: Any) -> SafeString:
        return badge(getattr(row, field))

    return shown


def money_of(field: str, description: str = "", ordering: str | None = None) -> Callable[..., SafeString]:
    """A column of amounts in the row's currency."""

    @admin.display(description=description or field, ordering=ordering)
    def shown(self: Any, row: Any) -> SafeString:
        return money(getattr(row, field), row.currency)

    return shown


def linked(app: str, model: str, pk: Any, text: str = "") -> SafeString | str:
    """As ``link``, to what another context keeps; for who may not look at that, only what it is called."""
    if pk is None:
        return text or NOTHING
    text = text or f"…{str(pk)[-8:]}"
    user = looking.get().user
    if user is not None and not user.has_perm(f"{app}.view_{model}"):
        return text
    try:
        where = reverse(f"admin:{app}_{model}_change", args=[pk])
    except NoReverseMatch:
        return text
    return format_html('<a href="{}" title="{}">{}</a>', where, pk, text)


def order(order_id: UUID | None) -> SafeString | str:
    """To an order, by its number: of all rows of a list, they are asked for at once."""
    if order_id is None:
        return NOTHING
    found = looking.get().orders
    if found is None:
        found = {}
    if order_id not in found:
        wanted = {order_id, *(row.order_id for row in looking.get().rows)} - {None}
        orders = apps.get_model("ordering", "OrderSummary").objects.filter(pk__in=wanted)
        found |= dict.fromkeys(wanted, "") | {
            pk: str(number or "") for pk, number in orders.values_list("pk", "number")
        }
    return linked("ordering", "ordersummary", order_id, found[order_id])
