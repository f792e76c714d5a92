"""A reader that never goes back sees every event once: writers in processes of their own, slow, failing, at odds."""

import multiprocessing
import os
import random
import time
from uuid import UUID

import pytest
from django.db import connections, transaction
from eventsourcing.persistence import IntegrityError, OperationalError

from eventstore import log
from eventstore.models import Event
from eventstore.persistence import LogRecorder, Stored

SECONDS = float(os.environ.get("FUZZ_SECONDS", "4"))
WRITERS = 4


def write(seed: int) -> None:
    connections.close_all()
    chance, recorder, until = random.Random(seed), LogRecorder(), time.monotonic() + SECONDS
    while time.monotonic() < until:
        try:
            with transaction.atomic():
                for stream in chance.sample(range(40), chance.choice((1, 1, 2, 3))):
                    last = recorder.select_events(UUID(int=stream), desc=True, limit=1)
                    version = last[0].originator_version if last else 0
                    more = range(version + 1, version + 1 + chance.choice((1, 1, 3, 10)))
                    recorder.insert_events([Stored(UUID(int=stream), v, "Fuzz.Happened", b"{}") for v in more])
                    if chance.random() < 0.3:
                        time.sleep(chance.random() * chance.choice((0.002, 0.02, 0.2)))
                if chance.random() < 0.2:
                    raise ZeroDivisionError
        except (IntegrityError, OperationalError, ZeroDivisionError):  # a conflict, a deadlock, a change of mind
            pass


@pytest.mark.django_db(transaction=True)
def test_no_event_is_missed_and_no_stream_is_read_out_of_order(empty_log):
    fork = multiprocessing.get_context("fork")
    connections.close_all()
    writers = [fork.Process(target=write, args=(seed,)) for seed in range(WRITERS)]
    for writer in writers:
        writer.start()

    seen = []
    while True:
        finished = not any(writer.is_alive() for writer in writers)
        found = log.after(seen[-1].position if seen else 0, limit=500)
        seen += found
        if finished and not found:
            break
        time.sleep(0.001)

    assert [w.exitcode for w in writers] == [0] * WRITERS
    recorded = list(Event.objects.order_by("position").values_list("position", flat=True))
    assert [e.position for e in seen] == recorded
    assert len(recorded) > 100
    assert recorded[-1] > len(recorded), "some were rolled back, and left gaps"
    versions: dict[UUID, int] = {}
    for event in seen:
        assert event.version == versions.get(event.stream_id, 0) + 1
        versions[event.stream_id] = event.version
