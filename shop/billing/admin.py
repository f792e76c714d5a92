from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString

from shop.admin import ReadOnlyAdmin, shown
from shop.billing.models import Contact, OrderPayment, TakingsOfDay, TakingsOfMonth


@admin.register(Contact)
class ContactAdmin(ReadOnlyAdmin):
    list_display = ("name", "email", "version", "position")
    sortable_by = ("name",)
    search_fields = ("name", "email")
    search_help_text = "Name, e-mail address, or an id"
    ordering = ("name", "id")
    told_to = "customers.history"
    fields = ("name", "email", "customer", "version", "position")
    readonly_fields = ("customer",)

    @admin.display
    def customer(self, contact: Contact) -> SafeString | str:
        return shown.linked("customers", "customersummary", contact.id)


@admin.register(OrderPayment)
class OrderPaymentAdmin(ReadOnlyAdmin):
    list_display = ("requested_at", "order", "asked", "held", "taken", "given_back")
    sortable_by = ("requested_at",)
    search_ids = ("pk", "order_id", "customer_id")
    ordering = ("-requested_at", "-id")
    told_to = "payments.history"
    fieldsets = (
        ("Money", {"fields": ("asked", "held", "taken", "given_back")}),
        ("Payment", {"fields": ("order", "payment", "requested_at", "captured_at", "refunded_at")}),
    )
    readonly_fields = ("asked", "held", "taken", "given_back", "order", "payment")

    asked = shown.money_of("amount", "asked for")
    held = shown.money_of("authorised")
    taken = shown.money_of("captured")
    given_back = shown.money_of("refunded")

    @admin.display
    def order(self, payment: OrderPayment) -> SafeString | str:
        return shown.order(payment.order_id)

    @admin.display
    def payment(self, payment: OrderPayment) -> SafeString | str:
        return shown.linked("payments", "paymentsummary", payment.id)


class TakenAdmin(ReadOnlyAdmin):
    """A list alone: a day is made of many streams, and has no history of its own."""

    list_display_links = None

    taken = shown.money_of("captured", "came in")
    given_back = shown.money_of("refunded", "paid back")
    gross = shown.money_of("gross")
    tax = shown.money_of("tax")
    net = shown.money_of("net")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_view_permission(request, obj)


AMOUNTS = ("taken", "given_back", "gross", "tax", "net", "captures", "refunds")


@admin.register(TakingsOfDay)
class TakingsAdmin(TakenAdmin):
    list_display = ("day", *AMOUNTS)
    sortable_by = ("day",)
    ordering = ("-day", "currency")


@admin.register(TakingsOfMonth)
class TakingsOfMonthAdmin(TakenAdmin):
    list_display = ("period", *AMOUNTS)
    sortable_by = ()
    ordering = ("-month", "currency")
