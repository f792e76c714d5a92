from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from shop.admin import ReadOnlyAdmin, events_of
from shop.fulfilment.going import Going, page_of
from shop.fulfilment.models import OrderProcess


@admin.register(OrderProcess)
class OrderProcessAdmin(ReadOnlyAdmin):
    list_display = ("order_id", "status", "waits_for", "due", "code", "payment", "total", "started_at", "step_by_step")
    list_filter = (Going, "status", "waits_for", "code", "payment")
    search_fields = ("order_id",)
    date_hierarchy = "started_at"
    ordering = ("-started_at", "-id")
    fields = (
        *("id", "order_id", "customer_id", "payment", "total", "status", "waits_for", "due", "code", "reason"),
        *("done", "started_at", "ended_at", "version", "step_by_step", "events"),
    )
    readonly_fields = ("total", "done", "step_by_step", "events")

    @admin.display(ordering="amount")
    def total(self, process: OrderProcess) -> str:
        return f"{process.amount} {process.currency}"

    @admin.display(description="steps")
    def done(self, process: OrderProcess) -> SafeString:
        return format_html_join("", "<div>{}: {}</div>", ((each["at"], each["step"]) for each in process.steps))

    @admin.display(description="steps")
    def step_by_step(self, process: OrderProcess) -> SafeString:
        return page_of(process)

    @admin.display(description="history")
    def events(self, process: OrderProcess) -> SafeString:
        return events_of(process.id)
