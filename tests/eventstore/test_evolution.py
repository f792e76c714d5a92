"""Older events are read as today's."""

import json
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from eventsourcing.domain import event

from eventstore import evolution, history, log, mapper
from eventstore.application import EventSourced, load
from eventstore.domain import Aggregate
from eventstore.evolution import formerly, retired, upcast
from eventstore.mapper import Unreadable
from eventstore.persistence import LogRecorder, Stored

pytestmark = pytest.mark.django_db


class Pupil(Aggregate):
    """As it is today: a name has two parts, a move says where from, nobody has a fax."""

    @event("Enrolled")
    def __init__(self, first: str, last: str, year: int = 1) -> None:
        self.first, self.last, self.year = first, last, year
        self.town = ""

    @event("Moved")
    def move(self, town: str) -> None:
        self.town = town

    @event("Left")
    def leave(self, reason: str) -> None:
        self.town = reason

    @event("Expelled")
    def expel(self) -> None:
        self.town = self.school.upper()


@upcast("Pupil.Enrolled")
def _the_name_has_two_parts(facts):
    first, _, last = facts.pop("name").partition(" ")
    return facts | {"first": first, "last": last}


@upcast("Pupil.Enrolled")
def _the_year_is_a_number(facts):
    return facts | {"year": int(facts.get("year", "1"))}


formerly("Pupil.Relocated", now="Pupil.Moved")
formerly("Pupil.Gone", now=lambda facts: "Pupil.Moved" if "town" in facts else "Pupil.Left")
retired("Pupil.FaxChanged")


def stored(*events):
    stream = uuid4()
    LogRecorder().insert_events(
        [Stored(stream, n, name, json.dumps(facts).encode()) for n, (name, facts) in enumerate(events, 1)]
    )
    return stream


@pytest.mark.parametrize(
    "facts",
    [
        {"name": "Ada Byron", "year": "3"},
        {"first": "Ada", "last": "Byron", "year": "3", "_shape": 2},
        {"first": "Ada", "last": "Byron", "year": 3, "_shape": 3},
    ],
)
def test_every_shape_of_a_name_is_read_as_the_newest(facts):
    pupil = load(stored(("Pupil.Enrolled", facts)))

    assert (pupil.first, pupil.last, pupil.year) == ("Ada", "Byron", 3)


def test_the_past_of_an_older_shape_is_read_like_the_present():
    stream = stored(("Pupil.Enrolled", {"name": "Ada Byron"}), ("Pupil.Relocated", {"town": "Dover"}))

    first, second = history.states(history.of(stream))

    assert (first[1][0], second[1]) == (("first", None, "Ada"), [("town", "", "Dover")])
    assert history.at(stream, history.moment("v2")).town == "Dover"
    assert history.at(stream, history.effective(datetime.now(UTC).isoformat())).first == "Ada"


def test_what_is_stored_has_the_newest_shape():
    EventSourced().record(pupil := Pupil("Ada", "Byron"))

    (enrolled,) = log.of([pupil.id])
    assert json.loads(enrolled.data) == {"first": "Ada", "last": "Byron", "year": 1}
    (raw,) = LogRecorder().select_events(pupil.id)
    assert json.loads(raw.state)["_shape"] == 3


def test_a_name_that_was_renamed_or_split_is_read_as_todays():
    enrolled = ("Pupil.Enrolled", {"name": "Ada Byron"})
    moved = load(stored(enrolled, ("Pupil.Relocated", {"town": "Dover"})))
    gone = load(stored(enrolled, ("Pupil.Gone", {"town": "Paris"})))
    left = load(stored(enrolled, ("Pupil.Gone", {"reason": "graduated"})))

    assert [moved.town, gone.town, left.town] == ["Dover", "Paris", "graduated"]


def test_a_retired_name_counts_as_a_version_and_changes_nothing():
    pupil = load(stored(("Pupil.Enrolled", {"name": "Ada Byron"}), ("Pupil.FaxChanged", {"fax": "1"})))

    assert (pupil.version, pupil.first) == (2, "Ada")
    pupil.move("Dover")
    assert EventSourced().record(pupil).version == 3


