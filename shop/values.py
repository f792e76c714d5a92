"""Words that every context shares: money, addresses, ids. Knows no framework."""

from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID, uuid5

from eventstore.domain import value

CENT = Decimal("0.01")
NAMESPACE = UUID("a1c4d2b8-6a55-5d0c-9d0a-0d5f6a0b4e0d")  # of ids that are derived from what must be unique


def id_of(kind: str, name: str) -> UUID:
    """The id of the one aggregate of ``kind`` with that unique name: whoever takes it second meets the first."""
    return uuid5(NAMESPACE, f"{kind}:{name}")


def plain(amount: Decimal) -> str:
    """With two decimals, or as many more as it needs: 1.50, 0.0022."""
    return f"{max(amount.normalize(), amount.quantize(CENT), key=decimals):f}"


def decimals(amount: Decimal) -> int:
    return -int(amount.as_tuple().exponent)


@value
class Money:
    """An amount to the cent, or the price of one unit: that may be finer (petrol: 0.0022), its product is rounded."""

    amount: Decimal
    currency: str  # ISO 4217: "EUR"

    def times(self, quantity: int) -> "Money":
        """The price of ``quantity`` units, to the cent; half a cent goes up."""
        return Money((self.amount * quantity).quantize(CENT, ROUND_HALF_UP), self.currency)

    def percent(self, percent: Decimal) -> "Money":
        """So many hundredths of it, to the cent; half a cent goes up."""
        return Money((self.amount * percent / 100).quantize(CENT, ROUND_HALF_UP), self.currency)

    def __add__(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise ValueError(f"{other.currency} cannot be added to {self.currency}.")
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise ValueError(f"{other.currency} cannot be taken from {self.currency}.")
        return Money(self.amount - other.amount, self.currency)

    def __str__(self) -> str:
        return f"{plain(self.amount)} {self.currency}"


@value
class Address:
    """Where a parcel goes."""

    street: str
    city: str
    postcode: str
    country: str  # ISO 3166-1 alpha-2: "DE"
    recipient: str = ""  # who it is handed to, if not the customer

    def __str__(self) -> str:
        parts = (self.recipient, self.street, f"{self.postcode} {self.city}".strip(), self.country)
        return ", ".join(part for part in parts if part)
