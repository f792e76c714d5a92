"""The feed: an outside service copies the whole log by it, while others write."""

import re
import threading
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from rest_framework.test import APIClient

from eventstore.models import Event
from shop import feed
from shop.customers.commands import erase_customer, register_customer, rename_customer

FEED = "/api/v1/events/"


def following(answer: Any) -> str:
    (found,) = re.findall(r'<([^>]+)>; rel="next"', answer["Link"])
    return str(found)


def copied(client: APIClient, since: str = FEED) -> Iterator[dict[str, Any]]:
    """As an outside script does it: each batch, then what its Link says; until a batch is empty."""
    where = since
    while batch := (answer := client.get(where)).json():
        yield from batch
        where = following(answer)


def test_an_event_is_a_cloud_event(api: APIClient, ada: UUID) -> None:
    rename_customer(ada, name="Ada King")

    answer = api.get(f"{FEED}?names=Customer.Renamed")

    event = Event.objects.get(name="Customer.Renamed")
    assert answer["Content-Type"] == "application/cloudevents-batch+json"
    assert answer.json() == [
        {
            "specversion": "1.0",
            "id": str(event.event_id),
            "source": FEED,
            "type": "Customer.Renamed",
            "subject": str(ada),
            "time": event.recorded_at.isoformat().replace("+00:00", "Z"),
            "datacontenttype": "application/json",
            "data": {"name": "Ada King"},
            "position": str(event.position),
            "streamversion": event.version,
            "effectiveat": event.effective_at.isoformat().replace("+00:00", "Z"),
            "commandid": str(event.command_id),
            "correlationid": str(event.correlation_id),
        }
    ]


def test_attributes_are_named_as_cloud_events_must(api: APIClient, order: UUID) -> None:
    for event in copied(api):
        assert all(re.fullmatch("[a-z0-9]{1,20}", name) for name in event)
        assert event.keys() >= {"specversion", "id", "source", "type"}
        assert all(-(2**31) <= value < 2**31 for value in event.values() if type(value) is int)


def test_batches_follow_each_other_to_the_end(api: APIClient, order: UUID) -> None:
    found = list(copied(api, f"{FEED}?limit=2"))

    assert [int(event["position"]) for event in found] == list(
        Event.objects.order_by("position").values_list("position", flat=True)
    )


def test_an_empty_batch_says_where_to_go_on_too(api: APIClient, ada: UUID) -> None:
    where = following(api.get(f"{FEED}?names=Order.Placed"))
    end = Event.objects.order_by("position").last().position  # type: ignore[union-attr]

    assert where == f"{FEED}?after={end}&names=Order.Placed"
    assert following(api.get(where)) == where


def test_who_is_forgotten_is_not_in_the_feed(api: APIClient, ada: UUID) -> None:
    before = {event["id"]: event["data"] for event in copied(api)}
    erase_customer(ada)

    after = {event["id"]: event["data"] for event in copied(api)}

    assert "ada@example.com" in str(before)
    assert "ada@example.com" not in str(after)
    assert "[erased]" in str(after)
    assert "sealed" not in str(after)
    assert after.keys() > before.keys()


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        *((f"after={text}", "after") for text in ("", "-1", "x", "1.5", "999999999999")),
        *((f"limit={text}", "limit") for text in ("0", "1001", "x", "")),
        *((f"wait={text}", "wait") for text in ("21", "-1", "x")),
        *((f"names={text}", "names") for text in ("Order.Place", "Order.Placed,", "*")),
        ("page_size=1", "page_size"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_named(query: str, parameter: str, api: APIClient, ada: UUID) -> None:
    answer = api.get(f"{FEED}?{query}")

    assert answer.status_code == 400
    assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]


def test_a_wrong_name_is_answered_with_the_nearest(api: APIClient, ada: UUID) -> None:
    assert "Is it Order.Placed?" in api.get(f"{FEED}?names=Order.Place").json()["errors"][0]["detail"]


@pytest.fixture
def outside(empty_log: None) -> APIClient:
    """A service that reads the feed, on real transactions."""
    client = APIClient(raise_request_exception=False)
    client.force_authenticate(User.objects.create_superuser("outside"))
    return client


def test_scenario_20_change_feed(outside: APIClient) -> None:
    """Writers whose transactions overlap, so that later positions are committed before earlier ones."""
    running = threading.Event()
    failed: list[Exception] = []

    def write(number: int) -> None:
        try:
            for turn in range(12):
                with transaction.atomic():
                    register_customer(name="Ada", email=f"{number}-{turn}-{uuid4()}@example.com")
                    running.wait(0.004 * (number % 3))  # never set: it holds its transaction open
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    found: list[dict[str, Any]] = []
    where = f"{FEED}?limit=7"
    while True:
        over = not any(writer.is_alive() for writer in writers)
        answer = outside.get(where)
        found += answer.json()
        where = following(answer)
        if over and not answer.json():
            break

    assert not failed
    assert [event["id"] for event in found] == [
        str(event_id) for event_id in Event.objects.order_by("position").values_list("event_id", flat=True)
    ]
    assert [event["type"] for event in found].count("Customer.Registered") == 4 * 12


def test_a_reader_that_waits_is_told_as_soon_as_something_happens(outside: APIClient) -> None:
    answers: list[Any] = []

    def wait() -> None:
        began = time.monotonic()
        answers.extend([outside.get(f"{FEED}?wait=20").json(), time.monotonic() - began])
        connection.close()

    reader = threading.Thread(target=wait)
    reader.start()
    while feed.waiters._value == feed.WAITERS and reader.is_alive():
        time.sleep(0.01)
    register_customer(name="Ada", email="ada@example.com")
    reader.join()

    assert [event["type"] for event in answers[0]]
    assert answers[1] < 15


def test_a_reader_that_waits_for_nothing_gets_its_empty_batch(outside: APIClient) -> None:
    register_customer(name="Ada", email="ada@example.com")
    end = Event.objects.order_by("position").last().position  # type: ignore[union-attr]

    answer = outside.get(f"{FEED}?after={end}&wait=1")

    assert (answer.status_code, answer.json()) == (200, [])
    assert following(answer) == f"{FEED}?after={end}&wait=1"


def test_not_every_thread_of_the_server_can_be_made_to_wait(outside: APIClient) -> None:
    held = [feed.waiters.acquire(blocking=False) for _ in range(feed.WAITERS)]
    try:
        began = time.monotonic()
        answer = outside.get(f"{FEED}?wait=20")
    finally:
        for _ in held:
            feed.waiters.release()

    assert (answer.json(), time.monotonic() - began < 15) == ([], True)
