from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from eventstore.cause import because
from shop.admin import ReadOnlyAdmin, events_of, pretty
from shop.customers.commands import grant_premium
from shop.customers.models import (
    AddressChange,
    CreditMovement,
    CreditSummary,
    CustomerSummary,
    born_within,
    tier_is,
    today,
)
from shop.errors import Refused
from shop.roles import may
from shop.values import plain

TRIAL = timedelta(days=30)
SHOWN = 50  # lines of a statement or of a history


class Tier(admin.SimpleListFilter):
    title = parameter_name = "tier"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        return [("standard", "standard"), ("premium", "premium")]

    def queryset(self, request: HttpRequest, customers: QuerySet[CustomerSummary]) -> QuerySet[CustomerSummary]:
        return customers.filter(tier_is(self.value(), today())) if self.value() else customers


class Birthday(admin.SimpleListFilter):
    title = parameter_name = "birthday"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        return [("0", "today"), ("7", "within 7 days"), ("14", "within 14 days")]

    def queryset(self, request: HttpRequest, customers: QuerySet[CustomerSummary]) -> QuerySet[CustomerSummary]:
        days = self.value() or ""
        return customers.filter(born_within(today(), int(days))) if days in ("0", "7", "14") else customers


@admin.register(CustomerSummary)
class CustomerAdmin(ReadOnlyAdmin):
    list_display = (
        *("name", "email", "city", "tier", "birthday", "blocked", "default_address", "registered_at", "version"),
        "events",
    )
    list_filter = (Tier, Birthday, "blocked")
    search_fields = ("name", "email", "city")
    date_hierarchy = "registered_at"
    ordering = ("-registered_at", "-id")
    actions = ("grant_trial",)
    fields = (
        *("id", "name", "email", "known_addresses", "default_address", "address_history", "birthday", "tier"),
        *("premium_until", "premium_trial", "blocked", "block_reason", "cards", "credit", "registered_at", "version"),
        "events",
    )
    readonly_fields = ("known_addresses", "address_history", "tier", "cards", "credit", "events")

    @admin.display
    def tier(self, customer: CustomerSummary) -> str:
        return customer.tier_on(today())

    @admin.display(description="addresses")
    def known_addresses(self, customer: CustomerSummary) -> SafeString:
        return pretty(customer.addresses)

    @admin.display
    def address_history(self, customer: CustomerSummary) -> SafeString:
        found = AddressChange.objects.filter(customer_id=customer.id).order_by("-id")[:SHOWN]
        places = ((c, c.address or {}) for c in found)
        told = ((c.at, c.number, c.kind, at.get("street", ""), at.get("city", "")) for c, at in places)
        return format_html_join("", "<div>{}: {}. {} {} {}</div>", told)

    @admin.display(description="payment methods")
    def cards(self, customer: CustomerSummary) -> SafeString:
        told = ((m["number"], m["label"], m["last_four"]) for m in customer.payment_methods)
        return format_html_join("", "<div>{}. {} …{}</div>", told)

    @admin.display(description="credit")
    def credit(self, customer: CustomerSummary) -> SafeString:
        accounts = CreditSummary.objects.filter(customer_id=customer.id)
        now = ((plain(a.owed), plain(a.reserved), plain(a.limit), a.currency) for a in accounts)
        found = CreditMovement.objects.filter(customer_id=customer.id).order_by("-number")[:SHOWN]
        lines = ((m.at, m.kind, plain(m.amount), plain(m.owed), m.currency, m.reference) for m in found)
        return format_html_join("", "<div>{} owed, {} reserved, of {} {}</div>", now) + format_html_join(
            "", "<div>{}: {} {} → {} {} owed. {}</div>", lines
        )

    @admin.display(description="history")
    def events(self, customer: CustomerSummary) -> SafeString:
        return events_of(customer.id)

    def has_grant_permission(self, request: HttpRequest) -> bool:
        return may(request.user, "customers.premium")

    @admin.action(description=f"Grant a premium trial of {TRIAL.days} days", permissions=["grant"])
    def grant_trial(self, request: HttpRequest, customers: QuerySet[CustomerSummary]) -> None:
        """To each who is not premium; twice grants once."""
        granted = 0
        with because(actor=request.user.get_username(), reason="a trial, granted on the desk"):
            for customer in customers:
                try:
                    granted += grant_premium(customer.id, until=today() + TRIAL, trial=True).position is not None
                except Refused as refused:
                    self.message_user(request, f"{customer}: {refused}", messages.ERROR)
        self.message_user(request, f"{granted} of {len(customers)} were granted a trial until {today() + TRIAL}.")
