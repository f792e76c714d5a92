"""``python -m shop.payments.fake``: the fake gateway over HTTP, until it is ended.

    POST /authorise  {token, last_four, amount, currency}   Idempotency-Key: …
    POST /capture, /void, /refund  {of, amount, currency}   of: the reference of what is captured, voided, paid back
    GET  /operations/KEY                                    what became of it; 404: it never came
    POST /control/faults    {operation, kind, times, reason, seconds}       DELETE: no more of them
    POST /control/webhooks  {mode: usual | late | twice | never, seconds}
    GET  /control/ledger

Each needs ``Authorization: Bearer`` with the secret.
"""

import argparse
import hmac
import json
import os
import sys
import time
from decimal import Decimal, InvalidOperation
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from shop.payments.fake.faults import KINDS, Fault, Faults
from shop.payments.fake.ledger import KeyReused, Ledger
from shop.payments.fake.webhooks import MODES, Webhooks, money

LARGEST = 64 * 1024  # bytes of a body
NEVER = 60.0  # seconds of silence: longer than anybody waits
OPERATIONS = ("authorise", "capture", "void", "refund")


class Bad(Exception):
    """What was asked cannot be understood."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, secret: str, ledger: Ledger, webhooks: Webhooks) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.secret, self.ledger, self.webhooks, self.faults = secret, ledger, webhooks, Faults()


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def do_DELETE(self) -> None:
        self._handle()

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > LARGEST:
            self.close_connection = True
            self._answer(413, {"error": f"Expected at most {LARGEST} bytes, found {length}."})
            return
        data = self.rfile.read(length)
        if not hmac.compare_digest(self.headers.get("Authorization", ""), f"Bearer {self.server.secret}"):
            self._answer(401, {"error": "Expected the secret."})
            return
        try:
            body = json.loads(data) if data else {}
            self._route(body)
        except (Bad, ValueError, KeyError, TypeError, InvalidOperation) as error:
            self._answer(400, {"error": f"{type(error).__name__}: {error}"})

    def _route(self, body: dict[str, Any]) -> None:
        match self.command, self.path.strip("/").split("/"):
            case "POST", [operation] if operation in OPERATIONS:
                self._operate(operation, body)
            case "GET", ["operations", key]:
                found = self.server.ledger.find(key)
                self._answer(200 if found else 404, told(found) if found else {})
            case "POST", ["control", "faults"]:
                if body["kind"] not in KINDS:
                    raise Bad(f"Expected one of {', '.join(KINDS)}, found {body['kind']}.")
                self.server.faults.tell(body.pop("operation", "*"), Fault(**({"times": 1} | body)))
                self._answer(200, {})
            case "DELETE", ["control", "faults"]:
                self.server.faults.forget()
                self._answer(200, {})
            case "POST", ["control", "webhooks"]:
                if body["mode"] not in MODES:
                    raise Bad(f"Expected one of {', '.join(MODES)}, found {body['mode']}.")
                self.server.webhooks.mode = body["mode"]
                self.server.webhooks.seconds = float(body.get("seconds", 3))
                self._answer(200, {})
            case "GET", ["control", "ledger"]:
                self._answer(200, {"operations": self.server.ledger.entries()})
            case _:
                self._answer(404, {})

    def _operate(self, operation: str, body: dict[str, Any]) -> None:
        key = self.headers.get("Idempotency-Key") or ""
        if not 0 < len(key) <= 100:
            raise Bad("Expected an Idempotency-Key of 1 to 100 characters.")
        of = str(body["token"] if operation == "authorise" else body["of"])
        cents = cents_of(body["amount"])
        fault = None
        if self.server.ledger.find(key) is None:
            fault = self.server.faults.meets(key, operation, str(body.get("last_four", "")), cents)
        if fault and fault.kind in ("error", "hang"):
            self._suffer(fault)
            return
        refusal = fault.reason if fault and fault.kind == "decline" else ""
        try:
            entry = self.server.ledger.do(key, operation, of, cents, str(body["currency"]), refusal)
        except KeyReused as error:
            self._answer(409, {"error": str(error)})
            return
        self.server.webhooks.tell(entry)
        if fault and fault.kind in ("charge_then_hang", "charge_then_error", "nonsense"):
            self._suffer(fault)
            return
        if fault and fault.kind == "delay":
            time.sleep(fault.seconds)
        self._answer(200, told(entry))

    def _suffer(self, fault: Fault) -> None:
        if fault.kind == "nonsense":
            self._answer(200, {"outcome": "perhaps"})
        elif fault.kind in ("hang", "charge_then_hang"):
            time.sleep(NEVER)
            self.close_connection = True
        else:
            self._answer(500, {"error": "Something is wrong on our side."})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except OSError:  # whoever asked has given up
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        print(f"{self.command} {self.path} {args[1] if len(args) > 1 else ''}", file=sys.stderr, flush=True)


def told(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry of the ledger, as its answer says it."""
    found = {name: entry[name] for name in ("key", "operation", "reference", "currency", "outcome", "reason")}
    return found | {"amount": money(entry["cents"])}


def cents_of(amount: str) -> int:
    cents = Decimal(amount) * 100
    if not isinstance(amount, str) or cents != int(cents) or cents <= 0:
        raise Bad(f"Expected a string such as 12.50, found {amount!r}.")
    return int(cents)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m shop.payments.fake", description="A gateway that moves no money.")
    parser.add_argument("--port", type=int, help="of 127.0.0.1; 0: any that is free; else, that of GATEWAY_URL")
    parser.add_argument("--ledger", type=Path, required=True, help="a file that it keeps")
    webhooks = os.environ.get("GATEWAY_WEBHOOKS", "")
    parser.add_argument("--webhooks", default=webhooks, help="where the shop takes them; none: nowhere")
    parser.add_argument("--anyway", action="store_true", help="although this is no demo")
    asked = parser.parse_args()
    if not (settings.DEBUG or settings.DEMO or asked.anyway):
        sys.exit("This gateway takes no money: expected DEMO=true or DEBUG=true, or --anyway, found none of them.")
    secret = os.environ.get("GATEWAY_SECRET", "")
    if len(secret) < 16:
        sys.exit(f"GATEWAY_SECRET: expected at least 16 characters, found {len(secret)}.")
    port = urlsplit(settings.GATEWAY_URL).port if asked.port is None else asked.port
    server = Server(port or 0, secret, Ledger(asked.ledger), Webhooks(asked.webhooks, secret))
    print(f"fake gateway on port {server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
