"""What is on the shelf: published products from catalog's read model, with how many are left from inventory's."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import NamedTuple

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.core.paginator import Page, Paginator
from django.db import connection
from django.db.models import QuerySet

from shop import faults
from shop.catalog.models import SEARCHED, AmountInForce, PriceHistory, ProductSummary, past_prices
from shop.catalog.prices import lowest_before, running
from shop.inventory.models import StockLevel
from shop.values import Money

A_PAGE = 24
FEW = 5  # left, and the visitor is told so
MOST_WORDS = 8
SORTS = {"newest": "Newest", "cheap": "Price, low to high", "dear": "Price, high to low", "name": "Name"}
VOCABULARY = """
    select distinct word from catalog_productsummary, regexp_split_to_table(lower(name || ' ' || sku), '[^a-z]+') word
    where status = 'published' and length(word) > 2"""


class Left(NamedTuple):
    """How many may still be bought, by a copy that may be late: a reservation is strict."""

    available: int
    more_to_come: bool

    def enough(self, quantity: int) -> bool:
        return self.more_to_come or quantity <= self.available


class Shown(NamedTuple):
    """A product as the shelf shows it. ``usual``: its price when the offer is over, if there is one."""

    sku: str
    name: str
    description: str
    price: Money
    usual: Money | None
    left: Left | None  # None: nobody can say

    @property
    def few(self) -> int:
        """How few are left, if they are few."""
        return self.left.available if self.left and not self.left.more_to_come and self.left.available <= FEW else 0

    @property
    def sold_out(self) -> bool:
        return self.left is not None and not self.left.enough(1)


class Found(NamedTuple):
    page: Page
    products: Sequence[Shown]
    instead: str = ""  # what was looked for, where what was asked for is nowhere


def look(text: str, sort: str, number: str | None) -> Found:
    """A page of what is on sale. ContextDown."""
    faults.reach("catalog")
    now = datetime.now(UTC)
    on_sale = ProductSummary.objects.filter(status="published")
    found, instead = on_sale, ""
    if words := re.findall(r"\w+", text.lower())[:MOST_WORDS]:
        found = searched(on_sale, words)
        if not found.exists() and (better := nearest(words)) != words:
            found, instead = searched(on_sale, better), " ".join(better)
    page = Paginator(ordered(found, sort, now, bool(words)), A_PAGE).get_page(number)
    return Found(page, list(shown(page.object_list, now)), instead)


def searched(products: QuerySet[ProductSummary], words: Sequence[str]) -> QuerySet[ProductSummary]:
    """Those that have all the words, or begin with them, in their name, SKU or description."""
    query = SearchQuery(" & ".join(f"{word}:*" for word in words), search_type="raw", config="english")
    return products.annotate(words=SEARCHED).filter(words=query).annotate(rank=SearchRank(SEARCHED, query))


def ordered(products: QuerySet[ProductSummary], sort: str, now: datetime, is_search: bool) -> QuerySet[ProductSummary]:
    if sort in ("cheap", "dear"):
        price = AmountInForce(now)
        return products.order_by(price.asc() if sort == "cheap" else price.desc(), "id")
    if sort == "name":
        return products.order_by("name", "id")
    if is_search and sort != "newest":
        return products.order_by("-rank", "name", "id")
    return products.order_by("-created_at", "-id")


def nearest(words: Sequence[str]) -> list[str]:
    """Each word as it stands on the shelf, as far as a slip of the finger goes."""
    with connection.cursor() as cursor:
        cursor.execute(VOCABULARY)
        known = [word for (word,) in cursor.fetchall()]
    return [next(iter(get_close_matches(word, known, 1, 0.7)), word) for word in words]


def shown(rows: Iterable[ProductSummary], now: datetime) -> Iterable[Shown]:
    rows = list(rows)
    stock = left(row.sku for row in rows)
    for row in rows:
        price, _ = row.price_at(now)
        offer = running(row.scheduled, now)
        usual = Money(row.amount, row.currency) if row.amount is not None and offer else None
        if price:
            cheaper = usual if usual and usual.amount > price.amount else None
            yield Shown(row.sku, row.name, row.description, price, cheaper, stock.get(row.sku))


def left(skus: Iterable[str]) -> dict[str, Left]:
    """Of each SKU; nothing, while inventory is down: then nobody is told how few there are."""
    try:
        faults.reach("inventory")
    except faults.ContextDown:
        return {}
    wanted = list(skus)
    levels = {each.sku: Left(each.available, each.back_orders) for each in StockLevel.objects.filter(sku__in=wanted)}
    return {sku: levels.get(sku, Left(0, False)) for sku in wanted}


def one(sku: str) -> tuple[Shown, bool, Money | None] | None:
    """A product, whether it is on sale, and what it cost least in the 30 days before its offer. ContextDown."""
    faults.reach("catalog")
    now = datetime.now(UTC)
    row = ProductSummary.objects.filter(sku=sku.replace("\0", "")).exclude(status="draft").first()
    found = next(iter(shown([row], now)), None) if row else None
    if row is None or found is None:
        return None
    lowest = None
    if found.usual and (offer := running(row.scheduled, now)):
        lowest = lowest_before(
            past_prices(PriceHistory.objects.filter(product_id=row.id)), offer.starts, found.price.currency
        )
    return found, row.status == "published", lowest


def beside(sku: str) -> Sequence[Shown]:
    """Four others, the newest."""
    others = ProductSummary.objects.filter(status="published").exclude(sku=sku).order_by("-created_at", "-id")[:4]
    return list(shown(others, datetime.now(UTC)))
