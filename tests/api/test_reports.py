"""Mails, billing and reports over HTTP."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from eventstore import log
from eventstore.cause import because
from projections import engine
from projections.lease import begin
from projections.projection import known
from shop.catalog.commands import create_product
from shop.customers.commands import change_email
from shop.notifications.models import OutgoingMail
from shop.ordering.commands import Item, cancel_order, confirm_order, place_order
from shop.ordering.models import number_of
from shop.payments.commands import capture, record_outcome, refund_payment, request_payment
from shop.payments.domain import Outcome
from shop.percents import by_country
from shop.values import Money

pytestmark = pytest.mark.django_db
API = "/api/v1/"


def eur(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


def on(year: int, month: int, day: int) -> object:
    return because(effective_at=datetime(year, month, day, 12, tzinfo=UTC))


@pytest.fixture
def catch_up() -> Callable[[], None]:
    """Have these contexts alone hear the log: the shop's processes would have more to say of these orders."""
    names = ("MailCopies", "Mails", "Contacts", "OrderPayments", "Takings", "Sales", "SoldLines")
    return lambda: engine.catch_up([known()[name] for name in names])


@pytest.fixture
def mailed(ada: UUID, mug: UUID) -> UUID:
    """An order that was confirmed, and whose customer has been told."""
    begin(known()["Mails"])
    order = place_order(customer_id=ada, items=[Item("MUG-1", 2)], reference="PO 4711").id
    confirm_order(order)
    return order


def test_staff_read_what_customers_were_told(
    api: APIClient, ada: UUID, mailed: UUID, catch_up: Callable[[], None]
) -> None:
    position = log.last()
    catch_up()

    (row,) = api.get(f"{API}mails/?after={position}&order_id={mailed}&kind=confirmed&status=waiting").json()["results"]
    one = api.get(f"{API}mails/{row['id']}/?after={position}").json()

    assert (row["recipient"], row["subject"]) == (
        "ada@example.com",
        f"Your order {number_of(mailed)} (PO 4711) is confirmed",
    )
    assert (row["customer_id"], row["tries"], row["sent_at"], row["error"]) == (str(ada), 0, None, "")
    assert "text" not in row
    assert one == row | {"text": OutgoingMail.objects.get(pk=row["id"]).text}
    assert one["text"].startswith("Dear Ada,\n\nthank you for your order.")


def test_an_event_that_was_not_heard_yet_is_said(api: APIClient, mailed: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shop.notifications.api.PATIENCE", 0.01)

    answer = api.get(f"{API}mails/?after={log.last()}")

    assert (answer.status_code, answer.json()["code"]) == (425, "not_yet")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [3, 2, 1]),
        ("ordering=written_at", [1, 2, 3]),
        ("q=BOB", [2]),
        ("q=refunded", [3]),
        ("status=sent", [2]),
        ("kind=refunded&status=waiting", [3]),
        ("page_size=1", [3]),
    ],
)
def test_mails_are_filtered_and_ordered(query: str, found: list[int], api: APIClient) -> None:
    for number, recipient, kind, status in (
        (1, "ada@example.com", "confirmed", "waiting"),
        (2, "bob@example.com", "confirmed", "sent"),
        (3, "ada@example.com", "refunded", "waiting"),
    ):
        OutgoingMail.objects.create(
            id=uuid4(),
            message_id=f"<{number}@example.com>",
            kind=kind,
            customer_id=uuid4(),
            order_id=uuid4(),
            recipient=recipient,
            subject=f"It is {kind}",
            status=status,
            written_at=timezone.now() + timedelta(seconds=number),
        )

    shown = api.get(f"{API}mails/?{query}").json()["results"]

    assert [row["message_id"] for row in shown] == [f"<{number}@example.com>" for number in found]


@pytest.fixture
def money() -> UUID:
    """100.00 came in in January; 30.00 of it went back in February."""
    amount, ok = Money(Decimal("100.00"), "EUR"), Outcome("ok", reference="1")
    with on(2026, 1, 31):  # type: ignore[attr-defined]
        asked = request_payment(order_id=uuid4(), customer_id=None, amount=amount, token="t", last_four="4242")
        record_outcome(asked.id, "authorise", ok)
        capture(asked.id)
        record_outcome(asked.id, "capture", ok)
    with on(2026, 2, 3):  # type: ignore[attr-defined]
        refund_payment(asked.id, amount=Money(Decimal("30.00"), "EUR"), reason="came back")
        record_outcome(asked.id, "refund:1", ok)
    return asked.id


