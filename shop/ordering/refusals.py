"""What orders and checkouts refuse."""

from shop.errors import Refused


class EmptyOrder(Refused):
    code = "empty_order"


class BadQuantity(Refused):
    code = "bad_quantity"


class UnknownCustomer(Refused):
    code = "unknown_customer"


class CustomerBlocked(Refused):
    code = "customer_blocked"


class CustomerMerged(Refused):
    """``into``: the customer that they are now."""

    code = "customer_merged"


class UnknownCard(Refused):
    code = "unknown_card"


class NoAccount(Refused):
    code = "no_account"


class UnknownProduct(Refused):
    code = "unknown_product"


class NotOnSale(Refused):
    code = "not_on_sale"


class StalePrice(Refused):
    code = "stale_price"


class StaleTotal(StalePrice):
    """Not a line has become dearer, but what is added to them: a discount has ended, or a tax has risen."""

    code = "stale_total"


class MixedCurrencies(Refused):
    code = "mixed_currencies"


class UnknownLine(Refused):
    code = "unknown_line"


class MoreThanOrdered(Refused):
    code = "more_than_ordered"


class OrderExists(Refused):
    code = "order_exists"


class TooMuch(Refused):
    code = "too_much"


class NoQuote(Refused):
    code = "no_quote"


class QuoteReplaced(Refused):
    code = "quote_replaced"


class QuoteExpired(Refused):
    code = "quote_expired"
