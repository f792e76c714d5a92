"""What is to happen in the shop's made-up past, step by step: each a command, at its time. Nothing is done here."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from django.conf import settings

from shop.catalog.commands import set_price
from shop.demo.goods import Good, goods
from shop.demo.people import Person, people
from shop.demo.till import Till
from shop.ordering.checkout.commands import accept_quote, choose_payment, set_item, show_quote, start_checkout
from shop.ordering.checkout.domain import order_of
from shop.ordering.commands import Item, Paying, complete_order, place_order
from shop.payments.domain import payment_of
from shop.shipping.commands import deliver, dispatch, lose, pack
from shop.shipping.domain import shipment_of
from shop.values import CENT, Address, Money, id_of

DAYS = 425  # fourteen months
CARRIERS = ("Harbour Post", "North Sea Parcels", "DHL")


class Step(NamedTuple):
    """A command, when it is asked, and by whom. Its id is made of ``key``."""

    at: datetime
    key: str
    actor: str
    do: Callable[..., object]
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = {}  # a tuple's default, never changed
    reason: str | None = None
    correlation: str | None = None  # what else came of the same request

    @property
    def command_id(self) -> UUID:
        return command_of(self.key)


def command_of(key: str) -> UUID:
    return id_of("demo command", key)


def order_id_of(key: str) -> UUID:
    return id_of("demo order", key)


def euros(amount: Decimal | str | int) -> Money:
    return Money(Decimal(amount).quantize(CENT), settings.SHOP_CURRENCY)


class Book:
    """The steps so far, and what everyday trade must know: prices, moves, and what it leaves alone."""

    def __init__(self, end: datetime, till: Till) -> None:
        self.end, self.till = end, till
        self.start = end - timedelta(days=DAYS)
        self.steps: list[Step] = []
        self.goods: dict[str, Good] = {good.sku: good for good in goods()}
        self.people: dict[str, Person] = {person.key: person for person in people()}
        self.prices = {sku: [(self.start, good.price)] for sku, good in self.goods.items()}
        self.kept: dict[str, int] = {}  # SKU → pieces it opens with: stories' own
        self.quiet: list[tuple[datetime, datetime]] = []  # in which stories are alone
        self.busy: dict[str, list[tuple[datetime, datetime]]] = {key: [] for key in self.people}  # they order nothing

    def day(self, ago: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
        """So many days before the end, at that time of day (UTC)."""
        return datetime.combine(self.end.date() - timedelta(days=ago), time(hour, minute, second), UTC)

    def add(
        self,
        at: datetime,
        key: str,
        actor: str,
        do: Callable[..., object],
        *args: Any,
        why: str | None = None,
        of: str | None = None,
        **kwargs: Any,
    ) -> None:
        """``why``: the reason that is recorded; ``of``: a key that several steps of one request share."""
        self.steps.append(Step(at, key, actor, do, args, kwargs, why, of))

    def price(self, sku: str, at: datetime) -> Decimal:
        """Its usual one."""
        return [price for since, price in self.prices[sku] if since <= at][-1]

    def reprice(self, at: datetime, key: str, sku: str, price: Decimal, why: str | None, of: str) -> None:
        self.prices[sku].append((at, price))
        self.add(at, key, "catalog", set_price, id_of("product", sku), price=euros(price), why=why, of=of)

    def keep(self, person: str, since: datetime, until: datetime) -> None:
        """They order nothing by themselves meanwhile: a story tells what they do."""
        self.busy[person].append((since, until))

    # An order and what becomes of it.

    def order(
        self,
        at: datetime,
        key: str,
        person: str | None,
        items: Sequence[tuple[str, int]],
        pays: str = "none",
        *,
        reference: str = "",
        ship_to: Address | None = None,
        do: Callable[..., object] = place_order,
    ) -> UUID:
        """Place it. By card, the gateway is asked two seconds later by whoever plans this."""
        order_id = order_id_of(key)
        self.add(
            at,
            f"{key} place",
            person or "guest",
            do,
            items=[Item(sku, quantity) for sku, quantity in items],
            customer_id=self.people[person].id if person else None,
            ship_to=ship_to,
            reference=reference or key,
            order_id=order_id,
            payment=Paying(pays, token_of(person) if person and pays == "card" else None),
        )
        return order_id

    def checkout(self, at: datetime, key: str, person: str, items: Sequence[tuple[str, int]], pays: str) -> UUID:
        """The same, by way of a basket and a quote."""
        checkout_id = id_of("demo checkout", key)
        self.add(
            at, f"{key} start", person, start_checkout, customer_id=self.people[person].id, checkout_id=checkout_id
        )
        for number, (sku, quantity) in enumerate(items, 1):
            at += timedelta(seconds=40)
            self.add(at, f"{key} item {number}", person, set_item, checkout_id, sku=sku, quantity=quantity)
        paying = Paying(pays, token_of(person) if pays == "card" else None)
        self.add(at + timedelta(seconds=50), f"{key} pay", person, choose_payment, checkout_id, payment=paying)
        self.add(at + timedelta(seconds=52), f"{key} quote", person, show_quote, checkout_id)
        self.add(at + timedelta(seconds=90), f"{key} place", person, accept_quote, checkout_id, quote=1)
        return order_of(checkout_id)

    def authorise(self, at: datetime, key: str, order_id: UUID, refusal: str = "") -> None:
        self.add(at, f"{key} authorise", "gateway", self.till.answer, payment_of(order_id), refusal=refusal)

    def gateway(self, at: datetime, key: str, order_id: UUID) -> None:
        """It answers what it was asked for last."""
        self.add(at, key, "gateway", self.till.answer, payment_of(order_id))

    def send(
        self,
        order_id: UUID,
        key: str,
        packed: datetime,
        dispatched: datetime,
        delivered: datetime,
        *,
        by_card: bool = False,
        carrier: str = CARRIERS[0],
        lost: bool = False,
    ) -> None:
        shipment, tracking = shipment_of(order_id), f"HH{order_id.int % 10**9:09d}"
        self.add(packed, f"{key} pack", "warehouse", pack, shipment)
        self.add(dispatched, f"{key} dispatch", "warehouse", dispatch, shipment, carrier=carrier, tracking=tracking)
        if by_card:
            self.gateway(dispatched + timedelta(seconds=3), f"{key} capture", order_id)
        if lost:
            self.add(delivered, f"{key} lose", "warehouse", lose, shipment, reason="The carrier cannot find it.")
        else:
            self.add(delivered, f"{key} deliver", "warehouse", deliver, shipment)
            over = delivered + timedelta(days=settings.COMPLETE_AFTER_DAYS, seconds=order_id.int % 60)
            self.add(over, f"{key} complete", "timer", complete_order, order_id)

    def in_order(self) -> list[Step]:
        """What has happened by the end, by time."""
        return sorted((step for step in self.steps if step.at <= self.end), key=lambda step: step.at)


def token_of(person: str) -> UUID:
    """Their card's, in the vault: made of the command that stored it."""
    return uuid5(command_of(f"{person} card"), "card")


def overlaps(spans: Iterable[tuple[datetime, datetime]], since: datetime, until: datetime) -> bool:
    return any(begins < until and since < ends for begins, ends in spans)
