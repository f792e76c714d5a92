"""Billing: what came in on which day, and whom to write to about it."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore import log
from eventstore.cause import because
from eventstore.log import Recorded
from projections.engine import catch_up
from projections.models import Checkpoint
from projections.operations import pause, resume
from projections.projection import known
from projections.rebuild import verify
from projections.rows import Rows
from shop.application import shop
from shop.billing.models import Contact, Contacts, OrderPayment, Takings, TakingsOfDay, TakingsOfMonth, TaxedPayment
from shop.catalog.commands import create_product
from shop.customers.commands import change_email, erase_customer, register_customer
from shop.ordering.commands import Item, confirm_order, edit_lines, place_order
from shop.ordering.domain import Order
from shop.payments.commands import capture, record_outcome, refund_payment, request_payment, void
from shop.payments.domain import Outcome
from shop.percents import by_country
from shop.values import Money

pytestmark = pytest.mark.django_db

OK = Outcome("ok", reference="ref_1")
PROJECTIONS = ("Contacts", "OrderPayments", "Takings")


def eur(amount):
    return Money(Decimal(amount), "EUR")


def on(year, month, day, hour=12):
    return because(effective_at=datetime(year, month, day, hour, tzinfo=UTC))


def authorised(amount="100.00", order_id=None):
    payment = request_payment(
        order_id=order_id or uuid4(), customer_id=None, amount=eur(amount), token=str(uuid4()), last_four="4242"
    ).id
    record_outcome(payment, "authorise", OK)
    return payment


def captured(amount="100.00"):
    payment = authorised(amount)
    capture(payment)
    record_outcome(payment, "capture", OK)
    return payment


def refund(payment, amount, number=1):
    refund_payment(payment, amount=eur(amount), reason="came back")
    record_outcome(payment, f"refund:{number}", OK)


def hear():
    catch_up([known()[name] for name in PROJECTIONS])


def takings(moment=None):
    hear()
    rows = TakingsOfDay.objects.as_of(moment) if moment else TakingsOfDay.objects.all()
    return {row.id: (row.captured, row.refunded, row.gross, row.captures, row.refunds) for row in rows}


def taxed(model=TakingsOfDay, moment=None):
    """Net, tax, gross."""
    hear()
    rows = model.objects.as_of(moment) if moment else model.objects.all()
    return {row.id: (row.net, row.tax, row.gross) for row in rows}


def paid_order(mugs=3):
    """An order of so many mugs of 10.01, with 20 % tax on top, whose card was charged for all of it."""
    order = place_order(customer_id=None, items=[Item("MUG", mugs)]).id
    confirm_order(order)
    payment = authorised(str(shop.load(Order, order).total.amount), order_id=order)
    return order, payment


def charge(payment, amount=None):
    capture(payment, amount=amount and eur(amount))
    record_outcome(payment, "capture", OK)


@pytest.fixture
def mug(settings):
    settings.TAX_PERCENT = by_country("TAX", "20")
    create_product(sku="MUG", name="Harbour mug", price=eur("10.01"), publish=True)


def test_a_refund_in_february_changes_nothing_in_january():
    with on(2026, 1, 31, 23):
        payment = captured("100.00")
    january = takings()
    with on(2026, 2, 3):
        refund(payment, "30.00")

    now = takings()

    assert january == {"2026-01-31 EUR": (100, 0, 100, 1, 0)}
    assert now == january | {"2026-02-03 EUR": (0, 30, -30, 0, 1)}
    assert takings(log.last() - 2) == january, "as it was known then"


def test_a_refund_in_february_leaves_january_its_tax(mug):
    """36.04 = 30.03 + 6.01: of 10.00 paid back, 1.67 is tax; of the other 26.04, what is left of it."""
    with on(2026, 1, 31, 23):
        _, payment = paid_order()
        charge(payment)
    january = {"2026-01 EUR": (Decimal("30.03"), Decimal("6.01"), Decimal("36.04"))}
    assert taxed(TakingsOfMonth) == january
    closed = log.last()
    with on(2026, 2, 3):
        refund(payment, "10.00")
    with on(2026, 2, 28):
        refund(payment, "26.04", number=2)

    months, days = taxed(TakingsOfMonth), taxed()

    assert months == january | {"2026-02 EUR": (Decimal("-30.03"), Decimal("-6.01"), Decimal("-36.04"))}
    assert days == {
        "2026-01-31 EUR": (Decimal("30.03"), Decimal("6.01"), Decimal("36.04")),
        "2026-02-03 EUR": (Decimal("-8.33"), Decimal("-1.67"), Decimal("-10.00")),
        "2026-02-28 EUR": (Decimal("-21.70"), Decimal("-4.34"), Decimal("-26.04")),
    }
    assert taxed(TakingsOfMonth, closed) == january, "as it was known then"


def test_the_tax_is_that_of_the_order_whatever_the_rate_is_by_then(mug, settings):
    _, payment = paid_order()
    settings.TAX_PERCENT = by_country("TAX", "7")
    charge(payment)

    ((net, tax, gross),) = taxed().values()

    assert (net, tax, gross) == (Decimal("30.03"), Decimal("6.01"), Decimal("36.04"))


def test_of_an_order_that_was_edited_the_tax_is_that_of_what_is_left(mug):
    order, payment = paid_order()
    edit_lines(order, quantities={1: 1}, reason="two were enough")
    charge(payment, "12.01")

    ((net, tax, gross),) = taxed().values()

    assert (net, tax, gross) == (Decimal("10.01"), Decimal("2.00"), Decimal("12.01"))


def test_of_a_part_the_tax_is_its_share(mug):
    _, payment = paid_order()
    charge(payment, "18.02")

    ((net, tax, gross),) = taxed().values()

    assert (net, tax, gross) == (Decimal("15.01"), Decimal("3.01"), Decimal("18.02"))


def test_the_months_are_the_sums_of_their_days_and_rows_are_what_the_log_makes(mug):
    for number in range(6):
        with on(2026, 1, 28 + number % 4):
            _, payment = paid_order(number + 1)
            charge(payment)
        with on(2026, 2, 1 + number):
            refund(payment, f"{number + 1}.37")
    hear()

    for month in TakingsOfMonth.objects.all():
        days = TakingsOfDay.objects.filter(day__month=month.month.month)
        assert [sum(getattr(day, name) for day in days) for name in ("net", "tax", "gross", "captures", "refunds")] == [
            *(month.net, month.tax, month.gross, month.captures, month.refunds)
        ]
    for compared in verify(known()["Takings"]):
        assert not compared.differing, str(compared)


@given(
    st.integers(1, 10**9).flatmap(lambda total: st.tuples(st.just(total), st.integers(0, total))),
    st.lists(st.integers(1, 10**6), max_size=8),
)
def test_what_is_paid_back_in_parts_takes_back_all_the_tax_and_no_more(sums, parts):
    total, tax = (Decimal(cents) / 100 for cents in sums)
    payment = TaxedPayment(id=uuid4(), order_id=uuid4(), total=total, tax=tax)
    assert payment.capture(total) == tax
    left, back = total, []
    for cents in parts:
        part = min(left, Decimal(cents) / 100)
        left -= part
        back.append(payment.refund(part))

    back.append(payment.refund(left))

    assert sum(back) == tax
    assert all(each >= 0 for each in back)


def test_currencies_are_kept_apart_and_days_are_of_utc():
    with on(2026, 1, 1, 0):
        captured("1.00")
        captured("2.50")
        dollars = request_payment(
            order_id=uuid4(), customer_id=None, amount=Money(Decimal("9.99"), "USD"), token="t", last_four="4242"
        ).id
        record_outcome(dollars, "authorise", OK)
        capture(dollars)
        record_outcome(dollars, "capture", OK)

    assert takings() == {
        "2026-01-01 EUR": (Decimal("3.50"), 0, Decimal("3.50"), 2, 0),
        "2026-01-01 USD": (Decimal("9.99"), 0, Decimal("9.99"), 1, 0),
    }
    assert set(TakingsOfDay.objects.values_list("day", flat=True)) == {date(2026, 1, 1)}


def test_what_is_only_authorised_or_failed_is_no_takings():
    void(authorised())
    failed = authorised()
    capture(failed)
    record_outcome(failed, "capture", Outcome("declined", reason="closed"))

    assert takings() == {}


def test_what_each_order_was_paid():
    payment = captured("100.00")
    refund(payment, "30.00")
    refund(payment, "0.01", number=2)
    let_go = authorised("5.00")
    void(let_go)
    record_outcome(let_go, "void", OK)
    waiting = authorised("7.00")
    hear()

    rows = {row.id: (row.authorised, row.captured, row.refunded, row.kept) for row in OrderPayment.objects.all()}

    assert rows == {
        payment: (0, 100, Decimal("30.01"), Decimal("69.99")),
        let_go: (0, 0, 0, 0),
        waiting: (7, 0, 0, 0),
    }


def test_takings_of_all_days_are_what_orders_were_paid_and_rows_are_what_the_log_makes():
    for number in range(6):
        with on(2026, 1, 28 + number % 4):
            payment = captured(f"{number + 1}.37")
        with on(2026, 2, 1 + number):
            refund(payment, "0.37")
    hear()

    days, orders = TakingsOfDay.objects.all(), OrderPayment.objects.all()

    assert sum(day.gross for day in days) == sum(order.kept for order in orders) == 21
    for name in PROJECTIONS:
        for compared in verify(known()[name]):
            assert not compared.differing, str(compared)


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["Captured", "Refunded"]),
        st.decimals("0.01", "99999999.99", places=2),
        st.sampled_from(["EUR", "USD"]),
        st.integers(0, 40),
    ),
    max_size=30,
)


@given(MOVES)
def test_a_day_is_changed_by_its_own_events_alone(moves):
    """Every prefix: an event changes the row of its day and its currency, by its amount, and no other row."""
    rows, before = Rows(known()["Takings"]), {}
    for number, (kind, amount, currency, day) in enumerate(moves, 1):
        at = datetime(2026, 1, 1, tzinfo=UTC).replace(day=1 + day % 28, month=1 + day // 28)
        facts = f'{{"amount": {{"amount": "{amount}", "currency": "{currency}"}}}}'.encode()
        rows.fold([Recorded(number, uuid4(), 1, f"Payment.{kind}", facts, at, at)])
        after = {key: row.gross for key, row in rows.tables[TakingsOfDay].rows.items()}
        key = f"{at:%Y-%m-%d} {currency}"
        assert after == before | {key: before.get(key, 0) + (amount if kind == "Captured" else -amount)}
        before = after


def test_a_copy_that_is_paused_lags_and_catches_up_in_order():
    ada = register_customer(name="Ada", email="ada@example.com").id
    hear()
    pause(known()["Contacts"], by="ops", reason="a change of the desk")
    change_email(ada, email="ada@example.org")
    last = change_email(ada, email="ada@example.net").position
    hear()

    behind = Contact.objects.get()
    resume(known()["Contacts"])
    hear()
    there = Contact.objects.get()

    assert (behind.email, there.email) == ("ada@example.com", "ada@example.net")
    assert (there.version - behind.version, behind.position < there.position) == (2, True)
    assert there.position <= last <= Checkpoint.objects.get(name="Contacts").position
    emails = {row.email for at in range(behind.position, last + 1) for row in Contact.objects.as_of(at)}
    assert emails == {"ada@example.com", "ada@example.org", "ada@example.net"}, "each of them once, in order"


def test_who_is_erased_is_in_no_contact_of_the_past_either():
    ada = register_customer(name="Ada", email="ada@example.com").id
    change_email(ada, email="ada@example.org")
    hear()
    before = log.last()
    erase_customer(ada)
    hear()

    for moment in (before - 1, before, log.last()):
        assert {(row.name, row.email) for row in Contact.objects.as_of(moment)} <= {("[erased]", "[erased]")}
    assert Contact.objects.get().email == "[erased]"
    assert isinstance(known()["Contacts"], Contacts)
    assert isinstance(known()["Takings"], Takings)
