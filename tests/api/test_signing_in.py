"""By token or by session; staff only; and not by guessing."""

from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

pytestmark = pytest.mark.usefixtures("fresh_throttle")


@pytest.fixture
def support(staff: User, settings: Any) -> User:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick
    staff.set_password("secret ☂")
    staff.save()
    return staff


def sign_in(client: APIClient, username: str, password: str, **headers: str) -> Any:
    return client.post("/api/v1/token/", {"username": username, "password": password}, "json", **headers)


def test_a_name_and_a_password_are_exchanged_for_a_token(support: User) -> None:
    client = APIClient()

    answer = sign_in(client, "support", "secret ☂")
    client.credentials(HTTP_AUTHORIZATION=f"Token {answer.json()['token']}")

    assert answer["Cache-Control"] == "no-store"
    assert client.get("/api/v1/orders/").status_code == 200


def test_a_wrong_name_and_a_wrong_password_are_answered_alike(support: User) -> None:
    answers = [sign_in(APIClient(), *who) for who in (("support", "wrong"), ("nobody", "secret ☂"))]

    problems = [answer.json() | {"request_id": ""} for answer in answers]
    assert problems[0] == problems[1]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0]["WWW-Authenticate"].startswith("Token")


def test_who_is_no_longer_active_does_not_get_in(support: User) -> None:
    support.is_active = False
    support.save()

    assert sign_in(APIClient(), "support", "secret ☂").status_code == 401


def test_guessing_is_slowed_down_by_name_and_address_and_no_header_helps(support: User) -> None:
    client = APIClient()

    answers = [sign_in(client, "support", "wrong", HTTP_X_FORWARDED_FOR=f"10.0.0.{n}") for n in range(11)]
    right = sign_in(client, "support", "secret ☂")
    other_name = sign_in(client, "somebody", "wrong")
    other_address = sign_in(client, "support", "secret ☂", REMOTE_ADDR="192.0.2.1")

    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert (right.status_code, right.json()["code"]) == (429, "throttled")
    assert 0 < int(right["Retry-After"]) <= 61
    assert (other_name.status_code, other_address.status_code) == (401, 200)


@pytest.mark.parametrize(
    "header", ["Token x", "Token", "Token a b", "Token \xe9", "Bearer eyJhbGciOiJub25lIn0.e30.", "Basic eDp5"]
)
def test_a_token_that_is_none_is_refused(header: str, db: None) -> None:
    answer = APIClient().get("/api/v1/orders/", HTTP_AUTHORIZATION=header)

    assert answer.status_code == 401
    assert answer.json()["code"] in ("authentication_failed", "not_authenticated")
    assert answer["WWW-Authenticate"].startswith("Token")


def test_a_session_signs_in_too_but_writes_only_with_its_csrf_token(support: User, ada: UUID) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(support)
    rename = f"/api/v1/customers/{ada}/rename/"

    read = client.get("/api/v1/orders/")
    without = client.post(rename, {"name": "Grace"}, "json")
    client.cookies["csrftoken"] = "a" * 32
    with_it = client.post(rename, {"name": "Grace"}, "json", HTTP_X_CSRFTOKEN="a" * 32)
    as_form = client.post(rename, {"name": "Grace"}, "multipart", HTTP_X_CSRFTOKEN="a" * 32)

    assert read.status_code == 200
    assert (without.status_code, without.json()["code"]) == (403, "permission_denied")
    assert "CSRF" in without.json()["detail"]
    assert with_it.status_code == 200
    assert as_form.status_code == 415


def test_a_token_of_somebody_else_opens_nothing(db: None) -> None:
    customer = User.objects.create_user("customer")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {Token.objects.create(user=customer).key}")

    answer = client.get("/api/v1/orders/")

    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
