"""What the library does by itself."""

from uuid import UUID

from eventstore.commands import Receipt, command
from projections.projection import Policy, on
from tests.lending.domain import Library, Reminder

library = Library()


@command
def remind(loan_id: UUID) -> Receipt:
    return library.record(Reminder(loan_id))


class Reminders(Policy):
    @on("Loan.Opened")
    def write(self, stream_id: UUID) -> None:
        remind(stream_id)
