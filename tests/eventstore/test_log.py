"""The log: what is appended, how it is read back, and what is refused."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from eventsourcing.persistence import IntegrityError

from eventstore import log
from eventstore.cause import because
from eventstore.domain import Aggregate, uuid7
from eventstore.mapper import TypedMapper, shape
from eventstore.models import AppendOnly, Event
from eventstore.names import known
from eventstore.persistence import LogRecorder, Stored
from tests.eventstore.orders import Item, Purchase, purchases

pytestmark = pytest.mark.django_db

ADA = UUID(int=1)
TEA = Item(UUID(int=2), 2, Decimal("9.90"))


def test_an_event_is_stored_as_plain_typed_json_and_read_back():
    purchase = Purchase.place(ADA, [TEA])
    purchase.cancel("changed my mind")
    purchases.record(purchase)

    stored = Event.objects.order_by("position")

    assert [e.name for e in stored] == ["Purchase.Placed", "Purchase.Cancelled"]
    assert json.loads(bytes(stored[0].data)) == {
        "customer_id": str(ADA),
        "items": [{"product_id": str(TEA.product_id), "quantity": 2, "unit_price": "9.90"}],
    }
    again = purchases.repository.get(purchase.id)
    assert (again.items, again.status, again.reason) == ((TEA,), "cancelled", "changed my mind")
    assert purchases.repository.get(purchase.id, version=1).status == "placed"


def test_positions_are_answered_in_the_order_of_the_events():
    purchase = Purchase.place(ADA, [TEA])
    for _ in range(20):
        purchase.add(TEA)

    receipt = purchases.record(purchase)

    assert [e.version for e in log.after(0)] == list(range(1, 22))
    assert (receipt.id, receipt.version, receipt.position) == (purchase.id, 21, log.after(0)[-1].position)


def test_a_conflict_leaves_the_callers_transaction_usable():
    mine, other, seen = uuid4(), uuid4(), LogRecorder()
    seen.insert_events([Stored(mine, 1, "Purchase.Placed", b"{}")])

    with transaction.atomic():
        seen.insert_events([Stored(other, 1, "Purchase.Placed", b"{}")])
        both = [Stored(other, 2, "Purchase.Cancelled", b"{}"), Stored(mine, 1, "Purchase.Placed", b"{}")]
        with pytest.raises(IntegrityError, match=f"version 1 of {mine} is taken"):
            seen.insert_events(both)
        seen.insert_events([Stored(mine, 2, "Purchase.Cancelled", b"{}")])

    assert [(e.stream_id, e.version) for e in log.after(0)] == [(mine, 1), (other, 1), (mine, 2)]


def test_a_conflict_of_many_names_the_first():
    seen, many = LogRecorder(), [Stored(uuid4(), 1, "Purchase.Placed", b"{}") for _ in range(1_000)]
    seen.insert_events(many)

    with pytest.raises(IntegrityError, match=f"version 1 of {many[0].originator_id}, .* and 992 more is taken"):
        seen.insert_events(many)


def test_an_append_is_part_of_the_callers_transaction():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        purchases.record(Purchase.place(ADA, [TEA]))
        raise ZeroDivisionError

    assert log.after(0) == []


def test_a_transaction_sees_its_own_events_and_takes_one_lock_for_a_thousand_appends():
    for _ in range(1000):
        LogRecorder().insert_events([Stored(uuid4(), 1, "Purchase.Placed", b"{}")])

    with connection.cursor() as c:
        c.execute("select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()")
        assert c.fetchone() == (1,)
    assert len(log.after(0, limit=2000)) == 1000


def test_why_is_kept_in_columns():
    command, march = uuid4(), datetime(2026, 3, 1, tzinfo=UTC)

    with because(command_id=command, actor="ada", reason="a gift", effective_at=march):
        purchases.record(Purchase.place(ADA, [TEA]))

    kept = Event.objects.get()
    assert (kept.command_id, kept.actor, kept.reason, kept.causation_id) == (command, "ada", "a gift", None)
    assert kept.effective_at == march < kept.recorded_at


def test_what_is_not_said_to_have_been_true_earlier_is_true_when_it_is_recorded():
    purchases.record(Purchase.place(ADA, [TEA]))

    kept = Event.objects.get()

    assert kept.effective_at == kept.recorded_at


def test_events_are_filtered_by_name():
    purchase = Purchase.place(ADA, [TEA])
    purchase.cancel("changed my mind")
    purchases.record(purchase)

    (cancelled,) = log.after(0, ["Purchase.Cancelled"])

    assert (cancelled.version, json.loads(cancelled.data)) == (2, {"reason": "changed my mind", "by": "customer"})


@pytest.mark.parametrize(
    "statement",
    ["update eventstore_event set name = 'x'", "delete from eventstore_event", "truncate eventstore_event"],
)
def test_the_database_refuses_to_change_what_happened(statement):
    purchases.record(Purchase.place(ADA, [TEA]))

    with pytest.raises(DatabaseError, match="what happened stays as it was recorded"), transaction.atomic():
        connection.cursor().execute(statement)

    assert Event.objects.count() == 1


def test_django_cannot_write_the_log():
    with pytest.raises(AppendOnly, match="decide on an aggregate, and record it"):
        Event.objects.create(name="Purchase.Placed")
    with pytest.raises(AppendOnly):
        Event.objects.all().delete()


def test_a_field_added_later_has_its_default_in_older_events():
    old = TypedMapper(None).to_domain_event(Stored(uuid4(), 2, "Purchase.Cancelled", b'{"reason": "no stock"}'))

    assert old.by == "customer"


def test_so_has_one_that_was_added_to_the_first_event():
    from eventsourcing.domain import event

    class Ticket(Aggregate):
        @event("Opened")
        def __init__(self, title: str, *, urgent: bool = False, tags: tuple[str, ...] = ()) -> None:
            self.title, self.urgent, self.tags = title, urgent, tags

    old = TypedMapper(None).to_domain_event(Stored(uuid4(), 1, "Ticket.Opened", b'{"title": "Rain comes in"}'))

    assert (old.urgent, old.tags) == (False, ())


def test_a_name_that_is_never_stored_is_not_known():
    names = {name for name in known() if name.startswith("Purchase.")}

    assert names == {"Purchase.Placed", "Purchase.ItemAdded", "Purchase.Cancelled"}


def test_a_fact_that_could_change_after_the_event_is_refused():
    from eventsourcing.domain import event

    class Mutable(Aggregate):
        @event("Made")
        def __init__(self, lines: list[str]) -> None:
            self.lines = lines

    with pytest.raises(TypeError, match=r"Mutable\.Made: lines must not change"):
        shape("Mutable.Made")


@pytest.mark.parametrize(("customer", "items"), [(None, ()), (7, ()), (ADA, ("tea",)), (ADA, (Item(ADA, 1.5, 1),))])
def test_a_fact_of_another_type_than_declared_is_not_stored(customer, items):
    with pytest.raises(TypeError, match=r"Purchase\.Placed of .* is not what it declares to be: Expected"):
        purchases.record(Purchase.place(customer, items))

    assert log.after(0) == []


def test_an_unknown_name_is_named():
    with pytest.raises(LookupError, match=r"no class is stored as Purchase\.Vanished"):
        shape("Purchase.Vanished")


def test_new_ids_are_uuids_of_version_7_in_order_of_their_making():
    ids = [uuid7() for _ in range(1000)]

    assert {(i.version, i.variant) for i in ids} == {(7, "specified in RFC 4122")}
    assert [i.int >> 80 for i in ids] == sorted(i.int >> 80 for i in ids)
    assert len(set(ids)) == 1000


@pytest.mark.django_db(transaction=True)
def test_the_log_is_not_read_in_repeatable_read(empty_log):
    with pytest.raises(Exception, match="READ COMMITTED"), transaction.atomic(), connection.cursor() as c:
        c.execute("set transaction isolation level repeatable read")
        log.after(0)
