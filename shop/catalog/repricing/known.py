"""Products as they are when changes of their prices are decided on."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from shop.application import find
from shop.catalog.domain import Product
from shop.catalog.models import ProductSummary
from shop.catalog.prices import running
from shop.catalog.repricing.previews import Known
from shop.values import id_of

SHOWN = """
    select p.*, (select coalesce(max(revision), 0) from catalog_pricehistory where product_id = p.id) as revisions
    from catalog_productsummary p where sku = any(%s)"""


def shown(skus: Iterable[str], now: datetime) -> dict[str, Known]:
    """As lists show them. One that was changed since is a conflict when its change is carried out."""
    rows: Any = ProductSummary.objects.raw(SHOWN, [list(skus)])  # one array: thousands of parameters take longer
    return {row.sku: known(row, row.revisions, now) for row in rows}


def known(row: ProductSummary, revision: int, now: datetime) -> Known:
    return Known(row.sku, row.name, row.status, row.price_at(now)[0], revision, running(row.scheduled, now))


def exactly(skus: Iterable[str], now: datetime) -> dict[str, Known]:
    """As the log has them, each read by itself."""
    found = ((sku, find(Product, id_of("product", sku))) for sku in skus)
    return {
        sku: Known(sku, p.name, p.status, p.price_at(now)[0], p.revisions, running(p.schedules, now))
        for sku, p in found
        if p is not None
    }
