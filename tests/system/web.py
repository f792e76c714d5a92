"""The web server as in production, around a test's database, and many clients that ask it at once."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django.contrib.auth.models import User
from rest_framework.authtoken.models import Token

from tests.system import processes
from tests.system.processes import until

PATIENCE = 60.0  # seconds for one answer


class Asked(NamedTuple):
    """A request that is to be sent; ``about`` is the sender's own."""

    about: Any
    method: str
    path: str
    body: dict[str, Any] | None = None
    key: str = ""


class Answer(NamedTuple):
    status: int  # 0: the connection was lost
    body: Any
    headers: dict[str, str] = {}


class Web:
    """gunicorn with two processes of eight threads, and a token of somebody who may do everything."""

    def __init__(self, output: Path, redis_url: str = "redis://127.0.0.1:1/0", **environment: str) -> None:
        self.output, self.redis_url = output, redis_url
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = int(found.getsockname()[1])
        self.environment = {
            "PORT": str(self.port),
            "WEB_CONCURRENCY": "2",
            "REQUESTS_A_MINUTE_STAFF": "0",
        } | environment
        self.token = Token.objects.create(user=User.objects.create_superuser(f"boss-{uuid4().hex[:8]}")).key

    def start(self) -> None:
        self.process = processes.start(
            self.redis_url, "-m", "gunicorn", "shop.wsgi", output=self.output, **self.environment
        )
        try:
            until(lambda: self.ask(Asked(None, "GET", "/healthz")).status == 200, 180, "gunicorn")
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        processes.kill(self.process)

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def ask(self, asked: Asked, connection: http.client.HTTPConnection | None = None) -> Answer:
        """Once, and nothing is repeated: what the server said is what is answered."""
        mine = connection or self.connect()
        headers = {"Authorization": f"Token {self.token}", "Content-Type": "application/json"}
        if asked.key:
            headers["Idempotency-Key"] = asked.key
        try:
            mine.request(asked.method, asked.path, json.dumps(asked.body) if asked.body is not None else None, headers)
            response = mine.getresponse()
            data = response.read()
        except (OSError, http.client.HTTPException):
            mine.close()
            return Answer(0, None)
        finally:
            if connection is None:
                mine.close()
        is_json = "json" in response.headers.get("Content-Type", "")
        return Answer(response.status, json.loads(data) if is_json else data, dict(response.headers))

    def ask_all(self, some: Iterable[Asked], threads: int = 32) -> list[tuple[Asked, Answer]]:
        """In their order, by so many clients at once, each of which keeps its connection open."""
        waiting, answered, lock = iter(some), [], threading.Lock()

        def client() -> None:
            connection = self.connect()
            while True:
                with lock:
                    asked = next(waiting, None)
                if asked is None:
                    break
                answer = self.ask(asked, connection)
                answered.append((asked, answer))
            connection.close()

        clients = [threading.Thread(target=client) for _ in range(threads)]
        for each in clients:
            each.start()
        for each in clients:
            each.join()
        return answered

    def order(self, about: Any, lines: dict[str, int], key: str = "", **more: Any) -> Asked:
        body = {"lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines.items()]}
        return Asked(about, "POST", "/api/v1/orders/", body | more, key)


@contextmanager
def web(output: Path, *args: str, **environment: str) -> Iterator[Web]:
    server = Web(output, *args, **environment)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def seconds(began: float) -> float:
    return time.monotonic() - began


def ids(answers: Iterable[Answer]) -> set[UUID]:
    return {UUID(answer.body["id"]) for answer in answers}
