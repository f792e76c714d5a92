"""The vault over HTTP: a card goes in, a token comes out."""

import re
from typing import Any
from uuid import UUID

import django_filters
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from shop.application import shop
from shop.cards import is_card_number
from shop.docs import AN_ID, asks
from shop.forms import Form, Id, Secret, Text, Whole
from shop.http import ask
from shop.resource import Resource
from shop.roles import ByRole
from shop.vault.commands import card_data, reveal_card, store_card
from shop.vault.domain import Card
from shop.vault.models import CardSummary


class CardNumber(Secret):
    """13 to 19 digits with their check digit; blanks and hyphens between them are left out. Errors never repeat it."""

    default_error_messages = {"bad_card_number": "Expected a card number: 13 to 19 digits, the last of which checks."}

    def to_internal_value(self, data: Any) -> str:
        digits = re.sub(r"(?<=[0-9])[ -](?=[0-9])", "", data)
        if not digits.isascii() or not digits.isdecimal() or not is_card_number(digits):
            self.fail("bad_card_number")
        return digits


class StoreCard(Form):
    example = {
        "number": "4242 4242 4242 4242",
        "expiry_month": 12,
        "expiry_year": 2099,
        "holder": "Ada Lovelace",
        "customer_id": AN_ID,
    }

    number = CardNumber(max_length=40)
    expiry_month = Whole(min_value=1, max_value=12)
    expiry_year = Whole(min_value=2000, max_value=2199)
    holder = Text(max_length=200)
    customer_id = Id(required=False, allow_null=True, help_text="Whose it is: it is forgotten with them.")


class RevealCard(Form):
    example = {"reason": "chargeback 4711"}

    reason = Text(max_length=500)


class StoredSerializer(serializers.Serializer):
    """What one pays with from now on."""

    example = {"id": AN_ID, "version": 1, "position": 1042, "token": AN_ID, "last_four": "4242", "brand": "visa"}

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    position = serializers.IntegerField(allow_null=True)
    token = serializers.CharField()
    last_four = serializers.CharField()
    brand = serializers.CharField()


class RevealedSerializer(serializers.Serializer):
    """What is on the card."""

    example = {"number": "4242424242424242", "expiry_month": 12, "expiry_year": 2099, "holder": "Ada Lovelace"}

    number = serializers.CharField()
    expiry_month = serializers.IntegerField()
    expiry_year = serializers.IntegerField()
    holder = serializers.CharField()


class CardSerializer(serializers.Serializer):
    example = {
        "id": AN_ID,
        "version": 1,
        "token": AN_ID,
        "last_four": "4242",
        "brand": "visa",
        "stored_at": "2026-03-01T12:00:00.123456Z",
        "times_revealed": 0,
        "forgotten": False,
    }

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    token = serializers.CharField(source="id")
    last_four = serializers.CharField()
    brand = serializers.CharField()
    stored_at = serializers.DateTimeField()
    times_revealed = serializers.IntegerField(help_text="Each time is an event, with who and why.")
    forgotten = serializers.BooleanField(
        help_text="With its customer, or once nobody needed it: nobody can see its number any more."
    )


class CardFilters(django_filters.FilterSet):
    last_four = django_filters.CharFilter(max_length=4)
    brand = django_filters.CharFilter(max_length=20)


class Cards(Resource):
    queryset = CardSummary.objects.all()
    serializer_class = CardSerializer
    filterset_class = CardFilters
    orderings = {"-stored_at": "stored_at"}
    aggregate = Card

    def row_of(self, aggregate: Card) -> CardSummary:
        return CardSummary(
            id=aggregate.id,
            version=aggregate.version,
            last_four=aggregate.last_four,
            brand=aggregate.brand,
            stored_at=aggregate.created_on,
            times_revealed=aggregate.times_revealed,
            forgotten=aggregate.forgotten,
        )

    @asks(StoreCard, "card_expired", answers=StoredSerializer)
    def create(self, request: Request) -> Response:
        """Store a card.

        It is sealed; its number is in no event, list or log. What is used from now on is its token. A card that no
        customer keeps is forgotten some days after what it was to pay.
        """
        answer = ask(request, StoreCard, store_card)
        card = shop.load(Card, answer.data["id"])
        answer.data |= {"token": card.token, "last_four": card.last_four, "brand": card.brand}
        return answer

    @action(detail=True, methods=["post"], permission_classes=[ByRole])
    @asks(RevealCard, "card_forgotten", answers=RevealedSerializer)
    def reveal(self, request: Request, pk: UUID) -> Response:
        """Show the number of a card.

        It takes the permission vault.reveal_card and a reason, and that it was shown is recorded before it is.
        """
        answer = ask(request, RevealCard, reveal_card, pk)
        answer.data = RevealedSerializer(card_data(pk)).data
        answer["Cache-Control"] = "no-store"
        return answer
