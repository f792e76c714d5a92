from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from shop.admin import Panel, ReadOnlyAdmin, look, shown, yes_or_no
from shop.customers.asks import ASKS, is_known
from shop.customers.models import (
    AddressChange,
    CreditMovement,
    CreditSummary,
    CustomerSummary,
    born_within,
    tier_is,
)

Tier = look("tier", "tier", {tier: lambda tier=tier: tier_is(tier, shown.day()) for tier in ("standard", "premium")})
Birthday = look(
    "birthday",
    "birthday",
    {days: lambda days=days: born_within(shown.day(), int(days)) for days in ("0", "7", "14")},
    {"0": "today", "7": "within 7 days", "14": "within 14 days"},
)

VIEW = "customers.view_customersummary"
CREDIT = Panel(
    "Credit",
    CreditSummary,
    lambda customer: {"customer_id": customer.id},
    {
        "Limit": lambda account: shown.money(account.limit, account.currency),
        "Reserved": lambda account: shown.money(account.reserved, account.currency),
        "Owed": lambda account: shown.money(account.owed, account.currency),
        "Available": lambda account: shown.money(account.available, account.currency),
    },
    numbers=("Limit", "Reserved", "Owed", "Available"),
    takes=VIEW,
)
STATEMENT = Panel(
    "Credit statement",
    CreditMovement,
    lambda customer: {"customer_id": customer.id},
    {
        "When": lambda line: shown.when(line.at),
        "What": lambda line: line.kind,
        "Amount": lambda line: shown.money(line.amount, line.currency),
        "Owed then": lambda line: shown.money(line.owed, line.currency),
        "Reference": lambda line: line.reference,
    },
    numbers=("Amount", "Owed then"),
    takes=VIEW,
)
ADDRESSES = Panel(
    "Where they lived",
    AddressChange,
    lambda customer: {"customer_id": customer.id},
    {
        "When": lambda change: shown.when(change.at),
        "": lambda change: f"{change.kind} {change.number}",
        "Address": lambda change: shown.address(change.address),
    },
    takes=VIEW,
)


@admin.register(CustomerSummary)
class CustomerAdmin(ReadOnlyAdmin):
    list_display = ("name", "email", "city", "shown_tier", "birthday", "stands", "registered_at")
    list_filter = (Tier, Birthday, yes_or_no("blocked"))
    sortable_by = ("name", "email", "city", "registered_at")
    search_fields = ("name", "email", "city")
    search_help_text = "Name, e-mail address, city, or an id"
    ordering = ("-registered_at", "-id")
    told_to = "customers.history"
    also = ("Credit", "AddressHistory")
    asks = ASKS
    panels = (CREDIT, STATEMENT, ADDRESSES)
    fieldsets = (
        ("Customer", {"fields": ("name", "email", "birthday", "registered_at", "shown_tier", "premium", "stands")}),
        ("Addresses", {"fields": ("known_addresses",), "classes": ("wide",)}),
        ("Pays with", {"fields": ("cards",), "classes": ("wide",)}),
    )
    readonly_fields = ("shown_tier", "premium", "stands", "known_addresses", "cards")

    @admin.display(description="tier")
    def shown_tier(self, customer: CustomerSummary) -> SafeString:
        tier = customer.tier_on(shown.day())
        return shown.badge(tier, "busy" if tier == "premium" else "")

    @admin.display(description="premium until")
    def premium(self, customer: CustomerSummary) -> str:
        until = customer.premium_until
        return f"{until:%d %b %Y}{' (a trial)' if customer.premium_trial else ''}" if until else "–"

    @admin.display(description="may buy")
    def stands(self, customer: CustomerSummary) -> SafeString:
        if customer.merged_into:
            return format_html("{} into {}", shown.badge("merged"), shown.link(CustomerSummary, customer.merged_into))
        if not is_known(customer):
            return shown.badge("erased")
        if not customer.blocked:
            return shown.badge("yes", "good")
        return format_html("{} {}", shown.badge("blocked"), customer.block_reason)

    @admin.display(description="addresses")
    def known_addresses(self, customer: CustomerSummary) -> SafeString | str:
        told = (
            (
                each["number"],
                " · default" if each["number"] == customer.default_address else "",
                shown.address(each["address"]),
            )
            for each in customer.addresses
        )
        return format_html_join("", "<div><small>{}{}</small><br>{}</div>", told) or "None."

    @admin.display(description="cards")
    def cards(self, customer: CustomerSummary) -> SafeString | str:
        told = ((c["number"], c["label"], c["last_four"]) for c in customer.payment_methods)
        return format_html_join("", "<div>{}. {} …{}</div>", told) or "None."
