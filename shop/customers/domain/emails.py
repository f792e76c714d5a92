"""EmailClaim: who holds an e-mail address, however it is spelt."""

import unicodedata
from contextlib import suppress
from uuid import UUID

from eventsourcing.domain import event

from eventstore.domain import Aggregate
from shop.customers.refusals import EmailTaken


class EmailClaim(Aggregate):
    """Who holds an e-mail address: free ⇄ held. Its id is derived from the address, so that two can never hold it."""

    id: UUID

    def claim(self, customer_id: UUID) -> None:
        self.must_be_free_for(customer_id)
        if self.holder is None:
            self._claimed(customer_id)

    def must_be_free_for(self, customer_id: UUID) -> None:
        if self.holder not in (None, customer_id):
            raise EmailTaken("This e-mail address belongs to another customer.", pointer="/email")

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


def spellings(email: str) -> tuple[str, ...]:
    """The one that an address is claimed by, and others of the same that may have been claimed before there was one.

    Mail servers ignore case in practice; a domain is the same with its letters and as ``xn--…`` (RFC 3492).
    """
    local, at, domain = email.casefold().rpartition("@")
    read = [_read(label) for label in domain.split(".")]
    found = (f"{local}{at}{'.'.join(labels)}" for labels in (read, map(_written, read)))
    return tuple(dict.fromkeys([*found, email.casefold()]))


def _read(label: str) -> str:
    """A label of a domain in letters; one that no letters are written as stays what it is."""
    if not label.startswith("xn--"):
        return unicodedata.normalize("NFKC", label).casefold()
    with suppress(UnicodeError):
        letters = label[4:].encode("ascii").decode("punycode")
        if _written(letters) == label and _read(letters) == letters:
            return letters
    return label


def _written(label: str) -> str:
    """As the name service has it."""
    return label if label.isascii() else f"xn--{label.encode('punycode').decode()}"
