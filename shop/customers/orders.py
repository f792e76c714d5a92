"""What customers must know of an order: whose account it is bought on."""

from uuid import UUID

import msgspec
from django.db import models

from projections.models import ReadModel
from projections.projection import Projection, on


class OrderCopy(ReadModel):
    """One row per order."""

    id = models.UUIDField(primary_key=True)
    customer_id = models.UUIDField(null=True, help_text="None: a guest's.")
    on_account = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "order copies"


class PaidHow(msgspec.Struct):
    kind: str


class CustomersOrders(Projection):
    tables = (OrderCopy,)

    @on("Order.Placed")
    def placed(self, stream_id: UUID, customer_id: UUID | None, payment: PaidHow | None = None) -> OrderCopy:
        on_account = payment is not None and payment.kind == "account"
        return OrderCopy(id=stream_id, customer_id=customer_id, on_account=on_account)
