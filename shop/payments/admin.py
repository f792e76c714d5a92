from django.contrib import admin
from django.utils.safestring import SafeString

from shop.admin import Ask, Panel, ReadOnlyAdmin, look, one_of, shown
from shop.forms import Nothing
from shop.payments.api import STATUSES, CapturePayment, RefundPayment
from shop.payments.commands import capture, refund_payment, void
from shop.payments.models import TO_RECONCILE, GatewayCall, PaymentAlarm, PaymentRefund, PaymentSummary

VIEW = "payments.view_paymentsummary"

REFUNDS = Panel(
    "Refunds",
    PaymentRefund,
    lambda payment: {"payment_id": payment.id},
    {
        "": lambda refund: refund.number,
        "Amount": lambda refund: shown.money(refund.amount, refund.currency),
        "Status": lambda refund: shown.badge(refund.status),
        "Why": lambda refund: refund.reason,
        "Reference": lambda refund: refund.reference,
    },
    order=("number",),
    numbers=("Amount",),
    takes=VIEW,
    most=50,
    beside=False,
)
GATEWAY = Panel(
    "The gateway",
    GatewayCall,
    lambda payment: {"payment_id": payment.id},
    {
        "Asked for": lambda call: call.key.partition(":")[2] or call.key,
        "Times": lambda call: call.tries,
        "Next": lambda call: shown.when(call.due_at),
        "It said": lambda call: call.said,
    },
    numbers=("Times",),
    takes=VIEW,
)
ALARMS = Panel(
    "Alarms",
    PaymentAlarm,
    lambda payment: {"payment_id": payment.id},
    {"When": lambda alarm: shown.when(alarm.at), "What": lambda alarm: alarm.detail},
    order=("-at",),
)
Reconcile = look(
    "look",
    "look at",
    {"reconcile": TO_RECONCILE},
    {"reconcile": "To reconcile"},
)


def left(payment: PaymentSummary) -> dict[str, dict[str, str]]:
    return {"amount": {"amount": f"{payment.captured - payment.refunded:f}", "currency": payment.currency}}


@admin.register(PaymentSummary)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = ("payment", "stands", "asked", "taken", "given_back", "card", "order", "requested_at")
    list_filter = (one_of("status", STATUSES), Reconcile)
    sortable_by = ("asked", "requested_at")
    search_fields = ("reference", "last_four")
    search_ids = ("pk", "order_id", "customer_id")
    search_help_text = "The gateway's reference, last four digits, or an id"
    ordering = ("-requested_at", "-id")
    badge = "status"
    told_to = "payments.history"
    panels = (REFUNDS, GATEWAY, ALARMS)
    fieldsets = (
        ("Money", {"fields": ("asked", "taken", "given_back", "reason")}),
        ("Payment", {"fields": ("order", "customer", "card", "reference", "requested_at", "open_questions")}),
    )
    readonly_fields = ("asked", "taken", "given_back", "order", "customer", "card", "open_questions")
    asks = (
        Ask(
            "payments.capture",
            "Capture",
            capture,
            CapturePayment,
            means="The gateway is asked soon afterwards. Without an amount: all; with less, the rest is let go of.",
            fits=lambda payment: payment.status == "authorised",
            first=True,
        ),
        Ask(
            "payments.void",
            "Void",
            void,
            Nothing,
            means="What was authorised is let go of.",
            fits=lambda payment: payment.status in ("requested", "authorised", "unknown"),
            danger=True,
            first=True,
        ),
        Ask(
            "payments.refund",
            "Refund",
            refund_payment,
            RefundPayment,
            means="The gateway is asked soon afterwards.",
            fits=lambda payment: payment.captured > payment.refunded,
            begins=left,
            first=True,
        ),
    )

    stands = shown.status_of("status")
    asked = shown.money_of("amount", "asked for", "amount")
    taken = shown.money_of("captured", "captured")
    given_back = shown.money_of("refunded", "refunded")

    @admin.display
    def payment(self, payment: PaymentSummary) -> str:
        return payment.reference or f"…{str(payment.id)[-8:]}"

    @admin.display
    def card(self, payment: PaymentSummary) -> str:
        return f"…{payment.last_four}"

    @admin.display
    def order(self, payment: PaymentSummary) -> SafeString | str:
        return shown.order(payment.order_id)

    @admin.display
    def customer(self, payment: PaymentSummary) -> SafeString | str:
        return shown.linked("customers", "customersummary", payment.customer_id, "" if payment.customer_id else "guest")

    @admin.display(description="unknown")
    def open_questions(self, payment: PaymentSummary) -> str:
        return ", ".join(payment.unknown) or "–"


@admin.register(PaymentAlarm)
class AlarmAdmin(ReadOnlyAdmin):
    """No stream's row: what the gateway told us and cannot be true."""

    list_display = ("at", "payment", "detail")
    sortable_by = ()
    search_ids = ("payment_id",)
    ordering = ("-at",)
    fields = ("payment", "detail", "at", "event_id")
    readonly_fields = ("payment",)

    @admin.display
    def payment(self, alarm: PaymentAlarm) -> SafeString:
        return shown.link(PaymentSummary, alarm.payment_id)
