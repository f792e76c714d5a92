"""What the gateway tells us by itself: believed only when it is signed, and taken once."""

import logging
import time
from typing import Any, NamedTuple
from uuid import UUID, uuid5

import msgspec
from django.conf import settings
from django.db.models.functions import Now
from eventsourcing.application import AggregateNotFoundError
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response

from eventstore.cause import because
from eventstore.commands import CommandReused
from shop.application import Receipt, shop
from shop.bodies import read_object
from shop.payments.commands import record_outcome
from shop.payments.domain import Operation, Outcome, Payment
from shop.payments.gateway import money
from shop.payments.models import GatewayCall, PaymentAlarm
from shop.payments.signing import HEADER, is_signed
from shop.payments.work import asked_by
from shop.problems import Problem
from shop.service import Open
from shop.values import Money

EVENTS = UUID("3d0ba2c7-6a0e-5f0c-8d3c-0d9a3f6b1f52")  # the namespace of the gateway's events
KINDS = {
    "payment.authorised": ("authorise", "ok"),
    "payment.declined": ("authorise", "declined"),
    "payment.captured": ("capture", "ok"),
    "payment.capture_failed": ("capture", "declined"),
    "payment.voided": ("void", "ok"),
    "payment.refunded": ("refund", "ok"),
    "payment.refund_failed": ("refund", "declined"),
}

logger = logging.getLogger(__name__)


class Facts(msgspec.Struct):
    """Of an event, what we need; more may stand beside it."""

    key: str
    amount: str
    currency: str
    reference: str = ""
    reason: str = ""


class Told(msgspec.Struct):
    id: str
    type: str
    data: dict[str, Any] = {}


class Wrong(NamedTuple):
    """What was told cannot be true."""

    detail: str
    payment_id: UUID | None = None


class Webhook(Open):
    """No sign-in: what counts is the signature."""

    schema = None  # spoken by the gateway alone, in its own protocol

    def post(self, request: Request) -> Response:
        body = request._request.body
        if not is_signed(settings.GATEWAY_SECRET, body, request.headers.get(HEADER, ""), time.time()):
            raise Problem("bad_signature", f"Expected {HEADER} with a signature of the last five minutes.")
        if request._request.content_type != "application/json":
            raise UnsupportedMediaType(request._request.content_type or "")
        try:
            told = msgspec.convert(read_object(body), Told)
            if told.type not in KINDS:
                return Response({"taken": False, "why": "There is nothing to do about that."}, 202)
            facts = msgspec.convert(told.data, Facts)
        except msgspec.ValidationError as error:
            raise Problem("invalid", str(error)) from None
        done = take(told, facts)
        if isinstance(done, Wrong):
            alarm(told.id, done)
            return Response({"taken": False, "why": done.detail}, 202)
        return Response(done._asdict())


def take(told: Told, facts: Facts) -> Receipt | Wrong:
    """Record what became of the operation, if it can be true."""
    kind, said = KINDS[told.type]
    number, _, name = facts.key.partition(":")
    try:
        payment = shop.load(Payment, UUID(number))
    except (ValueError, AggregateNotFoundError):
        return Wrong(f"There is no payment for the key {facts.key[:100]}.")
    operation = next((each for each in payment.pending if each.name == name), None)
    if name.partition(":")[0] != kind:
        return Wrong(f"{told.type} does not go with the key {facts.key[:100]}.", payment.id)
    if operation is None:
        return settled(payment, name, kind, said, facts)
    if (wrong := other_amount(operation, facts)) and said == "ok":
        return Wrong(wrong, payment.id)
    outcome = Outcome(said, reference=facts.reference[:200], reason=facts.reason[:500])
    try:
        with because(actor="gateway", command_id=uuid5(EVENTS, told.id), **asked_by(payment.id, name)):
            receipt = record_outcome(payment.id, name, outcome)
    except CommandReused:
        return Wrong(f"The event {told.id[:100]} came before, and said something else.", payment.id)
    GatewayCall.objects.filter(payment_id=payment.id).update(due_at=Now())  # for what is next
    return receipt


def settled(payment: Payment, name: str, kind: str, said: str, facts: Facts) -> Receipt | Wrong:
    """It is known already. Wrong: it is known otherwise."""
    known = {
        "authorise": "declined" if payment.settled == "declined" else "ok",
        "capture": "ok" if payment.captured else "declined",
        "void": "ok" if payment.settled == "voided" else "declined",
        "refund": next((OUTCOMES[r.status] for r in payment.refunds if name == f"refund:{r.number}"), "none"),
    }[kind]
    if kind == "capture" and name != Operation("capture", payment.captures, payment.amount).name:
        known = "declined" if payment.captures else "none"  # an earlier one, which was followed by another
    if known != said:
        return Wrong(f"{name} was {known} for all we know; now we are told that it was {said}.", payment.id)
    told = money(facts.amount, facts.currency)
    if said == "ok" and (amount := amount_of(payment, name, kind)) and told != amount:
        return Wrong(f"{name} was for {amount}; now we are told of {told or 'no amount'}.", payment.id)
    return Receipt(payment.id, payment.version, None)


OUTCOMES = {"refunded": "ok", "failed": "declined", "requested": "none"}


def amount_of(payment: Payment, name: str, kind: str) -> Money | None:
    if kind == "capture":
        return payment.captured
    if kind == "refund":
        return next((r.amount for r in payment.refunds if name == f"refund:{r.number}"), None)
    return payment.amount


def other_amount(operation: Operation, facts: Facts) -> str:
    found = money(facts.amount, facts.currency)
    return (
        ""
        if found == operation.amount
        else f"{operation.name} is for {operation.amount}, and {found or 'no amount'} was told."
    )


def alarm(event_id: str, wrong: Wrong) -> None:
    logger.error("The gateway says what cannot be true: %s", wrong.detail, extra={"payment_id": str(wrong.payment_id)})
    PaymentAlarm.objects.get_or_create(
        event_id=event_id[:100], defaults={"payment_id": wrong.payment_id, "detail": wrong.detail}
    )
