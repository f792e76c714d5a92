"""Snapshots are taken by themselves, and never needed."""

from uuid import UUID

import pytest
from eventsourcing.domain import event
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from eventstore import application
from eventstore.application import EventSourced, load
from eventstore.domain import Aggregate
from eventstore.models import Snapshot
from eventstore.persistence import rows
from tests.eventstore.orders import Item, Purchase

pytestmark = pytest.mark.django_db
app = EventSourced()


class Counter(Aggregate):
    snapshot_every = 5
    total: int
    steps: tuple[int, ...]

    @event("Started")
    def __init__(self) -> None:
        self.total = 0
        self.steps: tuple[int, ...] = ()

    @event("Stepped")
    def step(self, by: int) -> None:
        self.total += by
        self.steps += (by,)


def counted(*groups):
    counter = Counter()
    app.record(counter)
    for group in groups:
        counter = load(counter.id)
        for by in group:
            counter.step(by)
        app.record(counter)
    return counter.id


def forget_snapshots():
    rows("delete from eventstore_snapshot returning 1")


@settings(max_examples=30, deadline=None)
@for_all(st.lists(st.lists(st.integers(), max_size=7), max_size=6), st.integers(1, 40))
def test_with_and_without_snapshots_the_aggregate_is_the_same_at_every_version(groups, version):
    counter = counted(*groups)
    version = min(version, load(counter).version)

    now, then = load(counter), load(counter, version)
    forget_snapshots()

    assert (now, then) == (load(counter), load(counter, version))


def test_one_is_taken_when_a_multiple_is_passed():
    counter = counted([1, 2, 3], [4, 5, 6], [7, 8, 9])

    assert list(Snapshot.objects.filter(stream_id=counter).order_by("version").values_list("version", flat=True)) == [
        7,
        10,
    ]


def test_only_later_events_are_read(monkeypatch):
    counter = counted([1, 2, 3], [4, 5, 6], [7, 8])
    read = []
    monkeypatch.setattr(application.mapper, "to_domain_events", lambda found: read.extend(found) or [])

    load(counter)

    assert [record.version for record in read] == [8, 9]


def test_one_that_other_code_took_is_ignored(monkeypatch):
    counter = counted([1, 2, 3, 4])
    rows("update eventstore_snapshot set data = %b, code = 'older' returning 1", b'{"total": "what?"}')

    assert load(counter).total == 10


def test_an_aggregate_that_declares_nothing_is_not_kept():
    purchase = Purchase.place(UUID(int=1), ())
    for _ in range(150):
        purchase.add(Item(purchase.id, 1, 1))
    app.record(purchase)

    assert not Snapshot.objects.filter(stream_id=purchase.id).exists()


def test_an_attribute_without_a_type_is_named():
    class Forgetful(Aggregate):
        snapshot_every = 1
        total: int

        @event("Started")
        def __init__(self) -> None:
            self.total = 0
            self.other = 1

    with pytest.raises(TypeError, match="declare the types of other"):
        app.record(Forgetful())


def test_many_are_loaded_at_once_as_each_alone():
    """With a snapshot, with events after it, without one; and one that is not there."""
    some = [counted([1, 2, 3, 4]), counted([5]), counted([1, 2, 3], [4, 5, 6, 7])]
    other = Purchase.place(UUID(int=2), [])
    app.record(other)

    found = app.load_all(Counter, [*some, UUID(int=1), other.id])

    assert list(found) == some
    assert [vars(each) for each in found.values()] == [vars(load(each)) for each in some]
    assert app.load_all(Counter, []) == {}
