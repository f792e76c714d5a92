"""Fewer of what was ordered: total, stock, credit, money and parcel follow in one commit, or nothing does."""

from decimal import Decimal

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from projections.engine import catch_up
from projections.projection import known
from projections.rebuild import verify
from shop.application import shop
from shop.errors import WrongStatus
from shop.notifications.models import OutgoingMail
from shop.ordering.commands import Item, Paying, cancel_order, edit_lines, place_order
from shop.ordering.domain import Order
from shop.ordering.models import OrderLine, OrderSummary
from shop.ordering.refusals import EmptyOrder, MoreThanOrdered, UnknownLine
from shop.ordering.totals import Rates
from shop.payments.commands import capture, record_outcome
from shop.payments.domain import Operation, Outcome, Payment, payment_of
from shop.percents import by_country
from shop.reporting.models import SalesOf, SoldLine
from shop.shipping.commands import dispatch, pack
from shop.shipping.domain import Packed, Shipment, shipment_of
from tests.facts import facts, given
from tests.shop.orders import ada, card, come_to_rest, credit, euros, goods, order, process, stock
from tests.shop.test_order import ADA, tea

OK = Outcome("ok", "auth_1")


def confirmed(*lines, **more):
    placed = Order.place(ADA, "Ada", lines or [tea(3), tea(2)], **more)
    placed.confirm()
    return given(placed)


def test_a_line_is_edited_down_and_the_total_follows():
    edited = confirmed(shipping=euros("4.90"), rates=Rates(tax=Decimal(20), discount=Decimal(10)))

    edited.edit_lines({1: 1, 2: 0}, "needs only one")

    assert facts(edited) == [
        (
            "Order.LinesEdited",
            {
                "lines": (tea(1), tea(0)),
                "total": euros("10.74"),  # (4.50 − 0.45 + 4.90) × 1.2
                "tax": euros("1.79"),
                "discount": euros("0.45"),
                "reason": "needs only one",
            },
        )
    ]


@pytest.mark.parametrize(
    ("wanted", "refusal", "told"),
    [
        ({3: 1}, UnknownLine, "no line 3: this order has 1 to 2"),
        ({1: 4}, MoreThanOrdered, "4 cannot be left of 3. What is more is another order"),
        ({1: -1}, MoreThanOrdered, "-1 cannot be left of 3"),
        ({1: 0, 2: 0}, EmptyOrder, "cancel it"),
    ],
)
def test_what_cannot_be_left_is_refused(wanted, refusal, told):
    edited = confirmed()

    with pytest.raises(refusal, match=told):
        edited.edit_lines(wanted, "why not")

    assert facts(edited) == []


def test_only_what_is_confirmed_and_has_not_left_is_edited():
    placed = Order.place(ADA, "Ada", [tea(3)])

    with pytest.raises(WrongStatus, match="A placed order cannot be edited: it must be confirmed"):
        placed.edit_lines({1: 1}, "too early")


@for_all(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 50)), min_size=1, max_size=6), st.integers(0, 100))
def test_a_total_never_rises_and_always_adds_up(wanted, percent):
    rates = Rates(tax=Decimal(percent), discount=Decimal(100 - percent))
    edited = confirmed(*(tea(quantity) for quantity, _ in wanted), shipping=euros("4.90"), rates=rates)
    before = edited.total.amount
    left = {n: min(quantity, asked) for n, (quantity, asked) in enumerate(wanted, 1)}
    if not any(left.values()):
        return

    edited.edit_lines(left, "less")

    amounts = [line.total.amount for line in edited.lines] + [edited.shipping.amount]
    taxed, off = (each.amount if each else Decimal(0) for each in (edited.tax, edited.discount))
    assert edited.total.amount == sum(amounts) + taxed - off <= before


