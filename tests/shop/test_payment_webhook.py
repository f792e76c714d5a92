"""What the gateway tells us by itself: signed just now, taken once, and never believed when it cannot be true."""

import json
import time
from decimal import Decimal
from uuid import uuid4

import pytest
from django.test import Client
from rest_framework.test import APIClient

from eventstore.models import Event
from projections.engine import catch_up
from shop.application import shop
from shop.payments.commands import capture, record_outcome, refund_payment, request_payment
from shop.payments.domain import Outcome, Payment
from shop.payments.models import GatewayCall, PaymentAlarm
from shop.payments.signing import HEADER, sign
from shop.payments.work import work
from shop.values import Money
from tests.shop.gateway import SECRET, fake_gateway
from tests.shop.test_payment_work import settle
from tests.system.processes import until

PLACE = "/api/v1/payments/webhook/"


@pytest.fixture(autouse=True)
def secret(settings):
    settings.GATEWAY_SECRET = SECRET


@pytest.fixture
def payment(db):
    amount = Money(Decimal("25.00"), "EUR")
    return request_payment(order_id=uuid4(), customer_id=None, amount=amount, token="t", last_four="4242").id


def event(payment, operation="authorise", type="payment.authorised", **changes):
    facts = {"key": f"{payment}:{operation}", "reference": "auth_1", "amount": "25.00", "currency": "EUR", "reason": ""}
    return {"id": "evt_1", "type": type, "data": facts | changes}


def send(told, *, at=None, secret=SECRET, signature=None, content_type="application/json"):
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    signature = sign(secret, body, int(at or time.time())) if signature is None else signature
    headers = {HEADER: signature} if signature else {}
    return Client().post(PLACE, body, content_type, headers=headers)


def recorded(payment):
    return [name for (name,) in Event.objects.filter(stream_id=payment).order_by("version").values_list("name")]


def test_a_signed_outcome_is_recorded_without_a_sign_in(payment):
    answer = send(event(payment))

    assert (answer.status_code, answer.json()["version"]) == (200, 2)
    assert shop.load(Payment, payment).authorisation == "auth_1"
    assert Event.objects.get(name="Payment.Authorised").actor == "gateway"


def test_the_same_event_again_does_nothing_again(payment):
    first, again = send(event(payment)), send(event(payment))

    assert (first.status_code, again.status_code) == (200, 200)
    assert recorded(payment) == ["Payment.Requested", "Payment.Authorised"]
    assert not PaymentAlarm.objects.exists()


@pytest.mark.parametrize("age", [270, -299])
def test_a_signature_is_good_for_five_minutes(payment, age):
    assert send(event(payment), at=time.time() - age).status_code == 200


@pytest.mark.parametrize("age", [301, -330, 10**9])
def test_an_old_signature_is_refused(payment, age):
    answer = send(event(payment), at=time.time() - age)

    assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature")
    assert recorded(payment) == ["Payment.Requested"]


@pytest.mark.parametrize(
    "signature",
    ["", "x", "t=1", f"t={int(time.time())},v1={'0' * 64}", f"t=x,v1={'0' * 64}", f"v1={'0' * 64},t=1", "\xe9"],
)
def test_a_bad_signature_is_refused(payment, signature):
    assert send(event(payment), signature=signature).status_code == 401
    assert recorded(payment) == ["Payment.Requested"]


def test_a_signature_is_of_this_body_at_this_time_with_this_secret(payment):
    body, now = json.dumps(event(payment)).encode(), int(time.time())
    good = sign(SECRET, body, now)

    assert send(body + b" ", signature=good).status_code == 401
    assert send(body, signature=good.replace(f"t={now}", f"t={now + 1}")).status_code == 401
    assert send(body, secret="another secret").status_code == 401
    assert send(body, signature=good).status_code == 200


def test_without_a_secret_nobody_is_believed(payment, settings):
    settings.GATEWAY_SECRET = ""

    assert send(event(payment), secret="").status_code == 401


def test_a_sign_in_is_no_signature(payment, django_user_model):
    client = APIClient()
    client.force_authenticate(django_user_model.objects.create_user("boss", is_staff=True, is_superuser=True))

    assert client.post(PLACE, event(payment), "json").status_code == 401


