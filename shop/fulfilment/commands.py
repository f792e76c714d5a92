"""How an order is placed, step by step; each step and what the process notes of it are one commit.

These are asked by policies, in their transaction: whoever dies leaves a step undone or done, never half done.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings

from eventstore.cause import now
from eventstore.commands import Receipt
from shop.application import command, find, shop
from shop.customers.commands import reducing_credit, release_credit, reserve_credit, reserving_credit
from shop.errors import Refused, WrongStatus
from shop.fulfilment.domain import PlaceOrder, process_of
from shop.inventory.commands import leaving, reducing, release_stock, reserve_stock, reserving
from shop.inventory.domain import NotReserved, Wanted
from shop.ordering.commands import confirm_order, reject_order
from shop.ordering.domain import Order
from shop.payments.commands import request_payment
from shop.payments.domain import NotPaid, Payment, payment_of
from shop.payments.policies import give_back
from shop.shipping.domain import Packed, Shipment, shipment_of


def begin(order_id: UUID) -> None:
    """Start the process of that order, if it has none."""
    if find(PlaceOrder, process_of(order_id)) is None:
        shop.record(_started(shop.load(Order, order_id)))


def go_on(process_id: UUID) -> None:
    """Do the next step, if one is to be done now."""
    process = shop.load(PlaceOrder, process_id)
    if not (step := process.next_step):
        return
    order = shop.load(Order, process.order_id)
    try:
        if order.status != "placed":
            raise Refused(f"The order is {order.status}.")
        STEPS[step](process, order)
    except Refused as refused:
        process.refuse(order.status if order.status == "cancelled" else refused.code, str(refused))
    shop.record(process)


def _reserve_credit(process: PlaceOrder, order: Order) -> None:
    assert order.customer_id  # a guest's order is not placed on account
    reserve_credit(order.customer_id, order_id=order.id, amount=order.total)
    process.reserved_credit()


def _reserve_stock(process: PlaceOrder, order: Order) -> None:
    reserve_stock(order.id, items=process.items)
    process.reserved_stock()


def _ask_for_payment(process: PlaceOrder, order: Order) -> None:
    card = order.payment
    assert card
    request_payment(
        order_id=order.id,
        customer_id=order.customer_id,
        amount=order.total,
        token=card.token,
        last_four=card.last_four,
    )
    process.ask_for_payment(payment_of(order.id), _due())


def _confirm(process: PlaceOrder, order: Order) -> None:
    confirm_order(order.id)
    process.confirm()


STEPS: dict[str, Callable[[PlaceOrder, Order], None]] = {
    "credit": _reserve_credit,
    "stock": _reserve_stock,
    "payment": _ask_for_payment,
    "confirm": _confirm,
}


def _due() -> datetime:
    return now() + timedelta(seconds=settings.PAYMENT_TIMEOUT)


def authorised(order_id: UUID) -> None:
    """The card was accepted; nothing, where the process has ended without it: then the money is let go of already."""
    if process := find(PlaceOrder, process_of(order_id)):
        process.payment_authorised()
        shop.record(process)


def refuse(order_id: UUID, code: str, reason: str) -> None:
    """Undo what was done for that order; nothing, where its process is over."""
    if process := find(PlaceOrder, process_of(order_id)):
        process.refuse(code, reason)
        shop.record(process)


@command
def time_out(process_id: UUID) -> Receipt:
    """Give up a step that takes too long."""
    process = shop.load(PlaceOrder, process_id)
    process.time_out(now())
    return shop.record(process)


def undo(process_id: UUID) -> None:
    """All that was done, in reverse; then the order is rejected, unless it was cancelled."""
    process = shop.load(PlaceOrder, process_id)
    give_back(process.order_id, process.reason)
    if "stock" in process.done:
        with suppress(NotReserved):  # somebody else has released it, or sent it
            release_stock(process.order_id, items=process.items, reason=process.reason)
    if "credit" in process.done and process.customer_id:
        release_credit(process.customer_id, order_id=process.order_id)
    if shop.load(Order, process.order_id).status == "placed":
        reject_order(process.order_id, code=process.code, reason=process.reason)
    process.undone()
    shop.record(process)


def at_once(order: Order) -> Sequence[Any]:
    """With ``PLACE_ORDER_MODE=transaction``: all steps in the commit that places the order, but for the gateway's.

    What refuses, refuses the order.
    """
    if settings.PLACE_ORDER_MODE != "transaction":
        return []
    process = _started(order)
    decided: list[Any] = [process]
    if process.next_step == "credit" and order.customer_id:
        decided.append(reserving_credit(order.customer_id, order.id, order.total))
        process.reserved_credit()
    decided += reserving(order.id, process.items)
    process.reserved_stock()
    if process.next_step == "payment" and order.payment:
        card = order.payment
        decided.append(Payment.request(order.id, order.customer_id, order.total, card.token, card.last_four))
        process.ask_for_payment(payment_of(order.id), _due())
    else:
        order.confirm()
        process.confirm()
    return decided


def stop_parcel(order: Order) -> Sequence[Any]:
    """A parcel that has not left is cancelled in the commit that cancels its order. WrongStatus: it has left."""
    shipment = find(Shipment, shipment_of(order.id))
    if shipment is None:
        return []
    if shipment.status not in ("planned", "packed", "cancelled"):
        raise WrongStatus("A shipped order cannot be cancelled: its parcel has left.")
    shipment.cancel(order.cancel_reason)
    return [shipment]


def edit_all(order: Order) -> Sequence[Any]:
    """What is reserved and planned for an order is as little as is left of it, in the commit that edits it.

    WrongStatus: its money was taken, or its parcel has left.
    """
    process = find(PlaceOrder, process_of(order.id))
    if process is None or not order.pending_events:
        return []
    if shipment := find(Shipment, shipment_of(order.id)):
        shipment.change_lines(packed_of(order))  # first: of what has left, nothing is reserved either
    reason = order.edit_reason
    decided: list[Any] = [process]
    left = {item.sku: 0 for item in process.items} | {item.sku: item.quantity for item in wanted_by(order)}
    before = {item.sku: item.quantity for item in process.items}
    if fewer := {sku: quantity for sku, quantity in left.items() if quantity != before[sku]}:
        decided += reducing(order.id, fewer, reason)
    if "credit" in process.done and order.customer_id:
        decided.append(reducing_credit(order.customer_id, order.id, order.total))
    if (payment := find(Payment, payment_of(order.id))) and (payment.captured or payment.pending):
        raise WrongStatus("The money for this order was taken: it cannot be edited. What is not sent is refunded.")
    if shipment:
        decided.append(shipment)
    process.reduce(order.total, wanted_by(order))
    return decided


def leave(shipment: Shipment) -> Sequence[Any]:
    """What a parcel takes with it is on hand no more, in the commit that dispatches it: no other may count on it.

    NotPaid: the money for its order was let go of. InsufficientStock: its goods are on back-order.
    """
    process = find(PlaceOrder, process_of(shipment.order_id))
    if process is None:
        return []
    payment = find(Payment, payment_of(process.order_id))
    if payment and "payment" in process.done and payment.is_let_go:
        raise NotPaid("The money for this order was let go of: cancel it, and have it ordered anew.")
    return leaving(process.order_id, process.items)


def packed_of(order: Order) -> list[Packed]:
    """What goes into its parcel."""
    return [Packed(line.sku, line.name, line.quantity) for line in order.lines if line.quantity]


def redirect_parcel(order: Order) -> Sequence[Any]:
    """A parcel that has not left goes where its order goes, in the same commit. WrongStatus: it has left."""
    shipment = find(Shipment, shipment_of(order.id))
    if shipment is None or order.ship_to is None:
        return []
    shipment.send_to(order.ship_to)
    return [shipment]


def wanted_by(order: Order) -> tuple[Wanted, ...]:
    """How many of each SKU: two lines of one are one claim."""
    quantities: dict[str, int] = {}
    for line in order.lines:
        if line.quantity:
            quantities[line.sku] = quantities.get(line.sku, 0) + line.quantity
    return tuple(Wanted(sku, quantity) for sku, quantity in sorted(quantities.items()))


def _started(order: Order) -> PlaceOrder:
    kind = order.payment.kind if order.payment else "none"
    return PlaceOrder.start(order.id, order.customer_id, order.total, kind, wanted_by(order))
