"""How the shop speaks HTTP: requests become commands, receipts and refusals become answers."""

import logging
import re
from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import Any
from uuid import UUID, uuid5

from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import Error as DjangoDatabaseError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.http.request import UnreadablePostError
from django.middleware.common import CommonMiddleware
from django.urls import reverse
from eventsourcing import persistence
from eventsourcing.application import AggregateNotFoundError
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from eventstore.cause import because
from eventstore.commands import CommandReused, VersionConflict, at_version
from eventstore.domain import uuid7
from eventstore.models import Command
from eventstore.personal import Forgotten, KeyUnavailable
from projections.as_of import TooLate
from shop.application import Receipt
from shop.bodies import StrictJSONParser, too_large
from shop.errors import Refused
from shop.problems import BY_STATUS, CARD_DATA, CATALOGUE, MEDIA_TYPE, Problem, errors_in, request_id
from shop.roles import customer_of

__all__ = ["ProblemsMiddleware", "StrictJSONParser", "ask", "etag", "explain"]

log = logging.getLogger(__name__)

KEYS = UUID("5b0f6f0e-6a39-5d52-8f0a-7f1f3b7c2d11")  # the namespace of Idempotency-Keys
KEY = re.compile(r"[\x20-\x7e]{1,255}")
ETAG = re.compile(r'"([1-9][0-9]{0,17})"')
NEVER = -1  # a version that nothing has: what is not there yet matches no ETag
TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")
REQUEST_ID = re.compile(r"(?i)[0-9a-f]{8}(-?)(?:[0-9a-f]{4}\1){3}[0-9a-f]{12}")
NOT_UTF8 = "Expected a path in UTF-8, percent-encoded; found bytes that are none. Nothing was changed."
DISCARDED = 16 * 1024 * 1024  # bytes of a refused body that are read nevertheless: who still sends does not listen


def ask(
    request: Request,
    form: type[Serializer],
    command: Callable[..., Receipt],
    *args: object,
    key_required: bool = False,
) -> Response:
    """Check the body against ``form``, ask ``command`` with it, answer with its receipt: 201 for something new.

    ``key_required``: it moves money or stock, and is not carried out without an Idempotency-Key.
    """
    if key_required and command_id(request) is None:
        raise missing_key()
    asked = form(data=request.data or {})
    asked.is_valid(raise_exception=True)
    actor = request.user.get_username()
    seen = if_match(request)
    with (
        because(actor=actor, command_id=command_id(request)),
        nullcontext() if seen is None else at_version(seen if args else NEVER),
    ):
        receipt = command(*args, **mine(request, asked))
    place = reverse(f"{request.parser_context['view'].basename}-detail", args=[receipt.id])
    after = "" if receipt.position is None else f"?after={receipt.position}"
    headers = {"Location": place + after, "ETag": etag(receipt.version)}
    return Response(receipt._asdict(), 200 if args else 201, headers=headers)


def mine(request: Request, asked: Serializer) -> Any:
    """What is asked; a customer asks for nobody else."""
    customer_id = customer_of(request.user)
    if customer_id is None or "customer_id" not in asked.fields:
        return asked.validated_data
    if (asked.validated_data.get("customer_id") or customer_id) != customer_id:
        error = {"pointer": "/customer_id", "code": "unknown_customer", "detail": "It is not you."}
        raise Problem("unknown_customer", error["detail"], [error])
    return asked.validated_data | {"customer_id": customer_id}


def etag(version: int) -> str:
    return f'"{version}"'


def if_match(request: Request) -> int | None:
    """The version that must still be the present one, of an ``If-Match``; none without one, or with ``*``."""
    given = request.headers.get("If-Match", "*").strip()
    if given == "*":
        return None
    if not (found := ETAG.fullmatch(given)):
        error = {"header": "If-Match", "code": "invalid", "detail": 'It is one ETag, such as "3", or *.'}
        raise Problem("invalid", error["detail"], [error])
    return int(found[1])


def changed_since(wanted: int, found: int) -> Problem:
    """Of an ``If-Match``: it is at another version than the caller last saw."""
    if wanted == NEVER:
        return Problem("version_conflict", "What is not there yet has no version: send no If-Match.")
    detail = f"You expect version {wanted}, and it is at version {found}. Look again, and decide again."
    return Problem("version_conflict", detail, facts={"expected": wanted, "found": found})


def missing_key() -> Problem:
    detail = "Send one with what moves money or stock: the same key again then does nothing again."
    error = {"header": "Idempotency-Key", "code": "required", "detail": detail}
    return Problem("idempotency_key_required", detail, [error])


def command_id(request: Request) -> UUID | None:
    """The same for the same user and Idempotency-Key; none without one."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not KEY.fullmatch(key.strip()):
        error = {"header": "Idempotency-Key", "code": "invalid", "detail": "It is 1 to 255 printable ASCII characters."}
        raise Problem("bad_idempotency_key", error["detail"], [error])
    return uuid5(KEYS, f"{request.user.pk}:{key.strip()}")


def was_done(request: Request, command: str) -> bool:
    """Whether this user's Idempotency-Key stands for that command, carried out before."""
    if not request.user.is_authenticated:
        return False
    return Command.objects.filter(pk=command_id(request), name=command).exists()


def correlation(request: HttpRequest) -> UUID:
    """The caller's trace (https://www.w3.org/TR/trace-context/), or this request."""
    found = TRACEPARENT.fullmatch(request.headers.get("traceparent", ""))
    if found and not (found[2] and found[0].startswith("00")):
        return UUID(found[1])
    return UUID(request_id.get())


