from datetime import datetime
from itertools import pairwise

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from shop.admin import ReadOnlyAdmin, one_of, shown
from shop.fulfilment.api import STATUSES
from shop.fulfilment.going import Going, page_of
from shop.fulfilment.models import OrderProcess


@admin.register(OrderProcess)
class OrderProcessAdmin(ReadOnlyAdmin):
    list_display = (
        "process",
        "order",
        "stands",
        "waits_for",
        "due",
        "why",
        "payment",
        "total",
        "started_at",
        "diagram",
    )
    list_filter = (Going, one_of("status", STATUSES), one_of("waits_for", ("payment",), "waits for"))
    sortable_by = ("started_at",)
    search_ids = ("pk", "order_id")
    ordering = ("-started_at", "-id")
    badge = "status"
    told_to = "processes.history"
    fieldsets = (
        ("Process", {"fields": ("order", "customer", "payment", "total", "started_at", "ended_at")}),
        ("Waiting", {"fields": ("waits_for", "due", "code", "reason")}),
        ("Steps", {"fields": ("done", "diagram"), "classes": ("wide",)}),
    )
    readonly_fields = ("order", "customer", "total", "done", "diagram")

    stands = shown.status_of("status")
    total = shown.money_of("amount", "total")

    @admin.display
    def process(self, process: OrderProcess) -> SafeString:
        return shown.short(process.id)

    @admin.display
    def order(self, process: OrderProcess) -> SafeString | str:
        return shown.order(process.order_id)

    @admin.display
    def customer(self, process: OrderProcess) -> SafeString | str:
        guest = "" if process.customer_id else "guest"
        return shown.linked("customers", "customersummary", process.customer_id, guest)

    @admin.display(description="why undone")
    def why(self, process: OrderProcess) -> SafeString:
        return shown.badge(process.code.replace("_", " "), "bad")

    @admin.display(description="what each led to")
    def diagram(self, process: OrderProcess) -> SafeString:
        return page_of(process)

    @admin.display(description="steps")
    def done(self, process: OrderProcess) -> SafeString:
        """Each with when it was done, and how long after the one before."""
        at = [datetime.fromisoformat(each["at"]) for each in process.steps]
        took = ["", *(f"+{(b - a).total_seconds():,.2f} s" for a, b in pairwise(at))]
        told = ((each["step"], f"{t:%H:%M:%S}", n) for each, t, n in zip(process.steps, at, took, strict=True))
        return format_html_join("", "<div><b>{}</b> {} <small>{}</small></div>", told)
