"""A payment on its own: no database, no Django."""

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from shop.errors import Refused, WrongStatus
from shop.payments.domain import (
    BadAmount,
    MoreThanAuthorised,
    MoreThanCaptured,
    Outcome,
    Payment,
    payment_of,
)
from shop.values import Money
from tests.facts import facts, given

ORDER, ADA = UUID(int=1), UUID(int=2)
OK, NO, SILENT = Outcome("ok", reference="ref"), Outcome("declined", reason="no"), Outcome("unknown", reason="timeout")


def euros(amount):
    return Money(Decimal(amount), "EUR")


def requested():
    return Payment.request(ORDER, ADA, euros("25.00"), "token", "4242")


def authorised():
    payment = requested()
    payment.take("authorise", OK)
    return given(payment)


def captured(amount=None):
    payment = authorised()
    payment.capture(amount)
    payment.take("capture", OK)
    return given(payment)


def test_a_payment_is_requested_for_its_order():
    payment = requested()

    assert payment.id == payment_of(ORDER)
    assert facts(payment) == [
        (
            "Payment.Requested",
            {"order_id": ORDER, "customer_id": ADA, "amount": euros("25.00"), "token": "token", "last_four": "4242"},
        )
    ]
    assert (payment.status, payment.next.name) == ("requested", "authorise")


@pytest.mark.parametrize("amount", ["0", "-1", "0.001", "1e14", "NaN"])
def test_what_nobody_can_pay_is_refused(amount):
    with pytest.raises(BadAmount, match="Expected an amount above nothing, to the cent"):
        Payment.request(ORDER, ADA, euros(amount), "token", "4242")


def test_it_is_authorised_captured_and_paid_back():
    payment = given(requested())

    payment.take("authorise", Outcome("ok", reference="auth_1"))
    payment.capture()
    payment.take("capture", Outcome("ok", reference="capt_1"))
    payment.refund(euros("5.00"), "broken")
    payment.refund(euros("20.00"), "came back")
    payment.take("refund:1", Outcome("ok", reference="refu_1"))
    payment.take("refund:2", Outcome("ok", reference="refu_2"))

    assert facts(payment) == [
        ("Payment.Authorised", {"reference": "auth_1"}),
        ("Payment.CaptureRequested", {"amount": euros("25.00")}),
        ("Payment.Captured", {"amount": euros("25.00"), "reference": "capt_1"}),
        ("Payment.RefundRequested", {"number": 1, "amount": euros("5.00"), "reason": "broken"}),
        ("Payment.RefundRequested", {"number": 2, "amount": euros("20.00"), "reason": "came back"}),
        ("Payment.Refunded", {"number": 1, "amount": euros("5.00"), "reference": "refu_1"}),
        ("Payment.Refunded", {"number": 2, "amount": euros("20.00"), "reference": "refu_2"}),
    ]
    assert payment.status == "refunded"


def test_what_the_gateway_declines_is_declined():
    payment = given(requested())

    payment.take("authorise", Outcome("declined", reason="insufficient_funds"))

    assert facts(payment) == [("Payment.Declined", {"reason": "insufficient_funds"})]
    assert (payment.status, payment.next) == ("declined", None)


def test_an_unknown_outcome_is_a_state_of_its_own_and_is_said_once():
    payment = given(requested())

    payment.take("authorise", SILENT)
    payment.take("authorise", SILENT)

    assert facts(payment) == [("Payment.OutcomeUnknown", {"operation": "authorise", "detail": "timeout"})]
    assert (payment.status, payment.next.name) == ("unknown", "authorise")
    with pytest.raises(WrongStatus, match="This payment is unknown: it cannot be captured"):
        payment.capture()
    payment.take("authorise", OK)
    assert (payment.status, payment.unknown) == ("authorised", ())


def test_an_outcome_counts_once():
    payment = captured()

    for operation in ("authorise", "capture", "capture:2", "void", "refund:1", "nonsense"):
        for outcome in (OK, NO, SILENT):
            payment.take(operation, outcome)

    assert facts(payment) == []


def test_less_may_be_captured_but_no_more_than_was_authorised():
    payment = authorised()

    with pytest.raises(MoreThanAuthorised) as refused:
        payment.capture(euros("25.01"))
    payment.capture(euros("10.00"))

    assert refused.value.facts == {"wanted": "25.01 EUR", "authorised": "25.00 EUR"}
    assert facts(payment) == [("Payment.CaptureRequested", {"amount": euros("10.00")})]


