"""Who may enter a page: signed in, on the staff, and allowed by the table of roles."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from shop.roles import may

Page = Callable[..., HttpResponse]


def only(action: str, *, to_change: str = "") -> Callable[[Page], Page]:
    """For who may do what the table calls ``action``; posted, what it calls ``to_change``."""

    def door(page: Page) -> Page:
        @wraps(page)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            posted = request.method == "POST"
            if not may(request.user, to_change if posted and to_change else action):
                raise PermissionDenied
            return page(request, *args, **kwargs)

        return admin.site.admin_view(guarded)  # type: ignore[no-any-return]

    return door


def show(request: HttpRequest, template: str, title: str, status: int = 200, **context: Any) -> HttpResponse:
    """A page of the desk."""
    return render(request, template, admin.site.each_context(request) | {"title": title} | context, status=status)
