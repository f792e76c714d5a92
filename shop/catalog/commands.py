"""What can be asked of a product. One function, one command, one transaction."""

from datetime import UTC, datetime
from uuid import UUID

from eventsourcing.application import AggregateNotFoundError

from eventstore.cause import cause
from shop.application import Receipt, command, shop
from shop.catalog.domain import Product, SkuTaken
from shop.values import Money, id_of


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
        product.set_price(price, _now())
    if publish:
        product.publish()
    return shop.record(product)


@command
def rename_product(product_id: UUID, *, name: str) -> Receipt:
    product = shop.load(Product, product_id)
    product.rename(name)
    return shop.record(product)


@command
def describe_product(product_id: UUID, *, description: str) -> Receipt:
    product = shop.load(Product, product_id)
    product.describe(description)
    return shop.record(product)


@command
def set_price(product_id: UUID, *, price: Money) -> Receipt:
    """From now on. A scheduled price that runs is cancelled with it."""
    product = shop.load(Product, product_id)
    product.set_price(price, _now())
    return shop.record(product)


@command
def schedule_price(product_id: UUID, *, price: Money, starts: datetime, ends: datetime | None = None) -> Receipt:
    """From ``starts`` to before ``ends``, or until it is cancelled. BadSchedule."""
    product = shop.load(Product, product_id)
    product.schedule_price(price, starts.astimezone(UTC), ends and ends.astimezone(UTC), _now())
    return shop.record(product)


@command
def cancel_schedule(product_id: UUID, revision: int) -> Receipt:
    """UnknownSchedule; WrongStatus: it is over."""
    product = shop.load(Product, product_id)
    product.cancel_schedule(revision, _now())
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


def _now() -> datetime:
    """When what is asked is true."""
    return cause.get().effective_at or datetime.now(UTC)
