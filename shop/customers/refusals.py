"""What customers and their accounts refuse."""

from shop.errors import Refused


class EmailTaken(Refused):
    code = "email_taken"


class CustomerErased(Refused):
    code = "customer_erased"


class CustomerMerged(Refused):
    """``into``: the customer that they are now."""

    code = "customer_merged"


class CannotMerge(Refused):
    code = "cannot_merge"


class UnknownAddress(Refused):
    code = "unknown_address"


class UnknownPaymentMethod(Refused):
    code = "unknown_payment_method"


class BadBirthday(Refused):
    code = "bad_birthday"


class AlreadyOver(Refused):
    code = "already_over"


class CreditExceeded(Refused):
    code = "credit_exceeded"


class OtherCurrency(Refused):
    code = "other_currency"


class BadAmount(Refused):
    code = "bad_amount"


class NotReserved(Refused):
    code = "not_reserved"


class ReservedBefore(Refused):
    code = "reserved_before"
