"""Real orders from a file, compared with what the file says: computed here from its lines, not by our code."""

import csv
import gzip
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from eventstore import log
from eventstore.models import Event
from shop import importing
from shop.application import shop
from shop.catalog.domain import Product
from shop.ordering.domain import Order
from shop.values import id_of

pytestmark = pytest.mark.django_db

EXTRACT = Path(__file__).parent.parent / "data" / "orders-extract.csv"
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"


def import_orders(path=EXTRACT, *options):
    out = StringIO()
    call_command("import_orders", str(path), "--currency", "USD", *options, stdout=out)
    return out.getvalue()


@pytest.fixture
def orders_file(tmp_path):
    def write(*lines, header=HEADER):
        path = tmp_path / "orders.csv"
        path.write_text(header + "\n".join(lines) + "\n")
        return path

    return write


def sellable_lines():
    with EXTRACT.open() as file:
        return [row for row in csv.DictReader(file) if int(row["Quantity"]) > 0]


def at(row):
    return datetime.strptime(row["InvoiceDate"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)


def every_product_has_the_price_of_its_last_line():
    for row in {row["StockCode"]: row for row in sellable_lines()}.values():
        product: Product = shop.repository.get(id_of("product", row["StockCode"]))
        assert (product.price.amount, product.name) == (Decimal(row["UnitPrice"]), " ".join(row["Description"].split()))


def test_an_import_that_was_stopped_goes_on_and_ends_as_if_it_had_not_been(monkeypatch):
    ask, asked = importing.Import.ask, []

    def stop(self, *args, **kwargs):
        asked.append(args)
        if len(asked) in (100, 333, 334):
            raise KeyboardInterrupt
        return ask(self, *args, **kwargs)

    monkeypatch.setattr(importing.Import, "ask", stop)
    for _ in range(3):
        with pytest.raises(CommandError, match="Ask again to go on"):
            import_orders()
    import_orders()
    stopped = [(e.stream_id, e.version, e.name, e.data, e.effective_at) for e in log.after(0, limit=10_000)]

    assert len(stopped) == len({(e[0], e[1]) for e in stopped})
    assert [e for e in stopped if e[2] == "Order.Placed"] == sorted(
        (e for e in stopped if e[2] == "Order.Placed"), key=lambda e: e[4]
    )
    every_product_has_the_price_of_its_last_line()


def test_an_invoice_starting_with_c_cancels(orders_file):
    path = orders_file(
        "536365,85123A,LAMP,6,12/1/2010 8:26,2.55,17850,United Kingdom",
        "536366,85123A,LAMP,1,12/1/2010 8:28,2.55,,United Kingdom",
        "C536365,85123A,LAMP,-6,12/2/2010 9:00,2.55,17850,United Kingdom",
        "C999999,85123A,LAMP,-6,12/2/2010 9:00,2.55,17850,United Kingdom",
    )

    told = import_orders(path)

    cancelled: Order = shop.repository.get(id_of("invoice", "536365"))
    guest: Order = shop.repository.get(id_of("invoice", "536366"))
    assert (cancelled.status, cancelled.cancel_reason) == ("cancelled", "cancelled by invoice C536365")
    assert (guest.status, guest.customer_id) == ("placed", None)
    assert "line 5: cancels_nothing: there is no invoice 999999 to cancel" in told


def test_an_invoice_that_takes_back_a_part_cancels_nothing(orders_file):
    path = orders_file(
        "1,A1,TEA,2,2017-01-01 10:00:00,4.00,1,UK",
        "C1,A1,TEA,-1,2017-01-02 10:00:00,4.00,1,UK",
    )

    assert "line 3: cancels_in_part" in import_orders(path)
    assert shop.load(Order, id_of("invoice", "1")).status == "placed"


def test_an_invoice_with_other_lines_than_before_is_refused_each_time(orders_file):
    lines = [
        "1,A1,TEA,1,2017-01-01 10:00:00,4.00,1,UK",
        "2,A1,TEA,1,2017-01-01 11:00:00,4.00,1,UK",
        "1,A2,MUG,1,2017-01-01 10:00:00,6.00,1,UK",
    ]

    for _ in range(2):
        assert "line 4: order_exists: there is an order 1 already" in import_orders(orders_file(*lines))
    assert "line 2: order_exists" in import_orders(orders_file(lines[0].replace("TEA,1,", "TEA,9,")))
    assert "line 2: order_exists" in import_orders(orders_file(lines[0]), "--time-zone", "Asia/Tokyo")
    assert "order_exists" not in import_orders(orders_file(lines[0]))
    assert Event.objects.filter(name="Order.Placed").count() == 2


def test_the_day_comes_first_where_it_is_said_to(orders_file):
    import_orders(orders_file("1,A1,TEA,1,02/01/2011 08:00,4,1,UK"), "--day-first")

    assert Event.objects.get(name="Order.Placed").effective_at == datetime(2011, 1, 2, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1,POST,POSTAGE,1,2017-01-01 10:00:00,18,1,France", "no_product"),
        ("1,A1,TEA,0,2017-01-01 10:00:00,,1,UK", "no_quantity"),
        ("1,A1,TEA,-1,2017-01-01 10:00:00,1,1,UK", "bad_quantity"),
        ("1,A1,TEA,1.5,2017-01-01 10:00:00,1,1,UK", "bad_quantity"),
        ("1,A1,TEA,1,2017-01-01 10:00:00,,1,UK", "no_price"),
        ("1,A1,TEA,1,2017-01-01 10:00:00,-1,1,UK", "bad_price"),
        ("1,A1,TEA,1,2017-01-01 10:00:00,NaN,1,UK", "bad_price"),
        ("1,A1,TEA,1,2017-01-01 10:00:00,1e5,1,UK", "bad_price"),
        ("1,A1,TEA,1,13/01/2011 08:00,1,1,UK", "bad_date"),
        ("1,A1,TEA,1,2017-01-01 10:00:00,1,1,UK,more", "bad_row"),
        ("1,A1,TEA,1,2017-01-01 10:00:00,0.00001,1,UK", "bad_price"),
        ("1,A1,TEA,1,2017-02-30 10:00:00,1,1,UK", "bad_date"),
        ("1,A1,TEA,1,2999-01-01 10:00:00,1,1,UK", "bad_date"),
        (",A1,TEA,1,2017-01-01 10:00:00,1,1,UK", "no_invoice"),
        ("1,,TEA,1,2017-01-01 10:00:00,1,1,UK", "no_product"),
        ("1,A1,T\0EA,1,2017-01-01 10:00:00,1,1,UK", "bad_product"),
        (f"1,A{'1' * 64},TEA,1,2017-01-01 10:00:00,1,1,UK", "bad_product"),
    ],
)
def test_a_line_that_cannot_be_sold_is_refused_and_the_next_is_not(orders_file, line, reason):
    told = import_orders(orders_file(line, "2,A2,MUG,1,2017-01-01 10:00:00,4,1,UK"))

    assert f"line 2: {reason}" in told
    assert Event.objects.filter(name="Order.Placed").count() == 1


