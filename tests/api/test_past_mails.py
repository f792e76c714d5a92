"""The outbox as it was at any moment: what had been written by then, and how far it had come."""

import threading
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest
from django.db import connections, transaction
from django.utils import timezone
from rest_framework.test import APIClient

from eventstore import log
from projections.engine import catch_up
from projections.lease import begin
from projections.projection import known
from shop.customers.commands import erase_customer
from shop.notifications import sending
from shop.notifications.models import MailVersion, OutgoingMail
from shop.ordering.commands import cancel_order, confirm_order

MAILS = "/api/v1/mails/"


@pytest.fixture(autouse=True)
def policy(request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("transactional_db" if "real_transactions" in request.fixturenames else "db")
    begin(known()["Mails"])


def hear() -> None:
    catch_up([known()["MailCopies"], known()["Mails"]])


def shown(api: APIClient, query: str = "") -> Any:
    answer = api.get(f"{MAILS}{query}")
    assert answer.status_code == 200, answer.content
    return answer.json().get("results", answer.json())


def test_a_mail_is_shown_as_it_stood_at_each_instant(api: APIClient, order: UUID) -> None:
    def confirmed() -> None:
        confirm_order(order)
        hear()

    def tried(status: str = "waiting", error: str = "") -> None:
        mail = sending.take(1)
        assert mail
        sending.mark(mail, status=status, error=error, seconds=0)

    def cancelled() -> None:
        cancel_order(order, reason="changed my mind")
        hear()

    then: list[tuple[datetime, dict[str, Any]]] = []
    for step in (hear, confirmed, lambda: tried(error="451 later"), lambda: tried("sent"), cancelled):
        step()
        urls = ["", "?status=waiting", "?status=sent", "?page_size=1"]
        urls += [f"{mail.id}/" for mail in OutgoingMail.objects.all()]
        then.append((timezone.now(), {url: shown(api, url) for url in urls}))

    assert [[mail["status"] for mail in reversed(lists[""])] for _, lists in then] == [
        [],
        ["waiting"],
        ["waiting"],
        ["sent"],
        ["sent", "waiting"],
    ]
    for instant, lists in then:
        for url, found in lists.items():
            then_url = f"{url}{'&' if '?' in url else '?'}as_of={quote(instant.isoformat())}"
            assert shown(api, then_url) == found, then_url
    first = OutgoingMail.objects.get(kind="confirmed")
    assert api.get(f"{MAILS}{first.id}/?as_of={quote(then[0][0].isoformat())}").status_code == 404


def test_a_position_means_the_mails_that_tell_of_events_up_to_it(api: APIClient, order: UUID) -> None:
    before = log.last()
    confirmed = confirm_order(order).position
    cancelled = cancel_order(order, reason="changed my mind").position
    hear()
    for _ in range(2):
        mail = sending.take(1)
        assert mail
        sending.mark(mail, status="sent")

    kinds = {at: [mail["kind"] for mail in shown(api, f"?as_of={at}")] for at in (before, confirmed, cancelled)}
    states = {mail["status"] for mail in shown(api, f"?as_of={confirmed}")}

    assert kinds == {before: [], confirmed: ["confirmed"], cancelled: ["cancelled", "confirmed"]}
    assert (states, {mail["status"] for mail in shown(api)}) == ({"waiting"}, {"sent"})


def test_a_position_that_the_policy_has_not_come_to_is_not_answered(
    api: APIClient, order: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shop.notifications.api.PATIENCE", 0.01)
    confirmed = confirm_order(order).position

    answer = api.get(f"{MAILS}?as_of={confirmed}")

    assert (answer.status_code, answer.json()["code"]) == (425, "not_yet")


def test_pages_of_the_past_are_of_one_moment(api: APIClient, order: UUID) -> None:
    confirm_order(order)
    cancel_order(order, reason="changed my mind")
    hear()
    instant = timezone.now()
    first = api.get(f"{MAILS}?page_size=1&as_of={quote(instant.isoformat())}").json()
    OutgoingMail.objects.update(status="sent", sent_at=timezone.now())

    second = api.get(first["next"]).json()

    assert [mail["status"] for mail in first["results"] + second["results"]] == ["waiting", "waiting"]
    assert second["next"] is None


def test_who_is_erased_is_forgotten_in_the_past_of_their_mails_too(api: APIClient, ada: UUID, order: UUID) -> None:
    confirm_order(order)
    hear()
    mail = sending.take(1)
    assert mail
    sending.mark(mail, error="451 ada@example.com is full")
    before = timezone.now()
    erase_customer(ada)
    hear()

    (then,) = shown(api, f"?as_of={quote(before.isoformat())}")

    assert (then["status"], then["recipient"], then["error"]) == ("waiting", "[erased]", "[erased]")
    assert "ada" not in "".join(MailVersion.objects.values_list("error", flat=True))


@pytest.fixture
def real_transactions(transactional_db: None) -> None:
    """Two of them, at one time."""


def test_what_is_still_being_written_is_waited_for(
    real_transactions: None, api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shop.notifications.api.PATIENCE", 0.05)
    written, go_on = threading.Event(), threading.Event()

    def write() -> None:
        try:
            with transaction.atomic():
                facts = {"message_id": "<1@example.com>", "kind": "confirmed", "recipient": "ada@example.com"}
                OutgoingMail.objects.create(id=uuid4(), customer_id=uuid4(), order_id=uuid4(), **facts)
                written.set()
                go_on.wait(10)
        finally:
            connections.close_all()

    thread = threading.Thread(target=write)
    thread.start()
    assert written.wait(10)
    asked = f"{MAILS}?as_of={quote(timezone.now().isoformat())}"
    early = api.get(asked)
    go_on.set()
    thread.join(10)

    assert (early.status_code, early.json()["code"]) == (425, "not_yet")
    assert len(api.get(asked).json()["results"]) == 1
