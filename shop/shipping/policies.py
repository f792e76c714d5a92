"""What shipping does by itself."""

from contextlib import suppress
from datetime import datetime
from uuid import UUID

from eventstore.personal import Forgotten
from projections.projection import Policy, on
from shop.shipping.commands import compare_address
from shop.shipping.models import Underway


class AddressQuestions(Policy):
    """Asks where a parcel goes as soon as its customer lives elsewhere; dispatch looks once more, exactly.

    It keeps its own list of shipments: a read model may not have come to one that was planned a moment ago.
    """

    @on("Shipment.Planned")
    def planned(self, stream_id: UUID, customer_id: UUID | None, overridden: bool, at: datetime) -> None:
        if customer_id and not overridden:
            Underway.objects.create(shipment_id=stream_id, customer_id=customer_id)
            self.ask(stream_id, at)

    @on("Shipment.Dispatched", "Shipment.Cancelled")
    def left(self, stream_id: UUID) -> None:
        Underway.objects.filter(shipment_id=stream_id).delete()

    @on("Customer.AddressChanged", "Customer.AddressRemoved", "Customer.DefaultAddressSet")
    def moved(self, stream_id: UUID, at: datetime) -> None:
        for shipment in Underway.objects.filter(customer_id=stream_id).order_by("shipment_id"):
            self.ask(shipment.shipment_id, at)

    @on("Customer.Erased")
    def forgotten(self, stream_id: UUID) -> None:
        Underway.objects.filter(customer_id=stream_id).delete()

    def ask(self, shipment_id: UUID, since: datetime) -> None:
        with suppress(Forgotten):  # erased this very moment: nothing is left to ask
            compare_address(shipment_id, since=since)
