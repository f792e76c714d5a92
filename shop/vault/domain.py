"""Card: that the vault holds one, who looked at it, and that it was forgotten. Its number is in no event."""

from typing import Self
from uuid import UUID

from eventsourcing.domain import event

from eventstore.domain import Aggregate
from shop.errors import Refused


class CardExpired(Refused):
    code = "card_expired"


class CardForgotten(Refused):
    code = "card_forgotten"


class Card(Aggregate):
    """Stored, then revealed as often as somebody may and says why, until it is forgotten. Its token is its id."""

    id: UUID

    # Commands decide, and may refuse.

    @classmethod
    def store(cls, id: UUID, last_four: str, brand: str, customer_id: UUID | None = None) -> Self:
        """``customer_id``: whose it is; None: nobody has said."""
        return cls.with_id(id, str(id), last_four, brand, customer_id)

    def reveal(self, reason: str) -> None:
        if self.forgotten:
            raise CardForgotten("This card was forgotten: nobody can see its number any more.")
        self._revealed(self.token, reason)

    def forget(self) -> None:
        """Nothing, if that was done before."""
        if not self.forgotten:
            self._forgotten()

    # Events apply, and never refuse: they already happened.

    @event("Stored")
    def __init__(self, token: str, last_four: str, brand: str, customer_id: UUID | None = None) -> None:
        self.token = token
        self.last_four = last_four
        self.brand = brand
        self.customer_id = customer_id
        self.times_revealed = 0
        self.forgotten = False

    @event("Revealed")
    def _revealed(self, token: str, reason: str) -> None:
        self.times_revealed += 1

    @event("Forgotten")
    def _forgotten(self) -> None:
        self.forgotten = True
