"""A card goes into the vault once; whatever else is kept holds its token and its last four."""

import json
import logging
from decimal import Decimal
from unittest.mock import patch
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from rest_framework.test import APIClient

from eventstore.cause import because
from eventstore.commands import CommandReused
from eventstore.domain import uuid7
from eventstore.models import Event, PersonalKey
from eventstore.personal import KeyUnavailable
from projections.engine import catch_up
from shop.cards import brand_of, has_card_number, is_card_number
from shop.catalog.commands import create_product
from shop.customers.commands import add_payment_method, erase_customer, register_customer
from shop.ordering.commands import Item, Paying, place_order
from shop.ordering.refusals import UnknownCard
from shop.values import Money
from shop.vault.commands import CardData, card_data, reveal_card, store_card
from shop.vault.domain import CardExpired
from shop.vault.models import CardSummary, SealedCard

NUMBER = "4242424242424242"
CARD = {"number": NUMBER, "expiry_month": 12, "expiry_year": 2099, "holder": "Ada Lovelace"}


@pytest.fixture
def staff(db):
    return User.objects.create_user("support", is_staff=True)


@pytest.fixture
def api(staff):
    client = APIClient(raise_request_exception=False)
    client.force_authenticate(staff)
    client.default_format = "json"
    return client


@pytest.fixture
def may_reveal(api, staff):
    staff.user_permissions.add(Permission.objects.get(codename="reveal_card"))
    api.force_authenticate(User.objects.get(pk=staff.pk))
    return api


def everything_kept() -> str:
    """Each row of each table of the database, as text."""
    with connection.cursor() as cursor:
        cursor.execute("select relname from pg_stat_user_tables where schemaname = current_schema()")
        kept = []
        for (table,) in cursor.fetchall():
            cursor.execute(f'select t::text from "{table}" t')
            kept += [f"{table}: {row}" for (row,) in cursor.fetchall()]
            cursor.execute(f"select column_name from information_schema.columns where table_name = '{table}' "
                           "and data_type = 'bytea'")  # fmt: skip
            for (column,) in cursor.fetchall():
                cursor.execute(f'select encode("{column}", \'escape\') from "{table}"')
                kept += [f"{table}.{column}: {row}" for (row,) in cursor.fetchall()]
    return "\n".join(kept)


def test_scenario_23_token_vault(api):
    answer = api.post("/api/v1/cards/", CARD | {"number": "4242 4242 4242 4242"})
    catch_up()

    told = answer.json()
    assert answer.status_code == 201
    assert (told["token"], told["last_four"], told["brand"]) == (told["id"], "4242", "visa")
    read = api.get(answer["Location"]).json()
    assert read == {
        "id": told["id"],
        "version": 1,
        "token": told["token"],
        "last_four": "4242",
        "brand": "visa",
        "stored_at": read["stored_at"],
        "times_revealed": 0,
        "forgotten": False,
    }
    assert json.loads(bytes(Event.objects.get(stream_id=told["id"]).data)) == {
        "token": told["token"],
        "last_four": "4242",
        "brand": "visa",
        "customer_id": None,
    }


def test_scenario_23_token_vault_keeps_the_number_sealed(api, may_reveal, caplog):
    caplog.set_level(logging.DEBUG)
    token = api.post("/api/v1/cards/", CARD).json()["token"]
    may_reveal.post(f"/api/v1/cards/{token}/reveal/", {"reason": "chargeback 4711"})
    catch_up()

    kept = everything_kept()
    assert token in kept
    assert "vault_sealedcard" in kept
    for secret in (NUMBER, NUMBER[:12], "Ada Lovelace"):
        assert secret not in kept
        assert secret not in caplog.text
    assert NUMBER not in repr(card_data(token)) + str(card_data(token))


