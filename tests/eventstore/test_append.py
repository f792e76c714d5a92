"""What the append lets into the log: streams without gaps, whoever calls it, and however a transaction ended."""

from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from eventsourcing.persistence import IntegrityError, OperationalError

from eventstore import log
from eventstore.application import load
from eventstore.cause import because
from eventstore.commands import command
from eventstore.models import Command
from eventstore.persistence import LogRecorder, Stored, rows
from tests.crowd import at_once
from tests.eventstore.orders import Item, Purchase, place, purchases

pytestmark = pytest.mark.django_db

ADA = UUID(int=1)
TEA = Item(UUID(int=2), 2, Decimal("9.90"))


def test_what_a_conflict_refused_stays_pending_and_leaves_no_gap_behind():
    mine, faster = placed_twice()
    faster.add(TEA)
    purchases.record(faster)
    mine.add(TEA)
    with pytest.raises(IntegrityError, match="Another writer was faster"):
        purchases.record(mine)

    mine.cancel("too slow")
    with pytest.raises(IntegrityError, match=f"version 2 of {mine.id}, version 3 of {mine.id} is taken"):
        purchases.record(mine)

    assert versions(mine.id) == [1, 2]


def test_so_does_what_could_not_be_stored():
    purchase = Purchase.place(ADA, ["tea"])

    for _ in range(2):
        with pytest.raises(TypeError, match="not what it declares to be"):
            purchases.record(purchase)

    assert len(purchase.pending_events) == 1


def test_after_a_rollback_the_aggregate_in_memory_is_not_recorded_on():
    purchase, _ = placed_twice()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        purchase.add(TEA)
        purchases.record(purchase)
        raise ZeroDivisionError

    purchase.cancel("never mind")
    with pytest.raises(IntegrityError, match=f"^Version 3 of {purchase.id} does not follow: the last is 1. Load it"):
        purchases.record(purchase)

    assert versions(purchase.id) == [1]


def test_nor_is_it_said_to_be_stored_when_nothing_new_was_decided():
    purchase, _ = placed_twice()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        purchase.add(TEA)
        purchases.record(purchase)
        raise ZeroDivisionError

    with pytest.raises(IntegrityError, match=f"^Version 2 of {purchase.id} is not in the log: the last is 1. Load it"):
        purchases.record(purchase)

    assert purchases.record(load(purchase.id)) == (purchase.id, 1, None)


def test_nor_a_new_one_whose_beginning_was_rolled_back():
    purchase = Purchase.place(ADA, [TEA])
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        purchases.record(purchase)
        raise ZeroDivisionError

    purchase.add(TEA)
    with pytest.raises(IntegrityError, match=f"Version 2 of {purchase.id} does not follow: there is no such stream"):
        purchases.record(purchase)

    assert log.after(0) == []


def test_a_command_that_keeps_an_aggregate_too_long_leaves_no_receipt(monkeypatch):
    monkeypatch.setattr("eventstore.commands.DEADLINE", 0.05)
    purchase = Purchase.place(ADA, [TEA])
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        purchases.record(purchase)
        raise ZeroDivisionError

    @command
    def look():
        return purchases.record(purchase)

    with pytest.raises(IntegrityError, match="is not in the log: there is no such stream"):
        look()

    assert not Command.objects.exists()


def test_a_gap_leaves_the_callers_transaction_usable():
    mine, other, seen = uuid4(), uuid4(), LogRecorder()

    with transaction.atomic():
        seen.insert_events([Stored(mine, 1, "A.B", b"{}")])
        with pytest.raises(IntegrityError, match=f"Version 3 of {mine} does not follow: the last is 1"):
            seen.insert_events([Stored(other, 1, "A.B", b"{}"), Stored(mine, 3, "A.B", b"{}")])
        seen.insert_events([Stored(mine, 2, "A.B", b"{}")])

    assert (versions(mine), versions(other)) == ([1, 2], [])


@pytest.mark.parametrize(
    ("appended", "refused", "found"),
    [
        ([7], 7, "the last is 2"),
        ([-3], -3, "the last is 2"),
        ([0], 0, "the last is 2"),
        ([3, 5], 5, "the last is 3"),
        ([4, 3], 4, "the last is 2"),
        ([3, 4, 6, 7], 6, "the last is 4"),
    ],
)
def test_a_version_that_does_not_follow_is_refused(appended, refused, found):
    stream = uuid4()
    LogRecorder().insert_events([Stored(stream, n, "A.B", b"{}") for n in (1, 2)])

    with pytest.raises(IntegrityError, match=f"Version {refused} of {stream} does not follow: {found}"):
        LogRecorder().insert_events([Stored(stream, n, "A.B", b"{}") for n in appended])

    assert versions(stream) == [1, 2]


