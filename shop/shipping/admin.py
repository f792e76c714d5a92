from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from shop.admin import ReadOnlyAdmin, events_of, pretty
from shop.shipping.models import ShipmentSummary


@admin.register(ShipmentSummary)
class ShipmentAdmin(ReadOnlyAdmin):
    list_display = ("id", "order_id", "status", "pieces", "question", "planned_at", "changed_at", "version", "events")
    list_filter = ("status", "question")
    search_fields = ("tracking", "carrier")
    date_hierarchy = "planned_at"
    ordering = ("-planned_at", "-id")
    fields = (
        *("id", "order_id", "customer_id", "status", "reason", "packing_list", "goes_to", "overridden"),
        *("question", "home", "asked_since", "carrier", "tracking", "planned_at", "changed_at"),
        *("version", "events"),
    )
    readonly_fields = ("packing_list", "goes_to", "home", "events")

    @admin.display(description="lines")
    def packing_list(self, shipment: ShipmentSummary) -> SafeString:
        told = ((line["quantity"], line["name"], line["sku"]) for line in shipment.lines)
        return format_html_join("", "<div>{} × {} ({})</div>", told)

    @admin.display(description="ship to")
    def goes_to(self, shipment: ShipmentSummary) -> SafeString:
        return pretty(shipment.ship_to)

    @admin.display(description="customer's address now")
    def home(self, shipment: ShipmentSummary) -> SafeString:
        return pretty(shipment.lives_at)

    @admin.display(description="history")
    def events(self, shipment: ShipmentSummary) -> SafeString:
        return events_of(shipment.id)
