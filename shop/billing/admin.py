from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString

from shop.admin import ReadOnlyAdmin, events_of
from shop.billing.models import Contact, OrderPayment, TakingsOfDay


@admin.register(Contact)
class ContactAdmin(ReadOnlyAdmin):
    list_display = ("name", "email", "version", "position", "events")
    search_fields = ("name", "email")
    ordering = ("name", "id")
    fields = ("id", "name", "email", "version", "position", "events")
    readonly_fields = ("events",)

    @admin.display(description="history")
    def events(self, contact: Contact) -> SafeString:
        return events_of(contact.id)


@admin.register(OrderPayment)
class OrderPaymentAdmin(ReadOnlyAdmin):
    list_display = ("order_id", "amount", "authorised", "captured", "refunded", "currency", "requested_at", "events")
    list_filter = ("currency",)
    date_hierarchy = "requested_at"
    ordering = ("-requested_at", "-id")

    @admin.display(description="history")
    def events(self, payment: OrderPayment) -> SafeString:
        return events_of(payment.id)


@admin.register(TakingsOfDay)
class TakingsAdmin(ReadOnlyAdmin):
    list_display = ("day", "currency", "captured", "refunded", "net", "captures", "refunds")
    list_filter = ("currency",)
    date_hierarchy = "day"
    ordering = ("-day", "currency")
    list_display_links = None

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A list alone: a day is made of many streams, and has no history of its own."""
        return obj is None and super().has_view_permission(request, obj)