@pytest.mark.parametrize("appended", [[2], [7], [-1], [2, 3], [2, 1]])
def test_a_stream_begins_with_its_beginning(appended):
    stream = uuid4()

    with pytest.raises(IntegrityError, match=rf"Version {appended[0]} of {stream} does not follow: there is no such"):
        LogRecorder().insert_events([Stored(stream, n, "A.B", b"{}") for n in appended])

    assert versions(stream) == []


def test_streams_may_be_told_by_turns_and_begin_where_the_library_lets_them_begin():
    one, other, third = uuid4(), uuid4(), uuid4()
    turns = [(one, 1), (other, 0), (one, 2), (third, 1), (other, 1), (one, 3), (third, 2)]

    LogRecorder().insert_events([Stored(stream, n, "A.B", b"{}") for stream, n in turns])
    LogRecorder().insert_events([Stored(other, 2, "A.B", b"{}"), Stored(one, 4, "A.B", b"{}")])

    assert (versions(one), versions(other), versions(third)) == ([1, 2, 3, 4], [0, 1, 2], [1, 2])


@pytest.mark.parametrize("name", ["", "Order.Placed\n42", "\x1b[2J"])
def test_a_name_that_nobody_could_read_is_refused(name):
    with pytest.raises(IntegrityError, match="An event needs a name, without control"), transaction.atomic():
        LogRecorder().insert_events([Stored(uuid4(), 1, "A.B", b"{}"), Stored(uuid4(), 1, name, b"{}")])

    assert log.after(0) == []


def test_a_stream_is_recorded_once_at_a_time():
    one, the_same = placed_twice()
    one.add(TEA)

    with pytest.raises(ValueError, match=f"Expected each stream once, found one twice: {one.id}, {one.id}"):
        purchases.record(one, the_same)

    assert versions(one.id) == [1]


def test_a_payload_that_is_no_json_hides_no_other_in_the_view():
    stream = uuid4()
    payloads = [b'{"a": 1}', b"\xff", b'{"a": "\\u0000"}', b""]
    LogRecorder().insert_events([Stored(stream, n, "A.B", data) for n, data in enumerate(payloads, 1)])

    found = rows("select facts::text from eventstore_log order by position")

    assert found == [
        ('{"a": 1}',),
        (r'{"unreadable": "\\377"}',),
        (r'{"unreadable": "{\"a\": \"\\\\u0000\"}"}',),
        ('{"unreadable": ""}',),
    ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_an_append_at_a_higher_isolation_holds_the_horizon_like_any_other(empty_log, level):
    placed = place(customer_id=ADA, items=(TEA,))
    with transaction.atomic():
        isolated(level)
        purchase = load(placed.id)
        purchase.add(TEA)
        receipt = purchases.record(purchase)
        (above,) = at_once(1, lambda: place(customer_id=ADA, items=(TEA,)))

        (seen,) = at_once(1, log.horizon)

    assert placed.position <= seen < receipt.position < above.position == log.horizon()
    assert [e.position for e in log.after(seen)] == [receipt.position, above.position]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_what_an_older_snapshot_does_not_show_is_refused_and_the_transaction_lives_on(empty_log, level):
    purchase, other = placed_twice()
    with transaction.atomic():
        isolated(level)
        purchase.add(TEA)
        assert load(purchase.id).version == 1
        at_once(1, lambda: (other.add(TEA), purchases.record(other)))

        other.add(TEA)
        with pytest.raises(IntegrityError, match=r"Version 3 of .* does not follow: the last is 1"):
            purchases.record(other)
        with pytest.raises(IntegrityError, match="Another writer was faster"):
            purchases.record(purchase)
        place(customer_id=ADA, items=(TEA,))

    assert versions(purchase.id) == [1, 2]
    assert len(log.after(0)) == 3


@pytest.mark.django_db(transaction=True)
def test_a_command_carried_out_after_an_older_snapshot_is_not_carried_out_twice(empty_log):
    asked = uuid4()

    def ask():
        with because(command_id=asked):
            return place(customer_id=ADA, items=(TEA,))

    with pytest.raises(OperationalError, match="could not serialize access"), transaction.atomic():
        isolated("repeatable read")
        assert log.exists(uuid4()) is False
        at_once(1, ask)
        ask()

    assert len(log.after(0)) == 1


def placed_twice() -> tuple[Purchase, Purchase]:
    """The same one, as two writers have it in memory."""
    placed = purchases.record(Purchase.place(ADA, [TEA]))
    return load(placed.id), load(placed.id)


def versions(stream: UUID) -> list[int]:
    return [n for (n,) in rows("select version from eventstore_event where stream_id = %s order by position", stream)]


def isolated(level: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"set transaction isolation level {level}")
