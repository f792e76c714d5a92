"""What the catalog does by itself."""

from uuid import UUID

from projections.projection import Policy, on
from shop.catalog.repricing.commands import take_step


class Repricer(Policy):
    """Carries out what was planned, a step at a time: each is noted in its own commit, and asks for the next one."""

    @on("Repricing.Planned", "Repricing.Advanced")
    def next_step(self, stream_id: UUID) -> None:
        take_step(stream_id)
