"""What can be asked of a product. One function, one command, one transaction."""

import logging
from datetime import UTC, datetime
from uuid import UUID

from django.db import transaction
from eventsourcing.application import AggregateNotFoundError

from eventstore.cause import now
from projections.gateway import NotMoved, hearing, moved
from projections.rows import EventFailed
from shop.application import Receipt, command, shop
from shop.catalog.domain import NotRenamed, Product, SkuTaken
from shop.values import Money, id_of

log = logging.getLogger(__name__)


@command
def create_product(*, sku: str, name: str, price: Money | None = None, publish: bool = False) -> Receipt:
    """SkuTaken: a product has it. NoPrice: it is to be published without one."""
    try:
        shop.repository.get(id_of("product", sku))
    except AggregateNotFoundError:
        product = Product.create(sku, name)
    else:
        raise SkuTaken(f"There is a product with the SKU {sku} already.", sku=sku, pointer="/sku")
    if price:
        product.set_price(price, now())
    if publish:
        product.publish()
    return shop.record(product)


@command
def rename_product(product_id: UUID, *, name: str, everywhere: bool = False) -> Receipt:
    """With ``everywhere``, all tables that have its name get it in the same commit. NotRenamed: one of them cannot."""
    product = shop.load(Product, product_id)
    product.rename(name)
    if not everywhere:
        return shop.record(product)
    try:
        with transaction.atomic(), moved(*hearing("Product.Renamed")):
            return shop.record(product)
    except (NotMoved, EventFailed) as error:
        log.warning("Product %s was not renamed everywhere: %s", product_id, error)
        raise NotRenamed(
            "The product was not renamed, and nothing has changed: a table that has its name cannot follow at this "
            "moment. Without `everywhere`, it is renamed at once, and the tables follow when they can."
        ) from error


@command
def describe_product(product_id: UUID, *, description: str) -> Receipt:
    product = shop.load(Product, product_id)
    product.describe(description)
    return shop.record(product)


@command
def set_price(product_id: UUID, *, price: Money) -> Receipt:
    """From now on. A scheduled price that runs is cancelled with it."""
    product = shop.load(Product, product_id)
    product.set_price(price, now())
    return shop.record(product)


@command
def schedule_price(product_id: UUID, *, price: Money, starts: datetime, ends: datetime | None = None) -> Receipt:
    """From ``starts`` to before ``ends``, or until it is cancelled. BadSchedule."""
    product = shop.load(Product, product_id)
    product.schedule_price(price, starts.astimezone(UTC), ends and ends.astimezone(UTC), now())
    return shop.record(product)


@command
def cancel_schedule(product_id: UUID, revision: int) -> Receipt:
    """UnknownSchedule; WrongStatus: it is over."""
    product = shop.load(Product, product_id)
    product.cancel_schedule(revision, now())
    return shop.record(product)


@command
def publish_product(product_id: UUID) -> Receipt:
    product = shop.load(Product, product_id)
    product.publish()
    return shop.record(product)


@command
def withdraw_product(product_id: UUID) -> Receipt:
    product = shop.load(Product, product_id)
    product.withdraw()
    return shop.record(product)
