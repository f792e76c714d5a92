"""The event browser: who sees what of the log, and what it costs to show it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import Permission, User

from eventstore.application import EventSourced
from eventstore.browser import asked
from eventstore.cause import because
from eventstore.models import Event
from tests.eventstore.browsing import (
    ADA,
    LIST,
    TEA,
    Guest,
    counted,
    page_of,
    positions,
    purchase,
    staff,
    stored,
    tree_of,
)
from tests.eventstore.orders import place, purchases

__all__ = ["staff"]  # a fixture

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore:No directory at")]


# Who may look


def test_who_is_not_signed_in_is_sent_to_the_sign_in(client):
    response = client.get(LIST)

    assert (response.status_code, response.url) == (302, f"/admin/login/?next={LIST}")


@pytest.mark.parametrize("page", ["", "1/", f"stream/{UUID(int=7)}/", f"causes/{UUID(int=8)}/"])
def test_staff_without_the_permission_are_refused(client, page):
    client.force_login(User.objects.create_user("packer", is_staff=True))

    assert client.get(LIST + page).status_code == 403


def test_a_customer_who_has_the_permission_is_no_staff(client):
    user = User.objects.create_user("ada")
    user.user_permissions.add(Permission.objects.get(codename="view_event"))
    client.force_login(user)

    assert client.get(LIST).status_code == 302


def test_nothing_is_written_here(staff):
    assert staff.post(LIST, {"name": "x"}).status_code == 405


def test_the_menu_leads_to_the_log(staff):
    assert f'href="{LIST}"' in staff.get("/admin/").text


# The log


def test_events_are_shown_newest_first_with_who_why_and_what(staff):
    found = purchase(actor="ada", reason="a <b>present</b>")

    response = staff.get(LIST)

    assert positions(response)[0] == Event.objects.get(stream_id=found.id).position
    for told in (">ada</a>", "“a &lt;b&gt;present&lt;/b&gt;”", "<b>Placed</b>", f"{page_of(found.id, 'v1')}"):
        assert told in response.text


def test_pages_are_walked_by_position_in_both_directions(staff):
    for _ in range(2 * asked.PAGE + 5):
        purchase()
    everything = list(Event.objects.order_by("-position").values_list("position", flat=True))
    walked, response = [], staff.get(LIST)

    pages = [response]
    while "older" in pages[-1].context:
        pages.append(staff.get(LIST + pages[-1].context["older"]))
    walked = [position for page in pages for position in positions(page)]
    back = staff.get(LIST + pages[2].context["newer"])

    assert walked == everything
    assert positions(back) == positions(pages[1])
    assert positions(staff.get(LIST + back.context["newer"])) == positions(pages[0])


@pytest.mark.parametrize("parameter", ["actor", "command", "correlation", "stream", "name"])
def test_events_are_found_by(staff, parameter):
    command, correlation = uuid4(), uuid4()
    wanted = purchase(actor="grace", command_id=command, correlation_id=correlation)
    wanted.cancel("no")
    with because(actor="grace", command_id=command, correlation_id=correlation):
        purchases.record(wanted)
    purchase(actor="ada", command_id=uuid4(), correlation_id=uuid4())
    values = {
        "actor": "grace",
        "command": command,
        "correlation": correlation,
        "stream": wanted.id,
        "name": "Purchase.Cancelled",
    }

    found = staff.get(LIST, {parameter: values[parameter]}).context["page"].told

    assert {told.entry.stream_id for told in found} == {wanted.id}
    assert [told.entry.version for told in found] == ([2] if parameter == "name" else [2, 1])


def test_a_command_with_a_receipt_is_found_by_its_correlation(staff):
    command = uuid4()
    with because(command_id=command):
        placed = place(customer_id=ADA, items=(TEA,))

    response = staff.get(LIST, {"command": command})

    assert positions(response) == [placed.position]
    assert response.context["page"].looked is None


def test_a_period_is_found_by_halving(staff):
    for _ in range(7):
        purchase()
    recorded = Event.objects.order_by("position").values_list("recorded_at", flat=True)
    middle = recorded[len(recorded) // 2]

    def found(**period):
        return len(positions(staff.get(LIST, {name: at.isoformat() for name, at in period.items()})))

    assert found(since=middle) == len([at for at in recorded if at >= middle])
    assert found(until=middle) == len([at for at in recorded if at <= middle])
    assert found(since=middle, until=middle) >= 1
    assert found(since=datetime.now(UTC) + timedelta(days=1)) == 0
    assert found(until=datetime.now(UTC) - timedelta(days=1)) == 0


def test_what_has_no_index_is_looked_for_so_far_and_the_page_says_how_far(staff, monkeypatch):
    monkeypatch.setattr(asked, "LOOK", 4)
    old = purchase(actor="grace")
    for _ in range(8):
        purchase(actor="ada")

    first = staff.get(LIST, {"actor": "grace"})
    second = staff.get(LIST + first.context["older"])
    third = staff.get(LIST + second.context["older"])

    last = Event.objects.order_by("position").last().position
    assert (positions(first), positions(second)) == ([], [])
    assert f"Looked at positions {last - 3} to {last} only" in first.text
    assert positions(third) == [Event.objects.get(stream_id=old.id).position]


def test_a_former_name_is_found_under_todays(staff):
    guest = stored(("Guest.Arrived", b'{"name": "Ada", "room": "No. 7"}'), ("Guest.Relocated", b'{"room": 8}'))

    response = staff.get(LIST, {"name": "Guest.Moved"})

    assert [told.entry.stream_id for told in response.context["page"].told] == [guest]


@pytest.mark.parametrize(
    ("parameter", "value", "problem"),
    [
        ("stream", "no-id", "Stream id: Enter a valid UUID."),
        ("correlation", "1", "Correlation id: Enter a valid UUID."),
        ("command", "'; drop", "Command id: Enter a valid UUID."),
        ("since", "yesterday", "From: Enter a valid date/time."),
        ("until", "0001-01-01T00:00", "To: Enter a year from 1900 to 2999."),
        ("actor", "a\0b", "Who: Null characters are not allowed."),
        ("before", "-1", "before: Ensure this value is greater than or equal to 0."),
        ("after", "9" * 30, "after: Ensure this value is less than or equal to"),
    ],
)
def test_a_filter_that_is_none_is_explained_and_finds_nothing(staff, parameter, value, problem):
    purchase()

    response = staff.get(LIST, {parameter: value})

    assert response.status_code == 200
    assert problem in response.text
    assert "log-events" not in response.text


def test_an_empty_log_is_a_page_too(staff, empty_log):
    assert "Nothing has happened yet." in staff.get(LIST).text
    assert staff.get(LIST, {"since": "2026-01-01", "name": "Purchase.Placed"}).status_code == 200


# What it costs


def test_a_page_asks_as_much_of_a_full_log_as_of_an_empty_one(staff, monkeypatch):
    def costs() -> dict[str, int]:
        found = {}
        for name, page in pages.items():
            with counted(monkeypatch) as statements:
                assert staff.get(page).status_code == 200
            found[name] = len(statements)
        return found

    correlation, command = uuid4(), uuid4()
    with because(correlation_id=correlation, command_id=command):
        EventSourced().record(guest := Guest("Ada", 7))
    position = Event.objects.get(stream_id=guest.id).position
    pages = {
        "log": LIST,
        "name": f"{LIST}?name=Guest.Arrived",
        "period": f"{LIST}?since=2026-01-01&until=2999-01-01",
        "command": f"{LIST}?command={command}",
        "event": f"{LIST}{position}/",
        "stream": page_of(guest.id),
        "then": page_of(guest.id, "v1"),
        "causes": tree_of(correlation),
    }
    few = costs()
    with because(correlation_id=correlation):
        for number in range(30):
            guest.move(number)
            EventSourced().record(guest, Guest(f"No. {number}", number))

    many = costs()

    assert many == few
    assert many == {
        "log": 8,
        "name": 8,
        "period": 10,
        "command": 9,
        "event": 11,
        "stream": 9,
        "then": 9,
        "causes": 9,
    }
