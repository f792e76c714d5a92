"""How a policy acts."""

from collections.abc import Sequence
from uuid import UUID

from eventsourcing.persistence import IntegrityError

from eventstore import log
from eventstore.cause import because
from eventstore.log import Recorded, Unread
from projections.projection import Policy
from projections.rows import EventFailed
from projections.trouble import TryAgain, of_the_moment


def act(policy: Policy, events: Sequence[Recorded]) -> None:
    """Have it hear ``events``, in the caller's transaction; what it asks names the event as its cause.

    EventFailed: it cannot; TryAgain: other writers were faster for as long as a command tries.
    """
    for place, event in enumerate(events):
        try:
            if isinstance(event, Unread):
                raise event.error
            hear(policy, event, **log.caused_by(event.position))
        except IntegrityError as error:
            raise TryAgain(str(error)) from error
        except Exception as error:
            if of_the_moment(error):
                raise
            raise EventFailed(policy, event, error, place) from error


def hear(policy: Policy, event: Recorded, **why: UUID) -> None:
    """Have it do what it does about ``event``, which is the cause (``why``, see ``log.caused_by``)."""
    with because(actor=f"policy {policy.name}", **why):
        for handler in policy.handlers[event.name]:
            handler.method(*handler.read(event)[1])
