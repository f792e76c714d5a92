"""Products as they are when changes of their prices are decided on."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Max

from shop.application import find
from shop.catalog.domain import Product
from shop.catalog.models import PriceHistory, ProductSummary
from shop.catalog.prices import running
from shop.catalog.repricing.previews import Known
from shop.values import id_of


def shown(skus: Iterable[str], now: datetime) -> dict[str, Known]:
    """As lists show them. One that was changed since is a conflict when its change is carried out."""
    rows = list(ProductSummary.objects.filter(sku__in=list(skus)))
    prices = PriceHistory.objects.filter(product_id__in=[row.id for row in rows])
    revisions = dict(prices.values_list("product_id").annotate(Max("revision")).order_by())
    return {row.sku: known(row, revisions.get(row.id, 0), now) for row in rows}


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