def test_takings_by_day_now_and_then(api: APIClient, money: UUID, catch_up: Callable[[], None]) -> None:
    catch_up()
    january = {
        "period": "2026-01-31",
        "currency": "EUR",
        "captured": eur("100.00"),
        "refunded": eur("0.00"),
        "net": eur("100.00"),
        "tax": eur("0.00"),
        "gross": eur("100.00"),
        "captures": 1,
        "refunds": 0,
    }

    now = api.get(f"{API}reports/takings/").json()["results"]
    then = api.get(f"{API}reports/takings/?as_of={log.last() - 1}").json()["results"]
    some = api.get(f"{API}reports/takings/?since=2026-01-01&until=2026-01-31&currency=EUR").json()["results"]

    assert now[1:] == then == some == [january]
    assert (now[0]["period"], now[0]["refunded"], now[0]["gross"]) == ("2026-02-03", eur("30.00"), eur("-30.00"))


def test_takings_by_month_with_tax_apart(
    api: APIClient, ada: UUID, mug: UUID, catch_up: Callable[[], None], settings: Any
) -> None:
    settings.TAX_PERCENT = by_country("TAX", "19")
    order = place_order(customer_id=ada, items=[Item("MUG-1", 2)]).id
    amount, ok = Money(Decimal("29.75"), "EUR"), Outcome("ok", reference="1")
    with on(2026, 1, 31):  # type: ignore[attr-defined]
        asked = request_payment(order_id=order, customer_id=None, amount=amount, token="t", last_four="4242")
        record_outcome(asked.id, "authorise", ok)
        capture(asked.id)
        record_outcome(asked.id, "capture", ok)
    catch_up()
    closed = log.last()
    with on(2026, 2, 3):  # type: ignore[attr-defined]
        refund_payment(asked.id, amount=amount, reason="came back")
        record_outcome(asked.id, "refund:1", ok)
    catch_up()

    february, january = api.get(f"{API}reports/takings/?by=month").json()["results"]
    pages = [api.get(f"{API}reports/takings/?by=month&page_size=1").json()]
    pages.append(api.get(pages[0]["next"]).json())

    sums = {"net": eur("25.00"), "tax": eur("4.75"), "gross": eur("29.75")}
    back = {"net": eur("-25.00"), "tax": eur("-4.75"), "gross": eur("-29.75")}
    assert (january["period"], {name: january[name] for name in sums}) == ("2026-01", sums)
    assert (february["period"], {name: february[name] for name in back}) == ("2026-02", back)
    assert [page["results"] for page in pages] == [[february], [january]]
    assert api.get(f"{API}reports/takings/?by=month&as_of={closed}").json()["results"] == [january]
    assert api.get(f"{API}reports/takings/?by=month&since=2026-02-01").json()["results"] == [february]
    assert api.get(f"{API}reports/takings/?by=month&until=2026-01-31").json()["results"] == [january]


def test_payments_by_order(api: APIClient, money: UUID, catch_up: Callable[[], None]) -> None:
    catch_up()

    (row,) = api.get(f"{API}billing/payments/").json()["results"]

    assert {name: row[name] for name in ("id", "captured", "refunded", "kept", "customer_id", "authorised")} == {
        "id": str(money),
        "captured": eur("100.00"),
        "refunded": eur("30.00"),
        "kept": eur("70.00"),
        "customer_id": None,
        "authorised": eur("0.00"),
    }
    assert api.get(f"{API}billing/payments/?order_id={row['order_id']}").json()["results"] == [row]
    assert api.get(f"{API}billing/payments/?order_id={money}").json()["results"] == []


def test_a_contact_says_which_event_it_is_of(api: APIClient, ada: UUID, catch_up: Callable[[], None]) -> None:
    changed = change_email(ada, email="ada@example.org")
    catch_up()

    (row,) = api.get(f"{API}billing/contacts/?q=EXAMPLE.ORG").json()["results"]

    assert row == {
        "id": str(ada),
        "version": changed.version,
        "position": row["position"],
        "name": "Ada",
        "email": "ada@example.org",
    }
    assert api.get(f"{API}billing/contacts/?as_of={row['position'] - 1}").json()["results"][0]["email"] == (
        "ada@example.com"
    )


