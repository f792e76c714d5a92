"""The README's first five minutes, as it prints them: each command by bash and curl, on a shop that is open."""

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connections
from pytest_django.live_server_helper import LiveServer
from rest_framework.authtoken.models import Token

from projections import engine
from projections.lease import begin
from projections.projection import Policy, known
from tests.shop.orders import goods, order, stock

README = (Path(__file__).parents[2] / "README.md").read_text()


def commands() -> list[str]:
    """In their order; one that goes on in the next line is one. Comments are told apart by bash."""
    section = README.split("### The first five minutes, with curl\n")[1].split("\n#")[0]
    lines = "\n".join(re.findall(r"^    (.*)$", section, re.MULTILINE)).replace("\\\n", " ")
    return [line for line in lines.splitlines() if line and not line.startswith("#")]


def as_a_person_types(line: str, url: str, answers: list[Any]) -> str:
    """With where the shop is, and with what it answered in place of an example."""
    if line.startswith("ORDER="):
        assert re.fullmatch(r"ORDER=01a1… POSITION=\d+ +# .*", line)
        (bought,) = answers
        return f"ORDER={bought['id']} POSITION={bought['position']}"
    return line.replace("http://127.0.0.1:8000", url)


@contextmanager
def open_shop() -> Iterator[None]:
    """What is recorded is worked in, by a thread in place of the workers."""
    closed = threading.Event()

    def work() -> None:
        while not closed.wait(0.02):
            engine.catch_up()
        connections.close_all()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield
    finally:
        closed.set()
        worker.join()


class Terminal:
    """A shell that remembers what was assigned. ``answers``: what each ``curl`` printed."""

    def __init__(self, **variables: str) -> None:
        self.assigned = [f"{name}={value}" for name, value in variables.items()]
        self.answers: list[Any] = []

    def types(self, line: str) -> None:
        if re.match(r"[A-Z]+=", line):
            self.assigned.append(line)
        elif line.startswith("./manage.py "):
            expanded = self.run(f'printf %s "{line}"')
            call_command(*expanded.split()[1:], stdout=StringIO())
        else:
            assert line.startswith("curl "), f"Expected curl, ./manage.py or an assignment, found {line!r}."
            printed = self.run(line)
            assert printed.endswith("\n"), "what comes next begins on a line of its own"
            self.answers.append(json.loads(printed))

    def run(self, line: str) -> str:
        script = "\n".join([*self.assigned, line])
        return subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.django_db(transaction=True)
def test_the_first_five_minutes_go_as_the_readme_says(empty_log: None, live_server: LiveServer) -> None:
    goods(**{"MUG-HARBOUR": 5})
    for each in (each for each in known().values() if isinstance(each, Policy)):
        begin(each)
    token = re.search(r"printf '(\w+)%.0s' ([\d ]+)\)", README)
    assert token
    demo = User.objects.create_superuser("demo")
    Token.objects.create(user=demo, key=token[1] * len(token[2].split()))
    terminal = Terminal()

    with open_shop():
        for line in commands():
            terminal.types(as_a_person_types(line, live_server.url, terminal.answers))

    engine.catch_up()
    placed, shown, process, readdressed, cancelled, timeline, then = terminal.answers
    assert (placed["version"], then["version"]) == (1, 1)
    assert (shown["id"], shown["reference"], shown["items"]) == (placed["id"], "MINE-1", 2)
    assert process["status"] in ("running", "confirmed")
    assert placed["version"] < readdressed["version"] < cancelled["version"]
    told = [each["what"] for each in timeline["results"] if each["of"] == "order"]
    assert told[0] == "placed"
    assert set(told) <= {"placed", "confirmed", "address changed", "cancelled"}
    assert (then["status"], then["ship_to"]) == ("placed", None)
    now = order(UUID(placed["id"]))
    assert (now.status, now.ship_to and now.ship_to.city) == ("cancelled", "Whitby")
    assert stock("MUG-HARBOUR") == (5, 0)
