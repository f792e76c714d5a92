"""What goes wrong, for people: pages in the storefront's look. Programs get problems, from ``shop.http``."""

import logging
import sys
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from shop.http import problem_of
from shop.problems import CATALOGUE, Problem, request_id
from shop.storefront.context import brand
from shop.throttling import ByRole

log = logging.getLogger(__name__)

WORDS = {
    "not_found": ("Nothing washed up here", "The page you are looking for is not here, or is not yours to see."),
    "permission_denied": ("This is not yours to do", "If you think it should be, please write to us."),
    "server_error": ("Something is wrong on our side", "We have been told. Please try again in a moment."),
    "unavailable": ("The shop is out for a moment", "Please try again in a minute. Your basket is kept."),
    "storage_full": ("We cannot write anything down just now", "Nothing was changed. Please try again in a minute."),
    "context_down": ("A part of the shop does not answer", "Please try again in a moment. The rest of it is open."),
    "bad_request": ("We did not understand that", "Please go back, and try again."),
}


def page(code: str, status: int | None = None, detail: str = "", path: str = "") -> HttpResponse:
    """It needs no database, nor anything else that may be what is wrong."""
    title, words = WORDS.get(code, (CATALOGUE[code].title, ""))
    context = {**brand(), "title": title, "words": words, "detail": detail, "request_id": request_id.get()}
    context["on_desk"] = path.startswith("/admin/")
    answer = HttpResponse(render_to_string("storefront/problem.html", context), status=status or CATALOGUE[code].status)
    for name, value in CATALOGUE[code].headers.items():
        answer[name] = value
    return answer


class Explain:
    """Makes a page of what a view of the storefront raises, if it was foreseen; refuses what is sent too often."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponse | None:
        """What is sent is counted with what is asked over HTTP: so many a minute."""
        if request.method != "POST" or getattr(request.resolver_match, "app_name", "") != "storefront":
            return None
        throttle = ByRole()
        if throttle.allow_request(request, None):  # type: ignore[arg-type]
            return None
        answer = page("throttled", detail=f"Wait {throttle.wait():.0f} seconds, and try again.")
        answer["Retry-After"] = f"{throttle.wait():.0f}"
        return answer

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if getattr(request.resolver_match, "app_name", "") != "storefront":
            return None
        problem = problem_of(error)
        return page_of(problem) if problem else None


def page_of(problem: Problem) -> HttpResponse:
    detail = "" if problem.code == "context_down" else problem.detail  # which part it is says nothing to customers
    return page(problem.code if problem.code in CATALOGUE else "refused", problem.kind.status, detail)


def bad_request(request: HttpRequest, exception: Any) -> HttpResponse:
    return page("bad_request", path=request.path)


def forbidden(request: HttpRequest, exception: Any) -> HttpResponse:
    return page("permission_denied", path=request.path)


def forged(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without its token: it was open for too long, or is somebody else's."""
    return page("permission_denied", 403, "This form cannot be used any more. Go back, reload the page, and try again.")


def not_found(request: HttpRequest, exception: Any) -> HttpResponse:
    return page("not_found", path=request.path)


def failed(request: HttpRequest) -> HttpResponse:
    error = sys.exc_info()[1]
    problem = problem_of(error) if isinstance(error, Exception) else None
    return page_of(problem) if problem and problem.kind.status in (425, 503) else page("server_error")
