"""Which cards somebody keeps, and what each is still to pay: the others are forgotten after a while (``tasks``)."""

from datetime import datetime
from uuid import UUID

import msgspec
from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet

from projections.models import ReadModel
from projections.projection import Gone, Projection, every, on


class CardLife(ReadModel):
    """Since when the vault has had a card, and whether a customer keeps it, or has ordered with it."""

    id = models.UUIDField(primary_key=True, help_text="Its token.")
    stored_at = models.DateTimeField()
    is_kept = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["stored_at"], name="vault_nobodys", condition=models.Q(is_kept=False))]


class CardClaim(ReadModel):
    """An order, or a checkout, that a card is to pay: until that is settled, or comes to nothing."""

    id = models.UUIDField(primary_key=True, help_text="Of the order, or of the checkout.")
    token = models.UUIDField(db_index=True)
    payment_id = models.UUIDField(null=True, db_index=True)
    over_at = models.DateTimeField(null=True)


class PaidHow(msgspec.Struct):
    """A payment as ``Order.Placed`` and ``Checkout.PaymentChosen`` say it."""

    token: str = ""


def card_named(token: str) -> UUID | None:
    """None: it is no card of the vault's."""
    try:
        return UUID(token)
    except ValueError:
        return None


def card_of(payment: PaidHow | None = None) -> UUID | None:
    return card_named(payment.token) if payment else None


class CardsInUse(Projection):
    tables = (CardLife, CardClaim)

    @on("Card.Stored")
    def stored(self, stream_id: UUID, recorded_at: datetime) -> CardLife:
        return CardLife(id=stream_id, stored_at=recorded_at)

    @on("Card.Forgotten")
    def forgotten(self, card: CardLife) -> type[Gone]:
        return Gone

    @on("Card.Forgotten", claim=every("token"))
    def claimed_no_more(self, claim: CardClaim) -> type[Gone]:
        return Gone

    @on("Customer.PaymentMethodAdded", card=card_named)
    def kept(self, card: CardLife | None) -> None:
        if card:
            card.is_kept = True

    @on("Checkout.PaymentChosen", card=card_of)
    def chosen(self, claim: CardClaim | None, card: CardLife | None, stream_id: UUID) -> CardClaim | type[Gone] | None:
        if card is None:
            return Gone if claim else None
        claim = claim or CardClaim(id=stream_id, token=card.id)
        claim.token = card.id
        return claim

    @on("Order.Placed", card=card_of)
    def ordered(self, card: CardLife | None, stream_id: UUID, customer_id: UUID | None) -> CardClaim | None:
        if card is None:
            return None
        card.is_kept = card.is_kept or customer_id is not None
        return CardClaim(id=stream_id, token=card.id)

    @on("Payment.Requested", claim="order_id")
    def asked(self, claim: CardClaim | None, stream_id: UUID) -> None:
        if claim:
            claim.payment_id = stream_id

    @on("Checkout.Accepted", "Checkout.Abandoned", "Order.Rejected", "Order.Cancelled")
    def came_to_an_end(self, claim: CardClaim | None, recorded_at: datetime) -> None:
        if claim:
            claim.over_at = recorded_at

    @on("Payment.Captured", "Payment.Declined", "Payment.Voided", claim=every("payment_id"))
    def settled(self, claim: CardClaim, recorded_at: datetime) -> None:
        claim.over_at = recorded_at


def nobodys(since: datetime) -> QuerySet[CardLife]:
    """Cards that nobody keeps, and that since then have had nothing to pay."""
    claims = CardClaim.objects.filter(Q(over_at=None) | Q(over_at__gt=since), token=OuterRef("id"))
    found: QuerySet[CardLife] = CardLife.objects.filter(~Exists(claims), is_kept=False, stored_at__lte=since)
    return found.order_by("stored_at")
