from datetime import UTC, datetime

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from shop.admin import ReadOnlyAdmin, events_of
from shop.catalog.models import PriceHistory, ProductSummary
from shop.values import plain


@admin.register(ProductSummary)
class ProductAdmin(ReadOnlyAdmin):
    list_display = ("sku", "name", "status", "price", "in_force", "price_revision", "version", "events")
    list_filter = ("status", "currency")
    search_fields = ("sku", "name", "description")
    ordering = ("-created_at", "-id")
    fields = (
        *("id", "sku", "name", "description", "status", "price", "in_force", "prices", "created_at", "version"),
        "events",
    )
    readonly_fields = ("price", "in_force", "prices", "events")

    @admin.display(description="price now")
    def in_force(self, product: ProductSummary) -> str:
        return str(product.price_at(datetime.now(UTC))[0] or "–")

    @admin.display(description="usual price", ordering="amount")
    def price(self, product: ProductSummary) -> str:
        return "–" if product.amount is None else f"{plain(product.amount)} {product.currency}"

    @admin.display(description="price history")
    def prices(self, product: ProductSummary) -> SafeString:
        found = PriceHistory.objects.filter(product_id=product.id).order_by("-revision")[:100]
        told = ((p.revision, plain(p.amount), p.currency, when(p)) for p in found)
        return format_html_join("", "<div>{}. {} {} {}</div>", told)

    @admin.display(description="history")
    def events(self, product: ProductSummary) -> SafeString:
        return events_of(product.id)


def when(price: PriceHistory) -> str:
    if not price.is_scheduled:
        return f"since {price.since:%Y-%m-%d %H:%M %Z}"
    ends = f"{price.ends:%Y-%m-%d %H:%M %Z}" if price.ends else "it is cancelled"
    return f"from {price.since:%Y-%m-%d %H:%M %Z} until {ends}"
