"""The API describes itself: what an action takes, answers and refuses is said once, beside it (OpenAPI 3)."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from shop.problems import CATALOGUE, MEDIA_TYPE, Problem

F = TypeVar("F", bound=Callable[..., Any])

HEADER, QUERY = OpenApiParameter.HEADER, OpenApiParameter.QUERY
AN_ID = "01990a2b-7c4e-7d21-9f3a-5b8c6d7e8f90"

ERRORS = {
    "invalid": [{"pointer": "/lines/0/quantity", "code": "min_value", "detail": "It must be at least 1."}],
    "bad_parameter": [{"parameter": "page_size", "code": "bad_parameter", "detail": "A page has 1 to 100 rows."}],
    "unknown_parameter": [
        {"parameter": "colour", "code": "unknown_parameter", "detail": "There is none of that name."}
    ],
    "repeated_parameter": [{"parameter": "after", "code": "repeated_parameter", "detail": "It stands 2 times."}],
    "pruned": [{"parameter": "as_of", "code": "pruned", "detail": "History is kept from position 1042 on."}],
    "bad_idempotency_key": [{"header": "Idempotency-Key", "code": "invalid", "detail": "It has 1 to 255 characters."}],
}
FACTS: dict[str, dict[str, Any]] = {
    "version_conflict": {"expected": 3, "found": 4},
    "stale_price": {"sku": "MUG-1", "quoted": "12.50 EUR", "now": "13.00 EUR"},
    "stale_total": {"quoted": "29.90 EUR", "now": "31.15 EUR"},
    "quote_replaced": {"last": 2},
    "more_than_ordered": {"sku": "MUG-1", "wanted": 3, "ordered": 2},
    "not_on_sale": {"sku": "MUG-1"},
    "unknown_product": {"sku": "MUG-1"},
    "sku_taken": {"sku": "MUG-1"},
    "insufficient_stock": {"sku": "MUG-1", "wanted": 12, "available": 9},
    "unknown_stock": {"sku": "MUG-1"},
    "credit_exceeded": {"wanted": "120.00 EUR", "available": "75.00 EUR"},
    "customer_merged": {"into": AN_ID},
    "pruned": {"kept_since": 1042},
    "context_down": {"context": "customers"},
}

AFTER = OpenApiParameter(
    "after", OpenApiTypes.INT64, QUERY, description="A position in the log: wait for it, so as to read one's own write."
)
MOMENT = "2026-03-01T12:00:00Z"
AS_OF = OpenApiParameter(
    "as_of",
    description="What was known then: an instant with its zone, a position in the log, or a version such as `v3`.",
    examples=[OpenApiExample("version", "v3"), OpenApiExample("position", "1042"), OpenApiExample("instant", MOMENT)],
)
AS_OF_LIST = OpenApiParameter(
    "as_of",
    description="What was known then: an instant with its zone, or a position in the log. `next` keeps it.",
    examples=[OpenApiExample("position", "1042"), OpenApiExample("instant", MOMENT)],
)
EFFECTIVE_AT = OpenApiParameter("effective_at", OpenApiTypes.DATETIME, QUERY, description="What was true then.")
WRITES = (
    OpenApiParameter("If-Match", str, HEADER, description="The ETag that you saw: changed since, 412 is the answer."),
    OpenApiParameter("traceparent", str, HEADER, description="W3C: the correlation id of what is done."),
    OpenApiParameter("Location", str, HEADER, response=[200, 201], description="Where to read what was just written."),
)
ETAG = OpenApiParameter("ETag", str, HEADER, response=[200, 201], description='The version, quoted: `"3"`.')
KEEPS = (
    OpenApiParameter("X-Cache", str, HEADER, response=[200], description="hit: it is what was kept of this page."),
    OpenApiParameter("X-Position", int, HEADER, response=[200], description="Of the last event that is in it."),
)
ALWAYS = (
    OpenApiParameter("X-Request-Id", OpenApiTypes.UUID, HEADER, response=True, description="To find it in our logs."),
    OpenApiParameter("Retry-After", int, HEADER, response=[409, 425, 429, 503], description="In so many seconds."),
)


def key(*, required: bool) -> OpenApiParameter:
    words = "The same key again does nothing again."
    return OpenApiParameter("Idempotency-Key", str, HEADER, required=required, description=words)


def asks(
    form: type[serializers.Serializer], *problems: str, answers: type[serializers.Serializer] | None = None
) -> Callable[[F], F]:
    """Say of an action that its body is ``form``, how it may be refused besides what is usual, and what it answers.

    ``answers``: if that is no receipt.
    """

    def mark(method: F) -> F:
        method.form, method.problems = form, problems  # type: ignore[attr-defined]
        if answers:
            method.answers = answers  # type: ignore[attr-defined]
        return method

    return mark


def shows(serializer: Any, *problems: str, status: int = 200) -> Callable[[F], F]:
    """Say of an action what it answers."""

    def mark(method: F) -> F:
        method.shows, method.status = serializer, status  # type: ignore[attr-defined]
        method.problems = (*getattr(method, "problems", ()), *problems)  # type: ignore[attr-defined]
        return method

    return mark


class ReceiptSerializer(serializers.Serializer):
    """What a command answers: enough to read your own write."""

    example = {"id": AN_ID, "version": 3, "position": 1042}

    id = serializers.UUIDField()
    version = serializers.IntegerField(help_text="Of the object, after it. 1 is its first event.")
    position = serializers.IntegerField(allow_null=True, help_text="In the log; null: nothing changed.")


class ErrorSerializer(serializers.Serializer):
    pointer = serializers.CharField(required=False, help_text="Where in the body (RFC 6901).")
    parameter = serializers.CharField(required=False, help_text="Or which parameter of the address.")
    header = serializers.CharField(required=False, help_text="Or which header.")
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer):
    """RFC 9457. What a refusal knows besides (a SKU, a price) stands beside these."""

    type = serializers.CharField(help_text="Where its code is explained.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField(help_text="For programs.")
    errors = ErrorSerializer(many=True, help_text="All that is wrong, at once.")
    request_id = serializers.UUIDField(help_text="As in X-Request-Id.")


def expanding(names: Iterable[str]) -> list[OpenApiParameter]:
    words = f"Details that are fetched live: {', '.join(names)}. What cannot be had says `unavailable`."
    told = "Of `expand`: hit, if all of it was in the cache as it is now; or miss."
    cache = OpenApiParameter("X-Cache", str, HEADER, response=[200], description=told)
    return [OpenApiParameter("expand", str, QUERY, description=words), cache]


class Schema(AutoSchema):
    """Reads what ``asks`` and ``shows`` said."""

    def get_operation_id(self) -> str:
        if hasattr(self.view, "basename"):
            return f"{self.view.basename}_{self.view.action}"
        return type(self.view).__name__.lower()

    def get_summary(self) -> str:
        return self._words()[0].rstrip(".:")

    def get_description(self) -> str:
        return self._words()[-1]

    def get_request_serializer(self) -> Any:
        return getattr(self._method(), "form", None)

    def get_examples(self) -> list[OpenApiExample]:
        form = self.get_request_serializer()
        return [OpenApiExample("Example", form.example, request_only=True)] if form and form.example else []

    def get_filter_backends(self) -> list[Any]:
        return list(self.view.filter_backends) if getattr(self.view, "action", "") == "list" else []

    def get_override_parameters(self) -> list[OpenApiParameter]:
        found = list(ALWAYS)
        if "{number}" in self.path:
            found.append(OpenApiParameter("number", int, OpenApiParameter.PATH, description="Its number: 1, 2, …"))
        known = self.view.known() if hasattr(self.view, "known") else ()
        as_of = AS_OF if "effective_at" in known else AS_OF_LIST
        found += [each for each in (AFTER, as_of, EFFECTIVE_AT) if each.name in known]
        found += getattr(self._method(), "parameters", ())
        if "expand" in known:
            found += expanding(self.view.offered)
        if getattr(self.view, "keeps_pages", False) and self.view.action == "list":
            found += KEEPS
        if self._commands():
            found += [key(required="idempotency_key_required" in self._method().problems), *WRITES]
        if self._commands() or "effective_at" in known:
            found.append(ETAG)
        return found

    def get_response_serializers(self) -> dict[Any, Any]:
        method = self._method()
        usual = ReceiptSerializer if self._commands() else getattr(method, "shows", None)
        shown = getattr(method, "answers", usual)
        shown = shown or self.view.get_serializer_class()
        status = "201" if getattr(self.view, "action", "") == "create" else str(getattr(method, "status", 200))
        examples = [OpenApiExample("Example", getattr(shown, "child", shown).example, status_codes=[status])]
        found: dict[Any, Any] = {status: OpenApiResponse(shown, description="Done.", examples=examples)}
        by_status: dict[int, list[str]] = {}
        for code in dict.fromkeys(self._problems()):
            by_status.setdefault(CATALOGUE[code].status, []).append(code)
        for number, codes in sorted(by_status.items()):
            words = "\n".join(f"* `{code}`: {CATALOGUE[code].title}" for code in codes)
            shown_codes = [OpenApiExample(code, example(code)) for code in codes]
            found[number, MEDIA_TYPE] = OpenApiResponse(ProblemSerializer, description=words, examples=shown_codes)
        return found

    def _problems(self) -> Iterator[str]:
        yield from ("bad_request", "bad_parameter", "unknown_parameter", "repeated_parameter", "not_acceptable")
        if self.view.permission_classes and self.view.authentication_classes:
            yield from ("not_authenticated", "authentication_failed", "permission_denied")
        if "{" in self.path:
            yield "not_found"
        if self.get_request_serializer():
            yield from ("parse_error", "invalid", "length_required", "too_large", "unsupported_media_type")
        if self._commands():
            yield from ("bad_idempotency_key", "idempotency_key_reused", "concurrent_change", "version_conflict")
            yield from ("read_only", "storage_full")
        if "after" in (self.view.known() if hasattr(self.view, "known") else ()):
            yield "not_yet"
        if getattr(self.view, "action", "") == "list":
            yield "pruned"
        if self.view.throttle_classes:
            yield "throttled"
        if hasattr(self.view, "expansions") and self.method == "GET":
            yield "context_down"
        yield from getattr(self._method(), "problems", ())
        yield from ("server_error", "unavailable")

    def _method(self) -> Any:
        return getattr(self.view, getattr(self.view, "action", None) or self.method.lower())

    def _commands(self) -> bool:
        """Whether it asks a command."""
        return hasattr(self.view, "basename") and self.get_request_serializer() is not None

    def _words(self) -> list[str]:
        words = (self._method().__doc__ or "").strip()
        first, _, rest = words.partition("\n\n")
        return [" ".join(first.split()), " ".join((rest or first).split())]


def example(code: str) -> dict[str, Any]:
    """How a problem with that code looks."""
    problem = Problem(code, errors=ERRORS.get(code, ()), facts=FACTS.get(code))
    return problem.body() | {"request_id": AN_ID}
