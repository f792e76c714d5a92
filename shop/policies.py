"""What the shop does by itself when a customer is forgotten or merged, beside what each context does."""

from uuid import UUID

from projections.projection import Policy, on
from shop.expand import evict
from shop.roles import forget_sign_in, move_sign_in


class Forgetting(Policy):
    """Lets go of what is kept of a forgotten customer outside the log and the read models."""

    @on("Customer.Erased")
    def forgotten(self, stream_id: UUID) -> None:
        forget_sign_in(stream_id)
        evict(stream_id)

    @on("Customer.Merged")
    def merged(self, stream_id: UUID, into: UUID) -> None:
        move_sign_in(stream_id, into)
