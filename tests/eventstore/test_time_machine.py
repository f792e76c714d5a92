"""The time machine: each moment of an object's life, who, why, what changed, and what came of it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from eventstore import personal
from eventstore.browser.readable import MOST, tree, words
from eventstore.cause import because
from eventstore.models import Event
from eventstore.persistence import LogRecorder, Stored
from tests.eventstore.browsing import ADA, MUG, TEA, Guest, counted, purchase, staff, stored
from tests.eventstore.orders import add, purchases

__all__ = ["staff"]  # a fixture

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore:No directory at")]


def machine_of(stream: UUID, **asked: object) -> str:
    given = "&".join(f"{name}={value}" for name, value in asked.items())
    return reverse("admin:time_machine", args=[stream]) + f"?{given}"


def moments_of(stream: UUID, version: int) -> str:
    return reverse("admin:time_machine_moments", args=[stream]) + f"?v={version}"


def test_names_are_words_and_values_say_themselves():
    assert [words(name) for name in ("AddressChanged", "default_address", "customer_id", "sku")] == [
        *("Address changed", "Default address", "Customer", "SKU")
    ]
    assert tree((TEA, datetime(2026, 3, 1, tzinfo=UTC), {ADA: True})) == [
        {"product_id": str(TEA.product_id), "quantity": 2, "unit_price": "9.90"},
        "2026-03-01T00:00:00+00:00",
        {str(ADA): True},
    ]
    assert tree(range(MOST + 3))[:2] == [{"…": "3 more before these"}["…"], 3]


def test_a_moment_shows_what_it_was_what_changed_who_and_why(staff):
    found = purchase(actor="ada").id
    with because(actor="grace", reason="one more"):
        add(found, item=MUG)

    response = staff.get(machine_of(found, at="v2"))

    shown = response.context["shown"]
    assert (response.context["version"], response.context["last"], shown.title) == (2, 2, "Item added")
    assert [field.field for field in shown.fields if field.changed] == ["items"]
    assert "grace" in response.text
    assert "“one more”" in response.text
    assert "Product</th>" in response.text  # lines as a table, with words


def test_a_moment_is_found_by_version_position_instant_and_day(staff):
    found = purchase().id
    add(found, item=MUG)
    first = Event.objects.get(stream_id=found, version=1)

    asked = ["v1", first.position, first.recorded_at.isoformat().replace("+", "%2B")]

    assert [staff.get(machine_of(found, at=at)).context["version"] for at in asked] == [1, 1, 1]
    assert staff.get(machine_of(found, version=1)).context["version"] == 1  # the slider without scripts
    assert "It did not exist yet" in staff.get(machine_of(found, at="2020-01-01")).text
    assert "There was no v9: it has 2." in staff.get(machine_of(found, at="v9")).text
    assert "is no moment" in staff.get(machine_of(found, at="yesterday")).text


def test_what_it_led_to_and_what_it_came_of_are_links_to_other_machines(staff):
    correlation = uuid4()
    cause = purchase(correlation_id=correlation)
    event = Event.objects.get(stream_id=cause.id, version=1)
    effect = purchase(correlation_id=correlation, causation_id=event.event_id, actor="Policy")

    led_to = staff.get(machine_of(cause.id)).context["shown"].around
    because_of = staff.get(machine_of(effect.id)).context["shown"].around

    assert [(o.told.entry.stream_id, o.told.entry.actor) for o in led_to.led_to] == [(effect.id, "Policy")]
    assert because_of.cause.told.entry.stream_id == cause.id
    assert (led_to.cause, because_of.led_to) == (None, [])


def test_the_slider_gets_what_each_moment_changed_and_its_first_whole(staff):
    found = purchase().id
    add(found, item=MUG)
    cancelled = purchases.repository.get(found)
    cancelled.cancel("changed my mind")
    purchases.record(cancelled)

    told = staff.get(moments_of(found, 3)).json()

    assert (told["first"], told["last"], [moment["version"] for moment in told["moments"]]) == (1, 3, [1, 2, 3])
    assert set(told["moments"][0]["fields"]) > {"items"}
    assert list(told["moments"][1]["fields"]) == ["items"]
    assert "changed my mind" in told["moments"][2]["html"]


def test_a_life_of_thousands_is_told_page_by_page_in_a_constant_number_of_queries(staff, monkeypatch):
    short = purchase().id
    life = purchase().id
    for _ in range(80):
        add(life, item=MUG)
    with counted(monkeypatch) as few:
        staff.get(moments_of(short, 1))
    with counted(monkeypatch) as many:
        told = staff.get(moments_of(life, 70)).json()

    assert (told["first"], len(told["moments"])) == (51, 31)
    assert set(told["moments"][0]["fields"]) > {"items"}
    assert len(many) <= len(few) + 3  # of what was before the page, and the ids in it


def test_two_moments_are_compared_field_by_field(staff):
    found = purchase().id
    add(found, item=MUG)

    unlike = staff.get(machine_of(found, at="v1", against="v2")).context["unlike"]

    assert [line.field for line in unlike.lines if line.differs] == ["items"]
    assert unlike.different == 1


def test_what_was_known_then_stands_against_what_was_true_then(staff):
    long_ago = datetime.now(UTC) - timedelta(days=30)
    found = purchase(effective_at=long_ago).id

    response = staff.get(machine_of(found, effective_at=(long_ago + timedelta(days=1)).date().isoformat()))

    assert "It did not exist yet" in response.text  # nobody knew
    late = datetime.now(UTC).isoformat().replace("+", "%2B")
    unlike = staff.get(machine_of(found, effective_at=late)).context["unlike"]
    assert unlike.different == 0


def test_the_forgotten_are_erased_at_every_moment(staff):
    guest = Guest("Ada", 7)
    purchases.record(guest)
    personal.forget(guest.id)

    response = staff.get(machine_of(guest.id, at="v1"))

    assert "[erased]" in response.text
    assert "Ada" not in response.context["shown"].fields[0].html
    assert "[erased]" in staff.get(moments_of(guest.id, 1)).json()["moments"][0]["fields"]["name"]


def test_an_event_that_cannot_be_read_is_told_and_ends_what_is_known(staff):
    found = purchase()
    LogRecorder().insert_events([Stored(found.id, 2, "Purchase.Cancelled", b'{"reason": 7}')])

    response, told = staff.get(machine_of(found.id)), staff.get(moments_of(found.id, 1)).json()

    assert "Expected `str`, got `int`" in response.text.replace("&#x27;", "'")
    assert [moment["fields"] is None for moment in told["moments"]] == [False, True]
    assert told["problem"]


def test_it_is_for_those_who_may_see_events_and_says_what_is_not_there(staff, client):
    found = stored(("Purchase.Placed", b"{}"))

    assert staff.get(machine_of(uuid4())).status_code == 404
    assert staff.get(moments_of(found, 2)).status_code == 404
    assert staff.post(machine_of(found)).status_code == 405
    client.force_login(User.objects.create_user("other", is_staff=True))
    assert (client.get(machine_of(found)).status_code, client.get(moments_of(found, 1)).status_code) == (403, 403)
