from typing import Any
from uuid import UUID

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from shop.admin import ReadOnlyAdmin, one_of, shown
from shop.notifications.api import KINDS, STATUSES
from shop.notifications.models import OutgoingMail


@admin.register(OutgoingMail)
class MailboxAdmin(ReadOnlyAdmin):
    """The mailbox: what customers were told, and what is still to go out."""

    list_display = ("subject", "recipient", "stands", "kind", "tries", "written_at", "sent_at")
    list_filter = (one_of("status", STATUSES), one_of("kind", KINDS))
    sortable_by = ("written_at",)
    search_fields = ("recipient", "subject")
    search_ids = ("pk", "order_id", "customer_id")
    search_help_text = "Recipient, subject, or an id"
    ordering = ("-written_at", "-id")
    badge = "status"
    fieldsets = (
        ("Mail", {"fields": ("recipient", "kind", "written_at", "sent_at", "order", "message_id")}),
        ("Sending", {"fields": ("tries", "due_at", "error")}),
        ("Text", {"fields": ("letter",), "classes": ("wide",)}),
    )
    readonly_fields = ("letter", "order")

    stands = shown.status_of("status")

    def stream_of(self, row: Any) -> UUID:
        """It is no stream's row; what it tells of is."""
        return row.order_id  # type: ignore[no-any-return]

    @admin.display(description="text")
    def letter(self, mail: OutgoingMail) -> SafeString:
        return format_html('<pre style="white-space: pre-wrap">{}</pre>', mail.text)

    @admin.display
    def order(self, mail: OutgoingMail) -> SafeString | str:
        return shown.order(mail.order_id)
