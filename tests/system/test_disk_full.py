"""The database's disk is full: what cannot be stored is refused whole, what can be read is, and all goes on after."""

from typing import Any

import pytest
from django.db import connection

from eventstore import log
from eventstore.models import Event
from projections.models import Checkpoint, Parked
from projections.projection import known
from projections.rebuild import verify
from tests.full import disk_full
from tests.system import processes
from tests.system.processes import ended, until
from tests.system.test_races_over_http import stocked
from tests.system.test_web_under_fire import NOWHERE, ORDERS, placed
from tests.system.web import web

pytestmark = pytest.mark.django_db(transaction=True)

SOON = 120.0  # seconds, for what takes a few


def tables(*, of_the_log: bool) -> list[str]:
    found = connection.introspection.table_names()
    return [table for table in found if of_the_log or not table.startswith("eventstore_")]


def have_seen(position: int) -> bool:
    return Checkpoint.objects.filter(schema="", name__in=known(), position__gte=position).count() == len(known())


def test_a_full_disk_refuses_commands_whole_and_workers_go_on_after(empty_log: None, tmp_path: Any) -> None:
    """First where read models are, then everywhere. What is asked while nothing can be stored is asked again."""
    stocked({"MUG": 5})
    output = tmp_path / "worker.log"
    with web(tmp_path / "web.log") as server, ended(worker := processes.worker(NOWHERE, output)):
        until(lambda: have_seen(log.horizon()), SOON, "the worker to follow")

        with disk_full(*tables(of_the_log=False)):
            taken = server.ask(server.order(None, {"MUG": 1}, "first"))
            position = log.horizon()
            until(lambda: "No space left on device" in output.read_text(), SOON, "the worker to meet the full disk")
            behind = not have_seen(position)
        with disk_full(*tables(of_the_log=True)):
            refused = [server.ask(server.order(None, {"MUG": 1}, "second")) for _ in range(2)]
            browsed = server.ask(ORDERS)
            stored = placed()
        again = [server.ask(server.order(None, {"MUG": 1}, "second")) for _ in range(2)]
        until(lambda: have_seen(log.horizon()), SOON, "the worker to go on")
        until(lambda: Event.objects.filter(name="Order.Confirmed").count() == 2, SOON, "both to be confirmed")

        assert worker.poll() is None

    assert (taken.status, behind) == (201, True)
    assert [(each.status, each.body["code"], each.headers["Retry-After"]) for each in refused] == [
        (503, "storage_full", "1")
    ] * 2
    assert (browsed.status, [str(each) for each in stored]) == (200, [taken.body["id"]])
    assert [each.status for each in again] == [201, 201]
    assert {str(each) for each in placed()} == {taken.body["id"], again[0].body["id"]}
    assert not Parked.objects.exists()
    for name in ("Orders", "Stock", "OrderProcesses"):
        assert not [each for each in verify(known()[name]) if each.differing], name
