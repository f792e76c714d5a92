"""While a past is made, the log is read once: and what is kept in mind is what the log says."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from eventsourcing.application import AggregateNotFoundError

from eventstore import application, log, personal
from eventstore.application import load
from eventstore.cause import because
from eventstore.memory import memory
from eventstore.moved_clock import movable_clock, moved_clock, remembered
from tests.eventstore.orders import Item, Purchase, add, place, purchases
from tests.eventstore.test_personal import Patient, Visit, app

pytestmark = pytest.mark.django_db

MARCH = datetime(2024, 3, 1, tzinfo=UTC)
TEA = Item(UUID(int=2), 2, Decimal("9.90"))
NOBODY = UUID(int=9)


@pytest.fixture(autouse=True)
def in_march() -> Iterator[None]:
    with movable_clock(), moved_clock(), because(effective_at=MARCH):
        yield


def test_what_was_appended_is_known_as_it_lies_in_the_log() -> None:
    with remembered():
        (bought, *_) = place(customer_id=NOBODY, items=(TEA,))
        known = [vars(load(bought)), log.of([bought])]
        add(bought, item=TEA)
        add(bought, item=TEA)
        known += [vars(load(bought)), log.of([bought, bought])]

    read = [vars(load(bought, version=1)), log.of([bought])[:1], vars(load(bought)), log.of([bought])]
    assert known == read


def test_nothing_is_asked_of_a_stream_that_began_here_or_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with remembered():
        monkeypatch.setattr(log, "rows", None)  # nothing can be asked
        monkeypatch.setattr(application, "rows", None)
        (bought, *_) = place(customer_id=NOBODY, items=(TEA,))

        assert log.exists(bought)
        assert load(bought).items == (TEA,)
        assert not log.exists(NOBODY)
        with pytest.raises(AggregateNotFoundError):
            load(NOBODY)


def test_a_stream_that_was_there_before_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    (bought, *_) = place(customer_id=NOBODY, items=(TEA,))
    with remembered():
        load(bought)
        monkeypatch.setattr(log, "rows", None)

        assert load(bought).items == (TEA,)


def test_what_was_decided_and_never_recorded_is_in_nobodys_mind() -> None:
    with remembered():
        (bought, *_) = place(customer_id=NOBODY, items=())
        load(bought).add(TEA)

        assert load(bought).items == ()
        assert purchases.load_all(Purchase, [bought, NOBODY])[bought].version == 1


def test_who_is_forgotten_is_forgotten_at_once() -> None:
    with remembered():
        app.record(patient := Patient("Ada Byron", "7b"))
        app.record(visit := Visit(patient.id, "Charles Babbage"))
        assert (load(patient.id).name, load(visit.id).visitor) == ("Ada Byron", "Charles Babbage")

        personal.forget(patient.id)

        assert (load(patient.id).name, load(visit.id).visitor) == ("[erased]", "[erased]")


def test_whoever_has_appended_beside_is_noticed() -> None:
    with remembered():
        (bought, *_) = place(customer_id=NOBODY, items=())
        aside = memory.set(None)
        add(bought, item=TEA)
        memory.reset(aside)
        assert load(bought).items == ()  # it is not looked for

        add(bought, item=TEA)  # tried again

        assert load(bought).items == (TEA, TEA)


def test_whoever_makes_a_past_is_told_what_was_appended() -> None:
    with remembered() as known:
        place(customer_id=NOBODY, items=(TEA,))

        assert known.take() == log.after(0)
        assert known.take() == []
