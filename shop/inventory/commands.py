"""What can be asked of stock. One function, one command, one transaction."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from eventsourcing.application import AggregateNotFoundError

from eventstore.history import Moment, at
from eventstore.persistence import rows
from shop.application import Receipt, command, shop
from shop.inventory.domain import BadQuantity, InsufficientStock, StockItem, UnknownStock, Wanted, stock_of


@command
def receive_stock(sku: str, *, quantity: int, reference: str = "") -> Receipt:
    """The first of a SKU opens it. BadQuantity."""
    with together():
        item = _load([sku]).get(sku) or StockItem.open(sku)
        item.receive(quantity, reference)
        return shop.record(item)


@command
def count_stock(sku: str, *, counted: int, reason: str, as_of: int | None = None) -> Receipt:
    """``as_of``: the position that the count belongs to; what has moved since then is reckoned in.

    InsufficientStock: more are reserved than there would be, and back-orders are not allowed. UnknownStock.
    """
    with together():
        item = _known([sku])[sku]
        since = 0 if as_of is None else item.on_hand - _on_hand_at(item.id, as_of)
        item.count(counted + since, reason)
        return shop.record(item)


@command
def set_stock_policy(sku: str, *, back_orders: bool, low_at: int) -> Receipt:
    """Of a SKU that was never received, too: one that is sold before it is there. InsufficientStock, BadQuantity."""
    with together():
        item = _load([sku]).get(sku) or StockItem.open(sku)
        item.set_policy(back_orders, low_at)
        return shop.record(item)


@command
def reserve_stock(order_id: UUID, *, items: Sequence[Wanted]) -> Receipt:
    """All or nothing; the same again, nothing. InsufficientStock, ReservedBefore, BadQuantity."""
    with together():
        return shop.record(*reserving(order_id, items))


@command
def release_stock(order_id: UUID, *, items: Sequence[Wanted], reason: str) -> Receipt:
    """All or nothing; the same again, nothing. NotReserved, UnknownStock, BadQuantity."""
    with together():
        return shop.record(*releasing(order_id, items, reason))


@command
def ship_stock(order_id: UUID, *, items: Sequence[Wanted]) -> Receipt:
    """All or nothing; the same again, nothing. NotReserved, InsufficientStock, UnknownStock, BadQuantity."""
    with together():
        return shop.record(*_each(items, lambda item, quantity: item.ship(order_id, quantity)))


@command
def take_back(order_id: UUID, *, items: Sequence[Wanted], reason: str) -> Receipt:
    """All or nothing, of what that order was sent and has not sent back. NotShipped, UnknownStock, BadQuantity."""
    with together():
        return shop.record(*_each(items, lambda item, quantity: item.take_back(order_id, quantity, reason)))


def together() -> Any:
    """A transaction, for what is locked until it ends; within one, that: all is decided before anything is recorded."""
    return nullcontext() if connection.in_atomic_block else transaction.atomic()


def reserving(order_id: UUID, items: Sequence[Wanted]) -> list[StockItem]:
    """The items, each having decided, to be recorded with others: in a transaction, or they may be out of date."""
    wanted = _added_up(items)
    found = _load(wanted)
    for sku, quantity in wanted.items():
        if sku not in found:
            detail = f"{sku}: {quantity:,} are wanted, and 0 are left."
            raise InsufficientStock(detail, sku=sku, wanted=quantity, available=0)
        found[sku].reserve(order_id, quantity)
    return list(found.values())


def releasing(order_id: UUID, items: Sequence[Wanted], reason: str) -> list[StockItem]:
    """As ``reserving``, the other way."""
    return _each(items, lambda item, quantity: item.release(order_id, quantity, reason))


def reducing(order_id: UUID, left: Mapping[str, int], reason: str) -> list[StockItem]:
    """As ``releasing``, but for what is left of each SKU. NotReserved, UnknownStock."""
    found = _known(left)
    for sku, quantity in left.items():
        found[sku].reduce(order_id, quantity, reason)
    return list(found.values())


def leaving(order_id: UUID, items: Sequence[Wanted]) -> list[StockItem]:
    """As ``releasing``: what is reserved for that order is shipped. InsufficientStock: it is not there yet."""
    found = _load(wanted := _added_up(items))
    for sku, item in found.items():
        if (booking := item.booking(order_id)) and booking.status == "reserved":
            item.ship(order_id, wanted[sku])
    return list(found.values())


def _on_hand_at(stock_id: UUID, position: int) -> int:
    try:
        return at(stock_id, Moment("position", position)).on_hand  # type: ignore[no-any-return]
    except AggregateNotFoundError:  # it was opened later
        return 0


def _each(items: Sequence[Wanted], decide: Callable[[StockItem, int], None]) -> list[StockItem]:
    wanted = _added_up(items)
    found = _known(wanted)
    for sku, quantity in wanted.items():
        decide(found[sku], quantity)
    return list(found.values())


def _added_up(items: Sequence[Wanted]) -> dict[str, int]:
    """How many of each SKU: two lines of one are one claim."""
    if not items:
        raise BadQuantity("Expected at least one SKU, found none.")
    wanted: dict[str, int] = {}
    for item in items:
        if item.quantity < 1:
            raise BadQuantity(f"{item.sku}: {item.quantity} is no quantity; it is at least 1.", sku=item.sku)
        wanted[item.sku] = wanted.get(item.sku, 0) + item.quantity
    return wanted


def _known(skus: Iterable[str]) -> dict[str, StockItem]:
    skus = list(skus)
    found = _load(skus)
    if missing := [sku for sku in skus if sku not in found]:
        raise UnknownStock(f"There was never any {' or '.join(missing)} in stock.", sku=missing[0])
    return found


LOCK = "select pg_advisory_xact_lock(key) from unnest(array[{}]::bigint[]) key"  # one after the other, as they stand
LOCKS = 80 << 48  # the locks of stock, beside the log's own


def _load(skus: Iterable[str]) -> dict[str, StockItem]:
    """Those that there are, in order of id, and until the transaction ends nobody else's.

    Many want the same SKU at once: in turn, each decides by what is there. Tried again and again against each other,
    some would hear of a conflict, not of what is left. All lock in one order, so that none waits for who waits for him.
    """
    ids = {stock_of(sku): sku for sku in skus}
    keys = sorted(LOCKS | stream_id.int & (1 << 48) - 1 for stream_id in ids)
    rows(LOCK.format(", ".join(["%s"] * len(keys))), *keys)  # psycopg takes longer to bind a list
    return {ids[stream_id]: item for stream_id, item in shop.load_all(StockItem, sorted(ids)).items()}
