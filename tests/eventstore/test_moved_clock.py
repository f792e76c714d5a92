"""A log that begins with a made-up past: recorded when it was true."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from eventsourcing.persistence import PersistenceError

from eventstore import log
from eventstore.cause import because
from eventstore.models import Command, Event
from eventstore.moved_clock import movable_clock, moved_clock
from tests.eventstore import orders
from tests.eventstore.orders import Purchase, purchases
from tests.projections.conftest import sql

MARCH, APRIL, MAY = (datetime(2024, month, 1, tzinfo=UTC) for month in (3, 4, 5))


def place(at: datetime | None, command_id: UUID | None = None) -> UUID:
    with because(effective_at=at, command_id=command_id):
        purchase = Purchase.place(UUID(int=1), [])
        purchases.record(purchase)
    return purchase.id


def test_what_was_true_in_march_is_recorded_in_march(empty_log: None) -> None:
    with movable_clock():
        with moved_clock():
            march = place(MARCH)
        with moved_clock():
            place(MAY)

    assert list(Event.objects.order_by("position").values_list("recorded_at", "effective_at")) == [
        (MARCH, MARCH),
        (MAY, MAY),
    ]
    assert log.position_at(APRIL) == Event.objects.get(stream_id=march).position


def test_the_clock_goes_neither_back_nor_into_the_future(empty_log: None) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    with movable_clock():
        with moved_clock():
            place(MAY)

        with (
            pytest.raises(PersistenceError, match=r"goes on only: expected 2024-05-01.*found 2024-04-01"),
            moved_clock(),
        ):
            place(APRIL)
        with pytest.raises(PersistenceError, match="moved to the past only"), moved_clock():
            place(tomorrow)

    assert Event.objects.count() == 1


def test_only_what_is_asked_with_a_moved_clock_is_moved(empty_log: None) -> None:
    with movable_clock():
        place(MARCH)
    with moved_clock():  # nobody let it be moved
        place(MARCH)

    assert min(Event.objects.values_list("recorded_at", flat=True)) > MAY
    assert sql("select count(*) from pg_trigger where tgname = 'eventstore_moved_clock'") == [(0,)]


def test_the_receipt_of_a_command_is_of_the_same_time(empty_log: None) -> None:
    command_id = uuid4()

    with movable_clock(), moved_clock(), because(effective_at=MARCH, command_id=command_id):
        orders.place(customer_id=UUID(int=1), items=())

    assert Command.objects.get(pk=command_id).recorded_at == MARCH
