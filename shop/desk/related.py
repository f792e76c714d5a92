"""What contexts know of each other's objects: put together here, above them, where the desk shows it."""

from typing import Any

from shop.admin import Panel, beside, shown
from shop.billing.models import OrderPayment
from shop.catalog.models import ProductSummary
from shop.customers.models import CreditMovement, CustomerSummary
from shop.fulfilment.models import OrderProcess
from shop.inventory.domain import stock_of
from shop.inventory.models import Reservation, StockLevel
from shop.notifications.models import OutgoingMail
from shop.ordering.models import CheckoutSummary, OrderLine, OrderSummary
from shop.payments.models import PaymentSummary
from shop.roles import ids_of
from shop.shipping.models import ShipmentSummary
from shop.values import id_of

Which = dict[str, Any]  # what its rows have
Columns = dict[str, Any]

ORDER: Columns = {
    "Order": lambda order: shown.link(OrderSummary, order.id, order.called),
    "Placed": lambda order: shown.when(order.placed_at),
    "Status": lambda order: shown.badge(order.status),
    "Total": lambda order: shown.money(order.amount, order.currency),
}
PAYMENT: Columns = {
    "Payment": lambda payment: shown.link(PaymentSummary, payment.id, payment.reference),
    "Status": lambda payment: shown.badge(payment.status),
    "Asked for": lambda payment: shown.money(payment.amount, payment.currency),
    "Captured": lambda payment: shown.money(payment.captured, payment.currency),
    "Refunded": lambda payment: shown.money(payment.refunded, payment.currency),
}
PAID = ("Asked for", "Captured", "Refunded")
MAIL: Columns = {
    "Mail": lambda mail: shown.link(OutgoingMail, mail.id, mail.subject),
    "Status": lambda mail: shown.badge(mail.status),
    "Written": lambda mail: shown.when(mail.written_at),
}
SHIPMENT: Columns = {
    "Parcel": lambda shipment: shown.link(ShipmentSummary, shipment.id),
    "Status": lambda shipment: shown.badge(shipment.status),
    "Carrier": lambda shipment: f"{shipment.carrier} {shipment.tracking}".strip() or "–",
    "Address": lambda shipment: shown.badge(shipment.question, "warn" if shipment.question == "open" else ""),
}
PROCESS: Columns = {
    "Process": lambda process: shown.link(OrderProcess, process.id),
    "Status": lambda process: shown.badge(process.status),
    "Last step": lambda process: process.steps[-1]["step"] if process.steps else "–",
    "Waits for": lambda process: process.waits_for or "–",
}
CLAIM: Columns = {
    "SKU": lambda claim: shown.link(StockLevel, claim.stock_id, claim.sku),
    "Quantity": lambda claim: f"{claim.quantity:,}",
    "Status": lambda claim: shown.badge(claim.status),
}
CREDIT: Columns = {
    "When": lambda line: shown.when(line.at),
    "On account": lambda line: line.kind,
    "Amount": lambda line: shown.money(line.amount, line.currency),
}
LEVEL: Columns = {
    "SKU": lambda level: shown.link(StockLevel, level.id, level.sku),
    "On hand": lambda level: f"{level.on_hand:,}",
    "Reserved": lambda level: f"{level.reserved:,}",
    "Available": lambda level: f"{level.available:,}",
}
SOLD: Columns = {
    "Order": lambda line: shown.link(OrderSummary, line.order_id),
    "Bought as": lambda line: line.name,
    "Price": lambda line: shown.money(line.unit_price, line.currency),
    "Quantity": lambda line: f"{line.quantity:,}",
}
CHECKOUT: Columns = {
    "Checkout": lambda checkout: shown.link(CheckoutSummary, checkout.id),
    "Begun": lambda checkout: shown.when(checkout.started_at),
    "Status": lambda checkout: shown.badge(checkout.status),
}
PRODUCT: Columns = {
    "Product": lambda product: shown.link(ProductSummary, product.id, product.name),
    "Status": lambda product: shown.badge(product.status),
    "Usual price": lambda product: shown.money(product.amount, product.currency),
}
BUYER: Columns = {
    "Customer": lambda customer: shown.link(CustomerSummary, customer.id, customer.name),
    "E-mail": lambda customer: customer.email,
}


