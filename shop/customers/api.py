"""Customers over HTTP: POST asks, GET reads."""

from uuid import UUID

import django_filters
import msgspec
from django.db.models import Q, QuerySet
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from shop.customers.commands import (
    add_address,
    change_address,
    change_email,
    erase_customer,
    register_customer,
    remove_address,
    rename_customer,
    set_default_address,
)
from shop.customers.domain import Customer
from shop.customers.models import CustomerSummary
from shop.docs import AN_ID, asks
from shop.forms import AddressForm, Email, Flag, Form, Nothing, Text
from shop.http import ask
from shop.resource import Resource

ADDRESS = "addresses/<ordinal:number>"


class RegisterCustomer(Form):
    example = {"name": "Ada Lovelace", "email": "ada@example.com"}

    name = Text(max_length=200)
    email = Email()


class RenameCustomer(Form):
    example = {"name": "Ada King"}

    name = Text(max_length=200)


class ChangeEmail(Form):
    example = {"email": "ada.king@example.com"}

    email = Email()


class AddAddress(Form):
    example = {"address": AddressForm.example, "default": True}

    address = AddressForm()
    default = Flag(default=False, help_text="The first address is the default one in any case.")


class ChangeAddress(Form):
    example = {"address": AddressForm.example}

    address = AddressForm()


class NumberedAddressSerializer(serializers.Serializer):
    number = serializers.IntegerField(help_text="1, 2, …: never used again.")
    address = AddressForm()


class CustomerSerializer(serializers.Serializer):
    example = {
        "id": AN_ID,
        "version": 3,
        "name": "Ada Lovelace",
        "email": "ada@example.com",
        "addresses": [{"number": 1, "address": AddressForm.example}],
        "default_address": 1,
        "registered_at": "2026-03-01T12:00:00.123456Z",
    }

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    name = serializers.CharField()
    email = serializers.CharField()
    addresses = NumberedAddressSerializer(many=True)
    default_address = serializers.IntegerField(allow_null=True, help_text="Its number.")
    registered_at = serializers.DateTimeField()


class CustomerFilters(django_filters.FilterSet):
    q = django_filters.CharFilter(method="search", max_length=200, help_text="Part of the name or the e-mail address.")
    email = django_filters.CharFilter(lookup_expr="iexact", max_length=254, help_text="The whole e-mail address.")

    def search(self, customers: QuerySet[CustomerSummary], name: str, value: str) -> QuerySet[CustomerSummary]:
        return customers.filter(Q(name__icontains=value) | Q(email__icontains=value))


class Customers(Resource):
    queryset = CustomerSummary.objects.all()
    serializer_class = CustomerSerializer
    filterset_class = CustomerFilters
    orderings = {"-registered_at": "registered_at", "name": "name", "email": "email"}
    aggregate = Customer

    def row_of(self, aggregate: Customer) -> CustomerSummary:
        return CustomerSummary(
            id=aggregate.id,
            version=aggregate.version,
            name=aggregate.name,
            email=aggregate.email,
            addresses=msgspec.to_builtins(aggregate.addresses),
            default_address=aggregate.default_address,
            registered_at=aggregate.created_on,
        )

    @asks(RegisterCustomer, "email_taken")
    def create(self, request: Request) -> Response:
        """Register a customer."""
        return ask(request, RegisterCustomer, register_customer)

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
    @asks(ChangeAddress, "unknown_address")
    def change_address(self, request: Request, pk: UUID, number: int) -> Response:
        """Put another address in the place of one."""
        return ask(request, ChangeAddress, change_address, pk, number)

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