def test_the_same_capture_again_does_nothing_and_another_is_refused():
    asked, done = authorised(), captured(euros("10.00"))
    asked.capture()
    given(asked)

    asked.capture()
    done.capture(euros("10.00"))

    assert facts(asked) == facts(done) == []
    for payment in (asked, done):
        with pytest.raises(WrongStatus, match="cannot be captured"):
            payment.capture(euros("5.00"))


def test_a_capture_that_failed_may_be_asked_for_again_under_another_key():
    payment = authorised()
    payment.capture()
    first = payment.next.name
    payment.take("capture", NO)
    payment.capture()

    assert (first, payment.next.name, payment.status) == ("capture", "capture:2", "authorised")
    payment.take("capture", OK)
    assert payment.captured is None, "the first one is settled"


def test_a_void_while_nobody_knows_waits_for_the_authorisation():
    payment = requested()
    payment.take("authorise", SILENT)

    payment.void()
    payment.void()
    waiting = payment.next.name
    payment.take("authorise", OK)

    assert (waiting, payment.next.name) == ("authorise", "void")
    with pytest.raises(WrongStatus, match=r"authorised \(to be voided\)"):
        payment.capture()
    payment.take("void", OK)
    payment.void()
    assert (payment.status, payment.next) == ("voided", None)


def test_a_void_of_what_is_then_declined_is_no_more():
    payment = requested()
    payment.void()

    payment.take("authorise", NO)

    assert (payment.status, payment.next) == ("declined", None)


def test_a_void_that_the_gateway_refuses_is_for_a_person_to_look_at():
    payment = authorised()
    payment.void()

    payment.take("void", NO)

    assert facts(payment)[1:] == [
        ("Payment.OutcomeUnknown", {"operation": "void", "detail": "The gateway refused: no"})
    ]
    assert (payment.status, payment.next.name) == ("unknown", "void")


def test_what_is_captured_or_about_to_be_is_not_voided():
    about_to_be = authorised()
    about_to_be.capture()

    for payment in (about_to_be, captured()):
        with pytest.raises(WrongStatus, match="cannot be voided"):
            payment.void()


def test_a_refund_counts_from_when_it_is_asked_for_until_it_fails():
    payment = captured()
    payment.refund(euros("20.00"), "came back")

    with pytest.raises(MoreThanCaptured) as refused:
        payment.refund(euros("5.01"), "and more")
    payment.take("refund:1", NO)
    payment.refund(euros("25.00"), "all of it")

    assert refused.value.facts == {"wanted": "5.01 EUR", "available": "5.00 EUR"}
    assert [(refund.status, refund.reference) for refund in payment.refunds] == [("failed", "no"), ("requested", "")]


def test_nothing_is_refunded_before_it_is_captured_nor_in_another_currency():
    with pytest.raises(WrongStatus, match="must be captured"):
        authorised().refund(euros("1.00"), "too soon")
    with pytest.raises(BadAmount, match="in EUR, not in USD"):
        captured().refund(Money(Decimal(1), "USD"), "dollars")


AMOUNTS = st.decimals("0.01", "40.00", places=2)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("capture"), st.none() | AMOUNTS),
        st.tuples(st.just("void"), st.none()),
        st.tuples(st.just("refund"), AMOUNTS),
        st.tuples(st.just("outcome"), st.tuples(st.integers(0, 2), st.sampled_from([OK, OK, NO, SILENT]))),
    ),
    max_size=30,
)


@for_all(STEPS)
def test_at_every_moment_captured_is_at_most_authorised_and_refunded_at_most_captured(steps):
    payment = requested()

    for what, how in steps:
        try:
            if what == "capture":
                payment.capture(how and Money(how, "EUR"))
            elif what == "void":
                payment.void()
            elif what == "refund":
                payment.refund(Money(how, "EUR"), "why not")
            elif len(payment.pending) > how[0]:
                payment.take(payment.pending[how[0]].name, how[1])
        except Refused:
            pass

        captured = payment.captured.amount if payment.captured else Decimal(0)
        asked_back = sum(refund.amount.amount for refund in payment.refunds if refund.status != "failed")
        assert captured <= (Decimal("25.00") if payment.authorisation else 0)
        assert payment.refunded <= asked_back <= captured
        assert not (payment.settled == "voided" and captured)
        assert (payment.status == "unknown") == bool(payment.unknown)
        assert set(payment.unknown) <= {operation.name for operation in payment.pending}