def test_errors_never_repeat_a_number(api, caplog):
    bad = [
        api.post("/api/v1/cards/", CARD | {"number": "4242424242424241"}),
        api.post("/api/v1/cards/", CARD | {"expiry_year": 2001}),
        api.post("/api/v1/cards/", CARD | {"holder": NUMBER}),
    ]
    with patch("shop.vault.commands.seal", side_effect=RuntimeError("no")):
        bad.append(api.post("/api/v1/cards/", CARD))

    assert [answer.status_code for answer in bad] == [400, 422, 422, 500]
    for answer in bad:
        assert b"424242424242" not in answer.content
    assert "4242424242424" not in caplog.text
    assert not SealedCard.objects.exists()


def test_scenario_23_token_vault_reveals_by_permission(api, staff):
    token = store_card(**CARD).id
    place = f"/api/v1/cards/{token}/reveal/"
    refused = api.post(place, {"reason": "curious"})
    staff.user_permissions.add(Permission.objects.get(codename="reveal_card"))
    api.force_authenticate(User.objects.get(pk=staff.pk))
    without_reason = api.post(place, {})
    before = Event.objects.filter(stream_id=token).count()
    shown = api.post(place, {"reason": "chargeback 4711"})

    assert (refused.status_code, without_reason.status_code, before) == (403, 400, 1)
    assert (shown.status_code, shown.json(), shown["Cache-Control"]) == (200, CARD, "no-store")
    event = Event.objects.get(stream_id=token, version=2)
    assert (event.name, event.actor, json.loads(bytes(event.data))) == (
        "Card.Revealed",
        "support",
        {"token": str(token), "reason": "chargeback 4711"},
    )
    catch_up()
    assert CardSummary.objects.get(pk=token).times_revealed == 1


def test_what_cannot_be_recorded_is_not_shown(may_reveal):
    token = store_card(**CARD).id

    with patch("shop.vault.api.reveal_card", side_effect=RuntimeError("the log is full")):
        answer = may_reveal.post(f"/api/v1/cards/{token}/reveal/", {"reason": "chargeback 4711"})

    assert answer.status_code == 500
    assert NUMBER.encode() not in answer.content


def test_an_expired_card_is_refused(db):
    with patch("shop.vault.commands.datetime") as clock, pytest.raises(CardExpired, match="in 11/2026") as refused:
        clock.now.return_value.year, clock.now.return_value.month = 2026, 12
        store_card(**CARD | {"expiry_month": 11, "expiry_year": 2026})

    assert refused.value.pointer == "/expiry_year"
    assert not SealedCard.objects.exists()


def test_the_same_key_makes_one_token_and_another_card_is_refused(db):
    command = uuid7()
    with because(command_id=command):
        first, again = store_card(**CARD), store_card(**CARD)
        with pytest.raises(CommandReused):
            store_card(**CARD | {"number": "5555555555554444"})

    assert first == again
    assert SealedCard.objects.count() == 1
    assert card_data(first.id) == CardData(**CARD)


def test_a_sealed_card_opens_under_its_own_token_alone(db):
    ada, bob = store_card(**CARD).id, store_card(**CARD | {"holder": "Bob"}).id
    SealedCard.objects.filter(token=bob).update(sealed=SealedCard.objects.get(token=ada).sealed)

    with pytest.raises(KeyUnavailable):
        card_data(bob)


def test_without_the_wrapping_key_nothing_opens(db, settings):
    token = store_card(**CARD).id
    settings.EVENTSTORE_KEYS = ["other:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="]

    with pytest.raises(KeyUnavailable):
        card_data(token)


