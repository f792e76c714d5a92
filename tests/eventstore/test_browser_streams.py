"""The event browser: one stream, one event, all that came of one request; and what cannot be read."""

import re
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from django.db import connection

from eventstore import personal
from eventstore.application import EventSourced
from eventstore.browser import causes, life
from eventstore.browser.values import Values
from eventstore.cause import because
from eventstore.models import Event
from eventstore.persistence import LogRecorder, Stored
from tests.eventstore.browsing import ADA, LIST, MUG, TEA, Guest, page_of, purchase, staff, stored, tree_of
from tests.eventstore.orders import Purchase, add, place, purchases

__all__ = ["staff"]  # a fixture

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore:No directory at")]


# What cannot be read

UNREADABLE = {
    "a name nobody knows": (("Fax.Received", b'{"pages": 3}'), "no class is stored as Fax.Received"),
    "another type": (("Purchase.Cancelled", b'{"reason": 7}'), "Expected `str`, got `int`"),
    "no JSON": (("Purchase.Cancelled", b"\xff{"), "JSON is malformed"),
    "no object": (("Purchase.Cancelled", b"[1]"), "Expected `object`, got `array`"),
    "no shape of it": (("Guest.Arrived", b'{"name": "Ada"}'), "room"),
    "no object, and personal": (("Guest.Arrived", b"[1]"), "Guest.Arrived"),
}


@pytest.mark.parametrize(("wrong", "problem"), UNREADABLE.values(), ids=UNREADABLE)
def test_an_event_that_cannot_be_read_is_shown_raw_with_its_problem(staff, wrong, problem):
    before = purchase(correlation_id=(correlation := uuid4()))
    with because(correlation_id=correlation):
        stream = stored(wrong)
    position = Event.objects.get(stream_id=stream).position

    pages = [staff.get(place) for place in (LIST, f"{LIST}{position}/", page_of(stream), tree_of(correlation))]

    for response in pages:
        assert (response.status_code, problem in unescaped(response)) == (200, True)
    assert str(before.id) in pages[0].text


def unescaped(response) -> str:
    return response.text.replace("&#x27;", "'").replace("&quot;", '"')


def test_an_unreadable_event_ends_what_is_known_of_its_stream(staff):
    found = purchase()
    LogRecorder().insert_events(
        [
            Stored(found.id, 2, "Purchase.Cancelled", b'{"reason": 7}'),
            Stored(found.id, 3, "Purchase.Cancelled", b'{"reason": "no"}'),
        ]
    )

    now, then = staff.get(page_of(found.id)), staff.get(page_of(found.id, "v1"))

    assert now.context["life"].then is None
    assert "Its state cannot be told." in now.text
    assert "an event before it is unreadable" in now.text
    assert then.context["life"].then["status"] == "placed"


def test_without_the_keys_the_others_are_still_shown_and_nothing_is_leaked(staff, settings):
    EventSourced().record(guest := Guest("Ada Byron", 7))
    other = purchase()
    settings.EVENTSTORE_KEYS = []

    response, stream = staff.get(LIST), staff.get(page_of(guest.id))

    assert "EVENTSTORE_KEYS is empty" in response.text
    assert "EVENTSTORE_KEYS is empty" in stream.text
    assert "Ada Byron" not in response.text + stream.text
    assert str(other.id) in response.text


# A stream


def test_a_stream_says_what_each_event_changed(staff):
    found = purchase(actor="ada")
    found.add(MUG)
    found.cancel("too <late>")
    with because(actor="bob", reason="by phone"):
        purchases.record(found)

    response = staff.get(page_of(found.id))

    changes = [[change.field for change in step.changes] for step in response.context["life"].steps]
    assert changes == [["customer_id", "items", "status", "reason"], ["items"], ["status", "reason"]]
    assert response.text.count('<li class="log-new">') == 1
    assert "too &lt;late&gt;" in response.text
    assert "“by phone”" in response.text


def test_of_an_object_only_the_fields_that_differ_are_told():
    change = Values("admin", []).change({"amount": "12.50", "currency": "GBP"}, {"amount": "13.50", "currency": "GBP"})

    assert re.sub("<[^>]*>", " ", change).split() == ["amount", "12.50", "→", "13.50"]


@pytest.mark.parametrize("moment", ["version", "position", "instant"])
def test_a_stream_is_shown_as_of_then_with_the_difference_to_now(staff, moment):
    found = purchase()
    first = Event.objects.get(stream_id=found.id)
    found.cancel("no")
    purchases.record(found)
    at = {"version": "v1", "position": first.position, "instant": first.recorded_at.isoformat().replace("+", "%2B")}

    response = staff.get(page_of(found.id, at[moment]))

    lived = response.context["life"]
    assert (lived.version, lived.then["status"], lived.now["status"]) == (1, "placed", "cancelled")
    assert [f["name"] for f in response.context["fields"] if f["changed"]] == ["status", "reason"]


@pytest.mark.parametrize(
    ("at", "problem"),
    [
        ("yesterday", "is no moment"),
        ("v9", "There was no v9 of this stream."),
        ("0", "It did not exist yet."),
        ("9" * 18, "is still to come"),
        ("0001-01-01T00:00%2B14:00", "is no moment"),
        ("a%00b", "is no moment"),
    ],
)
def test_a_moment_that_is_none_is_explained_and_now_is_shown(staff, at, problem):
    found = purchase()

    response = staff.get(page_of(found.id, at))

    assert problem in response.context["bad_moment"]
    assert response.context["life"].is_now


