"""Everyday trade: the shop opens, customers come, orders are placed, packed, sent, and sometimes sent back."""

import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from eventstore.commands import Receipt
from shop.application import shop
from shop.catalog.commands import create_product, describe_product, withdraw_product
from shop.customers.commands import (
    add_address,
    add_payment_method,
    block_customer,
    change_address,
    grant_premium,
    register_customer,
    set_birthday,
    set_credit_limit,
    settle_credit,
)
from shop.customers.domain import CreditAccount, credit_of
from shop.demo.book import CARRIERS, Book, euros, overlaps, token_of
from shop.demo.people import Person
from shop.inventory.commands import receive_stock, set_stock_policy, take_back
from shop.inventory.domain import Wanted
from shop.ordering.checkout.commands import abandon_checkout, set_item, start_checkout
from shop.ordering.commands import cancel_order, note_order
from shop.payments.commands import refund_payment
from shop.payments.domain import Payment, payment_of
from shop.values import Address, Money, id_of
from shop.vault.commands import store_card

ORDERS = 980  # beside the stories'
FIRST = 8  # of each kind are there at the opening; the others come later
HOURS = [1, 1, 2, 3, 3, 4, 3, 3, 3, 3, 4, 6, 8, 8, 5, 2]  # from 7 o'clock, how many orders
CHANGED_THEIR_MINDS = ("changed my mind", "ordered the wrong size", "found it in a drawer", "too late for the birthday")
NOTES = ("Leave it with the neighbour.", "It is a present: no invoice in the parcel.", "Rings only at the back door.")
MOVES = {  # person → days after the opening, and where to
    "bruno": (150, Address("Elbchaussee 80", "Hamburg", "22763", "DE")),
    "hugo": (210, Address("4 rue Jacques Cartier", "Saint-Malo", "35400", "FR")),
    "liam": (260, Address("12 The Green", "Dingle", "V92 K2P1", "IE")),
    "rosa": (300, Address("Plaza de Mina 2", "Cádiz", "11004", "ES")),
    "petra": (340, Address("Am Leuchtturm 9", "Bremerhaven", "27570", "DE")),
}
PRICE_LISTS = (120, 250, 345)  # days after the opening
WITHDRAWN = ("JAR-CAPERS", "TOY-KITE", "CARD-LOVE")


