from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from shop.admin import ReadOnlyAdmin, events_of
from shop.inventory.models import Reservation, StockLevel, StockMovement

SHOWN = 50  # lines of the ledger


@admin.register(StockLevel)
class StockAdmin(ReadOnlyAdmin):
    list_display = ("sku", "on_hand", "reserved", "available", "low", "low_at", "back_orders", "version", "events")
    list_filter = ("low", "back_orders")
    search_fields = ("sku",)
    ordering = ("sku",)
    fields = (
        *("id", "sku", "on_hand", "reserved", "available", "low", "low_at", "back_orders", "opened_at"),
        *("claims", "ledger", "version", "events"),
    )
    readonly_fields = ("claims", "ledger", "events")

    @admin.display(description="reserved for")
    def claims(self, level: StockLevel) -> SafeString:
        found = Reservation.objects.filter(stock_id=level.id, status="reserved").order_by("reserved_at")[:SHOWN]
        return format_html_join("", "<div>{} for order {}</div>", ((each.quantity, each.order_id) for each in found))

    @admin.display(description="last movements")
    def ledger(self, level: StockLevel) -> SafeString:
        found = StockMovement.objects.filter(stock_id=level.id).order_by("-number")[:SHOWN]
        told = ((m.at, m.kind, f"{m.change:+}", f"{m.claim:+}", m.on_hand, m.reserved, m.note) for m in found)
        return format_html_join("", "<div>{}: {}, {} on hand, {} reserved → {}, {}. {}</div>", told)

    @admin.display(description="history")
    def events(self, level: StockLevel) -> SafeString:
        return events_of(level.id)


@admin.register(Reservation)
class ReservationAdmin(ReadOnlyAdmin):
    list_display = ("sku", "quantity", "order_id", "status", "taken_back", "reserved_at")
    list_filter = ("status",)
    search_fields = ("sku",)
    date_hierarchy = "reserved_at"
    ordering = ("-reserved_at", "-id")

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        return super().history_view(request, get_object_or_404(Reservation, pk=object_id).stock_id)
