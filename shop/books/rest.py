"""What must be true between contexts once nothing is under way: an order has all that it needs, or nothing is kept."""

from collections.abc import Iterator

from shop.books.credit import Credit
from shop.books.facts import Breach
from shop.books.money import Payments
from shop.books.orders import Orders, Processes, Shipments
from shop.books.stock import Stock

OVER = ("rejected", "cancelled")
GONE = ("shipped", "delivered", "completed")


def unfinished(
    orders: Orders, processes: Processes, shipments: Shipments, stock: Stock, credit: Credit, payments: Payments
) -> Iterator[Breach]:
    """Of every order that a process places: whether it ended, and left the others as it must."""
    for stream_id, process in processes.processes.items():
        order = orders.orders[process.order_id]
        claims, paid = stock.of_orders.get(process.order_id, {}), payments.by_order.get(process.order_id)
        on_account, parcel = credit.of_order(process.order_id), shipments.sent.get(process.order_id)
        found: list[str] = []
        if process.status in ("running", "undoing") and not process.waits:
            found.append(f"it stands still, {process.status}, after {', '.join(process.done) or 'it was started'}")
        if process.status == "rejected" and order.status not in OVER:
            found.append("it was undone, and the order was not")
        if order.status in OVER:
            found += [
                f"{quantity} {sku} are {status}" for sku, (status, quantity) in claims.items() if status != "released"
            ]
            if on_account == "reserved":
                found.append("its credit is still reserved")
            if paid and paid.held:
                found.append(f"its payment is {paid.status}, and nothing was given back")
            if parcel and parcel[0] != "cancelled":
                found.append(f"its parcel is {parcel[0]}")
        elif process.status == "confirmed":
            back = stock.back.get(process.order_id, {})
            kept = {sku: quantity for sku, (status, quantity) in claims.items() if status != "released"}
            had = {sku: quantity + back.get(sku, 0) for sku, quantity in kept.items()}
            if had != dict(order.wanted):
                found.append(f"it wants {dict(order.wanted)}, and has claimed {had}")
            if parcel is None or parcel[1] - order.wanted:
                found.append(f"its parcel holds {dict(parcel[1]) if parcel else 'nothing'}")
            if "CreditReserved" in process.done and not on_account:
                found.append("its credit was never reserved")
            if "PaymentAuthorised" in process.done and (paid is None or paid.status == "requested"):
                found.append("its payment was never authorised")
            if order.status in GONE:
                found += [
                    f"it has left, and {sku} is {status}"
                    for sku, (status, _) in claims.items()
                    if status != "shipped" and sku in order.wanted
                ]
                if on_account == "reserved":
                    found.append("it has left, and its credit is not charged")
                if paid and paid.status == "authorised" and paid.capture_asked is None and not paid.void_asked:
                    found.append("it has left, and its payment is not captured")
        for detail in found:
            yield Breach("process", None, stream_id, f"order {process.order_id}, {order.status}: {detail}")
