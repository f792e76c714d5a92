"""The log's lines: one form for people, one for programs, and nothing personal in either."""

import json
import logging
import subprocess
import sys
import traceback
from uuid import UUID, uuid4

import pytest
from celery.beat import SchedulingError
from django.db import IntegrityError, connection
from django.test import Client
from redis.exceptions import ConnectionError as NoRedis

from eventstore.cause import because
from eventstore.domain import uuid7
from shop.logs import BrokerAway, Json, Line
from shop.problems import request_id


def record(message="done", *args, name="shop.http", level=logging.WARNING, error=None, **extra) -> logging.LogRecord:
    exc_info = (type(error), error, error.__traceback__) if error else None
    made = logging.LogRecord(name, level, __file__, 1, message, args, exc_info)
    made.created = 1_767_225_600.25
    made.__dict__.update(extra)
    return made


def as_json(made: logging.LogRecord) -> dict:
    line = Json().format(made)
    assert "\n" not in line
    return json.loads(line)


def test_a_line_for_programs_is_one_object():
    assert as_json(record("%s stands at %d", "Orders", 5)) == {
        "time": "2026-01-01T00:00:00.250+00:00",
        "level": "WARNING",
        "logger": "shop.http",
        "message": "Orders stands at 5",
    }


def test_it_says_why_it_was_done():
    command, trace, event = uuid7(), uuid4(), uuid4()
    because_of = {"command_id": command, "correlation_id": trace, "causation_id": event, "actor": "support"}

    with because(**because_of, reason="she asked for it"):
        said = as_json(record())

    assert {name: said[name] for name in because_of} == {name: str(value) for name, value in because_of.items()}
    assert "she asked" not in str(said), "a reason is free text: it may be personal"


def test_it_says_which_projection_and_where_it_stands():
    said = as_json(record(projection="Orders", position=5, customer="Ada"))

    assert (said["projection"], said["position"]) == ("Orders", 5)
    assert "customer" not in said, "only what is known to be no person's"


def test_what_a_request_logs_bears_its_id_and_its_trace():
    token = request_id.set("0b6f0e6a-395d-4f52-8f0a-7f1f3b7c2d11")
    try:
        said = as_json(record())
    finally:
        request_id.reset(token)

    assert said["request_id"] == "0b6f0e6a-395d-4f52-8f0a-7f1f3b7c2d11"


def test_gunicorn_logs_a_request_under_the_id_that_its_answer_bore():
    atoms = {"m": "GET", "U": "/readyz", "s": "200", "M": 3, "{x-request-id}o": "0b6f0e6a-395d-4f52-8f0a-7f1f3b7c2d11"}

    said = as_json(record("%(m)s %(U)s %(s)s in %(M)s ms", atoms, name="gunicorn.access"))

    assert said["message"] == "GET /readyz 200 in 3 ms"
    assert said["request_id"] == "0b6f0e6a-395d-4f52-8f0a-7f1f3b7c2d11"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("form", [Json, Line])
def test_a_row_that_the_database_shows_is_left_out(form):
    secret = "ada@example.com"
    with pytest.raises(IntegrityError) as refused, connection.cursor() as cursor:
        cursor.execute("create temp table logged (email text primary key)")
        for _ in range(2):
            cursor.execute("insert into logged values (%s)", [secret])
    error = refused.value
    assert secret in "".join(traceback.format_exception(error)), "as it would be logged"

    said = form().format(record("Failed: %s", error, error=error))

    assert secret not in said
    assert said.count("duplicate key value violates unique constraint") >= 3
    assert "test_logs.py" in said


GIVEN = "0B6F0E6A395D4F528F0A7F1F3B7C2D11"


@pytest.mark.parametrize("given", [GIVEN, "0b6f0e6a-395d-4f52-8f0a-7f1f3b7c2d11"])
def test_the_id_that_a_caller_gives_its_request_is_kept(given):
    assert Client().get("/healthz", HTTP_X_REQUEST_ID=given)["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["ada@example.com", "0b6f0e6a-395d4f52-8f0a-7f1f3b7c2d11", GIVEN + "0", "é", ""])
def test_any_other_id_is_replaced(given):
    made = Client().get("/healthz", HTTP_X_REQUEST_ID=given)["X-Request-Id"]

    assert made != given
    assert UUID(made).version == 7


def lost(name: str, message: str, error: BaseException | None, *args: object) -> logging.LogRecord:
    made = record(message, *args, name=name, level=logging.ERROR, error=error)
    assert BrokerAway().filter(made)
    return made


def raised(error: BaseException, of: BaseException | None = None) -> BaseException:
    try:
        try:
            raise of or error
        except BaseException:
            raise error  # noqa: B904  # as Celery does it
    except BaseException as found:
        return found


AWAY = NoRedis("Error 111 connecting to 127.0.0.1:6379. Connection refused.")


@pytest.mark.parametrize(
    ("made", "line"),
    [
        (
            lost(
                "celery.worker.consumer.consumer", "consumer: Connection to broker lost. Trying again...", raised(AWAY)
            ),
            f"consumer: Connection to broker lost. Trying again... ({AWAY})",
        ),
        (
            lost(
                "celery.beat",
                "Message Error: %s\n%s",
                raised(SchedulingError(f"Couldn't apply scheduled task sweep: {AWAY}"), AWAY),
                f"Couldn't apply scheduled task sweep: {AWAY}",
                ["  File …\n"],
            ),
            f"Message Error: Couldn't apply scheduled task sweep: {AWAY}",
        ),
        (
            lost("celery.worker.consumer.consumer", "Cannot connect to redis: gone.\nTrying again in 2 s\n", None),
            "Cannot connect to redis: gone. Trying again in 2 s",
        ),
    ],
)
def test_a_broker_that_is_away_is_a_warning_of_one_line(made, line):
    said = Line().format(made)

    assert said.endswith(f" WARNING {made.name}: {line}")
    assert "\n" not in said


@pytest.mark.parametrize(
    ("name", "error"), [("celery.app.trace", AWAY), ("celery.worker.consumer.consumer", ValueError("a mistake"))]
)
def test_any_other_error_keeps_its_traceback(name, error):
    made = lost(name, "It failed.", raised(error))

    assert made.levelname == "ERROR"
    assert "Traceback" in Line().format(made)


SAYING = """
import logging, sys
from shop.celery import app
app.log.setup(loglevel=logging.WARNING)
logging.getLogger("projections.tasks").warning("a task says this")
logging.getLogger("celery.worker").info("and Celery does not say that")
"""


def test_a_worker_logs_as_everything_else(monkeypatch):
    monkeypatch.setenv("LOG_FORMAT", "json")

    done = subprocess.run([sys.executable, "-c", SAYING], capture_output=True, text=True, check=True)

    (said,) = map(json.loads, done.stderr.splitlines())
    assert (said["logger"], said["message"]) == ("projections.tasks", "a task says this")
