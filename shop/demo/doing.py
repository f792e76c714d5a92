"""What the tour's buttons do: the same commands that people ask for, some of them at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple
from uuid import UUID, uuid4

from django.db import connection

from eventstore.cause import because
from eventstore.domain import uuid7
from shop.application import Receipt
from shop.demo import stories
from shop.ordering.commands import Item, place_order
from shop.values import id_of

ACTOR = "tour"
ADA = id_of("demo", "ada")
CLICKS = 5


class Done(NamedTuple):
    """What was done, in words, and the orders that came of it."""

    text: str
    orders: tuple[UUID, ...] = ()


def buy() -> Done:
    with because(actor=ACTOR):
        receipt = place_order(items=[Item("MUG-HARBOUR", 2)], customer_id=ADA, reference="TOUR-ADA")
    return Done(f"Ordered: an event at position {receipt.position} of the log.", (receipt.id,))


def last() -> Done:
    """The two of the story, at once."""
    orders = {who: uuid7() for who in ("celia", "finn")}
    at_once(
        [
            partial(order, stories.LAST_NOW, each, f"TOUR-LAST-{n}", customer_id=id_of("demo", who))
            for n, (who, each) in enumerate(orders.items(), 1)
        ]
    )
    return Done("Two orders for the one that is left. See who gets it:", tuple(orders.values()))


def twice() -> Done:
    """One request, five times: under one key, as a browser or a phone repeats it."""
    order_id, key = uuid7(), uuid4()
    receipts = at_once([partial(order, "TEA-EARL", order_id, "TOUR-TWICE", key)] * CLICKS)
    answers = len({(receipt.id, receipt.version, receipt.position) for receipt in receipts})
    return Done(f"Sent {CLICKS} times; {answers} answer, {len({r.id for r in receipts})} order:", (order_id,))


def order(
    sku: str, order_id: UUID, reference: str, key: UUID | None = None, customer_id: UUID | None = None
) -> Receipt:
    with because(actor=ACTOR, command_id=key):
        return place_order(items=[Item(sku, 1)], customer_id=customer_id, reference=reference, order_id=order_id)


def at_once(calls: list[Callable[[], Receipt]]) -> list[Receipt]:
    def alone(call: Callable[[], Receipt]) -> Receipt:
        try:
            return call()
        finally:
            connection.close()  # the thread's own

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(alone, calls))


DOING: dict[str, Callable[[], Done]] = {"buy": buy, "last": last, "twice": twice}
