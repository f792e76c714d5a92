from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from shop.admin import ReadOnlyAdmin, one_of, shown
from shop.reporting.models import SalesOf


@admin.register(SalesOf)
class SalesAdmin(ReadOnlyAdmin):
    list_display = ("period", "sold", "back", "net")
    list_filter = (one_of("by", ("day", "month")),)
    sortable_by = ()
    ordering = ("by", "-begins")
    list_display_links = None

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A list alone: a day is made of many streams, and has no history of its own."""
        return obj is None and super().has_view_permission(request, obj)

    @admin.display
    def period(self, sales: SalesOf) -> str:
        return sales.id

    @admin.display
    def sold(self, sales: SalesOf) -> SafeString:
        return told(sales, "orders", "gross")

    @admin.display(description="taken back")
    def back(self, sales: SalesOf) -> SafeString:
        return told(sales, "orders_taken_back", "taken_back")

    @admin.display
    def net(self, sales: SalesOf) -> SafeString:
        amounts = (each["net"] for each in sales.told)
        return format_html_join("", "<div>{}</div>", ((shown.money(m.amount, m.currency),) for m in amounts))


def told(sales: SalesOf, count: str, amount: str) -> SafeString:
    both = ((each[count], each[amount]) for each in sales.told)
    return format_html_join("", "<div>{} for {}</div>", ((n, shown.money(m.amount, m.currency)) for n, m in both))
