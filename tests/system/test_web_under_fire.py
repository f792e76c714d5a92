"""The web server is killed around a commit, its database is read-only or full: one key is one order, and no 500."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db import connection

from eventstore.models import Event
from tests.system.processes import ended, environment, until
from tests.system.proxy import Proxy
from tests.system.test_races_over_http import stocked
from tests.system.web import Answer, Asked, Web, web

pytestmark = pytest.mark.django_db(transaction=True)

NOWHERE = "redis://127.0.0.1:1/0"
APPEND = b"eventstore_append"
ORDERS = Asked(None, "GET", "/api/v1/orders/")


def placed() -> list[Any]:
    return list(Event.objects.filter(name="Order.Placed").values_list("stream_id", flat=True))


def waits_to_store() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("select query from pg_stat_activity where wait_event_type = 'Lock'")
        return any(APPEND.decode() in query for (query,) in cursor.fetchall())


def direct() -> psycopg.Connection[Any]:
    return psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None, "context": None})


def asked_of_one_that_is_killed(server: Web, key: str, kill_when: Callable[[], bool]) -> Answer:
    """A customer asks, and hears nothing: the server dies as soon as ``kill_when``."""
    heard: list[Answer] = []
    asking = threading.Thread(target=lambda: heard.append(server.ask(server.order(None, {"MUG": 1}, key))))
    asking.start()
    try:
        until(kill_when, 120, "the request to be under way")
    finally:
        server.kill()
        asking.join()
    return heard[0]


def test_who_is_killed_before_the_commit_has_stored_nothing_and_the_same_key_places_one_order(
    empty_log: None, tmp_path: Any
) -> None:
    stocked({"MUG": 5})
    server = Web(tmp_path / "web.log")
    server.start()
    with direct() as holder:
        holder.execute("lock table eventstore_event in share row exclusive mode")  # nobody stores anything
        lost = asked_of_one_that_is_killed(server, "a key", waits_to_store)
        until(lambda: not waits_to_store(), 120, "the database to notice")
    between = placed()

    server.start()
    with ended(server.process):
        answers = [server.ask(server.order(None, {"MUG": 1}, "a key")) for _ in range(2)]

    assert (lost.status, between) == (0, [])
    assert [answer.status for answer in answers] == [201, 201]
    assert [str(each) for each in placed()] == [*{answer.body["id"] for answer in answers}]


def test_who_is_killed_after_the_commit_has_placed_the_order_and_the_same_key_tells_which(
    empty_log: None, tmp_path: Any
) -> None:
    """The reply of the database is lost on its way: so what was asked for is there, and nobody knows."""
    stocked({"MUG": 5})
    d = connection.settings_dict
    with Proxy(d["HOST"], int(d["PORT"])) as proxy:
        url = environment(NOWHERE)["DATABASE_URL"].replace(f":{d['PORT']}/", f":{proxy.port}/")
        server = Web(tmp_path / "web.log", DATABASE_URL=url)
        server.start()
        proxy.lose_reply(APPEND, hang=True)
        lost = asked_of_one_that_is_killed(server, "a key", lambda: bool(proxy.lost and placed()))
        between = placed()

        server.start()
        with ended(server.process):
            answer = server.ask(server.order(None, {"MUG": 1}, "a key"))

    assert lost.status == 0
    assert (answer.status, [answer.body["id"]]) == (201, [str(each) for each in between])
    assert placed() == between


def test_a_database_that_is_read_only_is_browsed_and_says_so(empty_log: None, tmp_path: Any) -> None:
    stocked({"MUG": 5})
    with direct() as owner:
        owner.autocommit = True
        name = connection.settings_dict["NAME"]
        owner.execute(f'alter database "{name}" set default_transaction_read_only = on')
        try:
            with web(tmp_path / "web.log") as server:
                refused, browsed = server.ask(server.order(None, {"MUG": 1}, "a key")), server.ask(ORDERS)
        finally:
            owner.execute("set default_transaction_read_only = off")
            owner.execute(f'alter database "{name}" reset default_transaction_read_only')

    assert (refused.status, refused.body["code"], browsed.status) == (503, "read_only", 200)
    assert placed() == []


def test_a_database_without_a_free_connection_is_asked_again_in_a_moment(empty_log: None, tmp_path: Any) -> None:
    stocked({"MUG": 50})
    with web(tmp_path / "web.log") as server:
        held: list[psycopg.Connection[Any]] = []
        try:
            with pytest.raises(psycopg.OperationalError, match="too many clients"):
                while True:
                    held.append(direct())
            refused = [
                answer for _, answer in server.ask_all([server.order(None, {"MUG": 1}, "a key"), ORDERS] * 8, 16)
            ]
        finally:
            for each in held:
                each.close()
        until(lambda: server.ask(ORDERS).status == 200, 120, "a connection to be free")
        answer = server.ask(server.order(None, {"MUG": 1}, "a key"))

    assert Counter((each.status, each.body["code"], each.headers["Retry-After"]) for each in refused) == {
        (503, "unavailable", "1"): 16
    }
    assert answer.status == 201
    assert len(placed()) == 1
