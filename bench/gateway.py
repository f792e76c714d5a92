"""A product renamed, and renamed everywhere at once (the gateway): what all or nothing costs; 1 and 4 writers.

The plain rename leaves the lists to the workers, which are not here: it is the command alone. With the gateway, the
command also moves the projections that have the name, and all who do so come one after the other.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from uuid import UUID

from bench.common import Row, Sample, Work, empty, in_turn, rate, settle, sql
from projections import shadow
from projections.gateway import hearing
from projections.projection import known
from shop.catalog.commands import create_product, rename_product

PRODUCTS = 200  # of each writer
NAMES = hearing("Product.Renamed")


def rows() -> Iterator[Row]:
    for writers in (1, 4):
        empty()
        tables = [table for name in NAMES for table in shadow.tables(known()[name])]
        sql(f"truncate projections_checkpoint, projections_historyepoch, {', '.join(tables)}")
        ids = [create_product(sku=f"SKU-{n}", name=f"Product {n}").id for n in range(writers * PRODUCTS)]
        settle()
        sides: dict[str, Callable[[], Sample]] = {
            "everywhere": partial(rate, partial(renaming, ids, True), writers),
            "plain": partial(rate, partial(renaming, ids, False), writers),
        }
        yield Row(
            f"rename, {writers} writer{'s' if writers > 1 else ''}",
            in_turn(sides),
            {"plain": 0.0},
            notes={"projections": ", ".join(NAMES)},
        )


def renaming(ids: list[UUID], everywhere: bool, writer: int) -> Work:
    """Products of its own, one after the other."""
    mine = ids[writer * PRODUCTS : (writer + 1) * PRODUCTS]
    numbers = count()

    def work() -> None:
        number = next(numbers)
        rename_product(
            mine[number % PRODUCTS], name=f"{'Everywhere' if everywhere else 'Plain'} {number}", everywhere=everywhere
        )

    return work
