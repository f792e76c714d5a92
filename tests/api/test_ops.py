"""Projections over HTTP: where they stand, and what operators ask of them."""

from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from rest_framework.test import APIClient

from eventstore import log
from projections import engine, lease, operations, rebuild
from projections.models import Checkpoint, Errand, Parked
from projections.projection import known
from shop.customers.commands import change_email
from shop.customers.models import CustomerSummary

ORDERS = "/api/v1/ops/projections/Orders/"
CUSTOMERS = "/api/v1/ops/projections/Customers/"


@pytest.fixture
def ops(api: APIClient, staff: User) -> APIClient:
    """Signed in as one who may change projections."""
    staff.user_permissions.add(Permission.objects.get(codename="change_checkpoint"))
    return api


@pytest.fixture
def parked(ada: UUID) -> UUID:
    """The stream of an event that could not be applied, and of one that waits behind it."""
    with patch.object(CustomerSummary, "__init__", side_effect=ValueError("no such name")):
        engine.catch_up([known()["Customers"]])
    change_email(ada, email="ada@example.org")
    engine.catch_up([known()["Customers"]])
    return ada


def told(answer: Any) -> tuple[int, str, str]:
    problem = answer.json()
    return answer.status_code, problem["code"], problem["detail"]


def test_each_projection_says_where_it_stands(api: APIClient, order: UUID) -> None:
    engine.catch_up()

    listed = api.get("/api/v1/ops/projections/").json()

    assert {each["name"] for each in listed} == known().keys()
    orders = next(each for each in listed if each["name"] == "Orders")
    assert orders == api.get(ORDERS).json()
    assert (orders["state"], orders["behind_events"], orders["alerts"]) == ("live", 0, [])
    assert orders["position"] == orders["horizon"] == log.horizon()


def test_a_wrong_name_is_answered_with_the_nearest(ops: APIClient) -> None:
    for answer in (ops.get("/api/v1/ops/projections/Order/"), ops.post("/api/v1/ops/projections/Order/resume/")):
        assert told(answer) == (404, "not_found", "There is no projection Order. Is it Orders?")


def test_one_is_paused_and_resumed_and_who_did_is_kept(ops: APIClient, order: UUID, staff: User) -> None:
    paused = ops.post(f"{ORDERS}pause/", {"reason": "prices are wrong"})
    engine.catch_up()

    assert paused.status_code == 200
    assert [paused.json()[fact] for fact in ("state", "paused_by", "pause_reason")] == [
        *("paused", "support", "prices are wrong")
    ]
    assert ops.get(ORDERS).json()["behind_events"] > 0
    again = ops.post(f"{ORDERS}pause/", {"reason": "again"})
    assert told(again) == (409, "paused_already", "Orders is paused already.")

    assert ops.post(f"{ORDERS}resume/").json()["state"] == "behind"
    engine.catch_up()
    assert ops.get(ORDERS).json()["state"] == "live"
    assert told(ops.post(f"{ORDERS}resume/")) == (409, "not_paused", "Orders is not paused.")
    kept = LogEntry.objects.order_by("pk").values_list("user", "object_id", "change_message")
    assert [*kept] == [
        (staff.pk, "Orders", "Orders is paused. Its tables stay as they are, and nothing is lost."),
        (staff.pk, "Orders", "Orders goes on where it was."),
    ]


def test_a_rebuild_is_asked_of_the_workers(ops: APIClient, order: UUID) -> None:
    engine.catch_up()

    asked = ops.post(f"{ORDERS}rebuild/", {"expect_changes": True})

    assert (asked.status_code, asked["Location"]) == (202, ORDERS)
    assert asked.json()["rebuild_asked_by"] == "support"
    assert Errand.objects.get(projection="Orders").options == {"expect_changes": True}
    assert told(ops.post(f"{ORDERS}rebuild/"))[:2] == (409, "not_rebuilt")


def test_what_the_workers_find_is_told_where_the_answer_points(ops: APIClient, order: UUID) -> None:
    engine.catch_up()

    asked = ops.post(f"{ORDERS}verify/", {"heal": True})

    assert (asked.status_code, asked["Location"]) == (202, ORDERS)
    (errand,) = asked.json()["errands"]
    assert (errand["kind"], errand["asked_by"], errand["options"]) == (
        "verify",
        "support",
        {"sample": 1.0, "heal": True},
    )
    assert (errand["ended_at"], errand["said"]) == (None, "A worker will begin soon.")
    assert told(ops.post(f"{ORDERS}verify/"))[:2] == (409, "not_verified")
    assert told(ops.post(f"{ORDERS}replay/", {"sure": False}))[:2] == (400, "invalid")

    table = {"table": "o", "rows": 8, "differing": 2, "unexpected": 2, "missing": 1, "surplus": 0}
    found = {"healed": 2, "tables": [table | {"columns": {"status": 1}, "keys": ["k"]}]}
    operations.end(known()["Orders"], "verify", errand=Errand.objects.get(), found=found)

    (errand,) = ops.get(ORDERS).json()["errands"]
    assert errand["tables"] == found["tables"]
    assert (errand["rows"], errand["differing"], errand["healed"]) == (8, 0, 2)
    assert errand["said"] == "8 rows compared, 2 differ, and were healed."


def test_what_is_built_is_abandoned(ops: APIClient, order: UUID) -> None:
    engine.catch_up()
    ops.post(f"{ORDERS}rebuild/")
    Checkpoint.objects.create(name="Orders/rebuild_Orders", projection="Orders", schema="rebuild_Orders")

    answer = ops.post(f"{ORDERS}abandon/")

    assert (answer.status_code, answer.json()["progress"]) == (200, None)
    assert answer.json()["errands"][0]["refused"] == "Abandoned by support."
    assert told(ops.post(f"{ORDERS}abandon/"))[:2] == (409, "nothing_built")


