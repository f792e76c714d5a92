"""Card: that the vault holds one, and who looked at it. Its number is in no event."""

from typing import Self
from uuid import UUID

from eventsourcing.domain import event

from eventstore.domain import Aggregate
from shop.errors import Refused


class CardExpired(Refused):
    code = "card_expired"


class Card(Aggregate):
    """Stored, then revealed as often as somebody may and says why. Its token is its id."""

    id: UUID

    # Commands decide, and may refuse.

    @classmethod
    def store(cls, id: UUID, last_four: str, brand: str) -> Self:
        return cls.with_id(id, str(id), last_four, brand)

    def reveal(self, reason: str) -> None:
        self._revealed(self.token, reason)

    # Events apply, and never refuse: they already happened.

    @event("Stored")
    def __init__(self, token: str, last_four: str, brand: str) -> None:
        self.token = token
        self.last_four = last_four
        self.brand = brand
        self.times_revealed = 0

    @event("Revealed")
    def _revealed(self, token: str, reason: str) -> None:
        self.times_revealed += 1