def test_two_lines_of_one_product_are_one_and_two_prices_are_refused(orders_file):
    path = orders_file(
        "1,A1,TEA,1,2017-01-01 10:00:00,4.00,1,UK",
        "1,A1,TEA,2,2017-01-01 10:00:00,4.00,1,UK",
        "1,A1,TEA,1,2017-01-01 10:00:00,5.00,1,UK",
    )

    told = import_orders(path)

    (line,) = shop.repository.get(id_of("invoice", "1")).lines
    assert line.quantity == 3
    assert "line 4: two_prices" in told


def test_a_product_under_a_new_description_is_renamed_and_its_old_order_keeps_the_old_name(orders_file):
    path = orders_file(
        "1,A1,TEA,1,2017-01-01 10:00:00,4.00,1,UK",
        "2,A1,GREEN TEA,1,2017-01-02 10:00:00,4.00,1,UK",
    )

    import_orders(path)

    assert [shop.repository.get(id_of("invoice", n)).lines[0].name for n in "12"] == ["TEA", "GREEN TEA"]


def test_refused_lines_may_go_to_a_file(orders_file, tmp_path):
    path = orders_file("1,A1,TEA,0,2017-01-01 10:00:00,,1,UK")

    told = import_orders(path, "--refused", str(tmp_path / "refused.csv"))

    assert (tmp_path / "refused.csv").read_text().splitlines() == [
        "line,reason,detail",
        "2,no_quantity,its quantity is 0",
    ]
    assert "line 2" not in told


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--currency", "euro"], "--currency takes one of"),
        (["--time-zone", "Mars/Olympus"], "There is no time zone"),
    ],
)
def test_what_it_cannot_do_is_explained(options, problem):
    with pytest.raises(CommandError, match=problem):
        import_orders(EXTRACT, *options)


def test_a_place_for_refused_lines_that_is_none_is_said_before_anything_is_imported(tmp_path):
    with pytest.raises(CommandError, match=r"--refused .*No such file"):
        import_orders(EXTRACT, "--refused", str(tmp_path / "none" / "x.csv"))

    assert not Event.objects.exists()


def test_a_file_that_ends_too_early_says_what_was_imported(tmp_path):
    whole = gzip.compress(EXTRACT.read_bytes())
    (tmp_path / "cut.csv.gz").write_bytes(whole[: len(whole) // 2])

    with pytest.raises(CommandError, match="ended before the end-of-stream marker"):
        import_orders(tmp_path / "cut.csv.gz")


def test_another_file_is_told_apart(orders_file, tmp_path):
    with pytest.raises(CommandError, match=r"Expected the columns InvoiceNo, .*; found no InvoiceNo"):
        import_orders(orders_file(header="a,b\n"))
    with pytest.raises(CommandError, match="No such file"):
        import_orders(tmp_path / "nothing.csv")
    assert not Event.objects.exists()


def test_the_time_zone_of_the_file_counts(orders_file):
    import_orders(orders_file("1,A1,TEA,1,2017-07-01 10:00:00,4,1,UK"), "--time-zone", "Europe/London")

    placed = Event.objects.get(name="Order.Placed")
    assert placed.effective_at == datetime(2017, 7, 1, 9, tzinfo=UTC)
    assert timedelta() < placed.recorded_at - placed.effective_at
