"""Stock: received = on hand + shipped, and nothing is promised that is not there."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from shop.books.facts import Book, Fact

Claim = tuple[str, int]  # reserved | released | shipped, and how many


@dataclass
class Item:
    sku: str
    came: int = 0  # received, and found when it was counted
    left: int = 0  # shipped, and not taken back
    on_hand: int = 0  # added up event by event, as the other two are not
    back_orders: bool = False
    reserved: int = 0
    claims: dict[str, Claim] = field(default_factory=dict)  # by order


class Stock(Book):
    kind, rule = "StockItem", "stock"

    def __init__(self) -> None:
        self.items: dict[str, Item] = {}
        self.of_orders: dict[str, dict[str, Claim]] = defaultdict(dict)  # by order and SKU
        self.back: dict[str, Counter[str]] = defaultdict(Counter)  # what customers sent back, the same way

    def opened(self, fact: Fact) -> Iterator[str]:
        if fact.stream_id in self.items:
            yield "it was opened twice"
        self.items.setdefault(fact.stream_id, Item(fact.data["sku"]))

    def received(self, fact: Fact) -> Iterator[str]:
        item = self.items[fact.stream_id]
        if fact.data["quantity"] < 1:
            yield f"{item.sku}: {fact.data['quantity']} were received"
        item.came += fact.data["quantity"]
        item.on_hand += fact.data["quantity"]
        yield from self._must_hold(fact)

    def counted(self, fact: Fact) -> Iterator[str]:
        item = self.items[fact.stream_id]
        item.came += fact.data["difference"]
        item.on_hand += fact.data["difference"]
        if item.on_hand != fact.data["counted"]:
            yield f"{item.sku}: {fact.data['counted']} were counted, and {item.on_hand} are on hand by the books"
        yield from self._must_hold(fact)

    def policy_set(self, fact: Fact) -> Iterator[str]:
        self.items[fact.stream_id].back_orders = fact.data["back_orders"]
        yield from self._must_hold(fact)

    def reserved(self, fact: Fact) -> Iterator[str]:
        item, order, quantity = self.items[fact.stream_id], fact.data["order_id"], fact.data["quantity"]
        if order in item.claims:
            yield f"{item.sku}: order {order} reserved twice: {item.claims[order]}, then {quantity}"
        self._claim(item, order, ("reserved", quantity))
        item.reserved += quantity
        yield from self._must_hold(fact)

    def released(self, fact: Fact) -> Iterator[str]:
        yield from self._settled(fact, "released")

    def reduced(self, fact: Fact) -> Iterator[str]:
        item, order, left = self.items[fact.stream_id], fact.data["order_id"], fact.data["left"]
        before = item.claims.get(order)
        if before != ("reserved", left + fact.data["quantity"]):
            yield f"{item.sku}: {left} were left of order {order}, which had {before or 'nothing'}"
        item.reserved -= fact.data["quantity"]
        self._claim(item, order, ("reserved", left))
        yield from self._must_hold(fact)

    def shipped(self, fact: Fact) -> Iterator[str]:
        item, quantity = self.items[fact.stream_id], fact.data["quantity"]
        item.left += quantity
        item.on_hand -= quantity
        yield from self._settled(fact, "shipped")

    def taken_back(self, fact: Fact) -> Iterator[str]:
        item, order, quantity = self.items[fact.stream_id], fact.data["order_id"], fact.data["quantity"]
        status, shipped = item.claims.get(order, ("none", 0))
        if status != "shipped" or quantity > shipped:
            yield f"{item.sku}: {quantity} came back of order {order}, which was sent {shipped} ({status})"
        self._claim(item, order, (status, shipped - quantity))
        self.back[order][item.sku] += quantity
        item.left -= quantity
        item.on_hand += quantity
        yield from self._must_hold(fact)

    def _settled(self, fact: Fact, as_: str) -> Iterator[str]:
        item, order, quantity = self.items[fact.stream_id], fact.data["order_id"], fact.data["quantity"]
        before = item.claims.get(order)
        if before != ("reserved", quantity):
            yield f"{item.sku}: {quantity} were {as_} of order {order}, which had {before or 'nothing'}"
        if before and before[0] == "reserved":
            item.reserved -= before[1]
        self._claim(item, order, (as_, quantity))
        yield from self._must_hold(fact)

    def _claim(self, item: Item, order: str, claim: Claim) -> None:
        item.claims[order] = self.of_orders[order][item.sku] = claim

    def _must_hold(self, fact: Fact) -> Iterator[str]:
        item = self.items[fact.stream_id]
        if item.came != item.on_hand + item.left:
            yield f"{item.sku}: {item.came} came, {item.on_hand} are on hand and {item.left} have left"
        if item.on_hand < 0:
            yield f"{item.sku}: {item.on_hand} are on hand"
        if item.reserved > item.on_hand and not item.back_orders:
            yield f"{item.sku}: {item.reserved} are reserved, and {item.on_hand} are on hand"
