"""Everything that goes wrong is a problem that says so, wherever it goes wrong."""

import logging
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest
from django.apps import apps
from django.db import InterfaceError as DjangoInterfaceError
from django.db import OperationalError as DjangoOperationalError
from django.db import connection
from django.http import HttpResponse
from django.test import Client, RequestFactory
from eventsourcing.persistence import IntegrityError, InterfaceError, OperationalError
from rest_framework.test import APIClient

from eventstore.models import Event
from shop import docs
from shop.errors import Refused
from shop.http import ProblemsMiddleware
from shop.problems import CATALOGUE, MOST, Problem
from tests.api.routes import operations
from tests.full import disk_full

GRACE = {"name": "Grace", "email": "grace@example.com"}


def is_problem(answer: Any, status: int, code: str) -> bool:
    problem = answer.json()
    return (
        answer["Content-Type"] == "application/problem+json"
        and (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
        and problem["type"] == f"/api/v1/problems/{code}/"
        and problem["request_id"] == answer["X-Request-Id"]
        and bool(UUID(problem["request_id"]))
        and problem.keys() >= {"type", "title", "status", "detail", "code", "errors", "request_id"}
    )


def refusals(kind: type[Refused] = Refused) -> set[type[Refused]]:
    return {kind}.union(*(refusals(each) for each in kind.__subclasses__()))


def test_every_refusal_of_the_domain_is_in_the_catalogue() -> None:
    for app in apps.get_app_configs():
        if app.name.startswith("shop.") and find_spec(f"{app.name}.domain"):  # some only read
            import_module(f"{app.name}.domain")

    assert {kind.code for kind in refusals() if kind.__module__.startswith("shop.")} <= CATALOGUE.keys()


def test_what_actions_say_they_refuse_is_in_the_catalogue(db: None) -> None:
    assert docs.FACTS.keys() | docs.ERRORS.keys() <= CATALOGUE.keys()


@pytest.mark.parametrize(
    "path",
    [
        "/api/",
        "/api/v1/nothing/",
        "/api/v2/orders/",
        "/api/v1/orders/x/y/",
        "/api/v1/%2e%2e/admin/",
        "/api/%00",
        "/api/v1/%ff",
    ],
)
@pytest.mark.parametrize("debug", [False, True])
def test_an_unknown_address_is_a_problem(path: str, debug: bool, settings: Any, client: Client, db: None) -> None:
    settings.DEBUG = debug

    assert is_problem(client.get(path), 404, "not_found")
    assert client.get(path)["X-Content-Type-Options"] == "nosniff"


def test_pages_are_no_problems(client: Client, db: None) -> None:
    answer = client.get("/nothing/")

    assert (answer.status_code, answer["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert UUID(answer["X-Request-Id"])


def test_a_strange_host_is_a_problem(client: Client, db: None) -> None:
    assert is_problem(client.get("/api/v1/orders/", HTTP_HOST="evil.example"), 400, "bad_request")
    assert is_problem(client.get("/healthz", HTTP_HOST="evil.example"), 400, "bad_request")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "FOO"])
@pytest.mark.parametrize("path", ["orders/", "customers/", "products/", ""])
def test_what_cannot_be_done_is_a_problem(method: str, path: str, api: APIClient) -> None:
    answer = api.generic(method, f"/api/v1/{path}")

    assert is_problem(answer, 405, "method_not_allowed")
    assert "GET" in answer["Allow"]


@pytest.mark.parametrize("header", ["HTTP_X_HTTP_METHOD_OVERRIDE", "HTTP_X_METHOD_OVERRIDE"])
def test_a_header_does_not_change_the_method(header: str, api: APIClient, ada: UUID) -> None:
    assert is_problem(api.post(f"/api/v1/customers/{ada}/", **{header: "DELETE"}), 405, "method_not_allowed")


@pytest.mark.parametrize("operation", sorted(operations("POST", "GET")))
def test_no_operation_answers_in_a_media_type_that_it_has_not(operation: str, api: APIClient, ada: UUID) -> None:
    if "schema" in operation or "docs" in operation:
        return
    method, _, route = operation.partition(" ")
    path = route.replace("<uuid:pk>", str(ada)).replace("<ordinal:number>", "1").replace("<slug:code>", "not_found")
    path = (
        path.replace("<slug:name>", "Orders").replace("<str:sku>", "MUG-1").replace("<slug:correlation_id>", str(ada))
    )

    answer = api.generic(method, f"/{path}", "{}", "application/json", HTTP_ACCEPT="image/png")

    assert is_problem(answer, 406, "not_acceptable")


def test_what_nobody_foresaw_is_logged_and_told_in_general_words(
    api: APIClient, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        patch("shop.customers.api.register_customer", side_effect=RuntimeError("secret")),
        caplog.at_level(logging.ERROR),
    ):
        answer = api.post("/api/v1/customers/", GRACE)

    assert is_problem(answer, 500, "server_error")
    assert b"secret" not in answer.content
    assert answer["X-Request-Id"] in caplog.text
    assert "RuntimeError: secret" in caplog.text


@pytest.mark.parametrize("error", [OperationalError, InterfaceError, DjangoOperationalError, DjangoInterfaceError])
def test_a_database_that_does_not_answer_is_out_of_service(error: type[Exception], api: APIClient) -> None:
    with patch("shop.customers.api.register_customer", side_effect=error("the connection is lost")):
        answer = api.post("/api/v1/customers/", GRACE)

    assert is_problem(answer, 503, "unavailable")
    assert answer["Retry-After"] == "1"
    assert b"connection" not in answer.content


def test_who_lost_every_race_is_told_so(api: APIClient) -> None:
    with patch("shop.customers.api.register_customer", side_effect=IntegrityError("version 1 is taken")):
        assert is_problem(api.post("/api/v1/customers/", GRACE), 409, "concurrent_change")


def test_a_database_that_can_only_be_read_says_so(api: APIClient) -> None:
    with connection.cursor() as cursor:
        cursor.execute("set transaction read only")

    assert is_problem(api.post("/api/v1/customers/", GRACE), 503, "read_only")


@pytest.mark.django_db(transaction=True)
def test_a_disk_that_is_full_says_so_and_nothing_is_changed(empty_log: None, api: APIClient, ada: UUID) -> None:
    before = Event.objects.count()
    with disk_full("eventstore_event"):
        refused = api.post(f"/api/v1/customers/{ada}/rename/", {"name": "Ida"}, HTTP_IDEMPOTENCY_KEY="k")
        read = api.get(f"/api/v1/customers/{ada}/history/")
    again = api.post(f"/api/v1/customers/{ada}/rename/", {"name": "Ida"}, HTTP_IDEMPOTENCY_KEY="k")

    assert is_problem(refused, 503, "storage_full")
    assert (refused["Retry-After"], read.status_code, len(read.json()["results"])) == ("1", 200, 3)
    assert b"extend" not in refused.content
    assert again.status_code == 200
    assert Event.objects.count() == before + 1


def test_a_body_that_nobody_read_is_read_and_thrown_away(rf: RequestFactory) -> None:
    request = rf.post("/api/v1/orders/", b"x" * 1_000_000, content_type="application/json")

    ProblemsMiddleware(lambda _: HttpResponse(status=401))(request)

    assert request.META["wsgi.input"].read() == b""


def test_a_body_without_end_is_not_read_to_its_end(rf: RequestFactory) -> None:
    class Endless:
        given = 0

        def read(self, size: int) -> bytes:
            self.given += size
            return b"x" * size

    request: Any = rf.get("/api/v1/orders/")
    request.META |= {"wsgi.input": (endless := Endless()), "wsgi.input_terminated": True}

    ProblemsMiddleware(lambda _: HttpResponse(status=401))(request)

    assert endless.given == 16 * 1024 * 1024


def test_errors_are_named_up_to_a_number() -> None:
    problem = Problem("invalid", errors=[{"pointer": f"/{n}", "code": "invalid", "detail": ""} for n in range(1000)])

    assert len(problem.body()["errors"]) == MOST


def test_what_a_refusal_knows_never_hides_what_a_problem_is() -> None:
    problem = Problem("wrong_status", "Too late.", facts={"status": "cancelled", "sku": "MUG-1"}).body()

    assert (problem["status"], problem["sku"]) == (409, "MUG-1")


def test_each_type_leads_to_its_explanation(client: Client, db: None) -> None:
    kinds = client.get("/api/v1/problems/").json()

    assert {kind["code"] for kind in kinds} == CATALOGUE.keys()
    for kind in kinds:
        assert client.get(kind["sample"]["type"]).json() == kind
    assert is_problem(client.get("/api/v1/problems/nothing/"), 404, "not_found")


def test_each_request_has_an_id_of_its_own(client: Client, db: None) -> None:
    ids = {client.get("/healthz", HTTP_X_REQUEST_ID="mine")["X-Request-Id"] for _ in range(3)}

    assert len(ids) == 3
    assert "mine" not in ids


def test_health_needs_no_database(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}
    assert is_problem(client.post("/healthz"), 405, "method_not_allowed")


def test_readiness_needs_the_database_and_its_migrations(client: Client, db: None) -> None:
    assert client.get("/readyz").json() == {"status": "ready"}

    with patch("shop.service.connection.cursor", side_effect=DjangoOperationalError("no")):
        assert is_problem(client.get("/readyz"), 503, "unavailable")
    with (
        patch("shop.service.Ready.migrated", False),
        patch("shop.service.MigrationExecutor.migration_plan", return_value=["x"]),
    ):
        assert is_problem(client.get("/readyz"), 503, "unavailable")


@pytest.mark.parametrize("path", ["/api/v1/nope/", "/api/v1/orders/x/", "/api/v1/orders/%00/", "/api/v1/products/1/"])
def test_the_length_of_a_problem_is_what_its_header_says(client: Client, db: None, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 404
    assert answer.headers.get("Content-Length", str(len(answer.content))) == str(len(answer.content))


def test_a_post_without_the_last_slash_is_sent_on_as_a_post(client: Client, db: None) -> None:
    answer = client.post("/api/v1/orders", {}, content_type="application/json")

    assert (answer.status_code, answer["Location"]) == (308, "/api/v1/orders/")
