"""Asking the shop over HTTP as customers and staff do, and what came of it: rates, waits, refusals."""

import http.client
import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

PATIENCE = 30.0  # seconds for one answer
TRIES = 5  # of a request that is refused for the moment
FOR_THE_MOMENT = (425, 429, 503)
PROGRESS = 1.0  # seconds from one line to the next


class Answer(NamedTuple):
    status: int
    body: Any
    headers: dict[str, str]

    @property
    def code(self) -> str:
        """Of the problem, if it is one."""
        return str(self.body.get("code", self.status)) if self.status >= 400 and isinstance(self.body, dict) else ""


class Client:
    """One thread's connection: it is kept open, and opened again when the server closed it meanwhile."""

    def __init__(self, url: str, token: str, report: "Report") -> None:
        self.where, self.token, self.report = urlsplit(url), token, report
        self.connection: http.client.HTTPConnection | None = None

    def get(self, endpoint: str, path: str) -> Answer:
        return self.ask("GET", endpoint, path)

    def post(self, endpoint: str, path: str, body: dict[str, Any], key: str) -> Answer:
        return self.ask("POST", endpoint, path, body, key)

    def ask(
        self, method: str, endpoint: str, path: str, body: dict[str, Any] | None = None, key: str | None = None
    ) -> Answer:
        """Once more under the same key, while it is refused for the moment only. ``endpoint``: as the report has it."""
        for last in (*[False] * (TRIES - 1), True):
            began = time.monotonic()
            answer = self._ask(method, path, body, key)
            self.report.note(f"{method} {endpoint}", time.monotonic() - began, answer)
            if answer.status not in FOR_THE_MOMENT or last or self.report.stopped.is_set():
                break
            self.report.stopped.wait(float(answer.headers.get("retry-after", 1)))
        return answer

    def _ask(self, method: str, path: str, body: dict[str, Any] | None, key: str | None) -> Answer:
        headers = {"Authorization": f"Token {self.token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if key is not None:
            headers["Idempotency-Key"] = key
        data = None if body is None else json.dumps(body).encode()
        for fresh in (False, True):
            try:
                connection = self._connected(fresh)
                connection.request(method, path, data, headers)
                response = connection.getresponse()
                text = response.read()
                break
            except (http.client.HTTPException, ConnectionError):  # kept open too long: every key makes a repeat safe
                if fresh:
                    raise
        found = {name.lower(): value for name, value in response.getheaders()}
        is_json = "json" in found.get("content-type", "")
        return Answer(response.status, json.loads(text) if is_json and text else None, found)

    def _connected(self, fresh: bool) -> http.client.HTTPConnection:
        if self.connection is None or fresh:
            self.close()
            kind = http.client.HTTPSConnection if self.where.scheme == "https" else http.client.HTTPConnection
            self.connection = kind(self.where.netloc, timeout=PATIENCE)
        return self.connection

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None


class Report:
    """What came of all requests so far. ``stopped``: somebody wants no more."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.stopped = threading.Event()
        self._lock = threading.Lock()
        self._seconds: dict[str, list[float]] = defaultdict(list)
        self._refused: Counter[tuple[str, str]] = Counter()
        self._facts: Counter[str] = Counter()

    def note(self, endpoint: str, seconds: float, answer: Answer) -> None:
        with self._lock:
            self._seconds[endpoint].append(seconds)
            if answer.code:
                self._refused[endpoint, answer.code] += 1

    def count(self, fact: str, number: int = 1) -> None:
        """Of what happened, in words."""
        with self._lock:
            self._facts[fact] += number

    def counted(self, fact: str) -> int:
        return self._facts[fact]

    @property
    def requests(self) -> int:
        return sum(map(len, self._seconds.values()))

    def lines(self) -> Iterator[str]:
        took = time.monotonic() - self.began
        with self._lock:
            yield f"{self.requests:,} requests in {took:.1f} s, {self.requests / max(took, 0.001):.0f} a second"
            yield f"{'endpoint':44} {'number':>8} {'a second':>9} {'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8}"
            for endpoint, found in sorted(self._seconds.items()):
                waits = "".join(f" {1000 * percentile(found, share):8.1f}" for share in (0.5, 0.95, 0.99))
                yield f"{endpoint:44} {len(found):8,} {len(found) / max(took, 0.001):9.1f}{waits}"
            for (endpoint, code), number in sorted(self._refused.items()):
                yield f"refused: {endpoint}: {code} {number:,} times"
            for fact, number in sorted(self._facts.items()):
                yield f"{fact}: {number:,}"


def percentile(found: list[float], share: float) -> float:
    """The smallest of ``found`` that so many of them do not exceed."""
    return sorted(found)[min(len(found) - 1, int(share * len(found)))]
