"""Mails: each thing that a customer is told of is one mail, and no mail tells of what never happened."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from eventstore.persistence import rows
from shop.books.facts import Breach, Fact

TOLD = {
    "Order.Confirmed": "confirmed",
    "Order.Rejected": "rejected",
    "Order.Cancelled": "cancelled",
    "Order.LinesEdited": "edited",
    "Shipment.Dispatched": "dispatched",
    "Payment.Refunded": "refunded",
}
HISTORY = timedelta(days=1)  # whoever placed an order that was recorded so much later was told long ago
ERASED = "[erased]"
OUTBOX = """
    select id::text, message_id, kind, order_id::text, customer_id::text, coalesce(causation_id::text, ''), recipient,
        status, tries, sent_at from notifications_outgoingmail where position <= %s order by written_at, id"""
BEGUN = "select coalesce(min(begun_position), 0) from projections_checkpoint where projection = 'Mails' and schema = ''"
SKIPPED = "select position from projections_parked where projection = 'Mails' and skipped_at is not null"


class Due(NamedTuple):
    """What somebody is to be told."""

    position: int
    kind: str
    order: str
    customer: str


class Mail(NamedTuple):
    id: str
    message_id: str
    kind: str
    order: str
    customer: str
    event: str
    recipient: str
    status: str
    tries: int
    sent_at: datetime | None


class Mails:
    """Who is to be told what, added up from the events; guests and history have no address."""

    kinds = ("Order", "Shipment", "Payment", "Customer")

    def __init__(self) -> None:
        self.due: dict[str, Due] = {}  # by the id of the event
        self.erased: set[str] = set()
        self._merged: dict[str, str] = {}  # who they are now
        self._customers: dict[str, str | None] = {}  # by order
        self._orders: dict[str, str] = {}  # by payment, and by shipment

    def take(self, fact: Fact) -> Iterator[Breach]:
        match fact.name:
            case "Order.Placed":
                self._customers[fact.stream_id] = None if fact.late_by > HISTORY else fact.data["customer_id"]
            case "Shipment.Planned" | "Payment.Requested":
                self._orders[fact.stream_id] = fact.data["order_id"]
            case "Customer.Erased":
                self.erased.add(fact.stream_id)
            case "Customer.Merged":
                self._merged[fact.stream_id] = fact.data["into"]
        order = self._orders.get(fact.stream_id, fact.stream_id)
        customer = self._customers.get(order)
        if fact.name in TOLD and customer and customer not in self.erased:
            self.due[fact.event_id] = Due(fact.position, TOLD[fact.name], order, customer)
        yield from ()

    def against(self, outbox: Iterable[Mail], begun: int, skipped: Iterable[int]) -> Iterator[Breach]:
        """Where the outbox says something else. What happened until ``begun``, or was ``skipped``, need not be told."""
        mails = list(outbox)
        told, excused = Counter(mail.event for mail in mails), set(skipped)
        for event, due in self.due.items():
            if not told[event] and due.position > begun and due.position not in excused and not self._forgot(due):
                yield Breach("mail", due.position, due.order, f"nobody was told that it was {due.kind}")
        for mail in mails:
            yield from (Breach("mail", None, mail.order, f"mail {mail.id}: {each}") for each in self._wrong(mail, told))
        for message_id, number in Counter(mail.message_id for mail in mails).items():
            if number > 1:
                yield Breach("mail", None, "", f"{number} mails are {message_id}")

    def _readers(self, due: Due) -> list[str]:
        """Who may have got it: the customer, or whoever they were by the time it was written."""
        found = [due.customer]
        while into := self._merged.get(found[-1]):
            found.append(into)
        return found

    def _forgot(self, due: Due) -> bool:
        return not self.erased.isdisjoint(self._readers(due))

    def _wrong(self, mail: Mail, told: Counter[str]) -> Iterator[str]:
        due = self.due.get(mail.event)
        if due is None:
            yield f"it tells of {mail.event or 'no event'}, of which nobody is to be told"
            return
        if told[mail.event] > 1:
            yield f"it is one of {told[mail.event]} that tell of position {due.position}"
        if (mail.kind, mail.order) != (due.kind, due.order) or mail.customer not in self._readers(due):
            yield f"it says {mail.kind} to {mail.customer}; it is to say {due.kind} of {due.order} to {due.customer}"
        if (mail.status == "sent") and not (mail.tries and mail.sent_at):
            yield "it is sent, and nobody knows when"
        if mail.status not in ("sent", "shown") and mail.sent_at:
            yield f"it was sent at {mail.sent_at}, and is {mail.status}"
        if self._forgot(due) and (mail.recipient != ERASED or mail.status == "waiting"):
            yield f"it is {mail.status}, and its customer is erased"
        if mail.status == "withdrawn" and not self._forgot(due):
            yield "it was withdrawn, and its customer is not erased"


def outbox(upto: int) -> Iterator[Mail]:
    """What has been written of the events up to there."""
    return (Mail(*found) for found in rows(OUTBOX, upto))


def begun() -> int:
    """Where whoever writes them began to listen."""
    return int(rows(BEGUN)[0][0])


def skipped() -> list[int]:
    """The events that somebody decided to tell nobody of."""
    return [position for (position,) in rows(SKIPPED)]
