"""The list of products is kept by position: as quick as it can be, and never older than it says."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from projections import engine
from projections.projection import known
from shop.catalog.commands import rename_product, schedule_price
from shop.models import CustomerUser
from tests.api.conftest import eur
from tests.shop.orders import euros

pytestmark = pytest.mark.usefixtures("fresh_throttle")
LIST = "/api/v1/products/"


def seen(answer: Any) -> tuple[str, int, list[str]]:
    return answer["X-Cache"], int(answer["X-Position"]), [row["name"] for row in answer.json()["results"]]


def test_scenario_29_cache(api: APIClient, ada: UUID, mug: UUID, catch_up: Callable[[], None]) -> None:
    catch_up()
    created = int(api.get(LIST)["X-Position"])

    again = seen(api.get(LIST))
    position = rename_product(mug, name="Lighthouse mug").position or 0
    lagging = seen(api.get(LIST))
    engine.catch_up([known()["Products"]])
    mine = api.get(f"{LIST}?after={position}")
    followed, kept = seen(api.get(LIST)), seen(api.get(LIST))

    assert again == ("hit", created, ["Harbour mug"])
    assert lagging == again, "of that position it is still right, and says which it is"
    assert [row["name"] for row in mine.json()["results"]] == ["Lighthouse mug"]
    assert (followed, kept) == (("miss", position, ["Lighthouse mug"]), ("hit", position, ["Lighthouse mug"]))


def test_a_price_that_begins_by_the_clock_ends_what_was_kept(api: APIClient, mug: UUID, catch_up: Any) -> None:
    now = datetime.now(UTC)
    soon, later = now + timedelta(minutes=5), now + timedelta(minutes=10)
    schedule_price(mug, price=euros("9.00"), starts=soon, ends=later)
    catch_up()

    def price(at: datetime) -> tuple[str, dict[str, str]]:
        with patch("shop.catalog.kept.datetime") as clock, patch("shop.clock.datetime") as instant:
            clock.now.return_value = instant.now.return_value = at
            answer = api.get(LIST)
        return answer["X-Cache"], answer.json()["results"][0]["price"]

    found = [price(at) for at in (now, now, soon, soon, later, later)]

    assert found == [
        *(("miss", eur("12.50")), ("hit", eur("12.50"))),
        *(("miss", eur("9.00")), ("hit", eur("9.00"))),
        *(("miss", eur("12.50")), ("hit", eur("12.50"))),
    ]


def test_what_staff_see_is_kept_for_no_customer(api: APIClient, ada: UUID, mug: UUID, catch_up: Any) -> None:
    schedule_price(mug, price=euros("9.00"), starts=datetime.now(UTC) + timedelta(days=1))
    catch_up()
    user = User.objects.create_user("ada")
    CustomerUser.objects.create(user=user, customer_id=ada)
    customer = APIClient()
    customer.force_authenticate(user)

    told = [(a["X-Cache"], len(a.json()["results"][0]["scheduled"])) for a in (api.get(LIST), customer.get(LIST))]

    assert told == [("miss", 1), ("miss", 0)]
