"""The desk's first page: what sold, what came in, what waits for somebody. What a role may not see is not asked for."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse

from eventstore.browser.told import Told, entries, tell
from eventstore.models import Event
from projections.admin import live
from projections.doors import events as counted
from projections.projection import known
from projections.status import Status, alerts, statuses
from shop.billing.models import TakingsOfDay
from shop.desk.charts import Chart, bars
from shop.fulfilment.going import UNDER_WAY, late
from shop.fulfilment.models import OrderProcess
from shop.inventory.models import StockLevel
from shop.notifications.models import OutgoingMail
from shop.payments.models import PaymentSummary
from shop.reporting.models import NOTHING, SalesOf
from shop.roles import may
from shop.shipping.models import LATELY, ShipmentSummary, lost_lately

DAYS = 30
ROUND = 1_000  # money from which on nobody looks at the cents, and three sums stand side by side
LATEST = 8  # events
FEW = 4  # alerts


class Span(NamedTuple):
    """A figure of the last so many days, and by how much it is more or less than that of as many days before."""

    title: str
    value: str
    change: int | None  # in percent; None: there was nothing to compare with


class Figure(NamedTuple):
    title: str
    spans: list[Span]
    chart: Chart
    url: str


class Tile(NamedTuple):
    """Something that is counted, and the list of it. ``bad``: somebody should look."""

    title: str
    count: int
    told: str
    url: str
    bad: bool


def told(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's hook: what the first page shows to whoever looks."""
    user = request.user
    found = statuses(known().values()) if may(user, "ProjectionList") else []
    wrong = alerts(found)
    opens = user.has_perm("projections.view_checkpoint")
    pages = dict(live().values_list("projection", "pk")) if found and opens else {}
    context |= {
        "title": "Desk",
        "figures": [each for action, figures in FIGURES.items() if may(user, action) for each in figures()],
        "tiles": [tile() for action, tile in TILES if may(user, action)],
        "lags": [
            (each, page_of(pages.get(each.name)))
            for each in sorted(found, key=lambda each: (-each.behind_events, each.name))
        ],
        "alerts": [(each.text, page_of(pages.get(each.projection))) for each in wrong[:FEW]],
        "more_alerts": len(wrong[FEW:]),
        "summary": summary(found),
        "looks_at_projections": bool(found),
        "opens_projections": opens,
        "latest": latest() if user.has_perm("eventstore.view_event") else [],
    }
    return context


def page_of(checkpoint: str | None) -> str:
    return reverse("admin:projections_checkpoint_change", args=[checkpoint]) if checkpoint else ""


def summary(found: list[Status]) -> str:
    """One line on all projections."""
    behind = [each for each in found if each.behind_events]
    if not behind:
        return f"All {len(found)} are up to date."
    worst = max(behind, key=lambda each: each.behind_events)
    return f"{len(behind)} of {len(found)} behind, {worst.name} most: {counted(worst.behind_events)}."


def days(today: date, count: int) -> list[date]:
    return [today - timedelta(days=back) for back in reversed(range(count))]


def orders() -> list[Figure]:
    """What was ordered on each day: how often, and for how much without what was cancelled or rejected."""
    today = datetime.now(UTC).date()
    wanted, currency = days(today, 2 * DAYS), settings.SHOP_CURRENCY
    found = dict(SalesOf.objects.filter(by="day", begins__gte=wanted[0]).values_list("begins", "totals"))
    placed = [sum(of["orders"] for of in found.get(day, {}).values()) for day in wanted]
    own = [found.get(day, {}).get(currency, NOTHING) for day in wanted]
    net = [Decimal(of["gross"]) - Decimal(of["back"]) for of in own]
    drawn = (
        bars(wanted[DAYS:], placed[DAYS:], "Orders placed"),
        bars(wanted[DAYS:], net[DAYS:], "Sales", currency),
    )
    page = reverse("admin:reporting_salesof_changelist")
    return [
        Figure("Orders", list(spans(placed)), drawn[0], page),
        Figure("Sales", list(spans(net, currency)), drawn[1], page),
    ]


