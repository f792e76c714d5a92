"""Credit: reserved + owed ≤ limit when reserving; by order, once each."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from shop.books.facts import Book, Fact, amount

ZERO = Decimal(0)


@dataclass
class Account:
    limit: Decimal = ZERO
    owed: Decimal = ZERO
    claims: dict[str, tuple[str, Decimal]] = field(default_factory=dict)  # by order: reserved | released | charged

    @property
    def reserved(self) -> Decimal:
        return sum((some for status, some in self.claims.values() if status == "reserved"), ZERO)


class Credit(Book):
    kind, rule = "CreditAccount", "credit"

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}

    def opened(self, fact: Fact) -> Iterator[str]:
        self.accounts[fact.stream_id] = Account()
        yield from ()

    def limit_set(self, fact: Fact) -> Iterator[str]:
        self.accounts[fact.stream_id].limit = amount(fact.data["limit"])
        yield from ()

    def reserved(self, fact: Fact) -> Iterator[str]:
        account, order, some = self.accounts[fact.stream_id], fact.data["order_id"], amount(fact.data["amount"])
        if order in account.claims:
            yield f"order {order} reserved twice: {account.claims[order]}, then {some}"
        account.claims[order] = "reserved", some
        if account.reserved + account.owed > account.limit:
            yield f"{account.reserved} are reserved and {account.owed} owed, of {account.limit} at most"

    def released(self, fact: Fact) -> Iterator[str]:
        yield from self._settled(fact, "released")

    def reduced(self, fact: Fact) -> Iterator[str]:
        account, order, some = self.accounts[fact.stream_id], fact.data["order_id"], amount(fact.data["amount"])
        if (before := account.claims.get(order)) != ("reserved", some + amount(fact.data["by"])):
            yield f"{some} were left of order {order}, which had {before or 'nothing'}"
        account.claims[order] = "reserved", some
        yield from ()

    def charged(self, fact: Fact) -> Iterator[str]:
        self.accounts[fact.stream_id].owed += amount(fact.data["amount"])
        yield from self._settled(fact, "charged")

    def settled(self, fact: Fact) -> Iterator[str]:
        account = self.accounts[fact.stream_id]
        account.owed -= amount(fact.data["amount"])
        if account.owed < 0:
            yield f"{-account.owed} more were paid than were owed"

    def _settled(self, fact: Fact, as_: str) -> Iterator[str]:
        account, order, some = self.accounts[fact.stream_id], fact.data["order_id"], amount(fact.data["amount"])
        if (before := account.claims.get(order)) != ("reserved", some):
            yield f"{some} were {as_} of order {order}, which had {before or 'nothing'}"
        account.claims[order] = as_, some

    def of_order(self, order_id: str) -> str:
        """Whether that order's is reserved, released or charged; empty: it has none."""
        return next((a.claims[order_id][0] for a in self.accounts.values() if order_id in a.claims), "")
