"""What the web server refuses before anything of ours sees it is a problem too."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.system.processes import until

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    port, out = free_port(), tmp_path_factory.mktemp("web") / "log"
    environment = os.environ | {"PORT": str(port), "WEB_CONCURRENCY": "1", "DJANGO_SETTINGS_MODULE": "tests.settings"}
    with out.open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "shop.wsgi"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
        try:
            until(
                lambda: b" 200 OK" in said(port, b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n"),
                60,
                "gunicorn",
            )
            yield port
        finally:
            server.terminate()
            server.wait(30)


def said(port: int, sent: bytes) -> bytes:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(sent)
            return b"".join(iter(lambda: connection.recv(65536), b""))
    except (ConnectionError, TimeoutError):  # it is not up yet
        return b""


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"nonsense\r\n\r\n", 400, "bad_request"),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "bad_request"),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: zip\r\n\r\n", 501, "not_supported"),
        (b"GET /api/v1/ HTTP/9.9\r\n\r\n", 400, "bad_request"),
        (b"GET /api/v1/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n", 400, "bad_request"),
        (b"GET /api/v1/ HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 9000 + b"\r\n\r\n", 431, "headers_too_large"),
        (b"GET /api/v1/" + b"a" * 5000 + b" HTTP/1.1\r\n\r\n", 400, "bad_request"),
    ],
)
def test_what_is_no_http_is_a_problem(sent: bytes, status: int, code: str, port: int) -> None:
    head, _, body = said(port, sent).partition(b"\r\n\r\n")

    problem: dict[str, Any] = json.loads(body)
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"Content-Type: application/problem+json" in head
    assert (problem["status"], problem["code"]) == (status, code)


@pytest.mark.parametrize("path", ["/api/v1/", "/api/v1/orders/", "/nothing/", "/", "/static/storefront/icon.svg"])
def test_the_answer_to_head_has_no_body_so_that_the_next_on_its_connection_is_not_taken_for_it(
    path: str, port: int
) -> None:
    with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("HEAD", path)
        first = connection.getresponse()
        first.read()
        connection.request("GET", "/healthz")
        second = connection.getresponse()

        assert first.getheader("Connection") == "keep-alive"
        assert (second.status, json.loads(second.read())) == (200, {"status": "alive"})
