"""What the vault holds: sealed numbers, and, for people, which cards there are."""

from datetime import datetime
from uuid import UUID

from django.db import models
from django.db.models.functions import Now

from projections.models import ReadModel
from projections.projection import Projection, on
from shop.vault.uses import CardClaim, CardLife, CardsInUse
from shop.words import words_index

__all__ = ["CardClaim", "CardLife", "CardOwner", "CardSummary", "Cards", "CardsInUse", "SealedCard"]


class SealedCard(models.Model):
    """A card's number, expiry and holder, sealed with a key of its own (``eventstore.personal``)."""

    token = models.UUIDField(primary_key=True)
    sealed = models.BinaryField()
    stored_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        permissions = [("reveal_card", "Can see the number of a card in the vault")]

    def __str__(self) -> str:
        return str(self.token)


class CardOwner(models.Model):
    """Whose card it is, as the vault has heard: kept by its policy, so that a card is forgotten with its customer."""

    token = models.UUIDField()
    customer_id = models.UUIDField(db_index=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["token", "customer_id"], name="vault_card_owner")]

    def __str__(self) -> str:
        return f"{self.token} of {self.customer_id}"


class CardSummary(ReadModel):
    """One row per card."""

    id = models.UUIDField(primary_key=True, help_text="Its token.")
    last_four = models.CharField(max_length=4)
    brand = models.CharField(max_length=20, db_index=True)
    stored_at = models.DateTimeField()
    times_revealed = models.IntegerField(default=0)
    forgotten = models.BooleanField(default=False, help_text="Whether it was: nobody can see its number.")

    class Meta:
        verbose_name = "card"
        indexes = [
            models.Index(fields=["stored_at", "id"], name="vault_stored_at"),
            words_index("last_four", "brand", name="vault_words"),
        ]

    def __str__(self) -> str:
        return f"{self.brand} …{self.last_four}"


class Cards(Projection):
    tables = (CardSummary,)
    keeps_history = True
    version = 2
    changes = {CardSummary: ("forgotten",)}

    @on("Card.Stored")
    def stored(self, stream_id: UUID, last_four: str, brand: str, at: datetime) -> CardSummary:
        return CardSummary(id=stream_id, last_four=last_four, brand=brand, stored_at=at, times_revealed=0)

    @on("Card.Revealed")
    def revealed(self, card: CardSummary) -> None:
        card.times_revealed += 1

    @on("Card.Forgotten")
    def was_forgotten(self, card: CardSummary) -> None:
        card.forgotten = True
