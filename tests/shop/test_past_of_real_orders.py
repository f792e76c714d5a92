"""What REST says of the past is what the file of real orders says of it: computed here from its lines."""

import csv
import random
from collections import defaultdict
from datetime import UTC, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from rest_framework.test import APIClient

from shop.values import id_of
from tests.shop.test_import import at, sellable_lines

pytestmark = pytest.mark.django_db(transaction=True)
chance = random.Random(50)


@pytest.fixture
def staff():
    client = APIClient()
    client.force_authenticate(User.objects.create_user("ada", is_staff=True))
    return client


@pytest.fixture
def halves(empty_log, tmp_path):
    """The file, imported in two halves; after a week every tenth invoice is cancelled. And the instant in between."""
    lines = sellable_lines()
    middle = at(lines[len(lines) // 2])
    early, late = [row for row in lines if at(row) < middle], [row for row in lines if at(row) >= middle]
    last_lines = {row["InvoiceNo"]: row for row in lines}
    cancelled = {number: at(last_lines[number]) + timedelta(days=7) for number in list(last_lines)[::10]}
    cancels = [
        {
            **row,
            "InvoiceNo": f"C{row['InvoiceNo']}",
            "Quantity": f"-{row['Quantity']}",
            "InvoiceDate": f"{cancelled[row['InvoiceNo']]:%Y-%m-%d %H:%M:%S}",
        }
        for row in lines
        if row["InvoiceNo"] in cancelled
    ]
    imported(early, tmp_path)
    with connection.cursor() as c:
        c.execute("select clock_timestamp()")
        between = c.fetchone()[0]
    imported(late, tmp_path)
    imported(cancels, tmp_path)
    return lines, early, cancelled, between


def imported(lines, folder):
    path = folder / "some.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, lines[0].keys())
        writer.writeheader()
        writer.writerows(lines)
    call_command("import_orders", str(path), "--currency", "USD", stdout=StringIO())


def iso(instant):
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def price_in(lines, sku, instant=None):
    prices = [row["UnitPrice"] for row in lines if row["StockCode"] == sku and (instant is None or at(row) <= instant)]
    return Decimal(prices[-1]) if prices else None


def test_the_prices_of_fifty_products_at_past_instants(halves, staff):
    lines, early, _, between = halves
    several = sorted(sku for sku, prices in prices_of(lines).items() if len(set(prices)) > 1)
    others = sorted({row["StockCode"] for row in lines} - set(several))
    first, last = at(lines[0]), at(lines[-1])
    checked = 0

    for sku in (several + chance.sample(others, 50))[:50]:
        url = f"/api/v1/products/{id_of('product', sku)}/"
        for instant in [first + (last - first) * chance.random() for _ in range(3)] + [last]:
            assert shown_price(staff.get(url, {"effective_at": iso(instant)})) == price_in(lines, sku, instant)
        assert shown_price(staff.get(url, {"as_of": iso(between)})) == price_in(early, sku)
        checked += 1

    assert checked == 50
    assert len(several) >= 10, "many of them had more than one price"


def prices_of(lines):
    found = defaultdict(list)
    for row in lines:
        found[row["StockCode"]].append(row["UnitPrice"])
    return found


def shown_price(answer):
    return Decimal(answer.json()["price"]["amount"]) if answer.status_code == 200 else None


def test_the_state_of_fifty_orders_at_past_instants(halves, staff):
    lines, early, cancelled, between = halves
    numbers = sorted({row["InvoiceNo"] for row in lines})
    picked = [*cancelled, *chance.sample(sorted(set(numbers) - cancelled.keys()), 50)][:50]

    for number in picked:
        of_order = [row for row in lines if row["InvoiceNo"] == number]
        placed, url = at(of_order[0]), f"/api/v1/orders/{id_of('invoice', number)}/"
        assert staff.get(url, {"effective_at": iso(placed - timedelta(seconds=1))}).status_code == 404
        for instant in (placed, placed + timedelta(days=6), placed + timedelta(days=8)):
            then = staff.get(url, {"effective_at": iso(instant)}).json()
            gone = number in cancelled and cancelled[number] <= instant
            assert then["status"] == ("cancelled" if gone else "placed")
            found = [(line["sku"], line["quantity"], Decimal(line["unit_price"]["amount"])) for line in then["lines"]]
            assert found == [(row["StockCode"], int(row["Quantity"]), Decimal(row["UnitPrice"])) for row in of_order]
        known = staff.get(url, {"as_of": iso(between)})
        assert known.status_code == (200 if any(row["InvoiceNo"] == number for row in early) else 404)
        assert known.status_code == 404 or known.json()["status"] == "placed"

    assert len(picked) == 50


def test_an_address_changed_twice_is_what_it_was_at_each_moment(empty_log, staff):
    home = {"street": "1 Quay Street", "city": "Whitby", "postcode": "YO21 1AA", "country": "GB"}
    registered = staff.post("/api/v1/customers/", {"name": "Ada", "email": "ada@example.com"}, format="json").json()
    url = f"/api/v1/customers/{registered['id']}/"
    receipts = [staff.post(f"{url}addresses/", {"address": home}, format="json").json()]
    for street in ("2 New Street", "3 Far Street"):
        receipts.append(staff.put(f"{url}addresses/1/", {"address": home | {"street": street}}, format="json").json())

    for receipt, street in zip(receipts, ("1 Quay Street", "2 New Street", "3 Far Street"), strict=True):
        for moment in (f"v{receipt['version']}", receipt["position"]):
            (address,) = staff.get(url, {"as_of": moment}).json()["addresses"]
            assert address["address"]["street"] == street
