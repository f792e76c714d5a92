"""A reader that never goes back sees every event once: writers in processes of their own, slow, failing, at odds."""

from pathlib import Path

import pytest
from django.db import connection

from eventstore import log
from tests.eventstore.fuzz import fuzz

pytestmark = pytest.mark.django_db(transaction=True)

APPEND = (Path(log.__file__).parent / "sql" / "append.sql").read_text()
LOCK = "pg_advisory_xact_lock_shared("


def test_no_event_is_missed_none_is_out_of_order_and_nobody_waits_for_the_dead(empty_log, tmp_path):
    found = fuzz(tmp_path, seconds=6)

    assert found.recorded > 500
    assert found.gaps > 100, "some were rolled back"
    assert (found.missed, found.inverted) == (0, 0), str(found)
    assert found.longest_wait < 3, str(found)  # on two busy cores the reader itself waits for more than a second


@pytest.mark.long
def test_the_same_for_a_million_events(empty_log, tmp_path):
    """``./test -m long -k million -s``"""
    found = fuzz(tmp_path, events=1_000_000)

    print(f"\n{found}")
    assert found.recorded >= 1_000_000
    assert (found.missed, found.inverted) == (0, 0), str(found)
    assert found.longest_wait < 1, str(found)


def test_without_the_lock_events_are_missed(empty_log, without_the_lock, tmp_path):
    found = fuzz(tmp_path, seconds=3)

    assert found.missed > 0, "if this is seen, the fuzz proves nothing"


@pytest.fixture
def without_the_lock():
    """The append function as it would be with its one line taken out."""
    lines = APPEND.splitlines(keepends=True)
    mutated = [line for line in lines if LOCK not in line]
    assert len(mutated) == len(lines) - 1
    install("".join(mutated))
    yield
    install(APPEND)


def install(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)
