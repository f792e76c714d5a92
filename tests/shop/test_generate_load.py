"""Orders by the hundred, over HTTP as customers and staff ask, and a report of what came of them."""

import json
import random
import re
import threading
import time
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from rest_framework.authtoken.models import Token

from eventstore.models import Event
from projections import engine
from shop.load import Answer, Client, Report, percentile
from shop.management.commands.generate_load import DAYS, EVENING, NOVEMBER, Command, Load, moments


@pytest.fixture
def token(django_user_model: Any, empty_log: None, settings: Any) -> str:
    settings.ALLOWED_HOSTS = ["*"]
    return str(Token.objects.create(user=django_user_model.objects.create_superuser("boss")).key)


@pytest.fixture
def workers(empty_log: None) -> Any:
    """Projections and processes that go on by themselves, as where workers run."""
    over = threading.Event()

    def work() -> None:
        from django.db import connection

        while not over.wait(0.05):
            engine.catch_up()
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    over.set()
    thread.join()


def load(live_server: Any, token: str, *arguments: str) -> str:
    out = StringIO()
    call_command("generate_load", "--url", live_server.url, "--token", token, *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def told(report: str, fact: str) -> int:
    found = re.search(rf"^{re.escape(fact)}: ([0-9,]+)$", report, re.M)
    return int(found[1]) if found else 0


def test_orders_are_placed_and_reported(live_server: Any, token: str, workers: None) -> None:
    report = load(live_server, token, "--orders", "20", "--skus", "5", "--threads", "4")

    placed = told(report, "orders placed")
    assert placed == Event.objects.filter(name="Order.Placed").count() >= 25
    assert told(report, "prices imported") == 5
    assert told(report, "double submits, one answer") == 3
    assert told(report, "double submits, TWO ANSWERS") == 0
    assert told(report, "the last unit, 10 buyers: rejected") == 9
    assert told(report, "the last unit, 10 buyers: confirmed") == 1
    (line,) = re.findall(r"^POST orders/ .*$", report, re.M)
    assert [float(number) >= 0 for number in line.split()[2:]] == [True] * 5


def test_the_same_seed_again_places_no_order_twice(live_server: Any, token: str, workers: None) -> None:
    for _ in range(2):
        load(live_server, token, "--orders", "6", "--skus", "3", "--threads", "2")

    placed = Event.objects.filter(name="Order.Placed")
    references = [json.loads(bytes(event.data))["reference"] for event in placed]
    assert len(references) == len(set(references)) > 6


def test_a_token_that_is_none_is_said_at_once(live_server: Any, token: str) -> None:
    with pytest.raises(CommandError, match="401 authentication_failed"):
        load(live_server, "x" * 40, "--orders", "1")


def test_a_shop_that_is_not_there_is_said_at_once() -> None:
    with pytest.raises(CommandError, match=r"http://127\.0\.0\.1:1: .*refused"):
        call_command("generate_load", "--url", "http://127.0.0.1:1", "--token", "x", stderr=StringIO())


@pytest.mark.parametrize(
    "wrong", [("--orders", "0"), ("--threads", "-1"), ("--skus", "0"), ("--minutes", "-1"), ("--url", "ftp://x")]
)
def test_what_cannot_be_is_said(wrong: tuple[str, str]) -> None:
    with pytest.raises(CommandError, match=f"{wrong[0]} {wrong[1]}: expected"):
        call_command("generate_load", "--token", "x", *wrong)


def test_who_stops_it_hears_of_what_there_was(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(self: Client, *_: Any) -> Answer:
        raise KeyboardInterrupt

    monkeypatch.setattr(Client, "_ask", ask)
    out = StringIO()

    with pytest.raises(CommandError, match="Stopped") as stopped:
        call_command("generate_load", "--token", "x", stdout=out, stderr=StringIO())

    assert stopped.value.returncode == 130
    assert out.getvalue().startswith("0 requests in")


def test_what_is_refused_for_the_moment_is_asked_again_when_it_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    report = Report()
    answers = [Answer(429, {"code": "throttled"}, {"retry-after": "0"}), Answer(201, {"id": "1"}, {})]
    monkeypatch.setattr(Client, "_ask", lambda *_: answers.pop(0))

    answer = Client("http://x", "t", report).post("orders/", "/", {}, "key")

    assert answer.status == 201
    assert "refused: POST orders/: throttled 1 times" in list(report.lines())


def test_a_year_has_its_evenings_and_its_november() -> None:
    year = moments(random.Random(1), 20_000)

    evening = sum(int(at * DAYS % 1 * 24) in EVENING for at in year) / len(year)
    november = sum(int(at * DAYS) in NOVEMBER for at in year) / len(year)
    assert year == sorted(year) == moments(random.Random(1), 20_000)
    assert 0 <= year[0] < year[-1] < 1
    assert evening == pytest.approx(3 * 4 / (20 + 3 * 4), abs=0.02)  # of the orders, in 4 of 24 hours
    assert november == pytest.approx(3 * 30 / (335 + 3 * 30), abs=0.02)


def test_orders_come_when_they_are_due(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []
    monkeypatch.setattr(Client, "get", lambda *_: asked.append(time.monotonic()) or Answer(200, {}, {}))
    monkeypatch.setattr(Load, "order", lambda *_, **__: None)
    load = Load("http://x", "t", 1, 3, Report(), lambda _: None)
    load.customers = ["c"]
    began = time.monotonic()

    load.shopping(0, began + 0.2)()

    assert asked[0] - began >= 0.2


def test_a_percentile_is_of_what_was_seen() -> None:
    assert [percentile([float(n) for n in range(100)], share) for share in (0.5, 0.95, 0.99)] == [50.0, 95.0, 99.0]
    assert percentile([3.0], 0.99) == 3.0


def test_it_goes_to_the_shop_that_runs_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_URL", "http://127.0.0.1:8123")

    parser: Any = Command().create_parser("manage.py", "generate_load")

    assert parser.get_default("url") == "http://127.0.0.1:8123"
