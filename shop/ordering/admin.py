from typing import Any

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from shop.admin import Ask, Panel, ReadOnlyAdmin, one_of, shown
from shop.forms import Form, Text, Whole
from shop.ordering.api import STATUSES, CancelOrder, ChangeAddress, NoteOrder
from shop.ordering.checkout.api import STATUSES as CHECKOUTS
from shop.ordering.checkout.models import CheckoutSummary
from shop.ordering.commands import cancel_order, change_order_address, complete_order, edit_lines, note_order
from shop.ordering.models import OrderLine, OrderSummary, TimelineEntry

UNSHIPPED = ("placed", "confirmed")
KINDS = ("card", "account", "none")


class Fewer(Form):
    line = Whole(min_value=1)
    quantity = Whole(min_value=0, max_value=1_000_000, help_text="From now on; 0: none.")
    reason = Text(max_length=500)


def lines_of(order: OrderSummary) -> dict[str, Any]:
    lines = OrderLine.objects.filter(order_id=order.id).order_by("number")
    return {"line": [(line.number, f"{line.number}. {line.quantity} × {line.name}") for line in lines]}


LINES = Panel(
    "Lines",
    OrderLine,
    lambda order: {"order_id": order.id},
    {
        "": lambda line: line.number,
        "SKU": lambda line: line.sku,
        "Name, as it was bought": lambda line: line.name,
        "Price": lambda line: shown.money(line.unit_price, line.currency),
        "Quantity": lambda line: line.quantity,
        "Total": lambda line: shown.money(line.amount, line.currency),
    },
    order=("number",),
    numbers=("Price", "Quantity", "Total"),
    most=100,
    takes="ordering.view_ordersummary",
    beside=False,
)
TIMELINE = Panel(
    "Timeline",
    TimelineEntry,
    lambda order: {"order_id": order.id},
    {
        "When": lambda entry: shown.when(entry.at),
        "Of": lambda entry: entry.of,
        "What": lambda entry: format_html("<b>{}</b>", entry.what),
        "": lambda entry: entry.detail,
    },
    order=("-id",),
    most=30,
    takes="ordering.view_ordersummary",
    beside=False,
)
CHECKOUT = Panel(
    "Checkout",
    CheckoutSummary,
    lambda order: {"pk": order.checkout_id} if order.checkout_id else None,
    {
        "Begun": lambda checkout: shown.link(CheckoutSummary, checkout.pk, shown.when(checkout.started_at)),
        "Status": lambda checkout: shown.badge(checkout.status),
        "Quote": lambda checkout: checkout.quote["number"] if checkout.quote else "–",
    },
)


@admin.register(OrderSummary)
class OrderAdmin(ReadOnlyAdmin):
    list_display = ("order", "customer", "stands", "items", "total", "paid", "placed_at")
    list_filter = (one_of("status", STATUSES), one_of("payment", KINDS))
    sortable_by = ("order", "customer", "total", "placed_at")
    search_fields = ("reference", "customer_name")
    search_numbers = ("number",)
    search_ids = ("pk", "customer_id")
    search_help_text = "Number, reference, name, or an id"
    ordering = ("-placed_at", "-id")
    badge = "status"
    told_to = "orders.history"
    also = ("OrderTimelines",)
    panels = (LINES, TIMELINE, CHECKOUT)
    fieldsets = (
        ("Order", {"fields": ("number", "reference", "placed_at", "customer", "paid", "cancel_reason")}),
        ("Money", {"fields": ("total", "off", "parcel", "taxed")}),
        ("Where it goes", {"fields": ("goes_to",), "classes": ("wide",)}),
        ("Notes", {"fields": ("noted",), "classes": ("wide",)}),
    )
    readonly_fields = ("customer", "total", "off", "parcel", "taxed", "paid", "goes_to", "noted")
    asks = (
        Ask(
            "orders.cancel",
            "Cancel",
            cancel_order,
            CancelOrder,
            means="Its stock is released, its parcel stopped, and what was authorised or captured is given back.",
            fits=lambda order: order.status in UNSHIPPED,
            danger=True,
            several=True,
            first=True,
        ),
        Ask(
            "orders.address",
            "Change the address",
            change_order_address,
            ChangeAddress,
            means="For this order alone: the customer's own addresses stay as they are.",
            fits=lambda order: order.status in UNSHIPPED,
            begins=lambda order: {"address": order.ship_to or {}},
            first=True,
        ),
        Ask("orders.notes", "Note", note_order, NoteOrder, name="note", first=True),
        Ask(
            "orders.lines",
            "Fewer of a line",
            lambda order_id, *, line, quantity, reason: edit_lines(
                order_id, quantities={line: quantity}, reason=reason
            ),
            Fewer,
            means="Stock, credit, money and the parcel follow in the same commit.",
            fits=lambda order: order.status == "confirmed",
            choices=lines_of,
        ),
        Ask(
            "orders.complete",
            "Complete",
            complete_order,
            means="It was delivered, and nothing more is to be done for it.",
            fits=lambda order: order.status == "delivered",
            several=True,
        ),
    )

    stands = shown.status_of("status")
    total = shown.money_of("amount", "total", "amount")
    off = shown.money_of("discount")
    taxed = shown.money_of("tax")

    @admin.display(ordering="number")
    def order(self, order: OrderSummary) -> str:
        return order.called

    @admin.display(ordering="customer_name")
    def customer(self, order: OrderSummary) -> SafeString | str:
        return shown.linked("customers", "customersummary", order.customer_id, order.customer_name or "guest")

    @admin.display(description="payment")
    def paid(self, order: OrderSummary) -> str:
        return f"card …{order.last_four}" if order.last_four else order.payment or "–"

    @admin.display(description="parcel costs")
    def parcel(self, order: OrderSummary) -> SafeString:
        return shown.money(order.shipping, order.currency)

    @admin.display(description="ship to")
    def goes_to(self, order: OrderSummary) -> SafeString:
        return shown.address(order.ship_to)

    @admin.display(description="notes")
    def noted(self, order: OrderSummary) -> SafeString | str:
        return format_html_join("", "<p>{}</p>", ((note,) for note in order.notes)) or "None."


