"""Redis and Celery only ever carry "wake up": a request never waits for them, and losing them loses a second."""

import logging
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from eventstore.persistence import rows
from projections import queues, tasks
from projections.models import Checkpoint
from projections.tasks import Bell, sweep, wake
from tests.lending.models import Borrower
from tests.lending.story import naive, tell
from tests.projections.conftest import LENDING, environment, tables
from tests.system.processes import until

SOON = 20.0  # seconds, at the very most


class Broker:
    """Stands for ``wake``: counts what is sent, or fails as a broker does."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.sent = error, 0
        self.queues: list[tuple[object, object]] = []  # of the message's argument, and of its envelope
        self.reached = threading.Event()

    def apply_async(self, args: list[str], *, queue: str, **_: object) -> None:
        self.sent += 1
        self.queues.append((*args, queue))
        self.reached.set()
        if self.error:
            raise self.error


@pytest.fixture
def broker(monkeypatch):
    monkeypatch.setattr(tasks, "wake", broker := Broker())
    return broker


@pytest.mark.django_db
@pytest.mark.parametrize("task", [wake, sweep])
def test_a_task_advances_all_projections(task):
    tell(100)

    task()

    assert tables() == naive()


@pytest.mark.django_db
def test_a_task_without_work_does_nothing():
    sweep()
    before = list(Checkpoint.objects.values())

    wake()
    sweep()

    assert list(Checkpoint.objects.values()) == before


def test_a_bell_sends_one_message_for_many_rings(broker):
    bell = Bell()
    began = time.monotonic()

    for _ in range(10_000):
        bell.ring()
    assert broker.reached.wait(SOON)

    assert broker.sent <= (time.monotonic() - began) / tasks.PAUSE + 1


def test_a_bell_rings_in_each_queue_that_is_in_use(broker, settings):
    settings.PROJECTIONS_QUEUES = {"ordering": "orders", "catalog": "rest", "lending": "rest", "nobody": "unused"}
    expected = {("celery", "celery"), ("orders", "orders"), ("rest", "rest")}

    Bell().ring()
    until(lambda: {*broker.queues} >= expected, SOON, "three messages")

    assert {*broker.queues} == expected


@pytest.mark.django_db
@pytest.mark.parametrize("task", [wake, sweep])
def test_a_task_of_a_queue_advances_its_projections_alone(task, settings):
    settings.PROJECTIONS_QUEUES = {"lending": "books"}
    tell(30)

    task("celery")
    assert {each.name for each in LENDING}.isdisjoint(Checkpoint.objects.values_list("name", flat=True))
    assert Checkpoint.objects.filter(name="Products").exists()
    task("books")

    assert tables() == naive()


def test_a_queue_for_a_context_that_does_not_exist_is_an_error_of_check(settings):
    settings.PROJECTIONS_QUEUES = {"orderin": "orders", "catalog": "rest"}

    (error,) = queues.check_queues()

    assert (error.msg, error.hint) == ("PROJECTIONS_QUEUES: there is no app orderin.", "Is it ordering?")


def test_a_ring_during_a_send_is_heard(broker):
    bell = Bell()

    for _ in range(3):
        bell.ring()
        assert broker.reached.wait(SOON)
        broker.reached.clear()


def test_a_broker_that_is_away_is_mentioned_once(monkeypatch, caplog):
    monkeypatch.setattr(tasks, "wake", broker := Broker(OSError("refused")))
    bell = Bell()

    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            bell.ring()
            assert broker.reached.wait(SOON)
            broker.reached.clear()

    assert [r.message for r in caplog.records] == ["No wake-up could be sent (refused); projections are swept instead."]


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_has_a_bell_of_its_own(broker):
    tasks.bell.ring()
    assert broker.reached.wait(SOON)
    out, into = os.pipe()

    child = os.fork()
    if child == 0:
        broker.apply_async = lambda *_, **__: os.write(into, b"sent")
        tasks.ask_to_wake()
        time.sleep(SOON)
        os._exit(0)
    try:
        heard, _, _ = select.select([out], [], [], SOON)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)

    assert heard


@contextmanager
def silent_server() -> Iterator[str]:
    """Takes connections, and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


@contextmanager
def no_server() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    yield f"redis://127.0.0.1:{port}/0"


ASKING = """
import django, time; django.setup()
from projections import queues, tasks
tasks.ask_to_wake()
longest = 0
until = time.monotonic() + 20
while time.monotonic() < until and not tasks.bell._silent_until:
    began = time.monotonic(); tasks.ask_to_wake(); longest = max(longest, time.monotonic() - began)
    time.sleep(.001)
print(longest, tasks.bell._silent_until > 0)
"""


@pytest.mark.parametrize("broker_away", [silent_server, no_server])
def test_who_asks_never_waits_for_a_broker_that_is_away(broker_away):
    with broker_away() as url:
        asked = subprocess.run(
            [sys.executable, "-c", ASKING],
            env=os.environ | {"REDIS_URL": url},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )

    longest, complained = asked.stdout.split()
    assert float(longest) < 0.2, "seconds; the broker's time-outs are 0.25 and 0.5"
    assert complained == "True", asked.stderr


RECORDING = """
import django, sys, time; django.setup()
from projections.tasks import ask_to_wake; from projections.waiting import wait_until
from tests.lending.domain import Member; from tests.lending.story import library
for name in sys.argv[1:]:
    receipt = library.record(Member(name)); ask_to_wake()
    assert wait_until(receipt.position, "Loans", timeout=30)
"""


@contextmanager
def worker() -> Iterator[dict[str, str]]:
    """A Celery worker, and the environment of those who ask it."""
    own_broker = urlunsplit(urlsplit(settings.REDIS_URL)._replace(path="/15"))
    env = environment() | {"REDIS_URL": own_broker}
    process = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "shop", "worker", "--pool=solo", "--loglevel=WARNING"],
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield env
    finally:
        process.terminate()
        process.wait(SOON)


@pytest.mark.usefixtures("on_real_transactions")
def test_a_row_is_there_soon_after_the_command_by_way_of_celery():
    with worker() as env:
        subprocess.run([sys.executable, "-c", RECORDING, "Ada"], env=env, timeout=60, check=True)

    assert Borrower.objects.get().name == "Ada"


@pytest.mark.usefixtures("on_real_transactions")
def test_tasks_do_not_connect_each_for_itself():
    before = sessions()

    with worker() as env:
        names = [f"member {number}" for number in range(30)]
        subprocess.run([sys.executable, "-c", RECORDING, *names], env=env, timeout=90, check=True)

    assert Borrower.objects.count() == 30
    assert sessions() - before < 15, "of the worker's task, its standby, and who asked"


def sessions() -> int:
    """How many connections there have ever been to the database."""
    ((count,),) = rows("select sessions from pg_stat_database where datname = current_database()")
    return int(count)


def test_a_connection_that_the_server_has_closed_is_not_kept(on_real_transactions):
    with connection.cursor() as cursor, psycopg.connect(**connection.get_connection_params()) as other:
        cursor.execute("select pg_backend_pid()")
        other.execute("select pg_terminate_backend(%s, 5000)", cursor.fetchone())

    tasks.keep_connected()

    assert rows("select 1") == [(1,)]
