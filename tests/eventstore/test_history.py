"""Time travel: what an aggregate was, and what changed."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from eventsourcing.application import AggregateNotFoundError

from eventstore import history
from eventstore.cause import because
from eventstore.models import Event
from tests.eventstore.orders import Item, Purchase, purchases

pytestmark = pytest.mark.django_db

ADA = UUID(int=1)
TEA = Item(UUID(int=2), 2, Decimal("9.90"))
MUG = Item(UUID(int=3), 1, Decimal("4.00"))
MARCH, APRIL, MAY = (datetime(2026, month, 1, tzinfo=UTC) for month in (3, 4, 5))


@pytest.fixture
def purchase():
    """Placed in March, and cancelled in May; in between a mug was added, which we learned of last."""
    with because(effective_at=MARCH, actor="ada"):
        purchase = Purchase.place(ADA, [TEA])
        purchases.record(purchase)
    with because(effective_at=MAY, actor="bob", reason="asked by phone"):
        purchase.cancel("too late")
        purchases.record(purchase)
    with because(effective_at=APRIL):
        purchase.add(MUG)
        purchases.record(purchase)
    return purchase


def test_an_aggregate_at_each_version_and_position(purchase):
    placed, cancelled, added = Event.objects.order_by("position")

    for moment in (f"v{placed.version}", str(placed.position), placed.recorded_at.isoformat()):
        then = history.at(purchase.id, history.moment(moment))
        assert (then.version, then.status, then.items) == (1, "placed", (TEA,)), moment
    for moment in (f"v{cancelled.version}", str(cancelled.position), cancelled.recorded_at.isoformat()):
        then = history.at(purchase.id, history.moment(moment))
        assert (then.version, then.status, then.items) == (2, "cancelled", (TEA,)), moment
    assert history.at(purchase.id, history.moment(str(added.position))).items == (TEA, MUG)


def test_what_was_true_is_told_from_what_was_known(purchase):
    mid_april = (APRIL + timedelta(days=14)).isoformat()

    then = history.at(purchase.id, history.effective(mid_april))

    assert (then.status, then.items) == ("placed", (TEA, MUG))
    with pytest.raises(AggregateNotFoundError):  # of what was known in April: nothing
        history.at(purchase.id, history.moment(mid_april))


def test_there_was_nothing_before_the_first_event(purchase):
    for moment in (history.moment("0"), history.effective("2026-02-28T00:00Z"), history.moment("v4")):
        with pytest.raises(AggregateNotFoundError):
            history.at(purchase.id, moment)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("yesterday", "is no moment. Expected an instant"),
        ("v0", "is no moment"),
        ("-1", "is no moment"),
        ("9999-99-99", "is no moment"),
        ("0001-01-01T00:00+14:00", "is no moment"),
        ("2026-03-01T12:00", "has no zone"),
        ("9999-01-01T00:00Z", "is still to come"),
        ("9" * 18, "is still to come: the log ends at"),
        ("9" * 19, "is no moment"),
    ],
)
def test_a_moment_that_is_none_is_explained(text, problem):
    with pytest.raises(ValueError, match=problem):
        history.moment(text)


def test_each_event_says_what_it_changed(purchase):
    told = [(entry.name, entry.actor, changes) for entry, changes in history.states(history.of(purchase.id))]

    assert told[1] == (
        "Purchase.Cancelled",
        "bob",
        [history.Change("status", "placed", "cancelled"), history.Change("reason", "", "too late")],
    )
    assert told[2] == ("Purchase.ItemAdded", None, [history.Change("items", (TEA,), (TEA, MUG))])


def shown(*arguments):
    out = StringIO()
    call_command("events", *map(str, arguments), stdout=out, no_color=True)
    return out.getvalue()


def test_events_show_tells_a_stream_a_state_and_the_changes(purchase):
    everything = shown("show", purchase.id)
    then = shown("show", purchase.id, "--at", "v1")
    changes = shown("show", purchase.id, "--diff")

    assert re.findall(r"v(\d) (\S+)", everything) == [
        ("1", "Purchase.Placed"),
        ("2", "Purchase.Cancelled"),
        ("3", "Purchase.ItemAdded"),
    ]
    assert "by bob because asked by phone" in everything
    assert f"Purchase {purchase.id}, version 1, at v1" in then
    assert '    status: "placed"' in then
    assert '    status: "placed" → "cancelled"' in changes


def test_events_show_tells_what_changed_between_two_moments(purchase):
    between = shown("show", purchase.id, "--diff", "--since", "v1", "--at", "v2")

    assert re.findall(r"v(\d) (\S+)", between) == [("2", "Purchase.Cancelled")]
    assert '    status: "placed" → "cancelled"' in between


def test_events_tail_shows_the_last_ones_oldest_first(purchase):
    lines = shown("tail", "-n", "2").splitlines()

    assert ["Purchase.Cancelled" in lines[0], "Purchase.ItemAdded" in lines[1]] == [True, True]
    assert shown("tail", "--name", "Purchase.Placed").count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("show", "x"), "is no stream. Expected a UUID"),
        (("show", uuid4()), "There is no stream"),
        (("show", uuid4(), "--at", "soon"), "is no moment"),
        (("show", uuid4(), "--at", "v1", "--effective-at", "2026-01-01T00:00Z"), "give one of them"),
        (("tail", "-n", "-1"), "must not be negative"),
    ],
)
def test_events_explains_what_it_cannot_do(arguments, problem):
    with pytest.raises(CommandError, match=problem):
        shown(*arguments)
