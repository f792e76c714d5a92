from typing import Any
from uuid import UUID

from django.contrib import admin
from django.utils.safestring import SafeString

from shop.admin import Ask, Panel, ReadOnlyAdmin, one_of, shown, yes_or_no
from shop.inventory.api import CountStock, ReceiveStock, SetStockPolicy
from shop.inventory.commands import count_stock, receive_stock, set_stock_policy
from shop.inventory.models import Reservation, StockLevel, StockMovement

STATUSES = ("reserved", "released", "shipped")

LEDGER = Panel(
    "Ledger",
    StockMovement,
    lambda level: {"stock_id": level.id},
    {
        "When": lambda line: shown.when(line.at),
        "What": lambda line: line.kind,
        "Change": lambda line: f"{line.change:+,}" if line.change else "",
        "Reserved": lambda line: f"{line.claim:+,}" if line.claim else "",
        "On hand": lambda line: f"{line.on_hand:,}",
        "Available": lambda line: f"{line.available:,}",
        "": lambda line: line.note or shown.linked("ordering", "ordersummary", line.order_id),
    },
    order=("-number",),
    numbers=("Change", "Reserved", "On hand", "Available"),
    takes="inventory.view_stocklevel",
    most=50,
    beside=False,
)
CLAIMS = Panel(
    "Reserved for",
    Reservation,
    lambda level: {"stock_id": level.id, "status": "reserved"},
    {
        "Order": lambda claim: shown.linked("ordering", "ordersummary", claim.order_id),
        "Quantity": lambda claim: f"{claim.quantity:,}",
        "Since": lambda claim: shown.when(claim.reserved_at),
    },
    order=("reserved_at",),
    numbers=("Quantity",),
    more="stock_id",
)


def by_sku(level: StockLevel) -> tuple[str]:
    return (level.sku,)


@admin.register(StockLevel)
class StockAdmin(ReadOnlyAdmin):
    list_display = ("sku", "on_hand", "reserved", "available", "is_low", "low_at", "back_orders")
    list_filter = (yes_or_no("low"), yes_or_no("back_orders"))
    sortable_by = ("sku", "on_hand", "available")
    search_fields = ("sku",)
    search_help_text = "SKU"
    ordering = ("sku",)
    told_to = "stock.history"
    panels = (LEDGER, CLAIMS)
    fieldsets = (
        ("Stock", {"fields": ("on_hand", "reserved", "available", "is_low")}),
        ("Policy", {"fields": ("low_at", "back_orders", "opened_at")}),
    )
    readonly_fields = ("is_low",)
    asks = (
        Ask(
            "stock.receive",
            "Receive",
            receive_stock,
            ReceiveStock,
            arguments=by_sku,
            version=lambda level: None,  # a delivery is one, whatever was sold meanwhile
            first=True,
        ),
        Ask(
            "stock.count",
            "Count",
            count_stock,
            CountStock,
            means="What is on the shelf, reserved or not. Somebody moved stock since you looked? Then count again.",
            arguments=by_sku,
            begins=lambda level: {"counted": level.on_hand},
            first=True,
        ),
        Ask(
            "stock.policy",
            "Set the policy",
            set_stock_policy,
            SetStockPolicy,
            arguments=by_sku,
            version=lambda level: None,
            begins=lambda level: {"back_orders": level.back_orders, "low_at": level.low_at},
        ),
    )

    @admin.display(description="low")
    def is_low(self, level: StockLevel) -> SafeString:
        return shown.badge("low") if level.low else shown.badge("enough", "good")


@admin.register(Reservation)
class ReservationAdmin(ReadOnlyAdmin):
    list_display = ("sku", "quantity", "order", "stands", "taken_back", "reserved_at")
    list_filter = (one_of("status", STATUSES),)
    sortable_by = ("reserved_at",)
    search_fields = ("sku",)
    search_ids = ("pk", "order_id", "stock_id")
    search_help_text = "SKU, or an order's id"
    ordering = ("-reserved_at", "-id")
    badge = "status"
    told_to = "stock.history"
    fields = ("stock", "order", "quantity", "taken_back", "reserved_at")
    readonly_fields = ("stock", "order")

    stands = shown.status_of("status")

    def stream_of(self, row: Any) -> UUID:
        return row.stock_id  # type: ignore[no-any-return]

    @admin.display
    def order(self, claim: Reservation) -> SafeString | str:
        return shown.order(claim.order_id)

    @admin.display
    def stock(self, claim: Reservation) -> SafeString:
        return shown.link(StockLevel, claim.stock_id, claim.sku)
