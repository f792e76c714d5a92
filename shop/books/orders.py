"""Orders, how they are placed, and their parcels: sums to the cent, and no status but by the way that leads there."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from shop.books.facts import Book, Breach, Fact, amount

CENT = Decimal("0.01")
BEFORE = {  # from which statuses an order may come to which
    "confirmed": ("placed",),
    "rejected": ("placed",),
    "cancelled": ("placed", "confirmed"),
    "shipped": ("confirmed",),
    "delivered": ("shipped",),
    "completed": ("delivered",),
}


@dataclass
class Ordered:
    wanted: Counter[str]
    payment: str
    total: Decimal
    status: str = "placed"


class Orders(Book):
    kind, rule = "Order", "order"

    def __init__(self) -> None:
        self.orders: dict[str, Ordered] = {}

    def placed(self, fact: Fact) -> Iterator[str]:
        payment = (fact.data.get("payment") or {}).get("kind", "none")
        wanted = pieces(fact)
        if fact.stream_id in self.orders:
            yield "it was placed twice"
        self.orders[fact.stream_id] = Ordered(wanted, payment, amount(fact.data["total"]))

    def lines_edited(self, fact: Fact) -> Iterator[str]:
        order, left, total = self.orders[fact.stream_id], pieces(fact), amount(fact.data["total"])
        if order.status != "confirmed":
            yield f"it was edited when it was {order.status}"
        if more := left - order.wanted:
            yield f"{dict(more)} more were wanted than were ordered"
        if total > order.total:
            yield f"it came to {order.total}, and to {total} when less was wanted"
        order.wanted, order.total = left, total

    def confirmed(self, fact: Fact) -> Iterator[str]:
        yield from self._moved(fact, "confirmed")

    def rejected(self, fact: Fact) -> Iterator[str]:
        yield from self._moved(fact, "rejected")

    def cancelled(self, fact: Fact) -> Iterator[str]:
        yield from self._moved(fact, "cancelled")

    def shipped(self, fact: Fact) -> Iterator[str]:
        yield from self._moved(fact, "shipped")

    def delivered(self, fact: Fact) -> Iterator[str]:
        yield from self._moved(fact, "delivered")

    def completed(self, fact: Fact) -> Iterator[str]:
        yield from self._moved(fact, "completed")

    def _moved(self, fact: Fact, to: str) -> Iterator[str]:
        order = self.orders[fact.stream_id]
        if order.status not in BEFORE[to]:
            yield f"it was {to} when it was {order.status}"
        order.status = to


def pieces(fact: Fact) -> Counter[str]:
    """How many of each SKU its lines are for."""
    found: Counter[str] = Counter()
    for line in fact.data["lines"]:
        if line["quantity"]:
            found[line["sku"]] += line["quantity"]
    return found


class Prices(Book):
    """What orders cost: whichever event says their lines and their total."""

    kind, rule = "Order", "price"

    def take(self, fact: Fact) -> Iterator[Breach]:
        if fact.data.keys() >= {"lines", "total"}:
            for detail in sums(fact.data):
                yield Breach(self.rule, fact.position, fact.stream_id, detail)


def sums(order: dict[str, Any]) -> Iterator[str]:
    """Each line is quantity × price; the total is lines + shipping + tax − discount."""
    lines = Decimal(0)
    for line in order["lines"]:
        due = (amount(line["unit_price"]) * line["quantity"]).quantize(CENT, ROUND_HALF_UP)
        if due != amount(line["total"]):
            price = amount(line["unit_price"])
            yield f"{line['sku']}: {line['quantity']} × {price} = {due}, not {amount(line['total'])}"
        lines += amount(line["total"])
    more = {part: amount(order[part]) if order.get(part) else Decimal(0) for part in ("shipping", "tax", "discount")}
    total = lines + more["shipping"] + more["tax"] - more["discount"]
    if total != amount(order["total"]):
        parts = f"{lines} + {more['shipping']} + {more['tax']} - {more['discount']}"
        yield f"{parts} = {total}, not {amount(order['total'])}"
    if len(found := {order["total"]["currency"], *(line["total"]["currency"] for line in order["lines"])}) > 1:
        yield f"its currencies are {' and '.join(sorted(found))}"


@dataclass
class Placing:
    order_id: str
    status: str = "running"
    waits: bool = False
    done: list[str] = field(default_factory=list)


class Processes(Book):
    kind, rule = "PlaceOrder", "process"

    def __init__(self) -> None:
        self.processes: dict[str, Placing] = {}

    def started(self, fact: Fact) -> Iterator[str]:
        self.processes[fact.stream_id] = Placing(fact.data["order_id"])
        yield from ()

    def take(self, fact: Fact) -> Iterator[Breach]:
        process = self.processes.get(fact.stream_id)
        if process:
            process.done.append(fact.name.partition(".")[2])
            process.waits = process.done[-1] == "PaymentRequested"
        yield from super().take(fact)

    def undoing(self, fact: Fact) -> Iterator[str]:
        yield from self._moved(fact, "undoing", "running")

    def confirmed(self, fact: Fact) -> Iterator[str]:
        yield from self._moved(fact, "confirmed", "running")

    def rejected(self, fact: Fact) -> Iterator[str]:
        yield from self._moved(fact, "rejected", "undoing")

    def _moved(self, fact: Fact, to: str, before: str) -> Iterator[str]:
        process = self.processes[fact.stream_id]
        if process.status != before:
            yield f"it was {to} when it was {process.status}"
        process.status = to


class Shipments(Book):
    kind, rule = "Shipment", "order"

    def __init__(self) -> None:
        self.sent: dict[str, tuple[str, Counter[str]]] = {}  # by order: the status, and what is in the parcel
        self._orders: dict[str, str] = {}

    def planned(self, fact: Fact) -> Iterator[str]:
        order = fact.data["order_id"]
        if order in self.sent:
            yield f"order {order} has two parcels"
        self._orders[fact.stream_id] = order
        self.sent[order] = "planned", pieces(fact)

    def lines_changed(self, fact: Fact) -> Iterator[str]:
        status, planned = self.sent[self._orders[fact.stream_id]]
        if status != "planned":
            yield f"it was changed when it was {status}"
        if more := pieces(fact) - planned:
            yield f"{dict(more)} more are to be sent than were ordered"
        self.sent[self._orders[fact.stream_id]] = status, pieces(fact)

    def dispatched(self, fact: Fact) -> Iterator[str]:
        yield from self._moved(fact, "dispatched")

    def cancelled(self, fact: Fact) -> Iterator[str]:
        yield from self._moved(fact, "cancelled")

    def _moved(self, fact: Fact, to: str) -> Iterator[str]:
        status, packed = self.sent[self._orders[fact.stream_id]]
        if status != "planned":
            yield f"it was {to} when it was {status}"
        self.sent[self._orders[fact.stream_id]] = to, packed
