"""What can be asked of a product. One function, one command, one transaction."""

from uuid import UUID

from eventsourcing.application import AggregateNotFoundError

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
        product.set_price(price)
    if publish:
        product.publish()
    return shop.record(product)


@command
def rename_product(product_id: UUID, *, name: str) -> Receipt:
    product = shop.load(Product, product_id)
    product.rename(name)
    return shop.record(product)


@command
def set_price(product_id: UUID, *, price: Money) -> Receipt:
    product = shop.load(Product, product_id)
    product.set_price(price)
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
