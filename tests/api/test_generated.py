"""Requests that nobody thought of, made from the OpenAPI document: no 500, and no answer that it does not describe."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from io import StringIO
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest
import requests
import schemathesis
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from rest_framework.test import APIClient
from schemathesis import GenerationMode, Response
from schemathesis.core import NotSet

from shop.fulfilment.domain import process_of
from tests.api import test_bad_writes
from tests.api.test_bad_reads import READS
from tests.api.writes import WRITES

made, staff, world = test_bad_writes.made, test_bad_writes.staff, test_bad_writes.world
Answers = dict[str, Counter[int]]  # of each operation, how many of each status
ELSEWHERE = ", of what is not there"
PAST_FORMS = {200, 201, 202, 204, 401, 404, 409, 422}  # done, or refused by what there is; 401: a wrong password
BEFORE_DRF = {"431", "413"}  # what any request may be answered, and is said once for all of them


@pytest.fixture(scope="module")
def document() -> Any:
    out = StringIO()
    call_command("spectacular", "--format", "openapi-json", stdout=out)
    return schemathesis.openapi.from_dict(json.loads(out.getvalue()))


def places() -> dict[tuple[str, str], str]:
    """Of each operation, as the document names it, a path that leads to something: ``{ada}`` is her id."""
    found = {}
    for operation, write in WRITES.items():
        found[named(operation)] = write.path
    for operation, (path, _) in READS.items():
        found[named(operation)] = path
    return found


def named(operation: str) -> tuple[str, str]:
    method, _, route = operation.partition(" ")
    for converter, name in (("<uuid:pk>", "id"), ("<ordinal:number>", "number"), ("<slug:code>", "code")):
        route = route.replace(converter, f"{{{name}}}")
    return method, "/" + route.replace("<slug:name>", "{name}").replace("<str:sku>", "{sku}")


def test_no_request_is_answered_by_what_is_not_described(document: Any, api: APIClient, world: dict[str, str]) -> None:
    answers: Answers = {}

    assert asked(document, api, world, answers, examples=1, anywhere=False) == []
    assert stopped_at_the_door(answers) == []


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_no_request_of_many(document: Any, api: APIClient, world: dict[str, str], seed: int) -> None:
    """``./test -m long -k no_request_of_many``"""
    answers: Answers = {}

    assert asked(document, api, world, answers, examples=25 * (seed + 1), anywhere=True) == []
    assert stopped_at_the_door(answers) == []
    total = sum(answers.values(), Counter())
    print(f"\n{total.total():,} requests of {len(answers)} operations: {dict(sorted(total.items()))}")


def stopped_at_the_door(answers: Answers) -> list[str]:
    """Writes of which no request came to the command: none was carried out, nor refused by what there is."""
    writes = {name: found for name, found in answers.items() if not name.startswith("GET ") and ELSEWHERE not in name}
    assert len(writes) == len(WRITES)
    return [f"{name}: {dict(found)}" for name, found in writes.items() if not PAST_FORMS & found.keys()]


def asked(
    document: Any, api: APIClient, world: dict[str, str], answers: Answers, *, examples: int, anywhere: bool
) -> list[str]:
    """So many good and bad requests of each operation; with ``anywhere``, half of them about what is not there."""
    with connection.cursor() as cursor:
        cursor.execute("set local idle_in_transaction_session_timeout = 0")  # requests are long in the making
    surprises: dict[str, None] = {}
    there = places()
    world = world | {"parcel": world["planned"], "process": str(process_of(UUID(world["order"]))), "mail": str(uuid4())}
    for result in document.get_all_operations():
        operation = result.ok()
        for mode in GenerationMode:
            for known_place in (True, False) if anywhere else (True,):
                path = there.get((operation.method.upper(), operation.path)) if known_place else None
                name = f"{operation.method.upper()} {operation.path}{'' if path is not None else ELSEWHERE}"
                found = answers.setdefault(name, Counter())
                for surprise in sent(api, world, operation, mode, path, examples, found):
                    surprises[surprise] = None
    return list(surprises)


def sent(
    api: APIClient,
    world: dict[str, str],
    operation: Any,
    mode: GenerationMode,
    path: str | None,
    examples: int,
    found: Counter[int],
) -> list[str]:
    """Each good one with a fresh key where the document requires one; and the example that it gives."""
    surprises: list[str] = []
    is_good = mode is GenerationMode.POSITIVE
    wants_key = any(
        each["name"] == "Idempotency-Key" and each.get("required")
        for each in operation.definition.raw.get("parameters", ())
    )

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        where = f"/api/v1/{path.format(**world)}" if path is not None else case.formatted_path
        request = f"{case.method} {where}?{urlencode(case.query or {}, doseq=True)}"
        body = b"" if isinstance(case.body, NotSet) else case.body
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {name: text for name, text in (case.headers or {}).items() if text.isprintable()}
        if is_good and found.total() % 2 == 0:  # any text is an If-Match to the document, and few are to the shop
            headers = {}
        tell(request, data, case.media_type or "application/json", headers)

    def tell(request: str, data: bytes, media_type: str, headers: dict[str, str]) -> None:
        if wants_key and is_good:
            headers = headers | {"Idempotency-Key": str(uuid4())}
        method, _, where = request.partition(" ")
        cache.clear()
        with transaction.atomic():  # each finds the same shop
            answer = api.generic(method, where.rstrip("?"), data, media_type, headers=headers)
            transaction.set_rollback(True)
        found[answer.status_code] += 1
        said = f"{request} {data[:300]!r}: {answer.status_code} {answer.content[:300]!r}"
        surprises.extend(f"{why}: {said}" for why in wrong_with(operation, answer))

    if is_good or can_be_bad(operation.definition.raw):
        with suppress(Unsatisfiable):
            ask()
    if is_good and path is not None and "requestBody" in operation.definition.raw:
        for media_type, content in operation.definition.raw["requestBody"]["content"].items():
            example = json.dumps(content["examples"]["Example"]["value"]).encode()
            tell(f"{operation.method.upper()} /api/v1/{path.format(**world)}", example, media_type, {})
    return surprises[:3]


def can_be_bad(described: Any) -> bool:
    """Whether a request may be anything but good: else a thousand are made, and none is bad."""
    any_text = {"in": "path", "schema": {"type": "string"}}.items()
    return "requestBody" in described or not all(any_text <= each.items() for each in described.get("parameters", ()))


def wrong_with(operation: Any, answer: Any) -> Iterator[str]:
    if answer.status_code >= 500:
        yield "failed"
    described = set(operation.definition.raw["responses"]) | BEFORE_DRF
    if str(answer.status_code) not in described:
        yield f"answered what is not among {', '.join(sorted(described))}"
    elif str(answer.status_code) not in BEFORE_DRF:
        try:
            operation.validate_response(as_requests(answer))
        except Exception as error:  # whatever it finds
            yield f"not as described ({str(error)[:400]})"


def as_requests(answer: Any) -> Response:
    headers = {name.lower(): [value] for name, value in answer.items()}
    request = requests.Request("GET", "http://localhost/").prepare()
    return Response(answer.status_code, headers, answer.content, request, 0.0, False)
