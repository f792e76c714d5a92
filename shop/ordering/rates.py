"""Which rates are in force for an order: tax by where it goes, discount by who buys."""

from datetime import UTC
from decimal import Decimal
from uuid import UUID

from django.conf import settings

from eventstore.cause import now
from projections.exact import exact
from shop.ordering.copies import CustomerCopy
from shop.ordering.totals import Rates
from shop.percents import EVERYWHERE
from shop.values import Address


def rates_for(customer_id: UUID | None, ship_to: Address | None) -> Rates | None:
    """Those of now; None: neither tax nor discount. Who is premium, the log says, never a copy that may be late."""
    taxes = settings.TAX_PERCENT
    tax = taxes.get(ship_to.country if ship_to else EVERYWHERE, taxes[EVERYWHERE])
    discount = settings.PREMIUM_DISCOUNT_PERCENT
    if discount and not (customer_id and _is_premium(customer_id)):
        discount = Decimal(0)
    return Rates(tax, discount) if tax or discount else None


def _is_premium(customer_id: UUID) -> bool:
    today = now().astimezone(UTC).date()
    customer = exact(CustomerCopy, [customer_id]).get(customer_id)
    return bool(customer and customer.premium_until and today <= customer.premium_until)
