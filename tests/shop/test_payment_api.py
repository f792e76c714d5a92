"""Payments over HTTP and on the desk."""

from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from rest_framework.test import APIClient

from eventstore.models import Event
from projections.engine import catch_up
from shop.payments.commands import record_outcome, void
from shop.payments.domain import Outcome
from shop.payments.models import PaymentAlarm, PaymentSummary
from shop.vault.commands import store_card
from shop.vault.models import CardSummary
from tests.api.paid import a_payment

OK, SILENT = Outcome("ok", reference="ref"), Outcome("unknown", reason="No answer")


@pytest.fixture
def api(db):
    client = APIClient(raise_request_exception=False)
    client.force_authenticate(User.objects.create_user("finance", is_staff=True))
    client.default_format = "json"
    return client


def eur(amount):
    return {"amount": amount, "currency": "EUR"}


def key(name):
    return {"HTTP_IDEMPOTENCY_KEY": name}


def test_what_moves_money_needs_a_key_and_the_same_key_moves_it_once(api):
    place = f"/api/v1/payments/{a_payment('authorise', 'capture')}/"
    refund = {"amount": eur("5.00"), "reason": "broken"}

    without = [api.post(f"{place}{what}/", body) for what, body in (("capture", {}), ("void", {}), ("refund", refund))]
    first, again = (api.post(f"{place}refund/", refund, **key("k-1")) for _ in range(2))
    other = api.post(f"{place}refund/", refund | {"amount": eur("6.00")}, **key("k-1"))
    second = api.post(f"{place}refund/", refund, **key("k-2"))

    assert [(answer.status_code, answer.json()["code"]) for answer in without] == [
        (400, "idempotency_key_required")
    ] * 3
    assert without[0].json()["errors"][0]["header"] == "Idempotency-Key"
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert (other.status_code, other.json()["code"], second.status_code) == (422, "idempotency_key_reused", 200)
    assert Event.objects.filter(name="Payment.RefundRequested").count() == 2


def test_a_payment_is_captured_and_paid_back(api):
    payment = a_payment("authorise")
    place = f"/api/v1/payments/{payment}/"

    captured = api.post(f"{place}capture/", {"amount": eur("20.00")}, **key("k-1"))
    record_outcome(payment, "capture", OK)
    api.post(f"{place}refund/", {"amount": eur("5.00"), "reason": "broken"}, **key("k-2"))
    record_outcome(payment, "refund:1", OK)
    too_much = api.post(f"{place}refund/", {"amount": eur("15.01"), "reason": "more"}, **key("k-3"))
    catch_up()

    assert captured.status_code == 200
    assert (too_much.status_code, too_much.json()["code"]) == (409, "more_than_captured")
    assert (too_much.json()["wanted"], too_much.json()["available"]) == ("15.01 EUR", "15.00 EUR")
    read = api.get(place).json()
    assert (read["status"], read["captured"], read["refunded"]) == ("captured", eur("20.00"), eur("5.00"))
    assert read["refunds"] == [
        {"number": 1, "amount": eur("5.00"), "reason": "broken", "status": "refunded", "reference": "ref"}
    ]


@pytest.mark.parametrize(
    "steps",
    [
        ("authorise", "capture", "refund"),
        ("unknown", "authorise", "void"),
        ("decline",),
    ],
)
def test_a_payment_as_of_each_version_is_what_was_shown_then(api, steps):
    payment = a_payment()
    place = f"/api/v1/payments/{payment}/"
    catch_up()
    shown = [api.get(place).json()]

    for step in steps:
        if step in ("capture", "refund"):
            body = {"amount": eur("5.00"), "reason": "broken"} if step == "refund" else {}
            api.post(f"{place}{step}/", body, **key(step))
        elif step == "void":
            void(payment)
        if step in ("unknown", "decline"):
            outcome = SILENT if step == "unknown" else Outcome("declined", reason="no")
            record_outcome(payment, "authorise", outcome)
        else:
            catch_up()
            shown.append(api.get(place).json())
            record_outcome(payment, "refund:1" if step == "refund" else step, OK)
        catch_up()
        shown.append(api.get(place).json())

    for then in shown:
        assert api.get(f"{place}?as_of=v{then['version']}").json() == then


def test_payments_are_filtered_now_and_then(api):
    declined, unknown, authorised = a_payment(), a_payment(), a_payment("authorise")
    record_outcome(declined, "authorise", Outcome("declined", reason="insufficient_funds"))
    record_outcome(unknown, "authorise", SILENT)
    catch_up()
    then = Event.objects.order_by("-position").first().position
    record_outcome(unknown, "authorise", OK)
    catch_up()
    order = PaymentSummary.objects.get(pk=authorised).order_id

    def found(query):
        return {UUID(row["id"]) for row in api.get(f"/api/v1/payments/?{query}").json()["results"]}

    assert found("status=declined") == {declined}
    assert found("status=unknown") == set()
    assert found(f"status=unknown&as_of={then}") == {unknown}
    assert found("status=authorised") == {unknown, authorised}
    assert found(f"order_id={order}") == {authorised}
    assert found("requested_before=2020-01-01T00:00Z") == set()


def test_the_desk_shows_payments_alarms_and_cards_and_edits_none(client, db):
    boss = User.objects.create_superuser("boss")
    client.force_login(boss)
    payment = a_payment("authorise", "capture")
    card = store_card(number="4242424242424242", expiry_month=12, expiry_year=2099, holder="Ada").id
    PaymentAlarm.objects.create(event_id="evt_1", payment_id=payment, detail="it cannot be true")
    catch_up()

    for model, pk in ((PaymentSummary, payment), (PaymentAlarm, "evt_1"), (CardSummary, card)):
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        listed, shown = client.get(reverse(f"{name}_changelist")), client.get(reverse(f"{name}_change", args=[pk]))
        assert (listed.status_code, shown.status_code) == (200, 200)
        assert b"424242424242" not in listed.content + shown.content
        assert client.post(reverse(f"{name}_add"), {}).status_code == 403
        assert client.post(reverse(f"{name}_delete", args=[pk]), {"post": "yes"}).status_code == 403
