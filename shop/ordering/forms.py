"""What orders and checkouts may both be told."""

from rest_framework.exceptions import ErrorDetail, ValidationError

from shop.docs import AN_ID
from shop.forms import Choice, Form, Id, MoneyForm, Text, Whole
from shop.ordering.commands import Item, Paying

KINDS = ("card", "account", "none")


class ItemForm(Form):
    makes = Item

    sku = Text(max_length=64)
    quantity = Whole(min_value=1, max_value=1_000_000)
    quoted = MoneyForm(required=False, allow_null=True, help_text="The price that was seen: refused if it changed.")


class PaymentForm(Form):
    makes = Paying
    example = {"kind": "card", "token": AN_ID}

    kind = Choice(KINDS, help_text="card, account (the customer's own), or none: not through the shop.")
    token = Id(required=False, allow_null=True, help_text="The card's, from the vault; of other kinds, none.")

    def validate(self, paying: Paying) -> Paying:
        if paying.kind == "card" and not paying.token:
            raise ValidationError({"token": [ErrorDetail("A card is named by its token.", "required")]})
        if paying.kind != "card" and paying.token:
            raise ValidationError({"kind": [ErrorDetail("Only a card has a token.", "invalid")]})
        return paying