def test_cards_are_forgotten_with_their_customer(api, may_reveal):
    ada = register_customer(name="Ada", email="ada@example.com").id
    ida = register_customer(name="Ida", email="ida@example.com").id
    told = api.post("/api/v1/cards/", CARD | {"customer_id": str(ada)}).json()["token"]
    kept, bought, shared, others = (store_card(**CARD).id for _ in range(4))
    create_product(sku="MUG", name="Mug", price=Money(Decimal(10), "EUR"), publish=True)
    place_order(items=[Item("MUG", 1)], customer_id=ada, payment=Paying("card", bought))
    for customer, token in ((ada, kept), (ada, shared), (ida, shared), (ida, others)):
        add_payment_method(customer, token=str(token), label="Visa", last_four="4242")
    catch_up()

    erase_customer(ada)
    catch_up()

    gone = [UUID(told), kept, bought]
    assert set(SealedCard.objects.values_list("token", flat=True)) == {shared, others}
    assert set(
        PersonalKey.objects.filter(forgotten_at=None, subject_id__in=[*gone, shared, others]).values_list(
            "subject_id", flat=True
        )
    ) == {shared, others}
    answer = may_reveal.post(f"/api/v1/cards/{told}/reveal/", {"reason": "chargeback"})
    assert (answer.status_code, answer.json()["code"]) == (409, "card_forgotten")
    assert api.get(f"/api/v1/cards/{told}/").json()["forgotten"]
    with pytest.raises(UnknownCard):
        place_order(items=[Item("MUG", 1)], customer_id=ida, payment=Paying("card", bought))


def test_a_list_of_cards_is_read_as_of_then(api):
    token = store_card(**CARD).id
    catch_up()
    then = Event.objects.get(stream_id=token).position
    reveal_card(token, reason="chargeback")
    catch_up()

    now, before = api.get("/api/v1/cards/"), api.get(f"/api/v1/cards/?as_of={then}")

    assert [each.json()["results"][0]["times_revealed"] for each in (now, before)] == [1, 0]


@pytest.mark.parametrize("number", ["4222222222222", "378282246310005", "5555555555554444", "6304000000000000"])
def test_the_last_digit_of_a_card_number_checks_the_others(number):
    wrong = [number[:-1] + digit for digit in "0123456789" if digit != number[-1]]

    assert is_card_number(number)
    assert not any(map(is_card_number, wrong))


@pytest.mark.parametrize(
    ("number", "brand"),
    [
        ("4242424242424242", "visa"),
        ("5555555555554444", "mastercard"),
        ("2223003122003222", "mastercard"),
        ("378282246310005", "amex"),
        ("6011111111111117", "discover"),
        ("3566002020360505", "jcb"),
        ("30569309025904", "diners"),
        ("6200000000000005", "unionpay"),
        ("9792030394440796", "other"),
    ],
)
def test_a_number_says_whose_card_it_is(number, brand):
    assert brand_of(number) == brand


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (NUMBER, True),
        ("my card is 4242 4242 4242 4242, thanks", True),
        ("4242-4242-4242-4242", True),
        ("12 4242424242424242 2099", True),
        ("order 12 4242 4242 4242 4242 12/99", True),
        ("4242\u20134242\u20134242\u20134242", True),
        ("٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢", True),
        ("4242424242424241", False),
        ("424242424242", False),
        ("42424242424242424242424242424242", False),
        ("x4242x4242x4242x4242", False),
        ("+49 40 123456-789", False),
        ("2026-03-01 12:00", False),
        ("", False),
        ("1 " * 2000, False),
    ],
)
def test_card_numbers_are_found_in_text(text, found):
    assert has_card_number(text) is found


HERE = {"street": "Kai 3", "city": "Hamburg", "postcode": "20457", "country": "DE"}


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("customers/", {"name": "Ada 4242 4242 4242 4242", "email": "a@example.com"}, "/name"),
        ("orders/", {"lines": [], "reference": NUMBER}, "/reference"),
        ("orders/", {"lines": [], "ship_to": HERE | {"street": "4242-4242-4242-4242"}}, "/ship_to/street"),
        ("products/", {"sku": "CUP-1", "name": f"Cup {NUMBER}"}, "/name"),
        ("cards/", CARD | {"holder": NUMBER}, "/holder"),
    ],
)
def test_a_card_number_in_any_text_is_refused(api, path, body, pointer):
    before = Event.objects.count()

    answer = api.post(f"/api/v1/{path}", body, HTTP_IDEMPOTENCY_KEY="k")

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "card_data_refused")
    assert (pointer, "card_data_refused") in [(error["pointer"], error["code"]) for error in problem["errors"]]
    assert "4242" not in json.dumps(problem)
    assert Event.objects.count() == before
