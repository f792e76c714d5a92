"""Customers as people look at them: who they are, and where they lived. What they owe stands in ``accounts``."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import models

from eventstore.sealing import ERASED, erased
from projections.models import ReadModel
from projections.projection import Projection, every, on
from shop.customers.accounts import Credit, CreditMovement, CreditSummary
from shop.customers.orders import OrderCopy
from shop.values import Address
from shop.words import words_index

__all__ = [
    "AddressChange",
    "AddressHistory",
    "Credit",
    "CreditMovement",
    "CreditSummary",
    "CustomerSummary",
    "Customers",
    "OrderCopy",
]


class CustomerSummary(ReadModel):
    """One row per customer."""

    id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=200, db_index=True)
    email = models.CharField(max_length=254, db_index=True)
    addresses = models.JSONField(default=list, help_text="Each with its number.")
    default_address = models.IntegerField(null=True)
    city = models.CharField(max_length=100, default="", db_index=True, help_text="Of the default address.")
    payment_methods = models.JSONField(default=list, help_text="Each with its number.")
    birthday = models.DateField(null=True)
    celebrates = models.SmallIntegerField(null=True, db_index=True, help_text="Month and day of birth: 1210.")
    premium_until = models.DateField(null=True, db_index=True, help_text="The last day.")
    premium_trial = models.BooleanField(default=False)
    blocked = models.BooleanField(default=False, db_index=True)
    block_reason = models.TextField(default="")
    merged_into = models.UUIDField(null=True, db_index=True, help_text="Who they are now.")
    registered_at = models.DateTimeField()

    class Meta:
        verbose_name = "customer"
        indexes = [
            models.Index(fields=["registered_at", "id"], name="customers_registered_at"),
            words_index("name", "email", "city", name="customers_words"),
        ]

    def __str__(self) -> str:
        return self.name

    def tier_on(self, day: date) -> str:
        """No event ends it."""
        return "premium" if self.premium_until and day <= self.premium_until else "standard"

    def settle(self) -> None:
        """Bring what is derived up to date."""
        of_default = (known["address"]["city"] for known in self.addresses if known["number"] == self.default_address)
        self.city = next(of_default, "")
        self.celebrates = None if self.birthday is None else self.birthday.month * 100 + self.birthday.day


def tier_is(tier: str, day: date) -> models.Q:
    standard = models.Q(premium_until=None) | models.Q(premium_until__lt=day)
    return standard if tier == "standard" else models.Q(premium_until__gte=day)


def born_within(day: date, days: int) -> models.Q:
    """Whose birthday is on ``day``, or within so many days after it; without a 29 February, theirs is on the 28th."""
    start = day.replace(year=2000 + day.year % 400)  # leap years come again, and no calendar ends
    those = [start + timedelta(n) for n in range(min(days, 366) + 1)]
    found = {each.month * 100 + each.day for each in those}
    if any((each.month, each.day) == (2, 28) and (each + timedelta(1)).month == 3 for each in those):
        found.add(229)
    return models.Q(celebrates__in=sorted(found))


def born(birthday: str | None) -> date | None:
    """None: not known, or forgotten."""
    return None if birthday in (None, ERASED) else date.fromisoformat(birthday)


def today() -> date:
    return datetime.now(UTC).date()


class Customers(Projection):
    tables = (CustomerSummary,)
    keeps_history = True
    version = 3
    changes = {CustomerSummary: ("city", "merged_into")}

    @on("Customer.Registered")
    def registered(self, stream_id: UUID, name: str, email: str, at: datetime) -> CustomerSummary:
        return CustomerSummary(id=stream_id, name=name, email=email, addresses=[], payment_methods=[], registered_at=at)

    @on("Customer.Renamed")
    def renamed(self, customer: CustomerSummary, name: str) -> None:
        customer.name = name

    @on("Customer.EmailChanged")
    def email_changed(self, customer: CustomerSummary, email: str) -> None:
        customer.email = email

    @on("Customer.AddressAdded")
    def address_added(self, customer: CustomerSummary, number: int, address: dict[str, Any]) -> None:
        customer.addresses.append({"number": number, "address": address})

    @on("Customer.AddressChanged")
    def address_changed(self, customer: CustomerSummary, number: int, address: dict[str, Any]) -> None:
        for known in customer.addresses:
            if known["number"] == number:
                known["address"] = address
        customer.settle()

    @on("Customer.AddressRemoved")
    def address_removed(self, customer: CustomerSummary, number: int) -> None:
        customer.addresses = [known for known in customer.addresses if known["number"] != number]
        if customer.default_address == number:
            customer.default_address = None
        customer.settle()

    @on("Customer.DefaultAddressSet")
    def default_address_set(self, customer: CustomerSummary, number: int) -> None:
        customer.default_address = number
        customer.settle()

    @on("Customer.PaymentMethodAdded")
    def payment_method_added(
        self, customer: CustomerSummary, number: int, token: str, label: str, last_four: str
    ) -> None:
        method = {"number": number, "token": token, "label": label, "last_four": last_four}
        customer.payment_methods.append(method)

    @on("Customer.PaymentMethodRemoved")
    def payment_method_removed(self, customer: CustomerSummary, number: int) -> None:
        customer.payment_methods = [known for known in customer.payment_methods if known["number"] != number]

    @on("Customer.BirthdaySet")
    def birthday_set(self, customer: CustomerSummary, birthday: str) -> None:
        customer.birthday = born(birthday)
        customer.settle()

    @on("Customer.PremiumGranted")
    def premium_granted(self, customer: CustomerSummary, until: date, trial: bool) -> None:
        customer.premium_until, customer.premium_trial = until, trial

    @on("Customer.PremiumEnded")
    def premium_ended(self, customer: CustomerSummary) -> None:
        customer.premium_until, customer.premium_trial = None, False

    @on("Customer.Blocked")
    def blocked(self, customer: CustomerSummary, reason: str) -> None:
        customer.blocked, customer.block_reason = True, reason

    @on("Customer.Unblocked")
    def unblocked(self, customer: CustomerSummary) -> None:
        customer.blocked, customer.block_reason = False, ""

    @on("Customer.Merged")
    def merged(self, customer: CustomerSummary, into: UUID) -> None:
        customer.merged_into = into

    @on("Customer.Absorbed")
    def absorbed(self, customer: CustomerSummary) -> None:
        """It counts in their version."""

    @on("Customer.Erased", past=True)
    def forgotten(self, customer: CustomerSummary) -> None:
        customer.name = customer.email = ERASED
        for known in customer.addresses:
            known["address"] = erased(Address)
        for method in customer.payment_methods:
            method["label"] = method["last_four"] = ERASED
        customer.birthday = None
        customer.block_reason = customer.block_reason and ERASED
        customer.settle()

    @on("Customer.Erased")
    def erased(self, customer: CustomerSummary) -> None:
        customer.addresses, customer.default_address = [], None
        customer.payment_methods, customer.block_reason = [], ""
        customer.settle()


class AddressChange(ReadModel):
    """One row per event about an address of a customer: where they lived, and since when."""

    id = models.BigIntegerField(primary_key=True, help_text="The position of its event.")
    customer_id = models.UUIDField()
    kind = models.CharField(max_length=20, help_text="added, changed, removed, default")
    number = models.IntegerField(help_text="Of the address.")
    address = models.JSONField(null=True, help_text="As it was from then on; null: as it was before, or gone.")
    erased = models.BooleanField(default=False, help_text="Whether they were forgotten since.")
    at = models.DateTimeField(help_text="When it was true.")

    class Meta:
        indexes = [models.Index(fields=["customer_id", "id"], name="customers_address_change")]


class AddressHistory(Projection):
    tables = (AddressChange,)

    @on("Customer.AddressAdded")
    def added(
        self, stream_id: UUID, number: int, address: dict[str, Any], position: int, at: datetime
    ) -> AddressChange:
        return AddressChange(id=position, customer_id=stream_id, kind="added", number=number, address=address, at=at)

    @on("Customer.AddressChanged")
    def changed(
        self, stream_id: UUID, number: int, address: dict[str, Any], position: int, at: datetime
    ) -> AddressChange:
        return AddressChange(id=position, customer_id=stream_id, kind="changed", number=number, address=address, at=at)

    @on("Customer.AddressRemoved")
    def removed(self, stream_id: UUID, number: int, position: int, at: datetime) -> AddressChange:
        return AddressChange(id=position, customer_id=stream_id, kind="removed", number=number, at=at)

    @on("Customer.DefaultAddressSet")
    def default_set(self, stream_id: UUID, number: int, position: int, at: datetime) -> AddressChange:
        return AddressChange(id=position, customer_id=stream_id, kind="default", number=number, at=at)

    @on("Customer.Erased", change=every("customer_id"))
    def erased(self, change: AddressChange) -> None:
        change.erased = True  # told to the row even where it is built from a log that has forgotten already
        change.address = change.address and erased(Address)
