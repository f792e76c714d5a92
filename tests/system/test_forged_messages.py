"""Whoever can write to the broker can send a worker anything: it does nothing of it, and lives."""

import json
import pickle
import random
from base64 import b64encode
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis

from eventstore.models import Event
from projections.lease import begin
from projections.models import Checkpoint
from projections.projection import known
from tests.system import processes
from tests.system.processes import until
from tests.system.test_races_over_http import stocked

pytestmark = pytest.mark.django_db(transaction=True)

QUEUE = "celery"


class Bomb:
    """Unpickled, it makes a file."""

    def __init__(self, where: Path) -> None:
        self.where = where

    def __reduce__(self) -> Any:
        return Path.touch, (self.where,)


def forged(place: Path, chance: random.Random) -> bytes:
    """A message that nobody of ours has sent: a bomb, a task that there is not, what no task takes, or nonsense."""
    pickled = b64encode(pickle.dumps(([Bomb(place)], {}, {}))).decode()
    kinds = [
        message("projections.tasks.wake", pickled, content_type="application/x-python-serialize"),
        message("os.system", body([f"touch {place}"])),
        message("shop.ordering.commands.place_order", body([])),
        message("projections.tasks.wake", body([1, 2, 3], {"nobody": "asked"})),
        message("projections.tasks.wake", body(["no such queue"])),
        message("projections.tasks.wake", "x" * 5_000),
        message("projections.tasks.wake", b64encode(b"[[], {").decode()),
        message("projections.tasks.wake", b64encode(b"\xff" * 100).decode()),
        message("projections.tasks.wake", body([]), content_type="application/nonsense"),
        message("", body([])),
        message("projections.tasks.wake", body(["x" * 100_000])),
    ]
    return kinds[chance.randrange(len(kinds))]


def body(args: Any, kwargs: Any = None) -> str:
    return b64encode(json.dumps([args, kwargs or {}, {}]).encode()).decode()


def message(task: str, text: str, content_type: str = "application/json") -> bytes:
    number = str(uuid4())
    return json.dumps(
        {
            "body": text,
            "content-encoding": "utf-8" if content_type.endswith("json") else "binary",
            "content-type": content_type,
            "headers": {"task": task, "id": number, "lang": "py", "root_id": number, "argsrepr": "()"},
            "properties": {
                "correlation_id": number,
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": QUEUE},
                "body_encoding": "base64",
                "delivery_tag": str(uuid4()),
            },
        }
    ).encode()


def test_a_worker_does_nothing_of_what_is_forged_and_lives(empty_log: None, broker: Any, tmp_path: Path) -> None:
    under_fire(broker, tmp_path, messages=100)


@pytest.mark.long
def test_a_thousand_forged_messages(empty_log: None, broker: Any, tmp_path: Path) -> None:
    """``./test -m long -k thousand_forged``"""
    under_fire(broker, tmp_path, messages=1000)


def under_fire(broker: Any, tmp_path: Path, *, messages: int) -> None:
    chance, place = random.Random(2026), tmp_path / "executed"
    begin(known()["Products"])
    queue = redis.Redis.from_url(broker.url)
    worker = processes.worker(broker.url, tmp_path / "worker.log")
    with processes.ended(worker):
        for _ in range(messages):
            queue.lpush(QUEUE, forged(place, chance))
        queue.lpush(QUEUE, message("projections.tasks.wake", body(["x" * 10_000_000])))
        until(lambda: queue.llen(QUEUE) == 0, 180 + messages / 5, "the worker to have taken them all")
        stocked({"MUG": 1})
        before = Event.objects.count()
        queue.lpush(QUEUE, message("projections.tasks.wake", body([])))
        head = Event.objects.order_by("position").last()
        assert head
        until(lambda: Checkpoint.objects.get(name="Products").position >= head.position, 120, "an honest one")
        assert worker.poll() is None

    assert not place.exists()
    assert Event.objects.count() == before