def id_of_request(request: HttpRequest) -> str:
    """The caller's ``X-Request-ID``, if it is a UUID, with hyphens or without; anything else might be personal."""
    given = request.headers.get("X-Request-ID", "")
    return given if REQUEST_ID.fullmatch(given) else str(uuid7())


def explain(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Django REST framework's exception handler: a problem, or None for what nobody foresaw."""
    if isinstance(error, exceptions.MethodNotAllowed):
        can = [method for method in context["view"].allowed_methods if method != "OPTIONS"]
        error = Problem("method_not_allowed", f"Expected {' or '.join(can)}, found {context['request'].method}.")
    problem = problem_of(error)
    return problem.answer() if problem else None


def problem_of(error: Exception) -> Problem | None:
    match error:
        case Problem():
            return error
        case Refused():
            where = [{"pointer": error.pointer, "code": error.code, "detail": str(error)}] if error.pointer else []
            return Problem(error.code, str(error), where, facts=error.facts)
        case AggregateNotFoundError() | Http404():
            return Problem("not_found")
        case Forgotten():
            return Problem("customer_erased", "Nothing more can be recorded of this customer.")
        case KeyUnavailable():
            log.error("Request %s: %s", request_id.get(), error)
            return Problem("unavailable", "A key is missing that personal facts are sealed with.")
        case VersionConflict(expected=wanted, found=found):
            return changed_since(wanted, found)
        case TooLate():
            return Problem("not_yet", str(error))
        case CommandReused():
            return Problem("idempotency_key_reused", "Send another request under another key.")
        case RequestDataTooBig():
            return too_large()
        case exceptions.ValidationError():
            errors = list(errors_in(error.detail))
            codes = {each["code"] for each in errors}
            return Problem(CARD_DATA if CARD_DATA in codes else "invalid", errors=errors)
        case exceptions.Throttled():
            return Problem("throttled", str(error.detail), headers={"Retry-After": str(int(error.wait or 0) + 1)})
        case PermissionDenied():
            return Problem("permission_denied", str(error))
        case exceptions.APIException() if error.default_code in CATALOGUE:
            return Problem(error.default_code, str(error.detail))
        case SuspiciousOperation() | UnreadablePostError():
            return Problem("bad_request")
        case persistence.IntegrityError():
            return Problem("concurrent_change", "Nothing was changed. Look again, and try again.")
        case persistence.PersistenceError() | DjangoDatabaseError():
            return problem_of_database(error)
    return None


def problem_of_database(error: Exception) -> Problem | None:
    """By its SQLSTATE, which stands in what the driver raised."""
    driver: BaseException | None = error
    while driver and not getattr(driver, "sqlstate", None):
        driver = driver.__cause__
    state: str = getattr(driver, "sqlstate", "")
    if state == "25006":
        return Problem("read_only", "Writing is off for now. Nothing was changed.")
    if state == "53100":
        log.error("Request %s: the database's disk is full: %s", request_id.get(), error)
        return Problem("storage_full", "Nothing was changed. Under the same Idempotency-Key, nothing is done twice.")
    if state.startswith("22"):
        log.error("Request %s sent the database what it cannot hold.", request_id.get(), exc_info=error)
        return Problem("bad_request")
    if "OperationalError" in type(error).__name__ or "InterfaceError" in type(error).__name__:
        log.warning("Request %s: the database does not answer as it should: %s", request_id.get(), error)
        return Problem("unavailable", "Try again in a moment; under the same Idempotency-Key, nothing is done twice.")
    return None


class ProblemsMiddleware:
    """Gives each request an id, and makes a problem of all that goes wrong outside Django REST framework.

    Refused before it was read, a body is read and thrown away, so that its sender gets to hear why.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = request_id.set(id_of_request(request))
        try:
            with because(correlation_id=correlation(request)):
                response = self._answer(request)
                if response.status_code >= 400:
                    discard(request)
            response["X-Request-Id"] = request_id.get()
            return response
        finally:
            request_id.reset(token)

    def _answer(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(("/api/", "/healthz", "/readyz", "/metrics")):
            return self.get_response(request)
        if not is_utf8(request):
            return Problem("bad_request", NOT_UTF8).answer()
        if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
            return Problem("length_required", "Send a Content-Length.").answer()
        response = self.get_response(request)
        if response.status_code < 400 or response["Content-Type"] == MEDIA_TYPE:
            return response
        if response.status_code >= 500:
            log.error("Request %s failed: %s %s", request_id.get(), request.method, request.path)
        problem = Problem(BY_STATUS.get(response.status_code, "server_error")).answer()
        for name, value in response.items():  # what other middleware said: Allow, nosniff, …; not of the body it had
            if name == "Content-Length":
                continue
            problem.headers.setdefault(name, value)
        problem._has_been_logged = getattr(response, "_has_been_logged", False)  # type: ignore[attr-defined]
        return problem


def is_utf8(request: HttpRequest) -> bool:
    """Whether its path is (``shop.wsgi`` has looked): Django reads ``%ff`` as the text "%FF", as if it were a SKU."""
    return "shop.broken_path" not in request.META


def discard(request: HttpRequest) -> None:
    body = request.META["wsgi.input"] if request.META.get("wsgi.input_terminated") else request
    left = DISCARDED
    with suppress(OSError, ValueError):
        while left > 0 and (part := body.read(min(left, 65536))):
            left -= len(part)


class PermanentRedirect(HttpResponsePermanentRedirect):
    """To the same question elsewhere: a POST stays a POST, with its body."""

    status_code = 308


class PathMiddleware(CommonMiddleware):
    """Refuses a page's path that is not UTF-8; adds the slash that one lacks."""

    response_redirect_class = PermanentRedirect

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        if not is_utf8(request):
            raise BadRequest(NOT_UTF8)
        return super().process_request(request)
