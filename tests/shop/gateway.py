"""The fake gateway in a process of its own, for tests: told what to get wrong, and asked what it did."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import urllib3

from shop.payments.gateway import HttpGateway
from shop.payments.models import PaymentSummary

SECRET = "a secret of tests, known to all"
ROOT = Path(__file__).parents[2]
PATIENCE = 0.25  # seconds: the fake is next door


class Fake:
    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._http = urllib3.PoolManager(retries=False, timeout=5)

    def gateway(self, patience: float = PATIENCE) -> HttpGateway:
        return HttpGateway(self.url, SECRET, read=patience)

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None, **headers: str) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {SECRET}"} | headers
        answer = self._http.request(method, self.url + path, json=body, headers=headers)
        return answer.status, answer.json()

    def gets_wrong(self, kind: str, operation: str = "*", times: int = 1, **more: Any) -> None:
        status, _ = self.ask("POST", "/control/faults", {"operation": operation, "kind": kind, "times": times} | more)
        assert status == 200

    def gets_all_right(self) -> None:
        assert self.ask("DELETE", "/control/faults")[0] == 200

    def sends_webhooks(self, mode: str, seconds: float = 0.2) -> None:
        assert self.ask("POST", "/control/webhooks", {"mode": mode, "seconds": seconds})[0] == 200

    def did(self, payment_id: Any = "") -> list[dict[str, Any]]:
        """Its ledger; of that payment."""
        entries = self.ask("GET", "/control/ledger")[1]["operations"]
        return [entry for entry in entries if entry["key"].startswith(f"{payment_id}")]

    def money(self, payment_id: Any) -> dict[str, Decimal]:
        """What it moved, to the cent."""
        moved: Counter[str] = Counter()
        for entry in self.did(payment_id):
            if entry["outcome"] == "ok":
                moved[entry["operation"]] += entry["cents"]
        return {operation: Decimal(moved[operation]) / 100 for operation in ("authorise", "capture", "void", "refund")}


@contextmanager
def fake_gateway(folder: Path, *options: str) -> Iterator[Fake]:
    process = start(folder, *options)
    try:
        assert process.stdout
        told = process.stdout.readline()
        assert told.startswith(b"fake gateway on port "), told
        yield Fake(int(told.split()[-1]))
    finally:
        process.kill()
        process.communicate()


def start(folder: Path, *options: str, secret: str = SECRET, **environment: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "shop.payments.fake", "--port", "0", "--ledger", str(folder / "ledger.sqlite3")]
    output = (folder / "gateway.log").open("ab")
    with output:
        return subprocess.Popen(
            [*command, *options],
            cwd=ROOT,
            env=os.environ | {"GATEWAY_SECRET": secret, "DEMO": "true", "SECRET_KEY": "tests"} | environment,
            stdout=subprocess.PIPE,
            stderr=output,
        )


def books_agree(fake: Fake) -> None:
    """Each payment's money in the shop is that in the gateway's ledger, to the cent, and nothing was captured twice."""
    for payment in PaymentSummary.objects.all():
        moved = fake.money(payment.id)
        captures = [e for e in fake.did(payment.id) if (e["operation"], e["outcome"]) == ("capture", "ok")]
        assert payment.unknown == [], payment.unknown
        assert (payment.captured, payment.refunded) == (moved["capture"], moved["refund"]), payment.id
        assert (payment.settled == "voided") == (moved["void"] > 0), payment.id
        assert (payment.settled in ("requested", "declined")) == (moved["authorise"] == 0), payment.id
        assert len(captures) <= 1
        assert moved["refund"] <= moved["capture"] <= moved["authorise"]
