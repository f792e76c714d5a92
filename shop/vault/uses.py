"""Which cards somebody keeps, and what each is still to pay: the others are forgotten after a while (``tasks``)."""

from datetime import datetime
from uuid import UUID, uuid5

import msgspec
from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet

from projections.models import ReadModel
from projections.projection import Gone, Projection, every, on

LET_GO = Q(customer_id__isnull=False, over_at__isnull=False)


class CardLife(ReadModel):
    """Since when the vault has had a card, and whether a customer has ever kept it."""

    id = models.UUIDField(primary_key=True, help_text="Its token.")
    stored_at = models.DateTimeField()
    is_kept = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["stored_at"], name="vault_nobodys", condition=Q(is_kept=False))]


class CardClaim(ReadModel):
    """What a card is for: an order or a checkout, until that is settled or comes to nothing; or somebody's account."""

    id = models.UUIDField(primary_key=True, help_text="Of the order, of the checkout, or made of account and number.")
    token = models.UUIDField(db_index=True)
    payment_id = models.UUIDField(null=True, db_index=True)
    customer_id = models.UUIDField(null=True, db_index=True, help_text="Who keeps it in their account.")
    over_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["over_at"], name="vault_let_go", condition=LET_GO)]


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


def kept_as(stream_id: UUID, number: int) -> UUID:
    """The claim of a customer who keeps a card, as their payment method of that number."""
    return uuid5(stream_id, f"payment method {number}")


class CardsInUse(Projection):
    tables = (CardLife, CardClaim)
    version = 2
    changes = {CardLife: ("is_kept",), CardClaim: ("*",)}

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
    def kept(self, card: CardLife | None, stream_id: UUID, number: int) -> CardClaim | None:
        if card is None:
            return None
        card.is_kept = True
        return CardClaim(id=kept_as(stream_id, number), token=card.id, customer_id=stream_id)

    @on("Customer.PaymentMethodRemoved", claim=kept_as)
    def let_go(self, claim: CardClaim | None, recorded_at: datetime) -> None:
        if claim:
            claim.over_at = recorded_at

    @on("Customer.Merged", "Customer.Erased", claim=every("customer_id"))
    def kept_no_more(self, claim: CardClaim, recorded_at: datetime) -> None:
        claim.over_at = recorded_at  # who they were merged into has added it to their own

    @on("Checkout.PaymentChosen", card=card_of)
    def chosen(self, claim: CardClaim | None, card: CardLife | None, stream_id: UUID) -> CardClaim | type[Gone] | None:
        if card is None:
            return Gone if claim else None
        claim = claim or CardClaim(id=stream_id, token=card.id)
        claim.token = card.id
        return claim

    @on("Order.Placed", card=card_of)
    def ordered(self, card: CardLife | None, stream_id: UUID) -> CardClaim | None:
        return CardClaim(id=stream_id, token=card.id) if card else None

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
    """Cards that nobody has ever kept, and that since then have had nothing to pay."""
    found: QuerySet[CardLife] = CardLife.objects.filter(~needed(since), is_kept=False, stored_at__lte=since)
    return found.order_by("stored_at")


def no_longer_kept(since: datetime) -> QuerySet[CardLife]:
    """Cards that every customer who kept them has let go of, and that since then have had nothing to pay."""
    let_go = CardClaim.objects.filter(LET_GO, over_at__lte=since).values("token")
    found: QuerySet[CardLife] = CardLife.objects.filter(~needed(since), id__in=let_go)
    return found.order_by("stored_at")


def needed(since: datetime) -> Exists:
    """Whether a card has been for anything since then."""
    return Exists(CardClaim.objects.filter(Q(over_at=None) | Q(over_at__gt=since), token=OuterRef("id")))
