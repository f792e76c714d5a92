"""A little shop to look at: four goods, Ada who lives in Whitby, and an order of hers."""

from decimal import Decimal
from uuid import UUID

from eventstore.cause import because
from shop.catalog.commands import create_product
from shop.customers.commands import add_address, register_customer
from shop.inventory.commands import receive_stock
from shop.ordering.commands import Item, place_order
from shop.values import Address, Money, id_of

ADA = id_of("demo", "ada")
GOODS = (
    ("MUG-HARBOUR", "Harbour mug", "12.50", 48),
    ("TEA-EARL", "Earl Grey, 100 g", "6.90", 120),
    ("CANDLE-SEA", "Sea salt candle", "18.00", 24),
    ("TOWEL-STRIPE", "Striped tea towel", "9.00", 36),
)


def little_shop() -> UUID:
    """Answers the order's id."""
    with because(actor="demo"):
        register_customer(name="Ada Harbour", email="ada@example.com", customer_id=ADA)
        add_address(ADA, address=Address("1 Quay Street", "Whitby", "YO21 1AA", "GB"))
        for sku, name, price, quantity in GOODS:
            create_product(sku=sku, name=name, price=Money(Decimal(price), "EUR"), publish=True)
            receive_stock(sku, quantity=quantity, reference="opening stock")
        items = (Item("MUG-HARBOUR", 2), Item("TEA-EARL", 1))
        return place_order(items=items, customer_id=ADA, reference="DEMO-1").id
