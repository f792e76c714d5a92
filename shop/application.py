"""The shop as one event-sourced application: load, decide, record, wake."""

from typing import Any

from django.db import transaction

from eventstore.application import EventSourced
from eventstore.commands import Receipt, command
from projections.tasks import ask_to_wake

__all__ = ["Receipt", "command", "shop"]


class Shop(EventSourced):
    name = "shop"

    def record(self, aggregate: Any, *others: Any) -> Receipt:
        """Store what was decided, and wake the projections once it is committed."""
        receipt = super().record(aggregate, *others)
        if receipt.position is not None:
            transaction.on_commit(ask_to_wake)
        return receipt


shop = Shop()