@pytest.mark.django_db
def test_stock_credit_and_parcel_follow_in_the_same_commit(settings):
    settings.TAX_PERCENT = by_country("TAX", "20")
    goods(MUG=10, CUP=10)
    customer = ada(limit="200.00")
    placed = place_order(items=[Item("MUG", 3), Item("CUP", 2)], customer_id=customer, payment=Paying("account")).id
    come_to_rest()
    pack(shipment_of(placed))

    edit_lines(placed, quantities={1: 1, 2: 0}, reason="needs only one")

    parcel = shop.load(Shipment, shipment_of(placed))
    assert (order(placed).total, process(placed).total) == (euros("15.00"), euros("15.00"))
    assert (stock("MUG"), stock("CUP")) == ((10, 1), (10, 0))
    assert (parcel.status, parcel.lines) == ("planned", (Packed("MUG", "Mug", 1),))
    assert credit(customer) == (Decimal("185.00"), Decimal("0.00"))
    pack(parcel.id)
    dispatch(parcel.id, carrier="DHL")
    come_to_rest()
    assert (stock("MUG"), stock("CUP")) == ((9, 0), (10, 0))
    assert credit(customer) == (Decimal("185.00"), Decimal("15.00"))


@pytest.mark.django_db
def test_a_card_is_charged_what_is_left():
    goods(MUG=10)
    placed = place_order(items=[Item("MUG", 3)], customer_id=ada(), payment=card()).id
    come_to_rest()
    record_outcome(payment_of(placed), "authorise", OK)
    come_to_rest()

    edit_lines(placed, quantities={1: 2}, reason="less")
    pack(shipment_of(placed))
    dispatch(shipment_of(placed), carrier="DHL")
    come_to_rest()

    payment = shop.load(Payment, payment_of(placed))
    assert payment.amount == euros("37.50")
    assert payment.next == Operation("capture", 1, euros("25.00"))


@pytest.mark.django_db
def test_what_was_paid_or_has_left_is_not_edited():
    goods(MUG=10)
    customer = ada()
    paid, sent = (place_order(items=[Item("MUG", 3)], customer_id=customer, payment=card()).id for _ in range(2))
    come_to_rest()
    for each in (paid, sent):
        record_outcome(payment_of(each), "authorise", OK)
    come_to_rest()
    capture(payment_of(paid))
    pack(shipment_of(sent))
    dispatch(shipment_of(sent), carrier="DHL")

    for each in (paid, sent):
        with pytest.raises(WrongStatus):
            edit_lines(each, quantities={1: 1}, reason="too late")

    assert order(paid).total == order(sent).total == euros("37.50")
    assert stock("MUG") == (7, 3)


@pytest.mark.django_db
def test_what_is_left_is_given_back_when_the_order_is_cancelled():
    goods(MUG=10, CUP=10)
    placed = place_order(items=[Item("MUG", 3), Item("CUP", 2)], customer_id=ada()).id
    come_to_rest()
    edit_lines(placed, quantities={1: 1, 2: 0}, reason="less")

    cancel_order(placed, reason="none at all")
    come_to_rest()

    assert (stock("MUG"), stock("CUP")) == ((10, 0), (10, 0))


@pytest.mark.django_db
def test_every_read_model_tells_of_it():
    goods(MUG=10, CUP=10)
    placed = place_order(items=[Item("MUG", 3), Item("CUP", 2)], customer_id=ada()).id
    come_to_rest()
    edit_lines(placed, quantities={1: 1, 2: 0}, reason="less")

    catch_up()

    row = OrderSummary.objects.get(pk=placed)
    assert (row.items, row.amount, row.goods) == (1, Decimal("12.50"), Decimal("12.50"))
    lines = OrderLine.objects.filter(order_id=placed).order_by("number")
    assert [(line.quantity, line.cancelled, line.amount) for line in lines] == [(1, 2, 12.5), (0, 2, 0)]
    (day,) = SalesOf.objects.filter(by="day")
    assert day.totals["EUR"] == {"orders": 1, "gross": "62.50", "orders_back": 0, "back": "50.00"}
    assert [(line.sku, line.quantity) for line in SoldLine.objects.all()] == [("MUG", 1)]
    mail = OutgoingMail.objects.get(kind="edited")
    assert ("1 × Mug: 12.50 EUR" in mail.text, "Cup" in mail.text, "Total: 12.50 EUR" in mail.text) == (
        True,
        False,
        True,
    )
    for name in ("Orders", "OrderTimelines", "Stock", "Shipments", "Sales", "SoldLines", "OrderProcesses"):
        assert not [each for each in verify(known()[name]) if each.differing], name
