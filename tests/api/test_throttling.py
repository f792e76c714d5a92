"""Nobody may ask as often as they like, and who may not is told when."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCacheClient
from redis.exceptions import ConnectionError as RedisAway
from rest_framework.test import APIClient

from shop import throttling

pytestmark = pytest.mark.usefixtures("fresh_throttle")


@pytest.fixture(autouse=True)
def one_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that stands, so that no minute ends in between."""
    monkeypatch.setattr(throttling, "time", SimpleNamespace(time=lambda: 1_000_000_000.0))


def signed_in(name: str, **facts: Any) -> APIClient:
    client = APIClient()
    client.force_authenticate(User.objects.create_user(name, **facts))
    return client


def test_who_asks_too_often_is_told_when_to_come_again(settings: Any, db: None) -> None:
    settings.REQUESTS_A_MINUTE = {"staff": 3}
    client = signed_in("desk", is_staff=True)

    answers = [client.get("/api/v1/products/") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[3].json()["code"] == "throttled"
    assert answers[3]["Retry-After"] == "21", "the minute ends in 20 seconds"
    assert signed_in("other", is_staff=True).get("/api/v1/products/").status_code == 200, "each is counted alone"


def test_the_next_minute_is_another(settings: Any, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.REQUESTS_A_MINUTE = {"staff": 1}
    client = signed_in("desk", is_staff=True)
    client.get("/api/v1/products/")
    late = client.get("/api/v1/products/")

    monkeypatch.setattr(throttling, "time", SimpleNamespace(time=lambda: 1_000_000_000.0 + 21))

    assert (late.status_code, client.get("/api/v1/products/").status_code) == (429, 200)


def test_each_kind_of_caller_has_its_own_measure(settings: Any, db: None) -> None:
    settings.REQUESTS_A_MINUTE = {"staff": 0, "newcomer": 1, "anonymous": 2}
    anonymous, newcomer, staff = APIClient(), signed_in("new"), signed_in("desk", is_staff=True)

    assert [anonymous.get("/api/v1/").status_code for _ in range(3)] == [200, 200, 429]
    assert [newcomer.post("/api/v1/customers/", {}, "json").status_code for _ in range(2)] == [400, 429]
    assert [staff.get("/api/v1/products/").status_code for _ in range(5)] == [200] * 5


def test_no_header_makes_somebody_of_a_caller_else(settings: Any, db: None) -> None:
    settings.REQUESTS_A_MINUTE = {"anonymous": 1}

    answers = [APIClient().get("/api/v1/", HTTP_X_FORWARDED_FOR=f"10.0.0.{n}").status_code for n in range(3)]

    assert answers == [200, 429, 429]


def test_a_redis_that_is_away_fails_nothing_and_still_counts(
    settings: Any, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REQUESTS_A_MINUTE = {"staff": 2}
    asked: list[str] = []

    def away(*args: Any, **kwargs: Any) -> None:
        asked.append("add")
        raise RedisAway("refused")

    cache._away_until = 0.0
    monkeypatch.setattr(RedisCacheClient, "add", away)
    client = signed_in("desk", is_staff=True)

    assert [client.get("/api/v1/products/").status_code for _ in range(3)] == [200, 200, 429]
    assert asked == ["add"], "it is left alone for a while"
    assert isinstance(cache._own, LocMemCache)
