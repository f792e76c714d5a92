"""What the shop does by itself from one context to the next."""

from contextlib import suppress
from uuid import UUID

from eventstore.personal import Forgotten
from projections.projection import Policy, on
from shop.application import find, shop
from shop.customers.commands import charge_credit
from shop.errors import WrongStatus
from shop.fulfilment import commands
from shop.fulfilment.domain import PlaceOrder, process_of
from shop.fulfilment.models import Planned
from shop.inventory.commands import ship_stock
from shop.ordering.checkout.domain import Checkout
from shop.ordering.commands import cancel_order, deliver_order, ship_order
from shop.ordering.domain import Order
from shop.payments.commands import capture_payment, void_payment
from shop.payments.domain import Payment, payment_of
from shop.payments.policies import give_back
from shop.shipping.commands import cancel_shipment, plan_shipment
from shop.shipping.domain import Shipment, shipment_of

NOWHERE = "The customer was erased: it is not known any more where it goes."


class PlaceOrders(Policy):
    """Credit, stock, payment, confirm; and back."""

    @on("Order.Placed")
    def begin(self, stream_id: UUID) -> None:
        commands.begin(stream_id)

    @on(
        "PlaceOrder.Started",
        "PlaceOrder.CreditReserved",
        "PlaceOrder.StockReserved",
        "PlaceOrder.PaymentAuthorised",
    )
    def go_on(self, stream_id: UUID) -> None:
        commands.go_on(stream_id)

    @on("Payment.Authorised")
    def authorised(self, stream_id: UUID) -> None:
        commands.authorised(shop.load(Payment, stream_id).order_id)

    @on("Payment.Declined")
    def declined(self, stream_id: UUID, reason: str) -> None:
        commands.refuse(shop.load(Payment, stream_id).order_id, "card_declined", reason)

    @on("Order.Cancelled")
    def cancelled(self, stream_id: UUID, reason: str) -> None:
        commands.refuse(stream_id, "cancelled", reason)

    @on("PlaceOrder.Undoing")
    def undo(self, stream_id: UUID) -> None:
        commands.undo(stream_id)

    @on("Payment.Captured")
    def captured(self, stream_id: UUID) -> None:
        """Of an order that was cancelled while the gateway was asked."""
        order = find(Order, shop.load(Payment, stream_id).order_id)
        if order and order.status in ("cancelled", "rejected"):
            give_back(order.id, order.cancel_reason)


class FulfilOrders(Policy):
    """A confirmed order becomes a shipment, and goes where that goes.

    It keeps its own list of those that have not left (``Planned``): their customers may be erased.
    """

    @on("Order.Confirmed")
    def plan(self, stream_id: UUID) -> None:
        order = shop.load(Order, stream_id)
        if order.status != "confirmed":
            return  # cancelled since
        lines = commands.packed_of(order)
        checkout = find(Checkout, order.checkout_id) if order.checkout_id else None
        alone = bool(checkout and checkout.address) or order.readdressed
        try:
            plan_shipment(
                stream_id, customer_id=order.customer_id, lines=lines, ship_to=order.ship_to, overridden=alone
            )
        except Forgotten:
            cancel_order(stream_id, reason=NOWHERE)
            return
        if order.customer_id:
            Planned.objects.create(order_id=stream_id, customer_id=order.customer_id)

    @on("Customer.Erased")
    def forgotten(self, stream_id: UUID) -> None:
        for planned in Planned.objects.filter(customer_id=stream_id).order_by("order_id"):
            with suppress(WrongStatus):  # it has left, or was cancelled, this very moment
                cancel_order(planned.order_id, reason=NOWHERE)

    @on("Shipment.Cancelled")
    def cancelled(self, stream_id: UUID) -> None:
        Planned.objects.filter(order_id=shop.load(Shipment, stream_id).order_id).delete()

    @on("Order.Cancelled")
    def stop(self, stream_id: UUID, reason: str) -> None:
        """Where it was planned in the very moment in which the order was cancelled."""
        shipment = find(Shipment, shipment_of(stream_id))
        if shipment and shipment.status in ("planned", "packed"):
            cancel_shipment(stream_id, reason=reason)

    @on("Order.AddressChanged")
    def redirect(self, stream_id: UUID) -> None:
        """Where it was planned in the very moment in which the order was sent elsewhere."""
        shipment, order = find(Shipment, shipment_of(stream_id)), shop.load(Order, stream_id)
        if shipment and shipment.status in ("planned", "packed") and order.ship_to:
            with suppress(Forgotten):  # it is not known any more where it goes, and dispatch refuses that
                shipment.send_to(order.ship_to)
                shop.record(shipment)

    @on("Shipment.Dispatched")
    def dispatched(self, stream_id: UUID) -> None:
        shipment = shop.load(Shipment, stream_id)
        Planned.objects.filter(order_id=shipment.order_id).delete()
        if find(Order, shipment.order_id):
            ship_order(shipment.order_id, shipment_id=stream_id)

    @on("Shipment.Delivered")
    def delivered(self, stream_id: UUID) -> None:
        shipment = shop.load(Shipment, stream_id)
        if find(Order, shipment.order_id):
            deliver_order(shipment.order_id)


class ShipStock(Policy):
    """What has left is on hand no more: nothing, where ``dispatch`` has recorded that in its own commit."""

    @on("Shipment.Dispatched")
    def dispatched(self, stream_id: UUID) -> None:
        if process := find(PlaceOrder, process_of(shop.load(Shipment, stream_id).order_id)):
            ship_stock(process.order_id, items=process.items)


class TakeMoney(Policy):
    """What has left is paid for: by card, or it is owed."""

    @on("Shipment.Dispatched")
    def dispatched(self, stream_id: UUID) -> None:
        process = find(PlaceOrder, process_of(shop.load(Shipment, stream_id).order_id))
        if process and "credit" in process.done and process.customer_id:
            charge_credit(process.customer_id, order_id=process.order_id)
        if process and "payment" in process.done:
            payment = shop.load(Payment, payment_of(process.order_id))
            if payment.captured is None and payment.next is None:  # or finance has taken it before
                if process.total.amount:
                    capture_payment(process.order_id, process.total)
                else:  # what is left of it costs nothing
                    void_payment(process.order_id)
