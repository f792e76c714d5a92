"""What is still to be sent, found by what several contexts know: one query of one table, however many rows it has."""

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from eventstore import log
from projections.projection import known
from projections.rebuild import verify
from shop.catalog.commands import create_product
from shop.customers.commands import erase_customer, rename_customer
from shop.inventory.commands import receive_stock
from shop.ordering.commands import Item, cancel_order, place_order
from shop.shipping.commands import dispatch, pack
from shop.shipping.domain import shipment_of
from tests.api.conftest import BREMEN, eur
from tests.shop.orders import euros

LIST = "/api/v1/reports/unshipped/"
WANTED = f"{LIST}?city=hamburg&price_min=100&ordering=-price"
MANY = """
    insert into reporting_unshippedline (id, order_id, number, status, customer_id, customer_name, customer_erased,
        city, sku, name,
        quantity, unit_price, currency, placed_at, position, version)
    select gen_random_uuid(), gen_random_uuid(), 1, 'confirmed', gen_random_uuid(), 'Somebody ' || n, false,
        'City ' || n %% 500, 'SKU-' || n %% 5000, 'Something', 1, n %% 150, 'EUR', now() - n * interval '1 second', 0, 1
    from generate_series(1, %s) n"""


@pytest.fixture
def orders(ada: UUID, mug: UUID, catch_up: Callable[[], None]) -> dict[str, UUID]:
    create_product(sku="LAMP", name="Storm lamp", price=euros("120.00"), publish=True)
    for sku in ("LAMP", "MUG-1"):
        receive_stock(sku, quantity=50)
    both = [Item("MUG-1", 1), Item("LAMP", 2)]
    placed = {name: place_order(customer_id=ada, items=both).id for name in ("waits", "sent", "cancelled")}
    placed["elsewhere"] = place_order(customer_id=ada, items=both, ship_to=BREMEN).id
    catch_up()
    pack(shipment_of(placed["sent"]))
    dispatch(shipment_of(placed["sent"]), carrier="DHL")
    cancel_order(placed["cancelled"], reason="changed my mind")
    return placed


def test_scenario_16_sort_and_filter(
    api: APIClient, ada: UUID, orders: dict[str, UUID], catch_up: Callable[[], None]
) -> None:
    catch_up()
    before = log.last()
    rename_customer(ada, name="Ada King")
    catch_up()

    then = api.get(f"{WANTED}&as_of={before}").json()["results"]
    with CaptureQueriesContext(connection) as asked:
        (line,) = api.get(WANTED).json()["results"]

    of_tables = [each["sql"] for each in asked if "FROM" in each["sql"] and "auth_" not in each["sql"]]
    assert [("reporting_unshippedline" in sql, "JOIN" in sql) for sql in of_tables] == [(True, False)]
    assert (line["order_id"], line["sku"], line["price"], line["quantity"]) == (
        *(str(orders["waits"]), "LAMP", eur("120.00"), 2),
    )
    assert (line["customer_name"], line["city"], line["status"]) == ("Ada King", "Hamburg", "confirmed")
    assert [each["customer_name"] for each in then] == ["Ada"]
    assert len(api.get(f"{LIST}?sku=LAMP").json()["results"]) == 2
    assert looked_up(20_000) < 50, "rows are few that the index leads to"


@pytest.mark.long
def test_scenario_16_sort_and_filter_a_million_rows(api: APIClient, orders: dict[str, UUID]) -> None:
    """``./test -m long -k a_million_rows -s``"""
    looked_up(1_000_000)
    took = []
    for _ in range(20):
        began = time.monotonic()
        assert api.get(f"{LIST}?city=city 7&price_min=100&ordering=-price").status_code == 200
        took.append(1000 * (time.monotonic() - began))
    print(f"\n1,000,000 rows: median {sorted(took)[10]:.0f} ms, slowest {max(took):.0f} ms")


def looked_up(rows: int) -> int:
    """With so many rows more: at how many the database looks for the first page."""
    with connection.cursor() as cursor:
        cursor.execute(MANY, [rows])
        cursor.execute("analyze reporting_unshippedline")
        cursor.execute(
            "explain (analyze, format json) select * from reporting_unshippedline "
            "where upper(city) = upper('Hamburg') and unit_price >= 100 order by unit_price desc, id desc limit 51"
        )
        ((((plan,)),),) = cursor.fetchall()
    told = str(plan)
    assert "reporting_unshipped_city" in told, told
    return int(innermost(plan["Plan"])["Actual Rows"]) + int(innermost(plan["Plan"]).get("Rows Removed by Filter", 0))


def innermost(plan: dict[str, Any]) -> dict[str, Any]:
    return innermost(plan["Plans"][0]) if "Plans" in plan else plan


def test_who_is_forgotten_waits_under_no_name(
    api: APIClient, ada: UUID, orders: dict[str, UUID], catch_up: Callable[[], None]
) -> None:
    erase_customer(ada)
    catch_up()

    assert api.get(WANTED).json()["results"] == []
    assert {(each["customer_name"], each["city"]) for each in api.get(LIST).json()["results"]} <= {
        ("[erased]", "[erased]")
    }
    for compared in verify(known()["UnshippedLines"]):
        assert not compared.differing, str(compared)
