"""Customers over HTTP: POST asks, GET reads."""

from datetime import datetime
from typing import Any
from uuid import UUID

import django_filters
import msgspec
from django.db.models import Q, QuerySet
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from shop.clock import ByTheClock, Timed
from shop.customers.account_api import OfAccounts
from shop.customers.commands import (
    add_address,
    add_payment_method,
    block_customer,
    change_address,
    change_email,
    end_premium,
    erase_customer,
    grant_premium,
    merge_customers,
    register_customer,
    remove_address,
    remove_payment_method,
    rename_customer,
    set_birthday,
    set_default_address,
    unblock_customer,
)
from shop.customers.domain import Customer, spellings
from shop.customers.models import (
    AddressChange,
    CustomerSummary,
    born,
    born_within,
    tier_is,
)
from shop.customers.shapes import (
    AddAddress,
    AddPaymentMethod,
    AddressChangeSerializer,
    BlockCustomer,
    ChangeEmail,
    CustomerSerializer,
    GrantPremium,
    MergeCustomer,
    RegisterCustomer,
    RenameCustomer,
    ReplaceAddress,
    SetBirthday,
)
from shop.docs import asks, shows
from shop.forms import Nothing
from shop.http import ask, was_done
from shop.roles import own, signing_up

ADDRESS = "addresses/<ordinal:number>"
TIERS = ("standard", "premium")


class CustomerFilters(ByTheClock):
    q = django_filters.CharFilter(method="search", max_length=200, help_text="Part of the name or the e-mail address.")
    email = django_filters.CharFilter(method="called", max_length=254, help_text="The whole e-mail address.")

    city = django_filters.CharFilter(lookup_expr="iexact", max_length=100, help_text="Of the default address, whole.")
    tier = django_filters.ChoiceFilter(choices=[(tier, tier) for tier in TIERS], method="of_tier")
    birthday_within = django_filters.NumberFilter(
        method="celebrating",
        min_value=0,
        max_value=366,
        decimal_places=0,
        max_digits=3,
        help_text="On the day of `at`, or within so many days after it.",
    )
    blocked = django_filters.TypedChoiceFilter(
        choices=[("true", "blocked"), ("false", "not blocked")],
        coerce=lambda text: text == "true",
        help_text="Those to whom nothing is sold; or the others.",
    )

    def called(self, customers: QuerySet[CustomerSummary], name: str, value: str) -> QuerySet[CustomerSummary]:
        return customers.filter(Q(*(("email__iexact", each) for each in (value, *spellings(value))), _connector=Q.OR))

    def of_tier(self, customers: QuerySet[CustomerSummary], name: str, value: str) -> QuerySet[CustomerSummary]:
        return customers.filter(tier_is(value, self.instant.date()))

    def celebrating(self, customers: QuerySet[CustomerSummary], name: str, value: int) -> QuerySet[CustomerSummary]:
        return customers.filter(born_within(self.instant.date(), int(value)))

    def search(self, customers: QuerySet[CustomerSummary], name: str, value: str) -> QuerySet[CustomerSummary]:
        return customers.filter(Q(name__icontains=value) | Q(email__icontains=value))


