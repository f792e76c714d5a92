"""Pages: every row once, whatever the order, however equal the rows, and while others come and go."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid5

from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from projections import engine
from shop.catalog.api import Products
from shop.catalog.commands import create_product, set_price
from shop.catalog.models import ProductSummary
from shop.paging import Order, Place
from shop.values import Money

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ORDERINGS = [sign + name.removeprefix("-") for name in Products.orderings for sign in ("", "-")]

rows = st.lists(
    st.tuples(
        st.sampled_from(["a", "A", "b", "ä", "z", "Å", " ", "😀"]),
        st.none() | st.sampled_from([Decimal("0"), Decimal("1.0000"), Decimal("1.0001"), Decimal(10)]),
        st.integers(0, 2),
    ),
    max_size=12,
)


def insert(number: int, row: tuple[str, Decimal | None, int]) -> None:
    """A row of the read model, as its projection would write it."""
    name, amount, microsecond = row
    product = ProductSummary(
        id=uuid5(UUID(int=0), str(number)),
        sku=f"SKU-{number}",
        name=name,
        status="draft",
        amount=amount,
        currency="" if amount is None else "EUR",
        created_at=NOON.replace(microsecond=microsecond),
    )
    product.save_base(raw=True, force_insert=True)


def walk(api: APIClient, url: str | None, link: str = "next") -> list[list[str]]:
    pages = []
    while url:
        page = api.get(url).json()
        pages.append([row["id"] for row in page["results"]])
        url = page[link]
    return pages


def flat(pages: list[list[str]]) -> list[str]:
    return [row for page in pages for row in page]


@given(rows=rows, size=st.integers(1, 5), ordering=st.sampled_from(ORDERINGS))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pages_forth_and_back_hold_every_row_once_and_in_order(
    api: APIClient, rows: list[Any], size: int, ordering: str
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("delete from catalog_productsummary")
    for number, row in enumerate(rows):
        insert(number, row)
    cache.clear()  # no event tells of these rows
    url = f"/api/v1/products/?page_size={size}&ordering={ordering}"

    pages = walk(api, url)

    found = flat(pages)
    assert sorted(found) == sorted(str(key) for key in ProductSummary.objects.values_list("id", flat=True))
    assert all(len(page) == size for page in pages[:-1])
    assert pages[-1] or len(pages) == 1
    field = Products.orderings.get(ordering.removeprefix("-")) or Products.orderings["-" + ordering.removeprefix("-")]
    values = [getattr(ProductSummary.objects.get(pk=key), field) for key in found]
    known = [value for value in values if value is not None]
    assert values[: len(known)] == known  # nulls come last
    with connection.cursor() as cursor:
        for before, after in pairwise(known):  # as the database orders them
            cursor.execute("select %s <= %s", [before, after] if ordering[0] != "-" else [after, before])
            assert cursor.fetchone() == (True,)

    last = url
    while following := api.get(last).json()["next"]:
        last = following
    back = walk(api, last, "previous")
    assert flat(list(reversed(back))) == found


@given(rows=rows, size=st.integers(1, 3), ordering=st.sampled_from(ORDERINGS), gone=st.sets(st.integers(0, 11)))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_that_stay_are_seen_once_while_others_come_and_go(
    api: APIClient, rows: list[Any], size: int, ordering: str, gone: set[int]
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("delete from catalog_productsummary")
    for number, row in enumerate(rows):
        insert(number, row)
    leaving = [uuid5(UUID(int=0), str(number)) for number in gone]
    staying = {str(uuid5(UUID(int=0), str(number))) for number in range(len(rows)) if number not in gone}

    url: str | None = f"/api/v1/products/?page_size={size}&ordering={ordering}"
    seen: list[str] = []
    number = 100
    while url:
        cache.clear()
        page = api.get(url).json()
        seen += [row["id"] for row in page["results"]]
        url = page["next"]
        if leaving:
            with connection.cursor() as cursor:
                cursor.execute("delete from catalog_productsummary where id = %s", [leaving.pop()])
        if number < 110:
            insert(number, ("b", Decimal(1), 1))
            number += 1

    assert len(seen) == len(set(seen))
    assert staying <= set(seen)


def test_a_page_counts_nothing_and_asks_once(api: APIClient, mug: UUID, catch_up: Callable[[], None]) -> None:
    catch_up()

    with CaptureQueriesContext(connection) as queries:
        api.get("/api/v1/products/?page_size=1")

    asked = [query["sql"] for query in queries if "catalog_productsummary" in query["sql"]]
    assert len(asked) == 1
    assert "COUNT" not in asked[0].upper()


def test_the_next_page_begins_at_an_index(db: None) -> None:
    """The condition is a range of the ordered column, not a filter over all rows before it."""
    model: Any = ProductSummary
    order = Order(model._meta.get_field("created_at"), model._meta.pk, True)
    place = Place("-created_at", False, NOON.isoformat(), str(UUID(int=0)))

    with connection.cursor() as cursor:  # as if there were many rows
        cursor.execute("set local enable_seqscan = off; set local enable_bitmapscan = off; set local enable_sort = off")
    plan = model.objects.filter(order.beyond(place)).order_by(*order.by(False))[:50].explain()

    assert "Index Cond: (created_at <= " in plan


def test_filters_go_on_over_pages(api: APIClient, mug: UUID) -> None:
    for number in range(5):
        product = create_product(sku=f"CUP-{number}", name="Cup").id
        set_price(product, price=Money(Decimal(number), "EUR"))
    engine.catch_up()

    found = walk(api, "/api/v1/products/?page_size=2&q=cup&price_min=1&price_max=3.5&ordering=-price")

    assert [len(page) for page in found] == [2, 1]
    assert [api.get(f"/api/v1/products/{key}/").json()["sku"] for key in flat(found)] == ["CUP-3", "CUP-2", "CUP-1"]


def test_a_history_is_paged_too(api: APIClient, mug: UUID) -> None:
    for number in range(1, 5):
        set_price(mug, price=Money(Decimal(number), "EUR"))

    first = api.get(f"/api/v1/products/{mug}/history/?page_size=4").json()
    second = api.get(first["next"]).json()

    assert [event["version"] for event in first["results"] + second["results"]] == [1, 2, 3, 4, 5, 6, 7]
    assert second["next"] is None
    assert api.get(second["previous"]).json()["results"] == first["results"]
