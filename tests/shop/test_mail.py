"""What customers are told: one mail for each thing, in the commit of the policy, and never again."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from eventstore.cause import because
from projections.engine import catch_up
from projections.lease import begin
from projections.models import Parked
from projections.operations import Refused, replay
from projections.projection import known
from shop.admin.looking import life_page
from shop.catalog.commands import create_product
from shop.customers.commands import add_address, change_email, erase_customer, register_customer, rename_customer
from shop.notifications.models import OutgoingMail
from shop.notifications.policies import Mails, one_line
from shop.ordering.commands import Item, cancel_order, confirm_order, place_order, reject_order
from shop.ordering.models import number_of
from shop.payments.commands import capture, record_outcome, refund_payment, request_payment
from shop.payments.domain import Outcome
from shop.shipping.commands import dispatch, pack, plan_shipment
from shop.shipping.domain import Packed
from shop.values import Address, Money

pytestmark = pytest.mark.django_db

HOME = Address("1 Quay Street", "Whitby", "YO21 1AA", "GB")
PRICE = Money(Decimal("12.50"), "EUR")
OK = Outcome("ok", reference="ref_1")


@pytest.fixture(autouse=True)
def policy():
    """It hears what is recorded from here on."""
    begin(known()["Mails"])


@pytest.fixture
def ada():
    customer_id = register_customer(name="Ada", email="ada@example.com").id
    add_address(customer_id, address=HOME)
    return customer_id


@pytest.fixture
def mug():
    return create_product(sku="MUG", name="Harbour mug", price=PRICE, publish=True).id


@pytest.fixture
def order(ada, mug):
    return place_order(customer_id=ada, items=[Item("MUG", 2)], reference="PO 4711").id


def hear():
    """Notifications alone: other policies of the shop may ask for more."""
    catch_up([known()["MailCopies"], known()["Mails"]])
    assert not Parked.objects.exists()


def mails(**asked):
    hear()
    return list(OutgoingMail.objects.filter(**asked).order_by("written_at", "id"))


def test_a_confirmed_order_is_told_in_words(order):
    confirm_order(order)

    (mail,) = mails()

    assert (mail.recipient, mail.subject) == (
        "ada@example.com",
        f"Your order {number_of(order)} (PO 4711) is confirmed",
    )
    assert (mail.kind, mail.status, mail.order_id, mail.tries) == ("confirmed", "waiting", order, 0)
    assert mail.message_id == f"<{mail.id}@localhost>"
    assert mail.text == (
        "Dear Ada,\n\nthank you for your order. It is confirmed, and we are getting it ready:\n\n"
        "  2 × Harbour mug: 25.00 EUR\n  Total: 25.00 EUR\n\n"
        "We write again as soon as it is on its way.\n\nYour shop\n"
    )


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("insufficient_stock", "we do not have enough of it in stock."),
        ("card_declined", "the payment was declined."),
        ("credit_exceeded", "it is more than can be bought on your account."),
        ("timed_out", "the payment took too long."),
        ("something_new", "something about it did not work out."),
    ],
)
def test_a_rejected_order_is_told_with_its_reason(order, code, words):
    reject_order(order, code=code, reason="MUG: 2 wanted, 1 available in aisle 4")

    (mail,) = mails()

    assert (mail.kind, mail.subject) == ("rejected", f"We could not take your order {number_of(order)} (PO 4711)")
    assert words in mail.text
    assert "aisle" not in mail.text, "what is for staff"


def test_a_cancelled_order_is_told(order):
    cancel_order(order, reason="changed my mind")

    (mail,) = mails()

    assert mail.subject == f"Your order {number_of(order)} (PO 4711) is cancelled"
    assert "your order is cancelled (changed my mind):" in mail.text


def test_a_parcel_that_leaves_is_told(order, ada):
    parcel = plan_shipment(order, customer_id=ada, lines=[Packed("MUG", "Harbour mug", 2)], ship_to=HOME).id
    pack(parcel)
    dispatch(parcel, carrier="DHL", tracking="JD01")

    (mail,) = mails()

    assert (mail.kind, mail.order_id, mail.subject) == (
        "dispatched",
        order,
        f"Your order {number_of(order)} (PO 4711) is on its way",
    )
    assert "on its way with DHL.\nYou can follow it under the number JD01.\n" in mail.text


def test_each_refund_is_told(order, ada):
    payment = request_payment(order_id=order, customer_id=ada, amount=PRICE.times(2), token="t", last_four="4242").id
    record_outcome(payment, "authorise", OK)
    capture(payment)
    record_outcome(payment, "capture", OK)
    for number in (1, 2):
        refund_payment(payment, amount=Money(Decimal("5.00"), "EUR"), reason="came back")
        record_outcome(payment, f"refund:{number}", OK)

    told = mails()

    assert [(mail.kind, mail.order_id, mail.subject) for mail in told] == [
        ("refunded", order, "We have paid you back 5.00 EUR")
    ] * 2
    assert len({mail.message_id for mail in told}) == 2


def test_it_goes_to_the_address_that_the_log_has_then(order, ada):
    rename_customer(ada, name="Ida")
    change_email(ada, email="ida@example.com")
    confirm_order(order)
    begin(known()["MailCopies"])
    catch_up([known()["Mails"]])

    mail = OutgoingMail.objects.get()

    assert (mail.recipient, mail.text[:9]) == ("ida@example.com", "Dear Ida,"), "however far behind the copy is"


def test_guests_and_the_erased_get_none(order, ada, mug):
    guests = place_order(items=[Item("MUG", 1)]).id
    erase_customer(ada)
    for each in (order, guests):
        confirm_order(each)

    assert mails() == []


def test_what_happened_long_ago_is_told_to_nobody(ada, mug):
    with because(effective_at=timezone.now() - timedelta(days=400)):
        old = place_order(customer_id=ada, items=[Item("MUG", 1)], reference="12345").id
    confirm_order(old)

    assert mails() == []


def test_of_who_is_erased_nothing_stays_in_the_outbox(order, ada):
    confirm_order(order)
    (mail,) = mails()
    OutgoingMail.objects.update(status="sent")
    cancel_order(order, reason="Ada changed her mind")
    mails()
    erase_customer(ada)

    sent, withdrawn = mails()

    assert (sent.id, sent.status, withdrawn.status) == (mail.id, "sent", "withdrawn")
    for each in (sent, withdrawn):
        assert {each.recipient, each.subject, each.text} == {"[erased]"}


def test_a_repeat_is_the_same_mail(order):
    """As if the policy were put back by hand: what it did it would do again."""
    confirm_order(order)
    (first,) = mails()
    OutgoingMail.objects.update(status="sent")

    Mails().confirmed(order, 2, 1)

    assert [(mail.id, mail.status) for mail in mails()] == [(first.id, "sent")]


def test_neither_a_replay_nor_a_rebuild_writes_mails(order):
    confirm_order(order)
    hear()
    rows = list(OutgoingMail.objects.values())

    with pytest.raises(Refused, match="what it did, it did"):
        replay(known()["Mails"])
    replay(known()["MailCopies"])  # as a rebuild does: all events are read again
    hear()

    assert list(OutgoingMail.objects.values()) == rows


def test_when_the_policy_fails_there_is_no_mail(order, monkeypatch):
    confirm_order(order)
    with monkeypatch.context() as broken:
        broken.setattr("shop.notifications.policies.one_line", None)
        catch_up([known()["Mails"]])

    assert (OutgoingMail.objects.count(), Parked.objects.get().stream_id) == (0, order)


@pytest.mark.parametrize("text", ["a\r\nBcc: eve@example.com", "a\nb", "a\x85b", "a\u2028b", "a\0b", "\x1b[2J"])
def test_what_somebody_wrote_ends_no_line(text):
    assert one_line(text).isprintable()


def test_names_and_references_stay_in_their_line(mug):
    eve = register_customer(name="Eve\r\n\r\nYour shop\r\nBcc: x@example.com", email="eve@example.com").id
    order = place_order(customer_id=eve, items=[Item("MUG", 1)], reference="1 is late\r\nBcc: y@example.com\n\nHa").id
    confirm_order(order)

    (mail,) = mails()

    assert mail.subject == f"Your order {number_of(order)} (1 is late Bcc: y@example.com Ha) is confirmed"
    assert mail.text.startswith("Dear Eve Your shop Bcc: x@example.com,\n\nthank you")


def test_an_order_that_has_no_reference_is_called_by_its_number(ada, mug):
    order = place_order(customer_id=ada, items=[Item("MUG", 1)]).id
    confirm_order(order)

    (mail,) = mails()

    assert mail.subject == f"Your order {number_of(order)} is confirmed"


def test_text_is_text_and_no_page(ada):
    create_product(sku="CUP", name='Cup & "saucer" <b>', price=PRICE, publish=True)
    order = place_order(customer_id=ada, items=[Item("CUP", 1)], reference="{{ name }}").id
    confirm_order(order)

    (mail,) = mails()

    assert '1 × Cup & "saucer" <b>: 12.50 EUR' in mail.text
    assert mail.subject == f"Your order {number_of(order)} ({{{{ name }}}}) is confirmed"


def test_staff_look_into_the_mailbox_and_change_nothing(client, order):
    confirm_order(order)
    (mail,) = mails()
    client.force_login(User.objects.create_superuser("staff"))
    page = reverse("admin:notifications_outgoingmail_change", args=[mail.pk])

    listed = client.get(reverse("admin:notifications_outgoingmail_changelist"), {"q": "ada@"}).content.decode()
    shown = client.get(page).content.decode()

    assert f"Your order {number_of(order)} (PO 4711) is confirmed" in listed
    assert "thank you for your order" in shown
    assert client.post(page, {"status": "sent"}).status_code == 403
    history = client.get(reverse("admin:notifications_outgoingmail_history", args=[mail.pk]))
    assert history.url == life_page(UUID(str(order)))
