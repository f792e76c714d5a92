from django.contrib import admin

from shop.admin import ReadOnlyAdmin, one_of
from shop.vault.models import CardSummary

BRANDS = ("visa", "mastercard", "amex", "discover", "jcb", "diners", "unionpay", "other")


@admin.register(CardSummary)
class CardAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "stored_at", "times_revealed")
    list_filter = (one_of("brand", BRANDS),)
    sortable_by = ("stored_at",)
    search_fields = ("last_four", "brand")
    search_help_text = "Last four digits, brand, or the token"
    ordering = ("-stored_at", "-id")
    told_to = "cards.history"
    fields = ("id", "brand", "last_four", "stored_at", "times_revealed")