def open_shop(book: Book) -> None:
    """Goods on the shelves; the first at the very start, which says when the shop opened."""
    at = book.start
    for number, good in enumerate(book.goods.values()):
        opened = at if number % 10 < FIRST or good.sku in book.kept else at + timedelta(days=20 + number * 2, hours=9)
        if opened == at:
            at += timedelta(seconds=2)
        create = {"sku": good.sku, "name": good.name, "price": euros(good.price), "publish": True}
        book.add(opened, f"{good.sku} create", "catalog", create_product, **create)
        product = id_of("product", good.sku)
        second = opened + timedelta(seconds=1)
        book.add(second, f"{good.sku} describe", "catalog", describe_product, product, description=good.description)
        stock = book.kept.get(good.sku, good.opening)
        book.add(second, f"{good.sku} stock", "warehouse", receive_stock, good.sku, quantity=stock, reference="opening")
        low = {"back_orders": False, "low_at": max(2, good.opening // 8)}
        book.add(second, f"{good.sku} policy", "warehouse", set_stock_policy, good.sku, **low)


def price_lists(book: Book) -> None:
    """Three times a year some prices change, all of one list under one correlation id."""
    chance = random.Random("price lists")
    free = [sku for number, sku in enumerate(book.goods) if sku not in book.kept and number % 10 < FIRST]
    for number, days in enumerate(PRICE_LISTS, 1):
        at = book.start + timedelta(days=days, hours=7)
        for sku in sorted(chance.sample(free, 22)):
            rise = Decimal(chance.choice(("1.05", "1.08", "0.94", "1.10")))
            price = (book.price(sku, at) * rise).quantize(Decimal("0.1"))
            at += timedelta(seconds=1)
            book.reprice(at, f"list {number} {sku}", sku, price, f"Price list {number}", f"price list {number}")
    for sku in WITHDRAWN:
        at = book.start + timedelta(days=380, hours=8)
        book.add(at, f"{sku} withdraw", "catalog", withdraw_product, id_of("product", sku), why="End of the season")


def join(book: Book) -> None:
    """The customers register; some have cards, accounts, birthdays soon, premium."""
    for number, person in enumerate(book.people.values()):
        at = joined(book, person)
        who = {"name": person.name, "email": person.email, "customer_id": person.id}
        book.add(at, f"{person.key} register", person.key, register_customer, **who)
        at += timedelta(seconds=30)
        book.add(at, f"{person.key} address", person.key, add_address, person.id, address=person.address)
        if number % 3:
            day = (book.end + timedelta(days=5 + number // 4 if number % 4 == 1 else 20 + number * 8)).date()
            born = date(1958 + number, day.month, min(day.day, 28))
            book.add(at, f"{person.key} birthday", person.key, set_birthday, person.id, birthday=born)
        if person.card:
            card(book, person, at + timedelta(seconds=45))
        if person.limit:
            at += timedelta(hours=2)
            book.add(at, f"{person.key} limit", "finance", set_credit_limit, person.id, limit=euros(person.limit))
        if number in (6, 13, 21):
            until = (book.end + timedelta(days=90)).date()
            book.add(at + timedelta(days=60), f"{person.key} premium", "support", grant_premium, person.id, until=until)
    for key, (days, address) in MOVES.items():
        at = book.start + timedelta(days=days, hours=10)
        book.keep(key, at - timedelta(days=9), at)
        book.add(at, f"{key} moves", key, change_address, book.people[key].id, 1, address=address)
    at = book.day(18, 9, 12)
    book.keep("isaac", at - timedelta(days=9), book.end)
    block = "Three parcels reported lost, all three delivered."
    book.add(at, "isaac block", "support", block_customer, book.people["isaac"].id, reason=block)


def card(book: Book, person: Person, at: datetime) -> None:
    expires = book.end + timedelta(days=900)
    number = {"number": person.card, "expiry_month": expires.month, "expiry_year": expires.year, "holder": person.name}
    book.add(at, f"{person.key} card", person.key, store_card, **number)
    label, last = "Visa" if person.card[0] == "4" else "Mastercard", person.card[-4:]
    known = {"token": str(token_of(person.key)), "label": label, "last_four": last}
    at += timedelta(seconds=1)
    book.add(at, f"{person.key} payment method", person.key, add_payment_method, person.id, **known)


def joined(book: Book, person: Person) -> datetime:
    return book.start + timedelta(days=person.joins, hours=2, minutes=11 * (person.joins % 5) + 3)


class Trade:
    """Orders by chance, always the same; what they take is kept in mind, so that shelves are filled in time."""

    def __init__(self, book: Book) -> None:
        self.book, self.chance = book, random.Random("Harbour & Hearth")
        self.sold = {sku: good for sku, good in book.goods.items() if sku not in book.kept}
        self.left = {sku: good.opening for sku, good in self.sold.items()}
        self.since = {step.args[0]: step.at for step in book.steps if step.key.endswith(" stock")}  # on the shelf
        for step in sorted(book.steps, key=lambda step: step.at):  # what stories take
            for item in step.kwargs.get("items", ()):
                if item.sku in self.left:
                    self.left[item.sku] -= item.quantity

    def run(self, orders: int) -> None:
        for number, at in enumerate(self.times(orders), 1001):
            self.order(f"HH-{number}", at)
        self.abandoned()
        self.settle()

    def times(self, orders: int) -> list[datetime]:
        """More from year to year's end, in the evening and at the weekend."""
        days = [self.book.start + timedelta(days=day) for day in range(1, 426)]
        weights = [
            (1 + number / 500) * (1.3 if day.weekday() >= 5 else 1) * {11: 1.7, 12: 2.2}.get(day.month, 1)
            for number, day in enumerate(days)
        ]
        found = []
        for day in self.chance.choices(days, weights, k=orders):
            hour = self.chance.choices(range(7, 23), HOURS)[0]
            at = day.replace(hour=hour, minute=self.chance.randrange(60), second=self.chance.randrange(60))
            if not overlaps(self.book.quiet, at, at + timedelta(minutes=1)):
                found.append(at.replace(microsecond=0))
        return sorted(found)

    def order(self, key: str, at: datetime) -> None:
        chance, book = self.chance, self.book
        items = self.basket(at)
        who = self.who(at)
        person = book.people[who] if who else None
        pays = "none"
        if person and person.card and chance.random() < 0.45:
            pays = "card"
        elif person and person.limit and chance.random() < 0.7:
            pays = "account"
        if person and (book.end - at).days < 60 and chance.random() < 0.3:
            order_id = book.checkout(at, key, person.key, items, pays)
            at += timedelta(seconds=40 * len(items) + 90)
        else:
            home = None if person else Address(f"{chance.randrange(1, 90)} Ferry Lane", "Whitby", "YO21 3QQ", "GB")
            order_id = book.order(at, key, who, items, pays, ship_to=home)
        if pays == "card":
            declined = chance.random() < 0.03
            book.authorise(at + timedelta(seconds=2), key, order_id, "insufficient funds" if declined else "")
            if declined:
                self.put_back(items)
                return
        if chance.random() < 0.04:
            why = chance.choice(CHANGED_THEIR_MINDS)
            off = at + timedelta(minutes=chance.randrange(6, 30))
            book.add(off, f"{key} cancel", who or "support", cancel_order, order_id, reason=why)
            if pays == "card":
                book.gateway(off + timedelta(seconds=2), f"{key} void", order_id)
            self.put_back(items)
            return
        if chance.random() < 0.04:
            note = at + timedelta(minutes=40)
            book.add(note, f"{key} note", "support", note_order, order_id, text=chance.choice(NOTES))
        delivered = self.send(key, at, order_id, pays)
        if pays == "card" and chance.random() < 0.05:
            self.give_back(key, order_id, items, delivered)

    def who(self, at: datetime) -> str | None:
        """One who has registered, and of whom no story is told just now; of ten orders one is a guest's."""
        here = [
            person.key
            for person in self.book.people.values()
            if joined(self.book, person) + timedelta(hours=3) < at
            and not overlaps(self.book.busy[person.key], at, at + timedelta(minutes=1))
        ]
        return self.chance.choice(here) if here and self.chance.random() > 0.1 else None

    def basket(self, at: datetime) -> list[tuple[str, int]]:
        there = [sku for sku in self.sold if self.since[sku] < at and self.left[sku] >= 8 and sku not in WITHDRAWN]
        wanted = self.chance.choices([1, 2, 3, 4], [70, 22, 6, 2])[0]
        items: dict[str, int] = {}
        for sku in self.chance.choices(there, [self.sold[sku].liked for sku in there], k=wanted):
            items[sku] = self.chance.choices([1, 2, 4], [80, 16, 4])[0]
        for sku, quantity in items.items():
            self.left[sku] -= quantity
            if self.left[sku] <= max(10, self.sold[sku].opening // 5):
                self.refill(sku, at)
        return list(items.items())

    def refill(self, sku: str, at: datetime) -> None:
        """The next morning; what is sold until then is there."""
        morning = (at + timedelta(days=1)).replace(hour=6, minute=20, second=0)
        quantity = self.sold[sku].opening
        key = f"{sku} refill {at:%Y%m%d%H%M%S}"
        delivery = f"delivery {morning:%d %b}"
        if morning < self.book.end:
            self.book.add(morning, key, "warehouse", receive_stock, sku, quantity=quantity, reference=delivery)
            self.left[sku] += quantity

    def put_back(self, items: Sequence[tuple[str, int]]) -> None:
        for sku, quantity in items:
            self.left[sku] += quantity

    def send(self, key: str, at: datetime, order_id: UUID, pays: str) -> datetime:
        """Packed the next working morning, sent in the afternoon, there in one to three days."""
        chance = self.chance
        morning = (at + timedelta(days=1)).replace(hour=8, minute=30, second=0)
        while morning.weekday() == 6:
            morning += timedelta(days=1)
        packed = morning + timedelta(seconds=chance.randrange(9_000))
        dispatched = morning.replace(hour=14, minute=0) + timedelta(seconds=chance.randrange(7_200))
        days = timedelta(days=chance.choice((1, 1, 2, 3)), seconds=chance.randrange(-12_000, 12_000))
        delivered = dispatched + days
        self.book.send(
            order_id,
            key,
            packed,
            dispatched,
            delivered,
            by_card=pays == "card",
            carrier=chance.choice(CARRIERS),
            lost=chance.random() < 0.005,
        )
        return delivered

    def give_back(self, key: str, order_id: UUID, items: Sequence[tuple[str, int]], delivered: datetime) -> None:
        at = delivered + timedelta(days=self.chance.randrange(3, 12), hours=-2)
        back = [Wanted(sku, quantity) for sku, quantity in items]
        self.book.add(at, f"{key} back", "warehouse", take_back, order_id, items=back, reason="sent back")
        at += timedelta(hours=1)
        self.book.add(at, f"{key} refund", "finance", refund_all, order_id, "sent back")
        self.book.gateway(at + timedelta(seconds=3), f"{key} refunded", order_id)

    def abandoned(self) -> None:
        """Baskets that were left standing."""
        for number in range(14):
            who = list(self.book.people)[number]
            at = self.book.day(4 + 3 * number, 20, number * 3)
            checkout_id = id_of("demo checkout", f"left {number}")
            asked = {"customer_id": self.book.people[who].id, "checkout_id": checkout_id}
            self.book.add(at, f"left {number} start", who, start_checkout, **asked)
            at += timedelta(minutes=1)
            self.book.add(at, f"left {number} item", who, set_item, checkout_id, sku="MUG-HARBOUR", quantity=1)
            at += timedelta(hours=2)
            self.book.add(at, f"left {number} end", "timer", abandon_checkout, checkout_id, reason="left for two hours")

    def settle(self) -> None:
        """Accounts are paid on the first of each month."""
        day = self.book.start.date()
        while (day := (day.replace(day=1) + timedelta(days=32)).replace(day=1)) <= self.book.end.date():
            for number, person in enumerate(self.book.people.values()):
                at = self.book.day((self.book.end.date() - day).days, 10, number)
                if person.limit and joined(self.book, person) + timedelta(days=1) < at:
                    self.book.add(at, f"{person.key} settle {day}", "finance", settle_all, person.id, f"bank {day}")


def settle_all(customer_id: UUID, reference: str) -> Receipt | None:
    """What they owe; nothing, if that is nothing."""
    owed = shop.load(CreditAccount, credit_of(customer_id)).owed
    return settle_credit(customer_id, amount=owed, reference=reference) if owed.amount else None


def refund_all(order_id: UUID, reason: str) -> Receipt:
    payment = shop.load(Payment, payment_of(order_id))
    assert payment.captured  # it was sent
    return refund_payment(payment.id, amount=Money(payment.captured.amount, payment.captured.currency), reason=reason)
