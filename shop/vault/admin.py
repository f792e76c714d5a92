from django.contrib import admin
from django.utils.safestring import SafeString

from shop.admin import ReadOnlyAdmin, events_of
from shop.vault.models import CardSummary


@admin.register(CardSummary)
class CardAdmin(ReadOnlyAdmin):
    list_display = ("id", "brand", "last_four", "stored_at", "times_revealed", "events")
    list_filter = ("brand",)
    search_fields = ("last_four",)
    ordering = ("-stored_at", "-id")
    fields = ("id", "brand", "last_four", "stored_at", "times_revealed", "version", "events")
    readonly_fields = ("events",)

    @admin.display(description="history")
    def events(self, card: CardSummary) -> SafeString:
        return events_of(card.id)
