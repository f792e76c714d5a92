"""Many wait for a projection at once: one of them looks for all, and all hear of it at once."""

import threading
import time

import pytest
from django.db import OperationalError, connection, transaction

from projections import waiting
from projections.models import Checkpoint, Parked
from projections.waiting import Lookout, wait_until
from tests.crowd import at_once

SOON = 20.0  # seconds, at the very most


class Looks:
    """Stands for ``rows``: counts the statements and the connections, and fails as often as it is told."""

    def __init__(self, rows) -> None:
        self.rows, self.began, self.threads, self.failing = rows, [], set(), 0
        self.reached = threading.Event()

    def __call__(self, sql, *parameters):
        self.began.append(time.monotonic())
        self.threads.add(threading.get_ident())
        self.reached.set()
        if self.failing:
            self.failing -= 1
            raise OperationalError("the connection is gone")
        return self.rows(sql, *parameters)


@pytest.fixture
def looks(monkeypatch):
    monkeypatch.setattr(waiting, "rows", looks := Looks(waiting.rows))
    monkeypatch.setattr(waiting, "lookout", Lookout())
    return looks


@pytest.fixture(autouse=True)
def stand(on_real_transactions):
    """Moves a projection, or a part of it, that nobody else moves."""

    def move(position: int, name: str = "Made", part: str = "") -> None:
        Checkpoint.objects.update_or_create(name=name + part, projection=name, defaults={"position": position})

    move(0)
    yield move
    Checkpoint.objects.filter(projection__startswith="Made").delete()
    Parked.objects.all().delete()


def thread(*args, **kwargs) -> tuple[threading.Thread, list]:
    answers: list = []

    def run() -> None:
        try:
            answers.append(wait_until(*args, **kwargs))
        except OperationalError as error:
            answers.append(error)
        finally:
            connection.close()

    started = threading.Thread(target=run)
    started.start()
    return started, answers


def until(condition) -> None:
    deadline = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_two_hundred_who_wait_cost_one_connection_and_a_look_every_fifty_milliseconds(looks, stand):
    moved, woken = [], []

    def wait() -> bool:
        seen = wait_until(7, "Made", timeout=SOON)
        woken.append(time.monotonic())
        return seen

    def move() -> None:
        until(lambda: len(waiting.lookout._waiting) == 200)
        until(lambda: len(looks.began) > 20)
        moved.append(time.monotonic())
        stand(7)
        connection.close()

    mover = threading.Thread(target=move)
    mover.start()
    answers = at_once(200, wait)
    mover.join()

    took = looks.began[-1] - looks.began[0]
    assert answers == [True] * 200
    assert len(looks.threads) == 1, "and the other 199 opened no connection"
    assert len(looks.began) < 200 + took / 0.002, "each coming, and each pause, costs one look at most"
    assert max(woken) - moved[0] < 2, "seconds; all of them"


def test_one_who_waits_long_looks_ever_less_often(looks):
    assert not wait_until(7, "Made", timeout=0.5)

    pauses = [b - a for a, b in zip(looks.began, looks.began[1:], strict=False)]
    assert len(looks.began) < 45, "an eighth later than it has waited, and every 50 ms in the end"
    assert pauses[-2] > 0.04
    assert looks.began[-1] - looks.began[0] >= 0.5, "and once more at the end"


def test_who_has_its_answer_hands_over(looks, stand):
    first, firsts = thread(1, "Made", timeout=SOON)
    until(lambda: looks.threads == {first.ident})
    second, seconds = thread(2, "Made", timeout=SOON)
    until(lambda: len(waiting.lookout._waiting) == 2)

    stand(1)
    first.join(SOON)
    until(lambda: second.ident in looks.threads)
    stand(2)
    second.join(SOON)

    assert firsts == seconds == [True]


def test_each_waits_no_longer_than_it_said(looks):
    patient, _ = thread(1, "Made", timeout=1.5)
    until(lambda: looks.began)
    began = time.monotonic()

    assert not wait_until(1, "Made", timeout=0.1)

    assert 0.1 <= time.monotonic() - began < 1.4
    patient.join(SOON)


def test_an_error_is_the_lookers_own_and_the_next_goes_on(looks, stand):
    first, firsts = thread(1, "Made", timeout=SOON)
    until(lambda: len(looks.began) > 3)
    second, seconds = thread(1, "Made", timeout=SOON)
    until(lambda: len(waiting.lookout._waiting) == 2)

    looks.failing = 1
    first.join(SOON)
    stand(1)
    second.join(SOON)

    assert [type(answer) for answer in firsts] == [OperationalError]
    assert seconds == [True]


def test_who_looks_and_hears_nothing_from_the_database_keeps_nobody(looks, monkeypatch):
    silent = threading.Event()
    monkeypatch.setattr(waiting, "rows", lambda *_: silent.wait(SOON) and [])
    first, _ = thread(1, "Made", timeout=0)
    until(lambda: waiting.lookout._looker)
    began = time.monotonic()

    assert not wait_until(1, "Made", timeout=0.05)

    assert time.monotonic() - began < 5
    silent.set()
    first.join(SOON)


def test_a_look_that_began_before_one_came_does_not_count_for_it(looks, stand, monkeypatch):
    stand(7)
    looked, go_on = threading.Event(), threading.Event()

    def slow(*parameters):
        found = looks(*parameters)
        looked.set()
        go_on.wait(SOON)
        return found

    monkeypatch.setattr(waiting, "rows", slow)
    first, firsts = thread(7, "Made", timeout=SOON)
    assert looked.wait(SOON)
    stand(3)  # as a restore does

    second, seconds = thread(7, "Made", timeout=0)
    until(lambda: len(waiting.lookout._waiting) == 2)
    go_on.set()
    first.join(SOON)
    second.join(SOON)

    assert firsts == [True], "what it saw was true when it looked"
    assert seconds == [False]


def test_of_a_projection_in_parts_the_last_one_counts(stand):
    stand(9, "MadeInParts", "[0-127]")
    stand(5, "MadeInParts", "[128-255]")

    assert wait_until(5, "MadeInParts", timeout=0)
    assert not wait_until(6, "MadeInParts", timeout=0)


def test_tables_that_are_being_built_do_not_count(stand):
    Checkpoint.objects.create(name="Made/new", projection="Made", schema="new", position=9)

    assert not wait_until(5, "Made", timeout=0)


def test_an_event_that_was_parked_has_not_been_seen(stand):
    stand(9)
    Parked.objects.create(projection="Made", position=5, stream_id="00000000-0000-0000-0000-000000000001", name="X")
    began = time.monotonic()

    assert not wait_until(5, "Made", timeout=SOON)

    assert time.monotonic() - began < SOON / 2, "seconds: it is known at once"
    assert wait_until(6, "Made", timeout=0)
    Parked.objects.update(skipped_at="2026-01-01T00:00Z")
    assert wait_until(5, "Made", timeout=0)


def test_inside_a_transaction_each_looks_for_itself(looks):
    other, _ = thread(1, "Made", timeout=1)
    until(lambda: looks.began)

    with transaction.atomic():
        Checkpoint.objects.filter(name="Made").update(position=1)
        seen = wait_until(1, "Made", timeout=0)

        assert seen, "by its own transaction, which no other sees"
    other.join(SOON)