def test_a_long_stream_comes_in_pages_and_its_state_is_whole_on_each(staff, monkeypatch):
    monkeypatch.setattr(life, "PAGE", 4)
    found = purchase()
    for _ in range(9):
        found.add(MUG)
    purchases.record(found)

    pages = {at: staff.get(page_of(found.id, at)).context for at in ("v1", "v6", "v10")}

    assert [[s.told.entry.version for s in p["life"].steps] for p in pages.values()] == [
        [1, 2, 3, 4],
        [5, 6, 7, 8],
        [9, 10],
    ]
    assert [len(p["life"].then["items"]) for p in pages.values()] == [1, 6, 10]
    assert [len(p["life"].now["items"]) for p in pages.values()] == [10, 10, 10]
    assert (pages["v6"]["earlier"], pages["v6"]["later"]) == (4, 9)


def test_older_shapes_and_forgotten_persons_are_shown_as_todays_code_reads_them(staff):
    EventSourced().record(guest := Guest("Ada Byron", 7))
    older = stored(("Guest.Arrived", b'{"name": "", "room": "No. 7"}'), ("Guest.Relocated", b'{"room": 8}'))

    assert staff.get(page_of(guest.id)).context["life"].now == {"name": "Ada Byron", "room": 7}
    assert staff.get(page_of(older)).context["life"].now == {"name": "", "room": 8}
    personal.forget(guest.id)
    for page in (page_of(guest.id), LIST, f"{LIST}{Event.objects.get(stream_id=guest.id).position}/"):
        assert "[erased]" in staff.get(page).text
        assert "Ada Byron" not in staff.get(page).text


@pytest.mark.parametrize("page", [f"stream/{UUID(int=7)}/", f"causes/{UUID(int=7)}/", "999999999/", f"{10**30}/"])
def test_what_is_not_there_is_not_found(staff, page):
    assert staff.get(LIST + page).status_code == 404


# One event


def test_an_event_shows_its_envelope_and_leads_to_its_neighbours(staff):
    found = purchase()
    other = purchase()
    with because(actor="bob", effective_at=datetime(2026, 3, 1, tzinfo=UTC)):
        found.add(MUG)
        purchases.record(found)
    first, between, last = Event.objects.filter(stream_id__in=[found.id, other.id]).order_by("position")

    context = staff.get(f"{LIST}{last.position}/").context

    assert context["told"].entry.actor == "bob"
    assert context["told"].late
    assert (context["before"]["position"], context["older"]["position"]) == (first.position, between.position)
    assert (context["after"], context["newer"]) == (None, None)


def test_an_id_that_is_a_stream_is_a_link(staff):
    customer = purchase()
    found = Purchase.place(customer.id, [TEA])
    purchases.record(found)

    text = staff.get(f"{LIST}{Event.objects.get(stream_id=found.id).position}/").text

    assert f'<a href="{page_of(customer.id)}" title="{customer.id}">Purchase …{str(customer.id)[-8:]}</a>' in text
    assert page_of(TEA.product_id) not in text


# Causes and consequences


def shape(lines: list[causes.Line]) -> list[str]:
    """The tree as an indented list."""
    told, depth = [], 0
    for line in lines:
        depth += line.opens
        what = line.asking.name or "…" if line.asking else line.told.what
        told.append("  " * (depth - 1) + what)
        depth -= len(line.closes)
    return told


def test_commands_and_events_are_nested_under_what_caused_them(staff):
    correlation = uuid4()
    with because(correlation_id=correlation):
        first = place(customer_id=ADA, items=(TEA,))
        placed = Event.objects.get(position=first.position).event_id
        with because(causation_id=placed):
            added = add(first.id, item=MUG)
            with because(causation_id=Event.objects.get(position=added.position).event_id):
                place(customer_id=ADA, items=(MUG,))
            add(first.id, item=TEA)
        place(customer_id=ADA, items=(TEA,))
        with because(causation_id=uuid4(), command_id=None):
            purchase()

    response = staff.get(tree_of(correlation))

    assert shape(response.context["lines"]) == [
        *("place", "  Placed"),
        *("    add", "      ItemAdded", "        place", "          Placed"),
        *("    add", "      ItemAdded"),
        *("place", "  Placed"),
        *("…", "  Placed"),
    ]
    assert response.text.count("is not on this page") == 1
    tree = response.text.partition('<div class="log-card log-tree">')[2]
    assert [tree.count("<ul>"), tree.count("<li>")] == [tree.count("</ul>"), tree.count("</li>")] == [9, 12]


def test_a_log_that_says_it_caused_itself_is_shown_and_not_followed_for_ever(staff):
    correlation = uuid4()
    streams = [purchase(correlation_id=correlation, command_id=uuid4()).id for _ in "12"]
    ids = dict(Event.objects.filter(correlation_id=correlation).values_list("stream_id", "event_id"))
    with connection.cursor() as cursor:
        cursor.execute("alter table eventstore_event disable trigger eventstore_append_only")
        sql = "update eventstore_event set causation_id = %s where stream_id = %s"
        cursor.executemany(sql, [(ids[streams[1]], stream) for stream in streams])

    assert shape(staff.get(tree_of(correlation)).context["lines"]) == ["…", "  Placed", "…", "  Placed"]


def test_a_long_chain_of_causes_comes_in_pages(staff, monkeypatch):
    monkeypatch.setattr(causes, "MOST", 3)
    correlation, cause = uuid4(), None
    for _ in range(5):
        found = purchase(correlation_id=correlation, causation_id=cause, command_id=uuid4())
        cause = Event.objects.get(stream_id=found.id).event_id

    first = staff.get(tree_of(correlation))
    second = staff.get(f"{tree_of(correlation)}?after={first.context['more']}")

    assert (first.context["count"], second.context["count"], second.context["more"]) == (3, 2, None)
    assert second.context["lines"][0].strange
