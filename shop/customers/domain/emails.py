"""EmailClaim: who holds an e-mail address."""

from uuid import UUID

from eventsourcing.domain import event

from eventstore.domain import Aggregate
from shop.customers.refusals import EmailTaken


class EmailClaim(Aggregate):
    """Who holds an e-mail address: free ⇄ held. Its id is derived from the address, so that two can never hold it."""

    id: UUID

    def claim(self, customer_id: UUID) -> None:
        if self.holder not in (None, customer_id):
            raise EmailTaken("This e-mail address belongs to another customer.", pointer="/email")
        if self.holder is None:
            self._claimed(customer_id)

    def release(self) -> None:
        self._released()

    @event("Opened")
    def __init__(self) -> None:
        self.holder: UUID | None = None

    @event("Claimed")
    def _claimed(self, customer_id: UUID) -> None:
        self.holder = customer_id

    @event("Released")
    def _released(self) -> None:
        self.holder = None
