"""What is said to customers and of them over HTTP: forms, and what is answered."""

from django.core.validators import RegexValidator
from rest_framework import serializers

from shop.docs import AN_ID
from shop.forms import AddressForm, Day, Email, Flag, Form, Id, MoneyForm, MoneyIn, Text


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


class ReplaceAddress(Form):
    example = {"address": AddressForm.example}

    address = AddressForm()


class AddPaymentMethod(Form):
    example = {"token": AN_ID, "label": "Visa of the firm", "last_four": "4242"}

    token = Id(help_text="What the vault gave for the card.")
    label = Text(max_length=100)
    last_four = Text(max_length=4, validators=[RegexValidator(r"\A[0-9]{4}\Z", "Expected four digits.")])

    def validate_token(self, token: object) -> str:
        return str(token)


class SetBirthday(Form):
    example = {"birthday": "1985-12-10"}

    birthday = Day()


class GrantPremium(Form):
    example = {"until": "2099-12-31", "trial": False}

    until = Day(help_text="The last day, in UTC.")
    trial = Flag(default=False, help_text="A trial for who is premium does nothing.")


class BlockCustomer(Form):
    example = {"reason": "three unpaid invoices"}

    reason = Text(max_length=500)


class MergeCustomer(Form):
    example = {"into": AN_ID}

    into = Id(help_text="The customer that they are from now on.")


class SetCreditLimit(Form):
    example = {"limit": {"amount": "500.00", "currency": "EUR"}}

    limit = MoneyForm()


class SettleCredit(Form):
    example = {"amount": {"amount": "120.00", "currency": "EUR"}, "reference": "transfer of 1 March"}

    amount = MoneyForm()
    reference = Text(max_length=200, allow_blank=True, default="")


class NumberedAddressSerializer(serializers.Serializer):
    number = serializers.IntegerField(help_text="1, 2, …: never used again.")
    address = AddressForm()


class PaymentMethodSerializer(serializers.Serializer):
    number = serializers.IntegerField(help_text="1, 2, …: never used again.")
    token = serializers.CharField(help_text="What the vault gave for the card.")
    label = serializers.CharField()
    last_four = serializers.CharField()


class CustomerSerializer(serializers.Serializer):
    example = {
        "id": AN_ID,
        "version": 3,
        "name": "Ada Lovelace",
        "email": "ada@example.com",
        "addresses": [{"number": 1, "address": AddressForm.example}],
        "default_address": 1,
        "payment_methods": [{"number": 1, "token": AN_ID, "label": "Visa of the firm", "last_four": "4242"}],
        "birthday": "1985-12-10",
        "tier": "premium",
        "premium_until": "2026-12-31",
        "premium_trial": False,
        "blocked": False,
        "block_reason": "",
        "merged_into": None,
        "registered_at": "2026-03-01T12:00:00.123456Z",
    }

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    name = serializers.CharField()
    email = serializers.CharField()
    addresses = NumberedAddressSerializer(many=True)
    default_address = serializers.IntegerField(allow_null=True, help_text="Its number.")
    payment_methods = PaymentMethodSerializer(many=True)
    birthday = serializers.DateField(allow_null=True)
    tier = serializers.CharField(help_text="standard, premium: at the moment that is asked about.")
    premium_until = serializers.DateField(allow_null=True, help_text="The last day, in UTC; it may be past.")
    premium_trial = serializers.BooleanField()
    blocked = serializers.BooleanField(help_text="Whether nothing is sold to them.")
    block_reason = serializers.CharField()
    merged_into = serializers.UUIDField(allow_null=True, help_text="Who they are now, if they were merged.")
    registered_at = serializers.DateTimeField()


class AddressChangeSerializer(serializers.Serializer):
    example = {
        "kind": "changed",
        "number": 1,
        "address": AddressForm.example,
        "at": "2026-03-01T12:00:00.123456Z",
    }

    kind = serializers.CharField(help_text="added, changed, removed; default: parcels go there from then on")
    number = serializers.IntegerField(help_text="Of the address.")
    address = AddressForm(allow_null=True, help_text="As it was from then on, if that is new.")
    at = serializers.DateTimeField()


class CreditSerializer(serializers.Serializer):
    example = {
        "id": AN_ID,
        "version": 4,
        "limit": {"amount": "500.00", "currency": "EUR"},
        "reserved": {"amount": "25.00", "currency": "EUR"},
        "owed": {"amount": "120.00", "currency": "EUR"},
        "available": {"amount": "355.00", "currency": "EUR"},
        "opened_at": "2026-03-01T12:00:00.123456Z",
    }

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    limit = MoneyIn("limit")
    reserved = MoneyIn("reserved")
    owed = MoneyIn("owed")
    available = MoneyIn("available")
    opened_at = serializers.DateTimeField()


class CreditMovementSerializer(serializers.Serializer):
    example = {
        "version": 3,
        "kind": "charged",
        "order_id": AN_ID,
        "amount": {"amount": "120.00", "currency": "EUR"},
        "limit": {"amount": "500.00", "currency": "EUR"},
        "reserved": {"amount": "0.00", "currency": "EUR"},
        "owed": {"amount": "120.00", "currency": "EUR"},
        "available": {"amount": "380.00", "currency": "EUR"},
        "reference": "",
        "at": "2026-03-01T12:00:00.123456Z",
    }

    version = serializers.IntegerField(source="number", help_text="Of the account, after it.")
    kind = serializers.CharField(help_text="limit, reserved, reduced, released, charged, settled")
    order_id = serializers.UUIDField(allow_null=True)
    amount = MoneyIn("amount")
    limit = MoneyIn("limit", help_text="After it.")
    reserved = MoneyIn("reserved", help_text="After it.")
    owed = MoneyIn("owed", help_text="After it: the balance.")
    available = MoneyIn("available", help_text="After it.")
    reference = serializers.CharField()
    at = serializers.DateTimeField()