@pytest.fixture
def sold(mug: UUID) -> UUID:
    """In January two orders, one of which was cancelled in February."""
    create_product(sku="CUP-1", name="Cup", price=Money(Decimal("3.00"), "EUR"), publish=True)
    with on(2026, 1, 30):  # type: ignore[attr-defined]
        kept = place_order(items=[Item("MUG-1", 2), Item("CUP-1", 7)]).id
    with on(2026, 1, 31):  # type: ignore[attr-defined]
        gone = place_order(items=[Item("MUG-1", 9)]).id
    with on(2026, 2, 2):  # type: ignore[attr-defined]
        cancel_order(gone, reason="changed my mind")
    return kept


def totals(orders: int, gross: str, back: int, taken_back: str, net: str) -> list[dict[str, object]]:
    return [
        {
            "currency": "EUR",
            "orders": orders,
            "gross": eur(gross),
            "orders_taken_back": back,
            "taken_back": eur(taken_back),
            "net": eur(net),
        }
    ]


def test_sales_by_day_and_by_month(api: APIClient, sold: UUID, catch_up: Callable[[], None]) -> None:
    catch_up()

    days = api.get(f"{API}reports/sales/").json()["results"]
    months = api.get(f"{API}reports/sales/?by=month").json()["results"]
    before = api.get(f"{API}reports/sales/?by=month&as_of={log.last() - 1}").json()["results"]

    assert [row["period"] for row in days] == ["2026-02-02", "2026-01-31", "2026-01-30"]
    assert api.get(f"{API}reports/sales/?by=day&since=2026-01-31").json()["results"] == days[:2]
    january = {"period": "2026-01", "totals": totals(2, "158.50", 0, "0.00", "158.50")}
    assert months == [{"period": "2026-02", "totals": totals(0, "0.00", 1, "112.50", "-112.50")}, january]
    assert before == [january]


def test_a_month_that_is_closed_stays_what_it_was(
    api: APIClient, sold: UUID, catch_up: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is recorded after its end is in what is known now alone; the clock is moved, since the log's cannot be."""
    catch_up()
    ended = timezone.now()
    monkeypatch.setattr("shop.reporting.api.month", lambda text: (text, ended))
    with on(2026, 1, 31):  # type: ignore[attr-defined]
        place_order(items=[Item("CUP-1", 1)])
    catch_up()

    shown = api.get(f"{API}reports/month-close/?month=2026-01").json()

    assert shown["month"] == "2026-01"
    assert shown["closed"] == totals(2, "158.50", 0, "0.00", "158.50")
    assert shown["now"] == totals(3, "161.50", 0, "0.00", "161.50")


def test_a_month_of_which_nothing_was_known_when_it_ended(
    api: APIClient, sold: UUID, catch_up: Callable[[], None]
) -> None:
    catch_up()

    shown = api.get(f"{API}reports/month-close/?month=2026-01").json()

    assert (shown["closed_at"], shown["closed"]) == ("2026-01-31T23:59:59.999999Z", [])
    assert shown["now"] == totals(2, "158.50", 0, "0.00", "158.50")


def test_a_month_that_goes_on_is_not_closed(api: APIClient) -> None:
    answer = api.get(f"{API}reports/month-close/?month={timezone.now():%Y-%m}")

    assert answer.status_code == 400
    assert "has not ended yet" in answer.json()["errors"][0]["detail"]


def test_best_sellers_now_and_then(api: APIClient, sold: UUID, catch_up: Callable[[], None]) -> None:
    catch_up()

    now = api.get(f"{API}reports/best-sellers/").json()
    then = api.get(f"{API}reports/best-sellers/?as_of={log.last() - 1}").json()
    early = api.get(f"{API}reports/best-sellers/?until=2026-01-30&currency=EUR").json()

    cup = {"sku": "CUP-1", "name": "Cup", "lines": 1, "pieces": 7, "gross": eur("21.00")}
    mug = {"sku": "MUG-1", "name": "Harbour mug", "lines": 1, "pieces": 2, "gross": eur("25.00")}
    more = mug | {"lines": 2, "pieces": 11, "gross": eur("137.50")}
    assert now == early == [{"rank": 1} | cup, {"rank": 2} | mug]
    assert then == [{"rank": 1} | more, {"rank": 2} | cup]
    assert api.get(f"{API}reports/best-sellers/?since=2026-02-01").json() == []
