from django.contrib import admin
from django.utils.safestring import SafeString

from shop.admin import ReadOnlyAdmin, events_of, pretty
from shop.customers.models import CustomerSummary


@admin.register(CustomerSummary)
class CustomerAdmin(ReadOnlyAdmin):
    list_display = ("name", "email", "default_address", "registered_at", "version", "events")
    search_fields = ("name", "email")
    date_hierarchy = "registered_at"
    ordering = ("-registered_at", "-id")
    fields = ("id", "name", "email", "known_addresses", "default_address", "registered_at", "version", "events")
    readonly_fields = ("known_addresses", "events")

    @admin.display(description="addresses")
    def known_addresses(self, customer: CustomerSummary) -> SafeString:
        return pretty(customer.addresses)

    @admin.display(description="history")
    def events(self, customer: CustomerSummary) -> SafeString:
        return events_of(customer.id)
