from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from shop.admin import ReadOnlyAdmin
from shop.reporting.models import SalesOf


@admin.register(SalesOf)
class SalesAdmin(ReadOnlyAdmin):
    list_display = ("id", "sums")
    list_filter = ("by",)
    date_hierarchy = "begins"
    ordering = ("by", "-begins")
    list_display_links = None

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A list alone: a day is made of many streams, and has no history of its own."""
        return obj is None and super().has_view_permission(request, obj)

    @admin.display(description="sold, taken back, net")
    def sums(self, sales: SalesOf) -> SafeString:
        shown = ((t["orders"], t["gross"], t["orders_taken_back"], t["taken_back"], t["net"]) for t in sales.told)
        return format_html_join("", "<div>{} for {}; {} for {}; {}</div>", shown)
