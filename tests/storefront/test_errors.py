"""What goes wrong is a page for people, and a problem for programs."""

from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from django.core.exceptions import PermissionDenied
from django.db import OperationalError

from shop.errors import Refused
from shop.problems import MEDIA_TYPE
from tests.storefront.conftest import Visitor, words


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (OperationalError("the server is gone"), 503, "The shop is out for a moment"),
        (PermissionDenied(), 403, "This is not yours to do"),
        (Refused("Not on a Sunday."), 409, "Not on a Sunday."),
        (ZeroDivisionError(), 500, "Something is wrong on our side"),
    ],
)
def test_a_page_that_fails_says_so_in_words(error: Exception, status: int, said: str, guest: Visitor) -> None:
    guest.raise_request_exception = False

    with patch("shop.storefront.shelf.look", side_effect=error):
        answer = guest.get("/")

    assert answer.status_code == status
    assert said in words(answer)
    assert str(answer["X-Request-Id"]) in words(answer)


def test_where_the_database_is_away_the_page_needs_none(guest: Visitor) -> None:
    guest.raise_request_exception = False
    guest.send("/products/MUG-1/", "/basket/add/")

    with patch("django.contrib.sessions.backends.db.SessionStore.load", side_effect=OperationalError("gone")):
        answer = guest.get("/basket/")

    assert answer.status_code == 503
    assert "The shop is out for a moment" in words(answer)
    assert answer["Retry-After"] == "1"


def test_programs_still_get_problems(guest: Visitor) -> None:
    answer = guest.get("/api/v1/nothing/")

    assert (answer.status_code, answer["Content-Type"]) == (404, MEDIA_TYPE)


def test_what_was_not_understood_is_said(guest: Visitor) -> None:
    answer: Any = guest.get("/", HTTP_HOST="evil.example")

    assert answer.status_code == 400
    assert "We did not understand that" in words(answer)


@pytest.mark.parametrize(
    "path", ["/products/%00/", "/products/a%00b/", "/products/../x/", "/?page=x", "/?sort=x&q=%00"]
)
def test_nonsense_is_nothing_worse(path: str, guest: Visitor) -> None:
    assert guest.get(path).status_code in (200, 404)


def test_nobody_is_called_nul(guest: Visitor) -> None:
    assert guest.post("/sign-in/", {"email": "\0", "password": "\0"}).status_code == 422


def test_who_sends_too_much_is_asked_to_wait(guest: Visitor, settings: Any) -> None:
    settings.REQUESTS_A_MINUTE = {"anonymous": 2}

    with patch("shop.throttling.time", SimpleNamespace(time=lambda: 30.0)):
        answers = [guest.post("/basket/add/", {"sku": "MUG-1", "quantity": "1"}) for _ in range(3)]

    assert [each.status_code for each in answers] == [302, 302, 429]
    assert int(answers[-1]["Retry-After"]) > 0
    assert guest.get("/").status_code == 200
