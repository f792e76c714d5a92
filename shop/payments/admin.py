from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from shop.admin import ReadOnlyAdmin, events_of
from shop.payments.models import GatewayCall, PaymentAlarm, PaymentRefund, PaymentSummary


@admin.register(PaymentSummary)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "status", "captured", "refunded", "order_id", "requested_at", "version", "events")
    list_filter = ("status", "currency")
    search_fields = ("reference", "last_four")
    date_hierarchy = "requested_at"
    ordering = ("-requested_at", "-id")
    fields = (
        *("id", "order_id", "customer_id", "status", "unknown", "amount", "captured", "refunded", "currency"),
        *("last_four", "reference", "reason", "refunds", "gateway", "requested_at", "version", "events"),
    )
    readonly_fields = ("refunds", "gateway", "events")

    @admin.display
    def refunds(self, payment: PaymentSummary) -> SafeString:
        found = PaymentRefund.objects.filter(payment_id=payment.id).order_by("number")
        told = ((r.number, r.amount, r.currency, r.status, r.reason, r.reference) for r in found)
        return format_html_join("", "<div>{}: {} {} {} ({}) {}</div>", told)

    @admin.display
    def gateway(self, payment: PaymentSummary) -> str:
        call = GatewayCall.objects.filter(pk=payment.id).first()
        return f"asked {call.tries} times for {call.key or 'nothing'}; it said: {call.said or '-'}" if call else "-"

    @admin.display(description="history")
    def events(self, payment: PaymentSummary) -> SafeString:
        return events_of(payment.id)


@admin.register(PaymentAlarm)
class AlarmAdmin(ReadOnlyAdmin):
    list_display = ("at", "payment_id", "detail")
    ordering = ("-at",)
    fields = ("event_id", "payment_id", "detail", "at")
