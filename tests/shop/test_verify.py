"""The books are added up anew from the log: right ones are found right, and each breach that is planted is found."""

import json
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from eventstore import log
from eventstore.models import Event
from projections import engine
from projections.projection import Policy, known
from shop.books.check import Books
from shop.books.facts import facts
from shop.books.mails import outbox
from shop.customers.commands import erase_customer
from shop.fulfilment import policies
from shop.fulfilment.domain import process_of
from shop.inventory.domain import stock_of
from shop.notifications.models import OutgoingMail
from shop.ordering.commands import Item, Paying, cancel_order, place_order
from shop.payments.commands import record_outcome, refund_payment
from shop.payments.domain import Outcome, payment_of
from shop.shipping.commands import dispatch, pack
from shop.shipping.domain import shipment_of
from tests.shop.orders import HOME, ada, card, come_to_rest, euros, goods, order

pytestmark = pytest.mark.django_db


@pytest.fixture
def year():
    """One on account that was sent, one by card that was sent and paid back in part, one cancelled, one refused."""
    goods(MUG=10, CUP=1)
    customer = ada(limit="100.00")
    on_account = place_order(items=[Item("MUG", 2)], customer_id=customer, payment=Paying("account")).id
    by_card = place_order(items=[Item("MUG", 1), Item("CUP", 1)], payment=card(), ship_to=HOME).id
    come_to_rest()
    refused = place_order(items=[Item("CUP", 1), Item("MUG", 1)]).id
    cancelled = place_order(items=[Item("MUG", 1)], customer_id=customer, payment=Paying("account")).id
    record_outcome(payment_of(by_card), "authorise", Outcome("ok", reference="a"))
    come_to_rest()
    for each in (on_account, by_card):
        pack(shipment_of(each))
        dispatch(shipment_of(each), carrier="DHL")
    come_to_rest()
    record_outcome(payment_of(by_card), "capture", Outcome("ok", reference="c"))
    refund_payment(payment_of(by_card), amount=euros("5.00"), reason="a scratch")
    record_outcome(payment_of(by_card), "refund:1", Outcome("ok", reference="r"))
    cancel_order(cancelled, reason="changed my mind")
    come_to_rest()
    found = {"on_account": on_account, "by_card": by_card, "refused": refused, "cancelled": cancelled}
    assert [order(each).status for each in found.values()] == ["shipped", "shipped", "rejected", "cancelled"]
    return found


def breaches(of=None):
    books = Books()
    return [*books.read(of or facts(log.horizon())), *books.at_rest()]


def test_what_the_shop_does_by_itself_is_right(year):
    assert breaches() == []


STOCK = stock_of("MUG")
# Which rule is broken, by which event, of whom: facts in it that are others, None: it is gone; "twice": it comes again.
PLANTED = [
    ("stock", "StockItem.Received", STOCK, {"quantity": 1}),
    ("stock", "StockItem.Received", STOCK, {"quantity": -4}),
    ("stock", "StockItem.Received", STOCK, None),
    ("stock", "StockItem.Reserved", STOCK, {"quantity": 11}),
    ("stock", "StockItem.Reserved", STOCK, "twice"),
    ("stock", "StockItem.Reserved", STOCK, None),
    ("stock", "StockItem.Released", STOCK, {"quantity": 2}),
    ("stock", "StockItem.Shipped", STOCK, {"quantity": 3}),
    ("stock", "StockItem.Shipped", STOCK, "twice"),
    ("process", "StockItem.Shipped", STOCK, None),
    ("process", "StockItem.Released", STOCK, None),
    ("credit", "CreditAccount.LimitSet", None, {"limit": {"amount": "24.99", "currency": "EUR"}}),
    ("credit", "CreditAccount.Reserved", None, {"amount": {"amount": "24.99", "currency": "EUR"}}),
    ("credit", "CreditAccount.Reserved", None, "twice"),
    ("credit", "CreditAccount.Charged", None, "twice"),
    ("process", "CreditAccount.Charged", None, None),
    ("process", "CreditAccount.Released", None, None),
    ("money", "Payment.Requested", None, {"amount": {"amount": "24.99", "currency": "EUR"}}),
    ("money", "Payment.Requested", None, {"amount": {"amount": "25.001", "currency": "EUR"}}),
    ("money", "Payment.Authorised", None, None),
    ("money", "Payment.Authorised", None, "twice"),
    ("money", "Payment.Captured", None, {"amount": {"amount": "25.01", "currency": "EUR"}}),
    ("money", "Payment.Captured", None, "twice"),
    ("money", "Payment.CaptureRequested", None, None),
    ("money", "Payment.CaptureRequested", None, "twice"),
    ("money", "Payment.RefundRequested", None, {"amount": {"amount": "25.01", "currency": "EUR"}}),
    ("money", "Payment.RefundRequested", None, None),
    ("money", "Payment.Refunded", None, "twice"),
    ("price", "Order.Placed", "by_card", {"total": {"amount": "24.99", "currency": "EUR"}}),
    ("price", "Order.Placed", "by_card", {"shipping": {"amount": "4.90", "currency": "EUR"}}),
    ("price", "Order.Placed", "by_card", {"tax": {"amount": "0.01", "currency": "EUR"}}),
    ("price", "Order.Placed", "by_card", {"discount": {"amount": "0.01", "currency": "EUR"}}),
    ("process", "Order.Placed", "by_card", {"lines": []}),
    ("order", "Order.Confirmed", "by_card", None),
    ("order", "Order.Confirmed", "by_card", "twice"),
    ("order", "Order.Shipped", "by_card", "twice"),
    ("process", "Order.Rejected", "refused", None),
    ("process", "PlaceOrder.Confirmed", "on_account", None),
    ("process", "PlaceOrder.Confirmed", "on_account", "twice"),
    ("process", "PlaceOrder.Rejected", "refused", None),
    ("process", "Shipment.Planned", "on_account", {"lines": [{"sku": "MUG", "name": "Mug", "quantity": 3}]}),
    ("order", "Shipment.Dispatched", "on_account", "twice"),
]


