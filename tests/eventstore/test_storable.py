"""What facts may be: what some reader of the log could not read is not stored, and the error says which fact it is."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import pytest
from eventsourcing.domain import event

from eventstore import log
from eventstore.application import EventSourced, load
from eventstore.cause import because
from eventstore.domain import Aggregate, value
from eventstore.persistence import rows
from eventstore.sealing import PersonalOf
from eventstore.storable import MOST, may_hold_moments
from tests.eventstore.orders import Item

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAIVE = NOON.replace(tzinfo=None)


@value
class Stop:
    town: str
    at: datetime


class Journey(Aggregate):
    @event("Begun")
    def __init__(self, note: str, tags: tuple[str, ...] = (), at: datetime = NOON) -> None:
        self.note, self.tags, self.at = note, tags, at

    @event("Planned")
    def plan(self, stops: tuple[Stop, ...] = (), by_day: dict[str, datetime] | None = None, more: Any = None) -> None:
        self.stops = stops

    @event("Told")
    def tell(self, secret: Annotated[str, PersonalOf("traveller")], traveller: UUID) -> None:
        self.secret = secret

    @event("Named")
    def name(self, names: dict[str, int] | None) -> None:
        self.names = names


app = EventSourced()


@pytest.mark.parametrize("text", ["a\0b", "\0", "\\\0", "\\\\\0", "\\u0000\0"])
def test_a_nul_character_is_refused(text):
    for journey in (Journey(text), Journey("", (text,))):
        field = "tags" if journey.tags else "note"
        with pytest.raises(ValueError, match=rf"Journey\.Begun of {journey.id}: {field} has a NUL character"):
            app.record(journey)

    assert log.after(0) == []


def test_one_in_a_key_is_refused_and_one_in_what_is_sealed():
    journey, other = Journey(""), Journey("")
    journey.name({"a\0": 1})
    other.tell("my\0secret", UUID(int=1))

    with pytest.raises(ValueError, match=r"Journey\.Named of .*: names has a NUL"):
        app.record(journey)
    with pytest.raises(ValueError, match=r"Journey\.Told of .*: secret has a NUL"):
        app.record(other)

    assert log.after(0) == []


@pytest.mark.parametrize("text", ["\\u0000", "\\\\u0000", "\\\\\\u0000", "u0000", "\\"])
def test_what_only_looks_like_one_is_stored(text):
    receipt = app.record(Journey(text, (text,)))

    found = load(receipt.id)

    assert (found.note, found.tags) == (text, (text,))
    assert rows("select facts ->> 'note' from eventstore_log") == [(text,)]


@pytest.mark.parametrize("half", ["\ud800", "a\udc00b", "\udc00\ud800"])
def test_half_of_a_surrogate_pair_is_refused(half):
    journey = Journey("", (half,))

    with pytest.raises(ValueError, match=rf"Journey\.Begun of {journey.id}: tags is no text: it has half of a surr"):
        app.record(journey)

    assert log.after(0) == []


def test_what_json_cannot_say_is_named():
    journey = Journey("")
    journey.plan(more=object())

    with pytest.raises(TypeError, match=rf"Journey\.Planned of {journey.id}: more cannot be stored: .*object"):
        app.record(journey)


@pytest.mark.parametrize(
    ("field", "fact"),
    [
        ("stops", (Stop("Dover", NOON), Stop("Paris", NAIVE))),
        ("by_day", {"monday": NAIVE}),
        ("more", NAIVE),
        ("more", [{"then": (NAIVE,)}]),
        ("more", Stop("Paris", NAIVE)),
    ],
)
def test_an_instant_without_a_zone_is_refused(field, fact):
    journey = Journey("")
    journey.plan(**{field: fact})

    with pytest.raises(ValueError, match=rf"Journey\.Planned of {journey.id}: {field} has no zone"):
        app.record(journey)

    assert log.after(0) == []


def test_so_is_one_at_which_it_was_true():
    with because(effective_at=NAIVE), pytest.raises(ValueError, match="effective_at, 2026-03-01 12:00:00, has no zone"):
        app.record(Journey(""))

    assert log.after(0) == []


def test_instants_with_a_zone_are_stored():
    journey = Journey("", (), NOON)
    journey.plan((Stop("Dover", NOON),), {"monday": NOON}, [NOON])

    app.record(journey)

    assert load(journey.id).stops == (Stop("Dover", NOON),)


def test_only_facts_that_may_hold_an_instant_are_searched_for_one():
    some = [datetime, datetime | None, Any, tuple[Stop, ...], dict[str, datetime]]
    none = [str, UUID | None, tuple[Item, ...], dict[str, int]]

    assert [may_hold_moments(kind) for kind in some + none] == [True] * len(some) + [False] * len(none)


def test_facts_are_at_most_so_long():
    fits = Journey("x" * (MOST - 100))
    app.record(fits)
    sealed = Journey("")
    sealed.tell("x" * (MOST - 100), UUID(int=1))

    with pytest.raises(ValueError, match=r"Begun of .*: expected at most 16,777,216 bytes of facts, found 16,777,\d+"):
        app.record(Journey("x" * MOST))
    with pytest.raises(ValueError, match=r"Told of .*: expected at most 16,777,216 bytes of facts, found 22,"):
        app.record(sealed)

    assert [e.stream_id for e in log.after(0)] == [fits.id]
