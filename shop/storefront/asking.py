"""How a page asks for a command, and hears of what it did: once for each form that was rendered."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid5

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme
from rest_framework.serializers import Serializer

from eventstore.cause import because
from projections.waiting import wait_until
from shop.application import Receipt
from shop.problems import errors_in
from shop.roles import customer_of

KEYS = UUID("3c0f6d3e-24b5-5c8e-9a52-7d8f0c4b9e61")  # the namespace of the forms' keys
KEY = re.compile("[0-9a-f]{32}")
PATIENCE = 1.0  # seconds that a page waits for its visitor's own write
SEEN = "position"  # in the session: of the last thing that its visitor did


@contextmanager
def asking(request: HttpRequest, step: str = "") -> Iterator[None]:
    """Commands in the block are this visitor's. One form is one command: sent twice, it does nothing again.

    ``step`` tells the commands of one form apart.
    """
    user = request.user
    key = request.POST.get("key", "")
    command_id = uuid5(KEYS, f"{user.pk}:{key}:{request.path}:{step}") if KEY.fullmatch(key) else None
    with because(actor=user.get_username() or "guest", command_id=command_id):
        yield


def noted(request: HttpRequest, receipt: Receipt) -> Receipt:
    """The visitor did that: what they are shown from now on is to have it."""
    if receipt.position is not None:
        request.session[SEEN] = max(receipt.position, request.session.get(SEEN, 0))
    return receipt


def settled(request: HttpRequest, *projections: str) -> bool:
    """Wait until these have seen what the visitor did; whether they have."""
    position = request.session.get(SEEN)
    return position is None or wait_until(position, *projections, timeout=PATIENCE)


def checked(form: type[Serializer], data: Mapping[str, Any]) -> tuple[Any, dict[str, str]]:
    """What ``data`` says by the rules of the API, and what is wrong with it, by field."""
    asked = form(data={name: value for name, value in data.items() if name in form().fields})
    if asked.is_valid():
        return asked.validated_data, {}
    errors: dict[str, str] = {}
    for each in errors_in(asked.errors):
        detail = "Please fill this in." if each["code"] in ("blank", "required") else each["detail"]
        errors.setdefault(each["pointer"].rpartition("/")[2], detail)
    return None, errors


def whole(text: str | None) -> int | str:
    """A number that a form holds as text; what is none stays what it is, for a form to refuse."""
    return int(text) if text and re.fullmatch("[0-9]{1,9}", text) else text or ""


def way_on(request: HttpRequest, default: str) -> str:
    """Where the visitor wanted to go: a page of this shop."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    here = {request.get_host()}
    return wanted if url_has_allowed_host_and_scheme(wanted, here, request.is_secure()) else default


def who(request: HttpRequest) -> UUID | None:
    """The customer, if one has signed in."""
    return customer_of(request.user)