def test_each_breach_that_is_planted_is_found(year):
    log_ = list(facts(log.horizon()))
    ids = {"PlaceOrder": process_of, "Shipment": shipment_of}

    missed = []
    for rule, name, whose, what in PLANTED:
        stream = year.get(whose, whose)
        stream = ids.get(name.partition(".")[0], lambda each: each)(stream)
        place = next(
            n for n, fact in enumerate(log_) if fact.name == name and (not whose or fact.stream_id == str(stream))
        )
        found = breaches(planted(log_, place, what))
        if rule not in {each.rule for each in found}:
            missed.append((rule, name, what, found))

    assert not missed, missed


def planted(log_, place, what):
    """The log as it would be if the shop had done wrong."""
    fact = log_[place]
    if what == "twice":
        return [*log_, fact]
    wrong = [] if what is None else [fact._replace(data=fact.data | what)]
    return [*log_[:place], *wrong, *log_[place + 1 :]]


def ledger_of(year, **changed):
    key = payment_of(year["by_card"])
    cents = {"authorise": 2500, "capture": 2500, "refund:1": 500} | changed
    return [
        {"key": f"{key}:{name}", "operation": name.partition(":")[0], "outcome": "ok", "cents": each}
        for name, each in cents.items()
        if each
    ]


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({}, []),
        ({"capture": 2499}, ["capture: 25.00 EUR by the shop, 24.99 by the gateway"]),
        ({"refund:1": 0}, ["refund: 5.00 EUR by the shop, 0 by the gateway"]),
        (
            {"capture:2": 2500},
            [
                "the gateway captured it more than once: [Decimal('25'), Decimal('25')]",
                "capture: 25.00 EUR by the shop, 50 by the gateway",
            ],
        ),
        ({"void": 2500}, ["void: 0 EUR by the shop, 25 by the gateway"]),
    ],
)
def test_the_gateway_must_say_the_same_to_the_cent(year, changed, found):
    books = Books()

    assert list(books.read(facts(log.horizon()))) == []
    assert [each.detail for each in books.against(ledger_of(year, **changed))] == found


def test_a_payment_that_only_the_gateway_knows_is_found(year):
    entry = {"key": "somebody's:capture", "operation": "capture", "outcome": "ok", "cents": 100}
    books = Books()
    list(books.read(facts(log.horizon())))

    (found,) = books.against([*ledger_of(year), entry])

    assert (found.stream_id, found.detail.partition(":")[0]) == (
        "somebody's",
        "the gateway knows it, and the shop does not",
    )


# What is wrong in the outbox: the row that is gone, or comes once more, or has other words in it.
MISPOSTED = [
    ({"kind": "confirmed"}, None, "nobody was told that it was confirmed"),
    ({"kind": "dispatched"}, None, "nobody was told that it was dispatched"),
    ({"kind": "cancelled"}, None, "nobody was told that it was cancelled"),
    ({"kind": "cancelled"}, {"id": uuid4(), "message_id": "<2@example.com>"}, "it is one of 2 that tell of position"),
    ({"kind": "cancelled"}, {"id": uuid4(), "causation_id": uuid4(), "message_id": "<2@example.com>"}, "it tells of "),
    ({"kind": "cancelled"}, {"causation_id": None}, "it tells of no event, of which nobody is to be told"),
    ({"kind": "cancelled"}, {"kind": "rejected"}, "it says rejected to "),
    ({"kind": "cancelled"}, {"order_id": uuid4()}, "it says cancelled to "),
    ({"kind": "cancelled"}, {"customer_id": uuid4()}, "it says cancelled to "),
    ({"kind": "cancelled"}, {"status": "sent"}, "it is sent, and nobody knows when"),
    ({"kind": "cancelled"}, {"sent_at": timezone.now()}, ", and is waiting"),
    ({"kind": "cancelled"}, {"status": "withdrawn"}, "it was withdrawn, and its customer is not erased"),
]


