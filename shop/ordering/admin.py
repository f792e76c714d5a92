from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from shop.admin import ReadOnlyAdmin, events_of, pretty
from shop.ordering.models import OrderLine, OrderSummary
from shop.values import plain


@admin.register(OrderSummary)
class OrderAdmin(ReadOnlyAdmin):
    list_display = ("reference_or_id", "customer_name", "status", "items", "total", "placed_at", "version", "events")
    list_filter = ("status", "currency")
    search_fields = ("reference", "customer_name")
    date_hierarchy = "placed_at"
    ordering = ("-placed_at", "-id")
    fields = (
        *("id", "reference", "customer_name", "customer_id", "status", "cancel_reason", "lines", "total"),
        *("goes_to", "placed_at", "version", "events"),
    )
    readonly_fields = ("lines", "total", "goes_to", "events")

    @admin.display(description="order", ordering="reference")
    def reference_or_id(self, order: OrderSummary) -> str:
        return str(order)

    @admin.display(ordering="amount")
    def total(self, order: OrderSummary) -> str:
        return f"{order.amount} {order.currency}"

    @admin.display
    def lines(self, order: OrderSummary) -> SafeString:
        found = OrderLine.objects.filter(order_id=order.id).order_by("number")
        told = ((o.quantity, o.name, o.sku, plain(o.unit_price), o.amount, o.currency) for o in found)
        return format_html_join("", "<div>{} × {} ({}) at {}: {} {}</div>", told)

    @admin.display(description="ship to")
    def goes_to(self, order: OrderSummary) -> SafeString:
        return pretty(order.ship_to)

    @admin.display(description="history")
    def events(self, order: OrderSummary) -> SafeString:
        return events_of(order.id)
