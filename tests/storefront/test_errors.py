"""What goes wrong is a page for people, and a problem for programs."""

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
