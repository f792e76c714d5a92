from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from shop.admin import ReadOnlyAdmin, events_of
from shop.catalog.models import PriceHistory, ProductSummary
from shop.values import plain


@admin.register(ProductSummary)
class ProductAdmin(ReadOnlyAdmin):
    list_display = ("sku", "name", "status", "price", "price_revision", "version", "events")
    list_filter = ("status", "currency")
    search_fields = ("sku", "name")
    ordering = ("-created_at", "-id")
    fields = ("id", "sku", "name", "status", "price", "prices", "created_at", "version", "events")
    readonly_fields = ("price", "prices", "events")

    @admin.display(ordering="amount")
    def price(self, product: ProductSummary) -> str:
        return "–" if product.amount is None else f"{plain(product.amount)} {product.currency}"

    @admin.display(description="price history")
    def prices(self, product: ProductSummary) -> SafeString:
        found = PriceHistory.objects.filter(product_id=product.id).order_by("-revision")[:100]
        told = ((p.revision, plain(p.amount), p.currency, p.since.strftime("%Y-%m-%d %H:%M %Z")) for p in found)
        return format_html_join("", "<div>{}. {} {} since {}</div>", told)

    @admin.display(description="history")
    def events(self, product: ProductSummary) -> SafeString:
        return events_of(product.id)
