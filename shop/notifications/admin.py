from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.html import format_html
from django.utils.safestring import SafeString

from shop.admin import ReadOnlyAdmin, events_of
from shop.notifications.models import OutgoingMail


@admin.register(OutgoingMail)
class MailboxAdmin(ReadOnlyAdmin):
    """The mailbox: what customers were told, and what is still to go out."""

    list_display = ("subject", "recipient", "kind", "status", "tries", "written_at", "sent_at", "order")
    list_filter = ("status", "kind")
    search_fields = ("recipient", "subject")
    date_hierarchy = "written_at"
    ordering = ("-written_at", "-id")
    fields = (
        *("recipient", "subject", "letter", "status", "tries", "error", "written_at", "due_at", "sent_at"),
        *("kind", "message_id", "customer_id", "order_id", "order"),
    )
    readonly_fields = ("letter", "order")

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        return super().history_view(request, get_object_or_404(OutgoingMail, pk=object_id).order_id)

    @admin.display(description="text")
    def letter(self, mail: OutgoingMail) -> SafeString:
        return format_html('<pre style="white-space: pre-wrap">{}</pre>', mail.text)

    @admin.display(description="order")
    def order(self, mail: OutgoingMail) -> SafeString:
        return events_of(mail.order_id)
