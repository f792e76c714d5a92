"""Payments in each status that something can be asked of, and a card in the vault."""

from decimal import Decimal
from uuid import UUID, uuid4

from shop.payments.commands import capture, record_outcome, request_payment
from shop.payments.domain import Outcome
from shop.values import Money
from shop.vault.commands import store_card

OK = Outcome("ok", reference="ref_1")


def a_payment(*operations: str) -> UUID:
    """Of 25.00 EUR, of which the gateway has done these: authorise, capture."""
    amount = Money(Decimal("25.00"), "EUR")
    payment = request_payment(order_id=uuid4(), customer_id=None, amount=amount, token="t", last_four="4242").id
    for operation in operations:
        if operation == "capture":
            capture(payment)
        record_outcome(payment, operation, OK)
    return payment


def paid() -> dict[str, str]:
    card = store_card(number="4242424242424242", expiry_month=12, expiry_year=2099, holder="Ada").id
    authorised, captured = a_payment("authorise"), a_payment("authorise", "capture")
    return {"authorised": str(authorised), "captured": str(captured), "card": str(card)}
