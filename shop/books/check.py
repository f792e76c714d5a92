"""All books over the whole log, and what they found."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from shop.books.credit import Credit
from shop.books.facts import Book, Breach, Fact
from shop.books.mails import Mail, Mails
from shop.books.money import Payments, differences
from shop.books.orders import Orders, Prices, Processes, Shipments
from shop.books.rest import unfinished
from shop.books.stock import Stock

EVERY = 5_000  # events from one word of progress to the next


class Books:
    """What the log adds up to, as far as it was read."""

    def __init__(self) -> None:
        self.stock, self.credit, self.payments = Stock(), Credit(), Payments()
        self.orders, self.processes, self.shipments = Orders(), Processes(), Shipments()
        self.mails, self.events = Mails(), 0
        self._by_kind: dict[str, list[Book | Mails]] = defaultdict(list)
        for book in (*(self.stock, self.credit, self.payments, self.orders), Prices(), self.processes, self.shipments):
            self._by_kind[book.kind].append(book)
        for kind in self.mails.kinds:
            self._by_kind[kind].append(self.mails)

    def read(self, facts: Iterable[Fact], report: Callable[[int], object] = lambda position: None) -> Iterator[Breach]:
        """Every breach in ``facts``, the log's in their order: at the very event after which it was so."""
        for fact in facts:
            self.events += 1
            for book in self._by_kind.get(fact.name.partition(".")[0], ()):
                yield from book.take(fact)
            if self.events % EVERY == 0:
                report(fact.position)

    def at_rest(self) -> Iterator[Breach]:
        """What must be true as well once every policy has heard all that was read."""
        yield from unfinished(self.orders, self.processes, self.shipments, self.stock, self.credit, self.payments)

    def posted(self, outbox: Iterable[Mail], begun: int = 0, skipped: Iterable[int] = ()) -> Iterator[Breach]:
        """Where the outbox tells something else; at rest, too."""
        yield from self.mails.against(outbox, begun, skipped)

    def against(self, ledger: Iterable[Mapping[str, Any]]) -> Iterator[Breach]:
        """Where the gateway's ledger says something else."""
        yield from differences(self.payments, ledger)