def test_an_unknown_type_is_left_alone(payment):
    answer = send(event(payment, type="payment.dispute_opened"))

    assert answer.status_code == 202
    assert recorded(payment) == ["Payment.Requested"]
    assert not PaymentAlarm.objects.exists()


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"amount": "25.01"}, "authorise is for 25.00 EUR, and 25.01 EUR was told."),
        ({"currency": "USD"}, "authorise is for 25.00 EUR, and 25.00 USD was told."),
        *(
            ({"amount": amount}, "authorise is for 25.00 EUR, and no amount was told.")
            for amount in ("x", "NaN", "-1", "")
        ),
        ({"key": f"{uuid4()}:authorise"}, "There is no payment for the key"),
        ({"key": "nonsense"}, "There is no payment for the key nonsense."),
    ],
)
def test_what_cannot_be_true_is_an_alarm_and_changes_nothing(payment, caplog, changes, detail):
    answers = send(event(payment, **changes)), send(event(payment, **changes))

    assert [answer.status_code for answer in answers] == [202, 202]
    assert recorded(payment) == ["Payment.Requested"]
    assert PaymentAlarm.objects.get().detail.startswith(detail)
    assert "The gateway says what cannot be true" in caplog.text


def test_an_alarm_says_when_it_contradicts_what_we_know(payment):
    record_outcome(payment, "authorise", Outcome("declined", reason="no"))

    authorised, captured = send(event(payment)), send(event(payment, "capture", "payment.captured") | {"id": "evt_2"})

    assert (authorised.status_code, captured.status_code) == (202, 202)
    assert sorted(alarm.detail for alarm in PaymentAlarm.objects.all()) == [
        "authorise was declined for all we know; now we are told that it was ok.",
        "capture was none for all we know; now we are told that it was ok.",
    ]


def test_a_key_and_a_type_go_together(payment):
    assert send(event(payment, "authorise", "payment.captured")).status_code == 202
    assert recorded(payment) == ["Payment.Requested"]
    assert PaymentAlarm.objects.exists()


def test_captures_and_refunds_are_settled_too_and_known_ones_are_no_news(payment):
    record_outcome(payment, "authorise", Outcome("ok", reference="auth_1"))
    capture(payment)
    answers = [send(event(payment, "capture", "payment.captured", reference="capt_1") | {"id": "evt_2"})]
    refund_payment(payment, amount=Money(Decimal("5.00"), "EUR"), reason="broken")
    refund = event(payment, "refund:1", "payment.refunded", amount="5.00")
    answers += [send(refund | {"id": "evt_3"}), send(refund | {"id": "evt_4"}), send(event(payment) | {"id": "evt_5"})]

    assert [answer.status_code for answer in answers] == [200] * 4
    assert recorded(payment)[2:] == [
        "Payment.CaptureRequested",
        "Payment.Captured",
        "Payment.RefundRequested",
        "Payment.Refunded",
    ]
    assert not PaymentAlarm.objects.exists()
    assert send(refund | {"id": "evt_6", "data": refund["data"] | {"amount": "6.00"}}).status_code == 202
    assert PaymentAlarm.objects.get().detail == "refund:1 was for 5.00 EUR; now we are told of 6.00 EUR."


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b"\xff", 400),
        (b"{}", 400),
        (b'{"id": 1, "type": "payment.authorised"}', 400),
        (b'{"id": "e", "type": "payment.authorised", "data": {"key": 1}}', 400),
        (b'{"id": "e", "type": "payment.authorised", "data": []}', 400),
        (b"x" * 70_000, 413),
    ],
)
def test_what_cannot_be_read_is_a_problem(db, body, status):
    answer = send(body)

    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")


def test_it_is_json(payment):
    assert send(event(payment), content_type="text/plain").status_code == 415


@pytest.mark.parametrize("mode", ["usual", "twice", "late"])
def test_a_webhook_settles_what_no_answer_told(live_server, empty_log, tmp_path, settings, mode):
    settings.ALLOWED_HOSTS = ["*"]
    payment = request_payment(
        order_id=uuid4(), customer_id=None, amount=Money(Decimal("25.00"), "EUR"), token="t", last_four="3220"
    ).id
    with fake_gateway(tmp_path, "--anyway", "--webhooks", live_server.url + PLACE) as fake:
        fake.sends_webhooks(mode, seconds=0.5)
        settle_once(fake)

        until(lambda: "Payment.Authorised" in recorded(payment), 10, "the webhook")
        settle(fake)

        assert recorded(payment) in (
            ["Payment.Requested", "Payment.Authorised"],
            ["Payment.Requested", "Payment.OutcomeUnknown", "Payment.Authorised"],
        )
        assert len(fake.did(payment)) == 1
        assert not PaymentAlarm.objects.exists()
        assert GatewayCall.objects.get().tries == 1, "nobody had to ask again"


def settle_once(fake):

    catch_up()
    work(fake.gateway(), seconds=0.05)
