"""Pages of lists that are short enough to be numbered."""

from collections.abc import Sequence
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import HttpRequest


def paged(request: HttpRequest, rows: Sequence[Any] | Any, size: int) -> Page[Any]:
    """The page that is asked for, or the nearest that there is."""
    return Paginator(rows, size).get_page(request.GET.get("page"))


def place_of(request: HttpRequest) -> str:
    """The rest of the address, to be followed by a page's number."""
    asked = request.GET.copy()
    asked.pop("page", None)
    return f"?{asked.urlencode()}&page=" if asked else "?page="