def of_order(row: Any) -> Which:
    return {"order_id": row.order_id}


def of_customer(row: Any) -> Which:
    """Theirs, and of whoever was merged into them."""
    if not hasattr(row, "ids"):  # asked once for all panels
        row.ids = ids_of(row.id)
    return {"customer_id__in": row.ids}


def its_customer(row: Any) -> Which | None:
    return {"pk": row.customer_id} if row.customer_id else None


def its_order(row: Any) -> Which:
    return {"pk": row.order_id}


def about_order(order: Any) -> Which:
    return {"order_id": order.id}


beside(
    CustomerSummary,
    Panel("Orders", OrderSummary, of_customer, ORDER, ("-placed_at", "-id"), ("Total",), "customer_id"),
    Panel("Payments", PaymentSummary, of_customer, PAYMENT, ("-requested_at", "-id"), PAID, "customer_id"),
    Panel("Parcels", ShipmentSummary, of_customer, SHIPMENT, ("-planned_at", "-id"), more="customer_id"),
    Panel("Mails", OutgoingMail, of_customer, MAIL, ("-written_at", "-id"), more="customer_id"),
    Panel("Checkouts", CheckoutSummary, of_customer, CHECKOUT, ("-started_at", "-id"), more="customer_id"),
)
beside(
    OrderSummary,
    Panel("Customer", CustomerSummary, its_customer, BUYER),
    Panel("Process", OrderProcess, about_order, PROCESS),
    Panel("Payment", PaymentSummary, about_order, PAYMENT, numbers=PAID),
    Panel("On account", CreditMovement, about_order, CREDIT, ("number",), ("Amount",)),
    Panel("Parcel", ShipmentSummary, about_order, SHIPMENT),
    Panel("Stock", Reservation, about_order, CLAIM, ("sku",), ("Quantity",), most=50),
    Panel("Mails", OutgoingMail, about_order, MAIL, ("-written_at", "-id"), more="order_id"),
)
beside(
    ProductSummary,
    Panel(
        "Stock",
        StockLevel,
        lambda product: {"pk": stock_of(product.sku)},
        LEVEL,
        numbers=("On hand", "Reserved", "Available"),
    ),
    Panel(
        "Orders with it",
        OrderLine,
        lambda product: {"product_id": product.id},
        SOLD,
        ("-order_id",),
        ("Price", "Quantity"),
        takes="ordering.view_ordersummary",
    ),
)
beside(
    StockLevel,
    Panel(
        "Product", ProductSummary, lambda level: {"pk": id_of("product", level.sku)}, PRODUCT, numbers=("Usual price",)
    ),
)
beside(
    PaymentSummary,
    Panel("Order", OrderSummary, its_order, ORDER, numbers=("Total",)),
    Panel("Parcel", ShipmentSummary, of_order, SHIPMENT),
    Panel("Mails", OutgoingMail, of_order, MAIL, ("-written_at", "-id"), more="order_id"),
)
beside(
    ShipmentSummary,
    Panel("Order", OrderSummary, its_order, ORDER, numbers=("Total",)),
    Panel("Customer", CustomerSummary, its_customer, BUYER),
    Panel("Payment", PaymentSummary, of_order, PAYMENT, numbers=PAID),
    Panel("Stock", Reservation, of_order, CLAIM, ("sku",), ("Quantity",), most=50),
)
beside(
    OrderProcess,
    Panel("Order", OrderSummary, its_order, ORDER, numbers=("Total",)),
    Panel("Payment", PaymentSummary, of_order, PAYMENT, numbers=PAID),
    Panel("Stock", Reservation, of_order, CLAIM, ("sku",), ("Quantity",), most=50),
)
beside(Reservation, Panel("Order", OrderSummary, its_order, ORDER, numbers=("Total",)))
beside(OutgoingMail, Panel("Order", OrderSummary, its_order, ORDER, numbers=("Total",)))
beside(OrderPayment, Panel("Order", OrderSummary, its_order, ORDER, numbers=("Total",)))
beside(CheckoutSummary, Panel("Customer", CustomerSummary, its_customer, BUYER))
