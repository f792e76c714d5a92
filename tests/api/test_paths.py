"""A path that is not UTF-8 names nothing, whatever of it is a parameter."""

import json
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import RequestFactory
from rest_framework.authtoken.models import Token

from eventstore.models import Event
from shop.problems import MEDIA_TYPE
from shop.wsgi import application

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """The application, called as a server does, ends its request with the connection that the test is in."""
    monkeypatch.setattr(connection, "close_if_unusable_or_obsolete", lambda: None)


def asked(method: str, path: str, body: Any = None, **headers: str) -> tuple[int, str, str]:
    """Status, media type and body of what the server's application answers."""
    environ = RequestFactory().generic(method, "/", json.dumps(body or {}), "application/json", **headers).environ
    environ["PATH_INFO"] = unquote_to_bytes(path).decode("latin-1")
    begun: list[Any] = []
    text = b"".join(application(environ, lambda *said: begun.append(said))).decode()
    return int(begun[0][0][:3]), dict(begun[0][1])["Content-Type"], text


@pytest.mark.parametrize(
    "path", ["stock/%ff/receive", "stock/A%C3/count", "customers/%ff", "problems/%ff", "ops/projections/%ff/pause"]
)
def test_it_is_refused_and_changes_nothing(path: str) -> None:
    key = Token.objects.create(user=User.objects.create_superuser("boss")).key
    before = Event.objects.count()

    status, kind, text = asked(
        "POST",
        f"/api/v1/{path}/",
        {"quantity": 1},
        HTTP_AUTHORIZATION=f"Token {key}",
        HTTP_IDEMPOTENCY_KEY="k",
    )

    assert (status, kind, json.loads(text)["code"]) == (400, MEDIA_TYPE, "bad_request")
    assert "Expected a path in UTF-8" in text
    assert Event.objects.count() == before


@pytest.mark.parametrize("path", ["/products/%ff/", "/%C3", "/admin/%ff/", "/admin/inventory/stocklevel/%ff/change/"])
def test_people_get_a_page(path: str) -> None:
    status, kind, text = asked("GET", path)

    assert (status, kind) == (400, "text/html; charset=utf-8")
    assert "We did not understand that" in text


def test_text_that_only_looks_like_it_is_text() -> None:
    assert asked("GET", "/products/%25FF/")[0] == 404
    assert asked("GET", "/products/%C3%84/")[0] == 404
