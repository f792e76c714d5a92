"""The gateway: what it can be asked, and how it is asked over HTTP.

Each question has a key, and the same key never does anything twice. What does not answer in time, or not as it should,
is unknown: never a no, never a yes.
"""

import json
import re
from decimal import Decimal
from typing import Any, Protocol

import urllib3
from django.conf import settings
from urllib3.exceptions import HTTPError

from eventstore.cause import cause
from eventstore.otlp import traceparent
from shop.payments.domain import Outcome
from shop.values import Money

CONNECT, READ = 3.0, 7.0  # seconds
AMOUNT = re.compile(r"[0-9]{1,14}(\.[0-9]{1,4})?")
LARGEST = 64 * 1024  # bytes of an answer


class Gateway(Protocol):
    def authorise(self, key: str, *, token: str, last_four: str, amount: Money) -> Outcome: ...
    def capture(self, key: str, *, authorisation: str, amount: Money) -> Outcome: ...
    def void(self, key: str, *, authorisation: str, amount: Money) -> Outcome: ...
    def refund(self, key: str, *, capture: str, amount: Money) -> Outcome: ...

    def look_up(self, key: str, *, amount: Money) -> Outcome | None:
        """What became of that key; None: the gateway has never heard of it."""


class HttpGateway:
    """The protocol of ``shop.payments.fake``; another gateway is another class with these five methods."""

    def __init__(self, url: str, secret: str, *, connect: float = CONNECT, read: float = READ) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {secret}"}
        timeout = urllib3.Timeout(connect=connect, read=read)
        self._http = urllib3.PoolManager(timeout=timeout, retries=False, maxsize=4)  # who tries again is ``work``

    def authorise(self, key: str, *, token: str, last_four: str, amount: Money) -> Outcome:
        return self._do("authorise", key, amount, token=token, last_four=last_four)

    def capture(self, key: str, *, authorisation: str, amount: Money) -> Outcome:
        return self._do("capture", key, amount, of=authorisation)

    def void(self, key: str, *, authorisation: str, amount: Money) -> Outcome:
        return self._do("void", key, amount, of=authorisation)

    def refund(self, key: str, *, capture: str, amount: Money) -> Outcome:
        return self._do("refund", key, amount, of=capture)

    def look_up(self, key: str, *, amount: Money) -> Outcome | None:
        return self._ask("GET", f"/operations/{key}", amount)

    def _do(self, operation: str, key: str, amount: Money, **facts: str) -> Outcome:
        body = facts | {"amount": str(amount.amount), "currency": amount.currency}
        answer = self._ask("POST", f"/{operation}", amount, json=body, headers=self._headers | {"Idempotency-Key": key})
        return answer or unknown(f"The gateway has no {operation}.")

    def _ask(self, method: str, path: str, amount: Money, **sent: Any) -> Outcome | None:
        sent.setdefault("headers", self._headers)
        if parent := traceparent(cause.get()):
            sent["headers"] = sent["headers"] | {"traceparent": parent}
        try:
            answer = self._http.request(method, self._url + path, preload_content=False, redirect=False, **sent)
            try:
                data = answer.read(LARGEST)
            finally:
                answer.release_conn() if answer.length_remaining == 0 else answer.close()
        except HTTPError as error:
            return unknown(f"No answer: {type(error).__name__}")
        if answer.status == 404 and method == "GET":
            return None
        if answer.status != 200:
            return unknown(f"The gateway answered {answer.status}.")
        return read(data, amount)


def read(data: bytes, amount: Money) -> Outcome:
    """An answer with status 200, as an outcome for ``amount``."""
    try:
        said = json.loads(data)
        kind, reference, reason = said["outcome"], str(said.get("reference", "")), str(said.get("reason", ""))
        told = money(said["amount"], said["currency"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return unknown("The gateway's answer cannot be read.")
    if kind == "declined":
        return Outcome("declined", reason=reason[:500])
    if kind != "ok" or not 0 < len(reference) <= 200:
        return unknown("The gateway's answer is neither yes nor no.")
    if told != amount:
        return unknown(f"Expected {amount}, found that the gateway speaks of {told or 'no amount'}.")
    return Outcome("ok", reference=reference)


def money(amount: object, currency: object) -> Money | None:
    """What the gateway says as two strings; None: it is no money."""
    if not isinstance(amount, str) or not AMOUNT.fullmatch(amount) or not isinstance(currency, str):
        return None
    return Money(Decimal(amount), currency)


def unknown(reason: str) -> Outcome:
    return Outcome("unknown", reason=reason)


def gateway() -> HttpGateway | None:
    """The one of the settings; None: there is none, and whatever is asked of it waits."""
    if not settings.GATEWAY_URL:
        return None
    return HttpGateway(settings.GATEWAY_URL, settings.GATEWAY_SECRET)
