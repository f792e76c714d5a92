"""Sign-ins and a few goods to try the shop with. Only where DEMO is set: the password is in the README."""

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from rest_framework.authtoken.models import Token

from eventstore.cause import because
from shop.catalog.commands import create_product
from shop.customers.commands import add_address, register_customer
from shop.inventory.commands import receive_stock
from shop.ordering.commands import Item, place_order
from shop.values import Address, Money, id_of

USER, PASSWORD, TOKEN = "demo", "demo", "d3m0" * 10
GOODS = (
    ("MUG-HARBOUR", "Harbour mug", "12.50", 48),
    ("TEA-EARL", "Earl Grey, 100 g", "6.90", 120),
    ("CANDLE-SEA", "Sea salt candle", "18.00", 24),
    ("TOWEL-STRIPE", "Striped tea towel", "9.00", 36),
)


class Command(BaseCommand):
    help = "Make the demo's sign-in and a few products, a customer and an order. Asked again, it changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("This makes a sign-in whose password everybody knows: only with DEMO=true.")
        user, _ = User.objects.get_or_create(username=USER, defaults={"is_staff": True, "is_superuser": True})
        user.set_password(PASSWORD)
        user.save()
        Token.objects.filter(user=user).delete()
        Token.objects.create(user=user, key=TOKEN)
        ada = id_of("demo", "ada")
        self.once("ada", register_customer, name="Ada Harbour", email="ada@example.com", customer_id=ada)
        home = Address("1 Quay Street", "Whitby", "YO21 1AA", "GB")
        self.once("home", add_address, ada, address=home)
        for sku, name, price, quantity in GOODS:
            euros = Money(Decimal(price), settings.SHOP_CURRENCY)
            self.once(sku, create_product, sku=sku, name=name, price=euros, publish=True)
            self.once(f"stock {sku}", receive_stock, sku, quantity=quantity, reference="opening stock")
        items = (Item("MUG-HARBOUR", 2), Item("TEA-EARL", 1))
        order = id_of("demo", "order")
        self.once("order", place_order, items=items, customer_id=ada, reference="DEMO-1", order_id=order)
        self.stdout.write(f"sign in: {USER} / {PASSWORD}\ntoken:   {TOKEN}")

    def once(self, step: str, command: Any, *args: Any, **kwargs: Any) -> None:
        with because(command_id=id_of("demo command", step), actor="demo"):
            command(*args, **kwargs)