def test_who_asks_for_todays_name_gets_what_was_stored_under_the_older_ones():
    stored(("Pupil.Relocated", {"town": "Dover"}), ("Pupil.Gone", {"town": "Paris"}), ("Pupil.Moved", {"town": "Rome"}))

    found = log.after(0, ["Pupil.Moved"])

    assert [(e.name, json.loads(e.data)["town"]) for e in found] == [
        ("Pupil.Moved", "Dover"),
        ("Pupil.Moved", "Paris"),
        ("Pupil.Moved", "Rome"),
    ]


@pytest.mark.parametrize(
    ("name", "facts", "problem"),
    [
        ("Pupil.Vanished", {}, "no class is stored as Pupil.Vanished"),
        ("Pupil.Moved", {"town": 7}, r"Expected `str`, got `int` - at `\$.town`"),
        ("Pupil.Moved", {}, "missing required field `town`"),
        ("Pupil.Enrolled", {"year": "1"}, r"KeyError\('name'\)"),
    ],
)
def test_an_event_that_cannot_be_read_says_which_and_where_and_why(name, facts, problem):
    stream = stored(("Pupil.Enrolled", {"name": "Ada Byron"}), (name, facts))
    position = log.horizon()

    with pytest.raises(Unreadable, match=f"{name} at position {position}, version 2 of {stream}: .*{problem}"):
        load(stream)


def test_an_event_whose_body_fails_says_which_and_where_and_why():
    stream = stored(
        ("Pupil.Enrolled", {"name": "Ada Byron"}), ("Pupil.Moved", {"town": "Dover"}), ("Pupil.Expelled", {})
    )
    where = f"Pupil.Expelled at position {log.horizon()}, version 3 of {stream}: AttributeError"
    now = datetime.now(UTC).isoformat()

    for read in (
        lambda: load(stream),
        lambda: history.at(stream, history.moment("v3")),
        lambda: history.at(stream, history.effective(now)),
        lambda: list(history.states(history.of(stream))),
    ):
        with pytest.raises(Unreadable, match=where) as told:
            read()
        assert isinstance(told.value.__cause__, AttributeError)
    assert load(stream, version=2).town == "Dover"


def test_so_does_the_first_event_of_a_stream_that_is_none():
    stream = stored(("Pupil.Moved", {"town": "Dover"}))

    with pytest.raises(Unreadable, match=f"Pupil.Moved at position {log.horizon()}, version 1 of {stream}: "):
        load(stream)


def test_an_upcaster_that_fails_is_named_by_its_event_in_every_reading():
    stream = stored(("Pupil.Enrolled", {"name": 7}))
    where = f"Pupil.Enrolled at position {log.horizon()}, version 1 of {stream}: AttributeError"

    for read in (lambda: load(stream), lambda: history.of(stream), lambda: log.after(0)):
        with pytest.raises(Unreadable, match=where):
            read()


@pytest.mark.parametrize("data", [b"\xff", b'{"town": "\xff"}', b"", b"[1]"])
@pytest.mark.parametrize("name", ["Pupil.Moved", "Pupil.Relocated"])
def test_a_payload_that_is_no_json_is_named(name, data):
    stream = stored(("Pupil.Enrolled", {"name": "Ada Byron"}))
    LogRecorder().insert_events([Stored(stream, 2, name, data)])

    with pytest.raises(Unreadable, match=f"{name} at position {log.horizon()}, version 2 of {stream}: "):
        load(stream)


def test_so_are_facts_that_are_asked_for():
    stream = stored(("Pupil.Enrolled", {"name": "Ada Byron"}))
    LogRecorder().insert_events([Stored(stream, 2, "Pupil.Moved", b"\xff")])
    moved = history.of(stream)[-1]

    with pytest.raises(Unreadable, match=f"Pupil.Moved at position {moved.position}, version 2 of {stream}: "):
        _ = moved.facts


def test_a_stream_is_loaded_by_a_uuid():
    stream = stored(("Pupil.Enrolled", {"name": "Ada Byron"}))

    with pytest.raises(TypeError, match=f"Expected the UUID of a stream, found '{stream}'"):
        load(str(stream))


def test_a_name_cannot_be_its_own_past(monkeypatch):
    monkeypatch.setitem(evolution.aliases, "A.B", "A.C")
    monkeypatch.setitem(evolution.aliases, "A.C", "A.B")
    mapper.as_stored.cache_clear()

    with pytest.raises(TypeError, match="was formerly itself"):
        evolution.present("A.B", {})
