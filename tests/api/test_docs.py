"""The API describes all of itself, and what it describes is what it does."""

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from jsonschema import Draft202012Validator

from tests.api.routes import operations
from tests.api.writes import WRITES

WITHOUT_A_PAST = {
    "": "what there is to ask",
    "problems/": "the words of answers",
    "problems/{code}/": "the words of answers",
    "consistency/": "how far copies are behind just now",
    "ops/projections/": "how the machine stands, not what the shop knew",
    "ops/projections/{name}/": "how the machine stands, not what the shop knew",
    "ops/parked/": "how the machine stands, not what the shop knew",
    "events/": "the log itself: every event stands at its position for ever",
    "ops/trace/{correlation_id}/": "a part of the log, each step with its time",
    "repricings/{id}/undo-preview/": "what an undo would do now",
    "reports/month-close/": "it compares two moments: the end of the month, and now",
}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    out = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", "--format", "openapi-json", stdout=out)
    return json.loads(out.getvalue())  # type: ignore[no-any-return]


def documented(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_every_operation_is_documented(schema: dict[str, Any]) -> None:
    routes = {
        route.replace("<uuid:pk>", "{id}")
        .replace("<ordinal:number>", "{number}")
        .replace("<slug:code>", "{code}")
        .replace("<slug:name>", "{name}")
        .replace("<slug:correlation_id>", "{correlation_id}")
        .replace("<str:sku>", "{sku}")
        .replace(" ", " /")
        for route in operations("GET", "POST", "PUT", "PATCH", "DELETE")
    }

    assert {name for name, _ in documented(schema)} == routes - {"GET /api/v1/schema/", "GET /api/v1/docs/"}


def test_every_read_can_be_asked_about_the_past_or_says_why_not(schema: dict[str, Any]) -> None:
    reads = {name.removeprefix("GET /api/v1/"): each for name, each in documented(schema) if name.startswith("GET")}

    timeless = {
        name for name, each in reads.items() if "as_of" not in {p["name"] for p in each.get("parameters", ()) if p}
    }

    assert timeless == WITHOUT_A_PAST.keys()


def test_every_operation_says_what_it_takes_answers_and_refuses_with_an_example_each(schema: dict[str, Any]) -> None:
    for name, operation in documented(schema):
        assert operation["summary"], name
        bodies = [body for answer in operation["responses"].values() for body in answer["content"].values()]
        if "requestBody" in operation and operation["requestBody"]["content"]["application/json"]["schema"] != {}:
            sent = operation["requestBody"]["content"]["application/json"]
            bodies += [sent] if "examples" in sent or not sent["schema"]["$ref"].endswith("NothingRequest") else []
        assert all(body.get("examples") for body in bodies), (name, bodies)
        statuses = set(operation["responses"])
        assert statuses >= {"400", "406", "500", "503"}, name
        assert statuses & {"200", "201", "202"}, name
        if "{id}" in name:
            assert "404" in statuses, name
        if name.split()[0] != "GET" and "/ops/" in name:
            assert statuses >= {"401", "403", "404", "409", "411", "413", "415"}, name
        elif name.split()[0] != "GET" and "token" not in name:
            assert statuses >= {"401", "403", "409", "411", "413", "415", "422"}, name
            assert {"Idempotency-Key", "traceparent"} <= {each["name"] for each in operation["parameters"]}, name
            assert {"ETag", "Location"} <= operation["responses"].get("201", operation["responses"].get("200"))[
                "headers"
            ].keys()


def test_examples_are_valid_by_their_own_schemas(schema: dict[str, Any]) -> None:
    contents = [
        (name, content)
        for name, operation in documented(schema)
        for part in (operation.get("requestBody", {}), *operation["responses"].values())
        for content in part.get("content", {}).values()
    ]
    assert contents
    for name, content in contents:
        validator = Draft202012Validator(_nullable(content["schema"]) | {"components": _nullable(schema["components"])})
        for example in content.get("examples", {}).values():
            assert not list(validator.iter_errors(example["value"])), (name, example)


def test_what_the_tests_send_is_valid_by_the_schema(schema: dict[str, Any]) -> None:
    for name, operation in documented(schema):
        route = name.replace(" /", " ").replace("{id}", "<uuid:pk>").replace("{number}", "<ordinal:number>")
        route = route.replace("{name}", "<slug:name>").replace("{sku}", "<str:sku>")
        if route in WRITES:
            content = (
                operation["requestBody"]["content"]["application/json"]["schema"] if "requestBody" in operation else {}
            )
            validator = Draft202012Validator(_nullable(content) | {"components": _nullable(schema["components"])})
            assert not list(validator.iter_errors(WRITES[route].good)), name


def _nullable(schema: Any) -> Any:
    """OpenAPI 3.0's `nullable` in JSON Schema's words."""
    if isinstance(schema, list):
        return [_nullable(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: _nullable(value) for name, value in schema.items() if name != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") is True else plain


def test_the_docs_need_no_sign_in_and_no_other_server(client: Client, db: None) -> None:
    page = client.get("/api/v1/docs/").content.decode()

    for _ in range(2):
        assert client.get("/api/v1/schema/").status_code == 200
    assert client.get("/api/v1/schema/?lang=de").status_code == 400
    assert "//cdn" not in page
    assert "https://" not in page.replace("https://www.w3.org", "")
