"""The shop as one event-sourced application: load, decide, record, wake."""

from typing import Any, TypeVar
from uuid import UUID

from django.db import transaction
from eventsourcing.application import AggregateNotFoundError

from eventstore.application import EventSourced
from eventstore.commands import Receipt, command
from projections.tasks import ask_to_wake

__all__ = ["Receipt", "command", "find", "shop"]

A = TypeVar("A")


class Shop(EventSourced):
    name = "shop"

    def record(self, aggregate: Any, *others: Any) -> Receipt:
        """Store what was decided, and wake the projections once it is committed."""
        receipt = super().record(aggregate, *others)
        if receipt.position is not None:
            transaction.on_commit(ask_to_wake)
        return receipt


shop = Shop()


def find(kind: type[A], aggregate_id: UUID) -> A | None:
    """As ``shop.load``; None: there is none."""
    try:
        return shop.load(kind, aggregate_id)
    except AggregateNotFoundError:
        return None
