"""What the tests of the event browser share: somebody who may look, and something to look at."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from eventsourcing.domain import event

from eventstore import persistence
from eventstore.cause import because
from eventstore.domain import Aggregate
from eventstore.evolution import formerly, upcast
from eventstore.persistence import LogRecorder, Stored
from eventstore.sealing import Personal
from tests.eventstore.orders import Item, Purchase, purchases

ADA = UUID(int=1)
TEA = Item(UUID(int=2), 2, Decimal("9.90"))
MUG = Item(UUID(int=3), 1, Decimal("4.00"))
LIST = "/admin/eventstore/event/"


class Guest(Aggregate):
    """Somebody who can be forgotten, and who was once stored otherwise."""

    @event("Arrived")
    def __init__(self, name: Personal[str], room: int) -> None:
        self.name, self.room = name, room

    @event("Moved")
    def move(self, room: int) -> None:
        self.room = room


@upcast("Guest.Arrived")
def _rooms_have_numbers(facts):
    return facts | {"room": int(facts["room"].removeprefix("No. "))}


formerly("Guest.Relocated", now="Guest.Moved")


@pytest.fixture
def staff(client: Client) -> Client:
    """Signed in as somebody who may see events, and nothing else."""
    user = User.objects.create_user("desk", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_event"))
    client.force_login(user)
    return client


def purchase(**why) -> Purchase:
    with because(**why):
        found = Purchase.place(ADA, [TEA])
        purchases.record(found)
    return found


def positions(response) -> list[int]:
    return [told.entry.position for told in response.context["page"].told]


def stored(*events, stream: UUID | None = None) -> UUID:
    stream = stream or uuid4()
    LogRecorder().insert_events([Stored(stream, n, name, data) for n, (name, data) in enumerate(events, 1)])
    return stream


def page_of(stream: UUID, at: str = "") -> str:
    return reverse("admin:eventstore_event_stream", args=[stream]) + (f"?at={at}" if at else "")


def tree_of(correlation: UUID) -> str:
    return reverse("admin:eventstore_event_causes", args=[correlation])


@contextmanager
def counted(monkeypatch) -> Iterator[list[str]]:
    """Statements of Django's cursor and of the log's own."""
    own, found = persistence.cursor, []

    @contextmanager
    def counting(using="default"):
        with own(using) as cursor:
            found.append("own")
            yield cursor

    with monkeypatch.context() as patched, CaptureQueriesContext(connection) as captured:
        patched.setattr(persistence, "cursor", counting)
        yield found
    found += [query["sql"] for query in captured]