@pytest.mark.parametrize(("which", "changed", "wrong"), MISPOSTED)
def test_each_mail_that_is_missing_or_wrong_is_found(year, which, changed, wrong):
    mail = OutgoingMail.objects.filter(**which).first()
    assert posted() == []
    if changed is None:
        mail.delete()
    else:
        for name, value in changed.items():
            setattr(mail, name, value)
        mail.save()

    found = posted()

    assert any(wrong in each for each in found), found


def posted(**options):
    books = Books()
    list(books.read(facts(log.horizon())))
    return [each.detail for each in books.posted(outbox(log.horizon()), **options)]


def test_of_who_is_erased_the_mails_must_be_forgotten_too(year):
    customer = order(year["on_account"]).customer_id
    erase_customer(customer)
    before = posted()
    come_to_rest()

    assert {each.partition(": ")[2] for each in before} == {"it is waiting, and its customer is erased"}
    assert posted() == []
    OutgoingMail.objects.filter(customer_id=customer)[0].delete()
    assert posted() == [], "it may never have been written"


def test_what_happened_before_anybody_listened_or_was_skipped_need_not_be_told(year):
    OutgoingMail.objects.filter(kind="cancelled").delete()
    position = Event.objects.get(name="Order.Cancelled").position

    assert posted() == ["nobody was told that it was cancelled"]
    assert posted(skipped=[position]) == []
    OutgoingMail.objects.all().delete()
    assert posted(begun=log.horizon()) == []


def verify(*arguments):
    out = StringIO()
    try:
        call_command("verify", *arguments, stdout=out, stderr=StringIO())
    except CommandError as error:
        return 1, out.getvalue(), str(error)
    return 0, out.getvalue(), ""


@pytest.fixture
def on_real_transactions(empty_log, year):
    engine.catch_up()
    return year


@pytest.mark.django_db(transaction=True)
def test_the_command_says_that_all_is_right(on_real_transactions, tmp_path):
    ledger = tmp_path / "ledger.json"
    ledger.write_text(json.dumps({"operations": ledger_of(on_real_transactions)}))

    status, said, _ = verify("--ledger", str(ledger))

    assert status == 0
    lines = [line.split()[:2] for line in said.splitlines()[:-1]]
    rules = ["log", "stock", "credit", "money", "price", "order", "process", "mail", "rows"]
    assert lines == [[rule, "right"] for rule in rules]


@pytest.mark.django_db(transaction=True)
def test_the_command_says_what_is_wrong_and_fails(on_real_transactions, monkeypatch):
    few = {name: each for name, each in known().items() if isinstance(each, Policy) or name == "Orders"}
    monkeypatch.setattr("shop.management.commands.verify.known", lambda: few)  # quick
    event = Event.objects.filter(name="StockItem.Reserved", stream_id=STOCK).order_by("position").first()
    wrong = json.dumps(json.loads(bytes(event.data)) | {"quantity": 11}).encode()
    with connection.cursor() as cursor:
        cursor.execute("alter table eventstore_event disable trigger eventstore_append_only")
        cursor.execute("update eventstore_event set data = %s where position = %s", [wrong, event.position])
        cursor.execute("alter table eventstore_event enable trigger eventstore_append_only")
        cursor.execute("update ordering_ordersummary set amount = 1 where id = %s", [on_real_transactions["by_card"]])

    status, said, why = verify("--json")
    _, for_people, _ = verify("--quick")

    report = json.loads(said)
    assert status == 1
    assert why == f"{len(report['breaches'])} things are not as they must be, up to position {report['position']}."
    assert {rule for rule, number in report["rules"].items() if number} == {"stock", "rows"}
    assert report["breaches"][0] == {
        "rule": "stock",
        "position": event.position,
        "stream_id": str(STOCK),
        "detail": "MUG: 11 are reserved, and 10 are on hand",
    }
    assert f"position {event.position}: {STOCK}: MUG: 11 are reserved, and 10 are on hand" in for_people
    assert "rows     not asked: --quick" in for_people


@pytest.mark.django_db(transaction=True)
def test_what_is_still_under_way_is_no_breach(empty_log):
    goods(MUG=5)
    place_order(items=[Item("MUG", 1)])
    engine.catch_up()
    placed = place_order(items=[Item("MUG", 1)]).id
    policies.commands.begin(placed)

    status, said, _ = verify("--quick")

    assert status == 0
    assert "process  not asked whether each has ended: " in said
    assert "PlaceOrders" in said


@pytest.mark.parametrize("text", ["", "[]", '{"operations": [{"key": "x"}]}', '{"operations": 1}'])
def test_a_ledger_that_is_none_is_said(tmp_path, text):
    path = tmp_path / "ledger.json"
    path.write_text(text)

    with pytest.raises(CommandError, match=r"ledger\.json: expected .*, found "):
        call_command("verify", "--ledger", str(path))
