"""What the vault does by itself: it learns whose its cards are, and forgets them with their customers."""

from contextlib import suppress
from uuid import UUID

import msgspec

from projections.projection import Policy, on
from shop.application import find
from shop.vault.commands import forget_card
from shop.vault.domain import Card
from shop.vault.models import CardOwner


class PaidHow(msgspec.Struct):
    """A payment as ``Order.Placed`` says it."""

    token: str = ""


class CardsOfErasedCustomers(Policy):
    """A card that two customers pay with is forgotten with the second."""

    @on("Card.Stored")
    def stored(self, stream_id: UUID, customer_id: UUID | None = None) -> None:
        self.belongs(str(stream_id), customer_id)

    @on("Customer.PaymentMethodAdded")
    def added(self, stream_id: UUID, token: str) -> None:
        self.belongs(token, stream_id)

    @on("Order.Placed")
    def ordered(self, customer_id: UUID | None, payment: PaidHow | None = None) -> None:
        if payment:
            self.belongs(payment.token, customer_id)

    @on("Customer.Erased")
    def erased(self, stream_id: UUID) -> None:
        theirs = CardOwner.objects.filter(customer_id=stream_id)
        tokens = list(theirs.order_by("token").values_list("token", flat=True))
        theirs.delete()
        for token in tokens:
            if not CardOwner.objects.filter(token=token).exists():
                forget_card(token)

    def belongs(self, token: str, customer_id: UUID | None) -> None:
        """What is no card of the vault's, or nobody's, is left alone."""
        with suppress(ValueError):
            if customer_id and find(Card, UUID(token)):
                CardOwner.objects.get_or_create(token=UUID(token), customer_id=customer_id)
