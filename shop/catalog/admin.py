from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from shop.admin import Ask, Panel, ReadOnlyAdmin, one_of, shown
from shop.catalog import api, commands
from shop.catalog.models import PriceHistory, ProductSummary
from shop.forms import Form, Whole
from shop.values import plain


def until(price: PriceHistory) -> SafeString | str:
    if not price.is_scheduled:
        return "the next"
    return shown.when(price.ends) if price.ends else "it is cancelled"


PRICES = Panel(
    "Price history",
    PriceHistory,
    lambda product: {"product_id": product.id},
    {
        "": lambda price: price.revision,
        "Price": lambda price: shown.money(price.amount, price.currency),
        "From": lambda price: shown.when(price.since),
        "Until": until,
    },
    order=("-revision",),
    numbers=("Price",),
    takes="catalog.view_productsummary",
)


class Which(Form):
    number = Whole(min_value=1, label="Which price")


def to_cancel(product: ProductSummary) -> list[tuple[int, str]]:
    now = datetime.now(UTC)
    still = (each for each in product.scheduled if each.ends is None or each.ends > now)
    return [(each.revision, f"{each.revision}. {each.price} from {each.starts:%d %b %Y, %H:%M}") for each in still]


def usual(product: ProductSummary) -> dict[str, Any]:
    return {"price": {"amount": plain(product.amount), "currency": product.currency}} if product.amount else {}


@admin.register(ProductSummary)
class ProductAdmin(ReadOnlyAdmin):
    list_display = ("sku", "name", "stands", "in_force", "usual_price", "created_at")
    list_filter = (one_of("status", api.STATUSES),)
    sortable_by = ("sku", "name", "created_at")
    search_fields = ("sku", "name", "description")
    search_help_text = "SKU, name, a word of the description"
    ordering = ("-created_at", "-id")
    badge = "status"
    told_to = "products.history"
    panels = (PRICES,)
    fieldsets = (
        ("Product", {"fields": ("sku", "name", "created_at")}),
        ("Price", {"fields": ("in_force", "usual_price", "planned")}),
        ("Description", {"fields": ("description",), "classes": ("wide",)}),
    )
    readonly_fields = ("in_force", "usual_price", "planned")
    asks = (
        Ask(
            "products.rename",
            "Rename",
            commands.rename_product,
            api.RenameProduct,
            means="Orders that were placed keep the old name.",
            begins=lambda product: {"name": product.name},
            first=True,
        ),
        Ask(
            "products.price",
            "Set the price",
            commands.set_price,
            api.SetPrice,
            means="From now on. A scheduled price that runs is cancelled with it.",
            begins=usual,
            first=True,
        ),
        Ask(
            "products.schedule",
            "Schedule a price",
            commands.schedule_price,
            api.SchedulePrice,
            means="Nothing needs to happen then: of several that run, the one that began last is in force. In UTC.",
            begins=lambda product: {"price": {"currency": product.currency}} if product.currency else {},
        ),
        Ask(
            "products.cancel_schedule",
            "Cancel a scheduled price",
            lambda product_id, *, number: commands.cancel_schedule(product_id, number),
            Which,
            fits=lambda product: bool(to_cancel(product)),
            choices=lambda product: {"number": to_cancel(product)},
        ),
        Ask(
            "products.describe",
            "Describe",
            commands.describe_product,
            api.DescribeProduct,
            begins=lambda product: {"description": product.description},
        ),
        Ask(
            "products.publish",
            "Publish",
            commands.publish_product,
            means="It can be bought from now on.",
            fits=lambda product: product.status != "published",
            several=True,
        ),
        Ask(
            "products.withdraw",
            "Withdraw",
            commands.withdraw_product,
            means="It cannot be bought any more. Orders that were placed stand.",
            fits=lambda product: product.status == "published",
            several=True,
        ),
    )

    stands = shown.status_of("status")

    @admin.display(description="price now")
    def in_force(self, product: ProductSummary) -> SafeString:
        price, _ = product.price_at(datetime.now(UTC))
        return shown.money(price.amount, price.currency) if price else shown.NOTHING

    @admin.display(description="usual price")
    def usual_price(self, product: ProductSummary) -> SafeString:
        return shown.money(product.amount, product.currency)

    @admin.display(description="scheduled")
    def planned(self, product: ProductSummary) -> SafeString | str:
        return format_html_join("", "<div>{}</div>", ((text,) for _, text in to_cancel(product))) or "–"