def takings() -> list[Figure]:
    """What came in, less what was paid back, in the shop's own currency."""
    today = datetime.now(UTC).date()
    wanted, currency = days(today, 2 * DAYS), settings.SHOP_CURRENCY
    found = TakingsOfDay.objects.filter(currency=currency, day__gte=wanted[0]).values_list(
        "day", "captured", "refunded"
    )
    net = {day: captured - refunded for day, captured, refunded in found}
    values = [net.get(day, Decimal(0)) for day in wanted]
    chart = bars(wanted[DAYS:], values[DAYS:], "Takings", currency)
    page = reverse("admin:billing_takingsofday_changelist")
    return [Figure("Takings", list(spans(values, currency)), chart, page)]


def spans(values: list[Any], unit: str = "") -> Iterator[Span]:
    """Today, 7 and 30 days; ``values`` are of twice as many days, the last one of today."""
    for title, length in (("today", 1), ("7 days", 7), ("30 days", DAYS)):
        now, before = sum(values[-length:]), sum(values[-2 * length : -length])
        change = None if length == 1 or before <= 0 else round(100 * (now - before) / before)
        cents = 2 if abs(now) < ROUND else 0
        yield Span(title, f"{now:,.{cents}f} {unit}" if unit else f"{now:,}", change)


def processes() -> Tile:
    found = OrderProcess.objects.filter(UNDER_WAY).aggregate(running=Count("id"), stuck=Count("id", filter=late()))
    url = reverse("admin:fulfilment_orderprocess_changelist") + "?how=stuck"
    return Tile("Stuck processes", found["stuck"], f"{found['running']:,} under way", url, found["stuck"] > 0)


def mails() -> Tile:
    found = OutgoingMail.objects.filter(status="waiting").aggregate(
        waiting=Count("id"), tried=Count("id", filter=Q(tries__gt=0))
    )
    said = f"{found['tried']:,} were tried already" if found["tried"] else "none was refused yet"
    url = reverse("admin:notifications_outgoingmail_changelist") + "?status__exact=waiting"
    return Tile("Mails waiting", found["waiting"], said, url, found["tried"] > 0)


def questions() -> Tile:
    count = ShipmentSummary.objects.filter(question="open").count()
    url = reverse("admin:shipping_shipmentsummary_changelist") + "?question=open"
    return Tile("Address questions", count, "dispatch waits for an answer", url, count > 0)


def lost() -> Tile:
    count = ShipmentSummary.objects.filter(lost_lately()).count()
    url = reverse("admin:shipping_shipmentsummary_changelist") + "?look=lost"
    return Tile("Lost parcels", count, f"in {LATELY} days: pay back, or send anew", url, count > 0)


def low() -> Tile:
    count = StockLevel.objects.filter(low=True).count()
    gone = StockLevel.objects.filter(low=True, available__lte=0).count()
    url = reverse("admin:inventory_stocklevel_changelist") + "?low__exact=1"
    return Tile("Low stock", count, f"{gone:,} with nothing left", url, gone > 0)


def unknown() -> Tile:
    count = PaymentSummary.objects.filter(status="unknown").count()
    url = reverse("admin:payments_paymentsummary_changelist") + "?look=reconcile"
    return Tile("Payments to reconcile", count, "nobody knows yet what became of them", url, count > 0)


FIGURES: dict[str, Callable[[], list[Figure]]] = {"sales.list": orders, "takings.list": takings}
TILES: tuple[tuple[str, Callable[[], Tile]], ...] = (
    ("processes.list", processes),
    ("mails.list", mails),
    ("shipments.list", questions),
    ("shipments.list", lost),
    ("stock.list", low),
    ("payments.list", unknown),
)


def latest() -> list[Told]:
    """The last events of the log, the newest first."""
    return tell(entries(Event.objects.order_by("-position")[:LATEST]))