def test_one_that_has_no_old_tables_does_not_go_back(ops: APIClient, order: UUID) -> None:
    engine.catch_up()

    assert told(ops.post(f"{ORDERS}back/"))[:2] == (409, "no_way_back")


def test_old_tables_that_are_known_to_differ_come_back_only_even_so(ops: APIClient, order: UUID) -> None:
    engine.catch_up()
    when = datetime(2026, 3, 1, 12, tzinfo=UTC)
    Checkpoint.objects.create(
        name="Orders/old_Orders", projection="Orders", schema="old_Orders", differing=3, compared_at=when
    )

    refused = told(ops.post(f"{ORDERS}back/", {"even_so": False}))

    assert refused[:2] == (409, "no_way_back")
    assert "Of the old rows of Orders, 3 were not what the log makes of it" in refused[2]
    assert "compared at 2026-03-01 12:00:00 UTC" in refused[2]
    assert ops.get(ORDERS).json()["kept_differing"] == 3
    with patch.object(rebuild, "go_back", return_value=7) as back:
        ops.post(f"{ORDERS}back/", {"even_so": True})
    back.assert_called_once_with(known()["Orders"], by="support", even_so=True)


def test_one_goes_back_to_the_tables_before_its_rebuild(ops: APIClient, order: UUID) -> None:
    engine.catch_up()

    with patch.object(rebuild, "go_back", return_value=7) as back:
        answer = ops.post(f"{ORDERS}back/")

    assert (answer.status_code, answer.json()["name"]) == (200, "Orders")
    back.assert_called_once_with(known()["Orders"], by="support", even_so=False)
    assert LogEntry.objects.get().change_message == (
        "Orders has its old tables again, as of position 7, and catches up."
    )


def test_what_is_parked_is_listed_with_what_waits_behind_it(ops: APIClient, parked: UUID) -> None:
    page = ops.get("/api/v1/ops/parked/").json()

    (first,) = page["results"]
    assert (first["projection"], first["name"], first["stream_id"]) == ("Customers", "Customer.Registered", str(parked))
    assert first["behind"] == Parked.objects.count() - 1 > 0
    assert "no such name" in first["error"]
    assert (page["next"], page["previous"]) == (None, None)
    assert ops.get(CUSTOMERS).json()["state"] == f"parked {Parked.objects.count()}"


def test_a_retry_applies_what_can_be_applied(ops: APIClient, parked: UUID) -> None:
    count = Parked.objects.count()

    answer = ops.post(f"{CUSTOMERS}retry/", {"stream_id": str(parked)})

    assert answer.json() == {"applied": count, "parked": 0, "rebuild_asked": False, "errors": []}
    assert CustomerSummary.objects.get(id=parked).email == "ada@example.org"
    assert told(ops.post(f"{CUSTOMERS}retry/")) == (409, "not_parked", "Customers has nothing parked.")


def test_a_retry_that_takes_a_rebuild_is_left_to_the_workers(ops: APIClient, parked: UUID) -> None:
    with patch("projections.retrying.in_place", return_value=False):
        answer = ops.post(f"{CUSTOMERS}retry/")

    count = Parked.objects.count()
    assert answer.json() == {"applied": 0, "parked": count, "rebuild_asked": True, "errors": []}
    assert Errand.objects.get(projection="Customers", kind="rebuild").options == {"expect_changes": True}


def test_an_event_is_skipped_for_a_reason_until_that_is_undone(ops: APIClient, parked: UUID) -> None:
    position = Parked.objects.order_by("position")[0].position

    assert ops.post(f"{CUSTOMERS}skip/", {"position": position, "reason": "a test"}).status_code == 200
    by_position = {each["position"]: each for each in ops.get("/api/v1/ops/parked/").json()["results"]}
    assert len(by_position) == 2, "the one that was skipped, and the one that is the first to wait now"
    assert [by_position[position][fact] for fact in ("skipped_by", "skip_reason")] == ["support", "a test"]

    assert ops.post(f"{CUSTOMERS}unskip/", {"position": position}).status_code == 200
    assert [each["position"] for each in ops.get("/api/v1/ops/parked/").json()["results"]] == [position]
    assert told(ops.post(f"{CUSTOMERS}unskip/", {"position": position}))[:2] == (409, "not_parked")


def test_a_worker_that_does_not_let_go_is_said_to_be_busy(ops: APIClient, parked: UUID) -> None:
    with patch("projections.retrying.retry", side_effect=lease.Busy("Customers is being advanced.")):
        answer = ops.post(f"{CUSTOMERS}retry/")

    assert told(answer) == (409, "busy", "Customers is being advanced.")
    assert answer["Retry-After"] == "1"


@pytest.mark.parametrize(
    "action",
    [*("pause", "resume", "rebuild", "dry-run", "verify", "replay"), *("abandon", "back", "retry", "skip", "unskip")],
)
def test_who_may_only_look_changes_nothing(action: str, api: APIClient, order: UUID) -> None:
    operations.pause(known()["Orders"], by="desk", reason="a stocktaking")
    before = Checkpoint.objects.values().get(name="Orders")

    answer = api.post(f"{ORDERS}{action}/", {"reason": "x"})

    assert told(answer)[:2] == (403, "permission_denied")
    assert Checkpoint.objects.values().get(name="Orders") == before
    assert api.get(ORDERS).status_code == 200