class Customers(OfAccounts, Timed):
    queryset = CustomerSummary.objects.all()
    serializer_class = CustomerSerializer
    filterset_class = CustomerFilters
    orderings = {"-registered_at": "registered_at", "name": "name", "email": "email"}
    aggregate = Customer

    def row_of(self, aggregate: Customer) -> CustomerSummary:
        row = CustomerSummary(
            id=aggregate.id,
            version=aggregate.version,
            name=aggregate.name,
            email=aggregate.email,
            addresses=msgspec.to_builtins(aggregate.addresses),
            default_address=aggregate.default_address,
            payment_methods=msgspec.to_builtins(aggregate.payment_methods),
            birthday=born(aggregate.birthday),
            premium_until=aggregate.premium_until,
            premium_trial=aggregate.premium_trial,
            blocked=aggregate.blocked,
            block_reason=aggregate.block_reason,
            merged_into=aggregate.merged_into,
            registered_at=aggregate.created_on,
        )
        return self.then_told(row, aggregate)  # type: ignore[no-any-return]

    def tell(self, row: CustomerSummary, instant: datetime) -> None:
        row.tier = row.tier_on(instant.date())
        if own(self.request.user, self.basename):
            row.block_reason = ""  # is said among staff

    def known(self) -> tuple[str, ...]:
        return ("after", "as_of", "effective_at") if self.action == "credit" else super().known()

    def check_permissions(self, request: Request) -> None:
        """Who has registered, and asks the same again, gets the first answer: a customer though they are by now."""
        if self.action != "create" or not was_done(request, "register_customer"):
            super().check_permissions(request)

    @asks(RegisterCustomer, "email_taken")
    def create(self, request: Request) -> Response:
        """Register a customer.

        Who signs in and is neither staff nor a customer yet becomes this customer, and sees what is theirs from now on.
        """
        with signing_up(request) as answers:
            answers.append(ask(request, RegisterCustomer, register_customer))
        return answers[0]

    @action(detail=True, methods=["post"])
    @asks(RenameCustomer, "customer_erased")
    def rename(self, request: Request, pk: UUID) -> Response:
        """Rename a customer.

        Orders that were placed keep the old name.
        """
        return ask(request, RenameCustomer, rename_customer, pk)

    @action(detail=True, methods=["post"])
    @asks(ChangeEmail, "email_taken", "customer_erased")
    def email(self, request: Request, pk: UUID) -> Response:
        """Change a customer's e-mail address."""
        return ask(request, ChangeEmail, change_email, pk)

    @action(detail=True, methods=["post"])
    @asks(Nothing, "customer_erased")
    def erase(self, request: Request, pk: UUID) -> Response:
        """Forget who a customer was.

        For ever: their name, e-mail address and addresses read as `[erased]`, in orders and in the past too.
        """
        return ask(request, Nothing, erase_customer, pk)

    @action(detail=True, methods=["post"], url_path="addresses")
    @asks(AddAddress, "customer_erased")
    def add_address(self, request: Request, pk: UUID) -> Response:
        """Add an address to a customer."""
        return ask(request, AddAddress, add_address, pk)

    @action(detail=True, methods=["put"], url_path=ADDRESS)
    @asks(ReplaceAddress, "unknown_address")
    def change_address(self, request: Request, pk: UUID, number: int) -> Response:
        """Put another address in the place of one."""
        return ask(request, ReplaceAddress, change_address, pk, number)

    @change_address.mapping.delete
    @asks(Nothing, "unknown_address")
    def remove_address(self, request: Request, pk: UUID, number: int) -> Response:
        """Remove an address.

        When it was the default one, the customer's first becomes it.
        """
        return ask(request, Nothing, remove_address, pk, number)

    @action(detail=True, methods=["post"], url_path=f"{ADDRESS}/default")
    @asks(Nothing, "unknown_address")
    def default_address(self, request: Request, pk: UUID, number: int) -> Response:
        """Have parcels go to this address, unless an order says otherwise."""
        return ask(request, Nothing, set_default_address, pk, number)

    @action(detail=True, url_path="address-history")
    @shows(AddressChangeSerializer(many=True))
    def address_history(self, request: Request, pk: UUID) -> Response:
        """What became of a customer's addresses, the first one first; `as_of`: until then."""
        return self.of(pk, AddressChange.objects.all(), AddressChangeSerializer, {"at": "id"})

    @action(detail=True, methods=["post"], url_path="payment-methods")
    @asks(AddPaymentMethod, "customer_erased")
    def add_payment_method(self, request: Request, pk: UUID) -> Response:
        """Add a card that the vault holds to what a customer pays with."""
        return ask(request, AddPaymentMethod, add_payment_method, pk)

    @action(detail=True, methods=["delete"], url_path="payment-methods/<ordinal:number>")
    @asks(Nothing, "unknown_payment_method")
    def remove_payment_method(self, request: Request, pk: UUID, number: int) -> Response:
        """Remove a card from what a customer pays with."""
        return ask(request, Nothing, remove_payment_method, pk, number)

    @action(detail=True, methods=["put"])
    @asks(SetBirthday, "customer_erased", "bad_birthday")
    def birthday(self, request: Request, pk: UUID) -> Response:
        """Set a customer's birthday."""
        return ask(request, SetBirthday, set_birthday, pk)

    @action(detail=True, methods=["post"])
    @asks(GrantPremium, "customer_erased", "already_over")
    def premium(self, request: Request, pk: UUID) -> Response:
        """Make a customer premium up to a day.

        Twice grants once; what they have is never made shorter.
        """
        return ask(request, GrantPremium, grant_premium, pk)

    @premium.mapping.delete
    @asks(Nothing, "customer_erased")
    def end_premium(self, request: Request, pk: UUID) -> Response:
        """End a customer's premium now, not with its last day."""
        return ask(request, Nothing, end_premium, pk)

    @action(detail=True, methods=["post"])
    @asks(BlockCustomer, "customer_erased")
    def block(self, request: Request, pk: UUID) -> Response:
        """Sell nothing to a customer any more."""
        return ask(request, BlockCustomer, block_customer, pk)

    @block.mapping.delete
    @asks(Nothing, "customer_erased")
    def unblock(self, request: Request, pk: UUID) -> Response:
        """Sell to a customer again."""
        return ask(request, Nothing, unblock_customer, pk)

    @action(detail=True, methods=["post"])
    @asks(MergeCustomer, "customer_erased", "customer_merged", "cannot_merge")
    def merge(self, request: Request, pk: UUID) -> Response:
        """Merge a customer into another, who is the same person.

        That one gets their addresses, cards, birthday and longer premium; orders keep whose they were, and that one
        sees them, and reads what is written about them. Their e-mail address is free again; whatever is asked of them
        later is refused, and says who they are now.
        """
        return ask(request, MergeCustomer, merge_customers, pk)

    def of(self, pk: UUID, rows: Any, serializer: type[Serializer], orderings: dict[str, str]) -> Response:
        page = self.page(rows.filter(customer_id=pk), serializer, orderings, came="id")
        self.row(pk)  # or there is none
        return page
