"""Whoever dies while prices are changed, in whichever line: each is changed once, and once when that is undone."""

import os
from collections import Counter
from itertools import cycle, islice
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest

from eventstore.cause import because
from eventstore.models import Event
from shop.catalog.repricing import commands
from shop.values import id_of
from tests.shop.orders import goods
from tests.shop.test_repricing_commands import come_to_rest, counts, imported, price
from tests.system.dying import DIED, Point, forked

pytestmark = pytest.mark.django_db(transaction=True)

SKUS = [f"SKU{number}" for number in range(16)]
STEP = 5  # lines in one commit
PLACES = ("in a line", "uncommitted", "committed")


def worked_and_died() -> list[str]:
    """Have workers carry it out, of which each dies in another place, until one is done; where they died."""
    places: list[str] = []
    for place in islice(cycle(PLACES), 20):
        line = dying_in_its_second(commands.carried_out) if place == "in a line" else commands.carried_out
        with patch.object(commands, "carried_out", line), patch.object(commands, "STEP", STEP):
            died, _ = forked(come_to_rest, lambda point, at=place: is_step(point, at))
        if not died:
            return places
        places.append(place)
    raise AssertionError(f"Expected that a worker is done after some died, found {places}.")


def dying_in_its_second(carried_out: Any) -> Any:
    outcomes: list[Any] = []

    def one(*args: Any) -> Any:
        outcomes.append(carried_out(*args))
        return os._exit(DIED) if len(outcomes) == 2 else outcomes[-1]

    return one


def is_step(point: Point, place: str) -> bool:
    return point.startswith("Repricer, ") and point.endswith(f", {place}")


def changes(correlation: UUID) -> Counter[UUID]:
    found = Event.objects.filter(correlation_id=correlation, name="Product.PriceSet")
    return Counter(found.values_list("stream_id", flat=True))


def test_workers_die_in_each_step_and_each_line_is_changed_once_and_set_back_once(empty_log: None) -> None:
    goods(**dict.fromkeys(SKUS, 0))
    once = Counter(id_of("product", sku) for sku in SKUS)
    imports, undo = imported(**dict.fromkeys(SKUS, "13.00")), uuid4()

    died = worked_and_died()

    assert Counter(died) >= Counter(PLACES)
    assert changes(imports) == once
    assert counts(imports) == ("finished", 16, 0, 0, 0)
    assert {str(price(sku)) for sku in SKUS} == {"13.00 EUR"}

    with because(actor="bob", correlation_id=undo):
        commands.undo_prices(imports, reason="it was a slip")
    assert Counter(worked_and_died()) >= Counter(PLACES)

    assert changes(undo) == once
    assert counts(undo) == ("finished", 16, 0, 0, 0)
    assert {str(price(sku)) for sku in SKUS} == {"12.50 EUR"}
