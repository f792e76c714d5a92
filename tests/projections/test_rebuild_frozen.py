"""A rebuild that is frozen (Ctrl-Z, a machine that is moved) keeps nobody waiting for longer than seconds."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction

from eventstore import log
from projections import shadow
from projections.models import Checkpoint
from projections.rebuild import rebuild, verify
from tests.lending.models import BookCard
from tests.lending.story import library, naive, tell
from tests.projections.conftest import BOOKS, advance, emma, leftovers, sql, tables

pytestmark = pytest.mark.usefixtures("on_real_transactions")


@contextmanager
def frozen(job: Callable[[], Any]) -> Iterator[list[int]]:
    """Another process, which has stopped itself somewhere in ``job``; after the block it goes on, to how it ends."""
    connection.close()
    pid = os.fork()
    if not pid:
        code = 1
        try:
            job()
            code = 0
        finally:
            os._exit(code)
    ended: list[int] = []
    assert os.WIFSTOPPED(os.waitpid(pid, os.WUNTRACED)[1])
    try:
        yield ended
    finally:
        os.kill(pid, signal.SIGCONT)
        ended.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def freeze() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


@pytest.mark.parametrize("job", [rebuild, verify])
def test_frozen_while_it_compares_it_is_replaced_within_seconds_and_says_nothing_of_it(monkeypatch, job):
    tell(60)
    advance()
    monkeypatch.setattr("projections.live.HELD", 0.3)

    def report(name: str, doing: str, *_: object) -> None:
        if doing == "comparing":
            freeze()

    with frozen(lambda: job(BOOKS, report=report)) as ended:
        library.record(emma())
        until = time.monotonic() + 30
        while Checkpoint.objects.get(name="Books").position < log.last():
            assert time.monotonic() < until, "the live tables stand still"
            advance()
            time.sleep(0.02)
        assert tables() == naive()

    assert ended == [1], "its lease was lost"
    assert not Checkpoint.objects.get(name="Books").differing, "what it compared with had gone on"
    assert Checkpoint.objects.filter(name=shadow.checkpoint(BOOKS)).exists() == (job is rebuild), "it is kept"
    rebuild(BOOKS)
    assert tables() == naive()
    assert leftovers() == []


def test_as_long_as_it_lives_nobody_takes_the_live_tables_from_it(monkeypatch):
    tell(60)
    advance()
    monkeypatch.setattr("projections.live.HELD", 0.3)
    seen: list[Any] = []

    def report(name: str, doing: str, *_: object) -> None:
        if doing == "comparing":
            library.record(emma())
            until = time.monotonic() + 30
            while len(set(seen)) < 5 and time.monotonic() < until:  # extended again and again
                seen.append(Checkpoint.objects.get(name="Books").leased_until)
                advance()
                time.sleep(0.02)

    built = rebuild(BOOKS, report=report)

    assert len(set(seen)) == 5
    assert built.position < log.last()
    advance()
    assert tables() == naive()


def test_frozen_in_the_swap_it_keeps_readers_for_a_moment_and_what_was_built(monkeypatch):
    tell(60)
    advance()
    monkeypatch.setattr("projections.places.FROZEN", "200ms")
    exchange = shadow.exchange

    def then_freeze(*arguments: Any) -> None:
        exchange(*arguments)
        freeze()

    def job() -> None:
        shadow.exchange = then_freeze
        rebuild(BOOKS)

    with frozen(job) as ended, transaction.atomic():
        sql("SET LOCAL lock_timeout = '30s'")
        rows = BookCard.objects.count()

    assert ended == [1]
    assert rows == len(naive()["bookcard"])
    again = rebuild(BOOKS)
    assert again.events == 0, "it went on from there"
    assert tables() == naive()
    assert leftovers() == []
