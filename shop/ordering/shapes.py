"""What is said to orders and of them over HTTP: forms, and what is answered."""

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from shop.docs import AN_ID
from shop.forms import AddressForm, Form, Id, MoneyForm, MoneyIn, Percent, Text, Whole
from shop.ordering.commands import Item
from shop.ordering.forms import ItemForm, PaymentForm

NOBODY = "It stays in the books: it names nobody."


class PlaceOrder(Form):
    example = {
        "customer_id": AN_ID,
        "lines": [{"sku": "MUG-1", "quantity": 2, "quoted": MoneyForm.example}],
        "ship_to": AddressForm.example,
        "reference": "PO 4711",
        "payment": PaymentForm.example,
    }

    customer_id = Id(required=False, allow_null=True, help_text="Nobody's: a guest's.")
    lines = ItemForm(many=True, source="items", max_length=1000, help_text="Each SKU once.")
    ship_to = AddressForm(required=False, allow_null=True, help_text="If not to the customer's default address.")
    reference = Text(
        max_length=200, allow_blank=True, default="", help_text=f"The customer's own number for it. {NOBODY}"
    )
    payment = PaymentForm(required=False, allow_null=True, help_text="None: not through the shop.")

    def validate_lines(self, items: list[Item]) -> list[Item]:
        seen: dict[str, int] = {}
        twice = ErrorDetail("This SKU stands in an earlier line.", "repeated")
        errors = [{"sku": [twice]} if seen.setdefault(item.sku, n) < n else {} for n, item in enumerate(items)]
        if any(errors):
            raise ValidationError(errors)
        return items


class CancelOrder(Form):
    example = {"reason": "changed my mind"}

    reason = Text(max_length=500, help_text=NOBODY)


class ChangeAddress(Form):
    example = {"address": AddressForm.example, "reason": "moves next week"}

    address = AddressForm()
    reason = Text(max_length=500, allow_blank=True, default="", help_text=NOBODY)


class LeftForm(Form):
    number = Whole(min_value=1, max_value=1000, help_text="Of the line.")
    quantity = Whole(min_value=0, max_value=1_000_000, help_text="That is left of it; 0: none.")


class EditLines(Form):
    example = {"lines": [{"number": 1, "quantity": 1}], "reason": "needs only one"}

    lines = LeftForm(many=True, source="quantities", min_length=1, max_length=1000, help_text="Each number once.")
    reason = Text(max_length=500, help_text=NOBODY)

    def validate_lines(self, lines: list[dict[str, int]]) -> dict[int, int]:
        numbers = [line["number"] for line in lines]
        twice = ErrorDetail("This line stands here already.", "repeated")
        errors = [{"number": [twice]} if number in numbers[:n] else {} for n, number in enumerate(numbers)]
        if any(errors):
            raise ValidationError(errors)
        return {line["number"]: line["quantity"] for line in lines}


class NoteOrder(Form):
    example = {"text": "Asked to ring at the back door."}

    text = Text(max_length=2000, help_text="It is forgotten with the customer.")


class TimelineSerializer(serializers.Serializer):
    example = {
        "position": 1042,
        "of": "payment",
        "what": "authorised",
        "detail": "",
        "at": "2026-03-01T12:00:00.123456Z",
    }

    position = serializers.IntegerField(source="id", help_text="In the log.")
    of = serializers.CharField(help_text="order, payment or shipment")
    what = serializers.CharField()
    detail = serializers.CharField(help_text="A reason, an amount, a carrier.")
    at = serializers.DateTimeField()


class OrderSerializer(serializers.Serializer):
    """An order as lists show it."""

    example: dict[str, Any] = {
        "id": AN_ID,
        "version": 1,
        "number": 15230,
        "reference": "PO 4711",
        "customer_id": AN_ID,
        "customer_name": "Ada Lovelace",
        "status": "placed",
        "items": 2,
        "total": {"amount": "25.00", "currency": "EUR"},
        "ship_to": AddressForm.example,
        "placed_at": "2026-03-01T12:00:00.123456Z",
        "cancel_reason": "",
        "payment": "card",
        "last_four": "4242",
        "shipment_id": None,
        "checkout_id": None,
    }

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    number = serializers.IntegerField(help_text="The shop's, that people read out; no two orders have the same.")
    reference = serializers.CharField(help_text="The customer's own number for it.")
    customer_id = serializers.UUIDField(allow_null=True, help_text="Null: a guest's.")
    customer_name = serializers.CharField(help_text="As it was when the order was placed.")
    status = serializers.CharField(
        help_text="placed → confirmed → shipped → delivered → completed; or rejected; or, unshipped, cancelled"
    )
    items = serializers.IntegerField(help_text="The quantities of all lines together.")
    total = MoneyIn("amount")
    ship_to = AddressForm(allow_null=True)
    placed_at = serializers.DateTimeField()
    cancel_reason = serializers.CharField(help_text="Why it was cancelled, or rejected.")
    payment = serializers.CharField(help_text="card, account, none; empty: it was not said.")
    last_four = serializers.CharField(help_text="Of the card.")
    shipment_id = serializers.UUIDField(allow_null=True, help_text="Of the parcel that has left.")
    checkout_id = serializers.UUIDField(allow_null=True, help_text="That it came from.")


class LineSerializer(serializers.Serializer):
    number = serializers.IntegerField(help_text="Its place in the order: 1, 2, …")
    product_id = serializers.UUIDField()
    sku = serializers.CharField()
    name = serializers.CharField(help_text="As it was bought.")
    quantity = serializers.IntegerField()
    unit_price = MoneyIn("unit_price")
    price_revision = serializers.IntegerField()
    total = MoneyIn("amount")
    cancelled = serializers.IntegerField(help_text="So many more were bought.")
    details = serializers.JSONField(required=False, help_text="With `?expand=products`; or `unavailable`.")


class OrderPageSerializer(OrderSerializer):
    """An order with its lines, what it comes to (goods − discount + shipping + tax = total), and what was noted."""

    example = OrderSerializer.example | {
        "total": {"amount": "28.50", "currency": "EUR"},
        "lines": [
            {
                "number": 1,
                "product_id": AN_ID,
                "sku": "MUG-1",
                "name": "Harbour mug",
                "quantity": 2,
                "unit_price": MoneyForm.example,
                "price_revision": 1,
                "total": {"amount": "25.00", "currency": "EUR"},
                "cancelled": 0,
            }
        ],
        "goods": {"amount": "25.00", "currency": "EUR"},
        "discount": {"amount": "1.25", "currency": "EUR"},
        "shipping": None,
        "tax": {"amount": "4.75", "currency": "EUR"},
        "discount_percent": "5",
        "tax_percent": "20",
        "notes": ["Asked to ring at the back door."],
    }

    lines = LineSerializer(many=True)
    goods = MoneyIn("goods", help_text="The totals of all lines together.")
    discount = MoneyIn("discount", allow_null=True, help_text="Off the goods, for who was premium.")
    shipping = MoneyIn("shipping", allow_null=True, help_text="What the parcel costs.")
    tax = MoneyIn("tax", allow_null=True, help_text="On goods − discount + shipping.")
    discount_percent = Percent(allow_null=True)
    tax_percent = Percent(allow_null=True)
    notes = serializers.ListField(child=serializers.CharField())