@admin.register(CheckoutSummary)
class CheckoutAdmin(ReadOnlyAdmin):
    list_display = ("checkout", "stands", "pieces", "quoted", "payment", "started_at")
    list_filter = (one_of("status", CHECKOUTS),)
    sortable_by = ("started_at",)
    search_ids = ("pk", "customer_id")
    search_fields = ()
    ordering = ("-started_at", "-id")
    badge = "status"
    told_to = "checkouts.history"
    fieldsets = (
        ("Checkout", {"fields": ("started_at", "buyer", "became", "payment", "reason", "address_seen_at")}),
        ("Basket", {"fields": ("basket",), "classes": ("wide",)}),
        ("The last quote", {"fields": ("quoted", "expires", "lines", "goes_to"), "classes": ("wide",)}),
    )
    readonly_fields = ("buyer", "became", "basket", "quoted", "expires", "lines", "goes_to")

    stands = shown.status_of("status")

    @admin.display
    def checkout(self, checkout: CheckoutSummary) -> SafeString:
        return shown.short(checkout.id)

    @admin.display(description="customer")
    def buyer(self, checkout: CheckoutSummary) -> SafeString | str:
        return shown.linked(
            "customers", "customersummary", checkout.customer_id, "" if checkout.customer_id else "guest"
        )

    @admin.display(description="order")
    def became(self, checkout: CheckoutSummary) -> SafeString:
        return shown.link(OrderSummary, checkout.order_id)

    @admin.display(description="items")
    def pieces(self, checkout: CheckoutSummary) -> int:
        return sum(checkout.items.values())

    @admin.display
    def basket(self, checkout: CheckoutSummary) -> SafeString | str:
        return format_html_join("", "<div>{} × {}</div>", ((n, sku) for sku, n in checkout.items.items())) or "Empty."

    @admin.display(description="total")
    def quoted(self, checkout: CheckoutSummary) -> str:
        total = (checkout.quote or {}).get("total")
        return f"{total['amount']} {total['currency']}" if total else "–"

    @admin.display(description="holds until")
    def expires(self, checkout: CheckoutSummary) -> str:
        return (checkout.quote or {}).get("expires", "–")[:19].replace("T", " ")

    @admin.display
    def lines(self, checkout: CheckoutSummary) -> SafeString | str:
        lines = (checkout.quote or {}).get("lines", ())
        told = ((each["quantity"], each["name"], each["sku"], each["unit_price"]["amount"]) for each in lines)
        return format_html_join("", "<div>{} × {} ({}) at {}</div>", told) or "None."

    @admin.display(description="ship to")
    def goes_to(self, checkout: CheckoutSummary) -> SafeString:
        return shown.address(checkout.ship_to)
