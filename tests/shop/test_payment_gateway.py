"""The gateway's answers, read with suspicion; and the fake one, in its own process."""

import json
import sqlite3
from decimal import Decimal
from io import StringIO
from unittest.mock import patch
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from projections.engine import catch_up
from shop.payments.commands import request_payment
from shop.payments.domain import Outcome
from shop.payments.gateway import gateway, read
from shop.payments.models import PaymentWork
from shop.payments.tasks import ask_gateway
from shop.values import Money
from tests.shop.gateway import SECRET, fake_gateway, start

PAY = Money(Decimal("25.00"), "EUR")
CARD = {"token": "t", "last_four": "4242"}


@pytest.fixture(scope="module")
def fake(tmp_path_factory):
    with fake_gateway(tmp_path_factory.mktemp("gateway"), "--anyway") as fake:
        yield fake


def answer(**changes):
    said = {"outcome": "ok", "reference": "auth_1", "amount": "25.00", "currency": "EUR"} | changes
    return json.dumps({name: value for name, value in said.items() if value is not None}).encode()


def test_an_answer_is_yes_or_no():
    assert read(answer(), PAY) == Outcome("ok", reference="auth_1")
    assert read(answer(amount="25"), PAY) == Outcome("ok", reference="auth_1")
    assert read(answer(outcome="declined", reference=None, reason="no"), PAY) == Outcome("declined", reason="no")


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"{", b"[]", b"null", b"\xff", b"x" * 10_000),
        *(answer(outcome=said) for said in (None, "", "OK", 1, True)),
        *(answer(reference=said) for said in (None, "", "x" * 201)),
        *(answer(amount=said) for said in (None, "24.99", "2500", "-25.00", "NaN", "x", [])),
        *(answer(currency=said) for said in (None, "USD", "eur")),
    ],
)
def test_whatever_else_it_says_is_unknown(data):
    assert read(data, PAY).kind == "unknown"


def test_the_fake_does_each_key_once_and_says_the_same_again(fake):
    gateway, key = fake.gateway(), f"{uuid4()}:authorise"

    first, again = (gateway.authorise(key, token="t", last_four="4242", amount=PAY) for _ in range(2))
    found, never = gateway.look_up(key, amount=PAY), gateway.look_up("never:asked", amount=PAY)

    assert first == again == found
    assert (first.kind, never, len(fake.did(key))) == ("ok", None, 1)


def test_the_fake_refuses_a_key_for_something_else(fake):
    gateway, key = fake.gateway(), f"{uuid4()}:authorise"
    gateway.authorise(key, token="t", last_four="4242", amount=PAY)

    other = gateway.authorise(key, token="t", last_four="4242", amount=Money(Decimal(26), "EUR"))

    assert other == Outcome("unknown", reason="The gateway answered 409.")
    assert len(fake.did(key)) == 1


def test_the_fake_moves_no_more_than_it_may(fake):
    gateway, payment = fake.gateway(), uuid4()
    authorised = gateway.authorise(f"{payment}:authorise", amount=PAY, **CARD).reference
    too_much = gateway.capture(f"{payment}:capture", authorisation=authorised, amount=Money(Decimal("25.01"), "EUR"))
    captured = gateway.capture(f"{payment}:capture:2", authorisation=authorised, amount=PAY)
    second = gateway.capture(f"{payment}:capture:3", authorisation=authorised, amount=PAY)
    voided = gateway.void(f"{payment}:void", authorisation=authorised, amount=PAY)
    refunds = [
        gateway.refund(f"{payment}:refund:{n}", capture=captured.reference, amount=Money(Decimal("12.51"), "EUR"))
        for n in (1, 2)
    ]

    assert [each.kind for each in (too_much, captured, second, voided, *refunds)] == [
        *("declined", "ok", "declined", "declined", "ok", "declined")
    ]
    assert fake.money(payment) == {"authorise": 25, "capture": 25, "void": 0, "refund": Decimal("12.51")}


def test_the_fake_wants_the_secret_and_words_it_knows(fake):
    good = {"amount": "25.00", "currency": "EUR"} | CARD

    asked = [
        fake.ask("POST", "/authorise", good, **{"Authorization": "Bearer wrong", "Idempotency-Key": "k"}),
        fake.ask("GET", "/control/ledger", None, Authorization=""),
        fake.ask("POST", "/authorise", good),
        fake.ask("POST", "/authorise", good | {"amount": 25.0}, **{"Idempotency-Key": "k"}),
        fake.ask("POST", "/authorise", good | {"amount": "0.001"}, **{"Idempotency-Key": "k"}),
        fake.ask("POST", "/authorise", {}, **{"Idempotency-Key": "k"}),
        fake.ask("POST", "/control/faults", {"kind": "meteorite"}),
        fake.ask("POST", "/control/webhooks", {"mode": "loudly"}),
        fake.ask("POST", "/nothing", {}),
    ]

    assert [status for status, _ in asked] == [401, 401, 400, 400, 400, 400, 400, 400, 404]
    assert fake.did("k") == []


def test_the_fake_keeps_its_ledger(tmp_path):
    with fake_gateway(tmp_path, "--anyway") as fake:
        fake.gateway().authorise("a:authorise", amount=PAY, **CARD)
    with fake_gateway(tmp_path, "--anyway") as fake:
        assert [entry["cents"] for entry in fake.did("a")] == [2500]
    assert sqlite3.connect(tmp_path / "ledger.sqlite3").execute("pragma integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize(
    ("environment", "why"),
    [({"DEMO": "false", "DEBUG": "false"}, "takes no money"), ({"GATEWAY_SECRET": "short"}, "at least 16 characters")],
)
def test_the_fake_refuses_to_run_where_it_should_not(tmp_path, environment, why):
    process = start(tmp_path, **environment)

    process.communicate(timeout=30)

    assert process.returncode == 1
    assert why in (tmp_path / "gateway.log").read_text()


def test_without_a_gateway_payments_wait(db, settings):
    settings.GATEWAY_URL = ""
    request_payment(order_id=uuid4(), customer_id=None, amount=PAY, **CARD)
    catch_up()

    ask_gateway()

    assert gateway() is None
    assert PaymentWork.objects.count() == 1
    with pytest.raises(CommandError, match="GATEWAY_URL: expected where the gateway is"):
        call_command("payments", "work")


def test_the_task_and_the_command_ask_the_gateway_of_the_settings(fake, empty_log, settings):
    settings.GATEWAY_URL, settings.GATEWAY_SECRET = fake.url, SECRET
    told = StringIO()
    first, second = (
        request_payment(order_id=uuid4(), customer_id=None, amount=PAY, **CARD | {"last_four": four}).id
        for four in ("4242", "0119")
    )
    catch_up()
    call_command("payments", "list", stdout=told)
    with patch("shop.payments.work.SHORTEST", 100):
        call_command("payments", "work", stdout=told)
    catch_up()
    call_command("payments", "list", stdout=told)
    third = request_payment(order_id=uuid4(), customer_id=None, amount=PAY, **CARD).id
    catch_up()
    ask_gateway()

    assert told.getvalue().count("authorise  new") == 2
    assert "asked 2 times" in told.getvalue()
    assert "authorise  asked 1 times, again at" in told.getvalue()
    assert [len(fake.did(each)) for each in (first, second, third)] == [1, 0, 1]
