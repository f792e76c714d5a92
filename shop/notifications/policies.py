"""What customers are told, and when. Nothing is sent here: a mail is written down, and sent by ``sending``."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID, uuid5

from django.conf import settings
from django.db.models import Case, Value, When
from django.template.loader import render_to_string

from eventstore.browser.causes import Beside
from eventstore.cause import cause
from eventstore.sealing import ERASED
from projections.exact import exact
from projections.projection import Policy, on
from shop.notifications.models import CustomerCopy, MailVersion, OrderCopy, OrderOf, OutgoingMail
from shop.values import Address, Money

LONGEST = 300  # characters of a subject


class Mails(Policy):
    """One mail for each of these events, however often it is heard; guests and the erased have no address."""

    @on("Order.Confirmed")
    def confirmed(self, stream_id: UUID, version: int, position: int) -> None:
        write("confirmed", stream_id, version, position, order_id=stream_id)

    @on("Order.Rejected")
    def rejected(self, stream_id: UUID, version: int, position: int, code: str) -> None:
        write("rejected", stream_id, version, position, order_id=stream_id, code=code)

    @on("Order.Cancelled")
    def cancelled(self, stream_id: UUID, version: int, position: int, reason: str) -> None:
        write("cancelled", stream_id, version, position, order_id=stream_id, reason=reason)

    @on("Order.LinesEdited")
    def edited(self, stream_id: UUID, version: int, position: int, reason: str) -> None:
        write("edited", stream_id, version, position, order_id=stream_id, reason=reason)

    @on("Shipment.CustomerAsked")
    def asked(self, stream_id: UUID, version: int, position: int, ship_to: Address | None, present: Address) -> None:
        write("address", stream_id, version, position, ordered=str(ship_to or ""), present=str(present))

    @on("Shipment.Dispatched")
    def dispatched(self, stream_id: UUID, version: int, position: int, carrier: str, tracking: str) -> None:
        write("dispatched", stream_id, version, position, carrier=carrier, tracking=tracking)

    @on("Payment.Refunded")
    def refunded(self, stream_id: UUID, version: int, position: int, amount: Money) -> None:
        write("refunded", stream_id, version, position, amount=str(amount))

    @on("Customer.Erased")
    def forgotten(self, stream_id: UUID) -> None:
        """What waits is not sent any more; of what was sent stays that it was."""
        OutgoingMail.objects.filter(customer_id=stream_id).update(
            status=Case(When(status="waiting", then=Value("withdrawn")), default="status"),
            recipient=ERASED,
            subject=ERASED,
            text=ERASED,
            error=ERASED,
        )
        MailVersion.objects.filter(mail__customer_id=stream_id).update(error=ERASED)


def write(kind: str, stream_id: UUID, version: int, position: int, order_id: UUID | None = None, **facts: str) -> None:
    """Leave a mail of that kind in the outbox. Its id is made of the event: the same again writes nothing.

    Order and customer are read from the log: what was recorded before the event is known, however far behind
    projections are.
    """
    if order_id is None:
        order_id = exact(OrderOf, [stream_id])[stream_id].order_id
    order = exact(OrderCopy, [order_id])[order_id]
    if order.customer_id is None or order.late:
        return
    customer = reader(order.customer_id)
    if customer is None:  # erased
        return
    subject, text = words(kind, order, name=customer.name, **facts)
    mail_id = uuid5(stream_id, f"mail:{version}")
    mail = OutgoingMail(
        id=mail_id,
        message_id=f"<{mail_id}@{settings.DEFAULT_FROM_EMAIL.rpartition('@')[2].rstrip('>')}>",
        kind=kind,
        customer_id=customer.id,
        order_id=order_id,
        correlation_id=cause.get().correlation_id,
        causation_id=cause.get().causation_id,
        position=position,
        recipient=customer.email,
        subject=subject,
        text=text,
    )
    OutgoingMail.objects.bulk_create([mail], ignore_conflicts=True)


def reader(customer_id: UUID) -> CustomerCopy | None:
    """Who reads what is written to them: who they are now, whose address is still theirs."""
    customer = exact(CustomerCopy, [customer_id]).get(customer_id)
    return reader(customer.merged_into) if customer and customer.merged_into else customer


def telling_of(event_ids: Iterable[UUID]) -> dict[UUID, list[OutgoingMail]]:
    """The mails that were written for these events."""
    found: dict[UUID, list[OutgoingMail]] = {}
    for mail in OutgoingMail.objects.filter(causation_id__in=list(event_ids)).order_by("written_at", "id"):
        found.setdefault(mail.causation_id, []).append(mail)
    return found


def mails_of(event_ids: Sequence[UUID]) -> dict[UUID, list[Beside]]:
    """The same, for the tree of what came of a request."""
    return {
        event_id: [Beside("mail", mail.id, mail.kind, mail.status, mail.written_at) for mail in mails]
        for event_id, mails in telling_of(event_ids).items()
    }


def words(kind: str, order: OrderCopy, **facts: str) -> tuple[str, str]:
    """Subject and text of a mail: the first line of its template, and what comes after an empty one."""
    asked: dict[str, Any] = {name: one_line(fact) for name, fact in facts.items()}
    asked["lines"] = [line | {"name": one_line(line["name"])} for line in order.lines]
    asked |= {name: getattr(order, name) for name in ("discount", "shipping", "tax", "total")}
    reference = one_line(order.reference)
    asked["order"] = f"{order.number} ({reference})" if reference else order.number
    subject, _, text = render_to_string(f"notifications/{kind}.txt", asked).partition("\n\n")
    return subject[:LONGEST], text.rstrip() + "\n"


def one_line(text: str) -> str:
    """What somebody wrote, so that it can end neither a header nor a line of ours."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())
