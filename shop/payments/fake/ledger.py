"""What the fake gateway has done: each key once, in SQLite. Amounts are whole cents."""

import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

SCHEMA = """
    create table if not exists operation (
        key text primary key, digest text not null, operation text not null, reference text not null unique,
        of text not null, cents integer not null, currency text not null, outcome text not null,
        reason text not null)"""
COLUMNS = ("key", "digest", "operation", "reference", "of", "cents", "currency", "outcome", "reason")
EVENTS = {
    ("authorise", "ok"): "payment.authorised",
    ("authorise", "declined"): "payment.declined",
    ("capture", "ok"): "payment.captured",
    ("capture", "declined"): "payment.capture_failed",
    ("void", "ok"): "payment.voided",
    ("void", "declined"): "payment.void_failed",
    ("refund", "ok"): "payment.refunded",
    ("refund", "declined"): "payment.refund_failed",
}


class KeyReused(Exception):
    """The key came again with another question."""


class Ledger:
    """Decides as a gateway would: no more is captured than was authorised, no more paid back than was captured."""

    def __init__(self, path: Path, *, quick: bool = False) -> None:
        """``quick``: what it has written may be lost with the machine, though not with the process."""
        self._lock = threading.Lock()
        self._sql = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._sql.row_factory = sqlite3.Row
        self._sql.executescript(SCHEMA)
        if quick:
            self._sql.execute("pragma synchronous = off")

    def find(self, key: str) -> dict[str, Any] | None:
        with self._lock:
            return self._find(key)

    def entries(self) -> list[dict[str, Any]]:
        with self._lock:
            return [dict(row) for row in self._sql.execute("select * from operation order by rowid")]

    def do(self, key: str, operation: str, of: str, cents: int, currency: str, refusal: str) -> dict[str, Any]:
        """Do it, or answer what was done under that key. KeyReused. ``refusal``: why a new one is declined."""
        digest = json.dumps([operation, of, cents, currency])
        with self._lock:
            if found := self._find(key):
                if found["digest"] != digest:
                    raise KeyReused(f"{key} was used for {found['digest']}, and is now for {digest}.")
                return found
            reason = refusal or self._refusal(operation, of, cents, currency)
            number = self._sql.execute("select count(*) from operation").fetchone()[0] + 1
            reference = f"{operation[:4]}_{number:08d}"
            outcome = "declined" if reason else "ok"
            values = (key, digest, operation, reference, of, cents, currency, outcome, reason)
            self._sql.execute(f"insert into operation values ({','.join('?' * len(values))})", values)
            return dict(zip(COLUMNS, values, strict=True))

    def _find(self, key: str) -> dict[str, Any] | None:
        row = self._sql.execute("select * from operation where key = ?", [key]).fetchone()
        return dict(row) if row else None

    def _refusal(self, operation: str, of: str, cents: int, currency: str) -> str:
        if operation == "authorise":
            return ""
        row = self._sql.execute("select * from operation where reference = ? and outcome = 'ok'", [of]).fetchone()
        wanted = "capture" if operation == "refund" else "authorise"
        if row is None or row["operation"] != wanted or row["currency"] != currency:
            return "no_such_reference"
        done = {name: self._done(name, of) for name in ("capture", "void", "refund")}
        if operation == "capture" and (done["capture"] or done["void"] or cents > row["cents"]):
            return "cannot_be_captured"
        if operation == "void" and (done["capture"] or done["void"]):
            return "cannot_be_voided"
        if operation == "refund" and done["refund"] + cents > row["cents"]:
            return "more_than_captured"
        return ""

    def _done(self, operation: str, of: str) -> int:
        sql = "select coalesce(sum(cents), 0) from operation where operation = ? and of = ? and outcome = 'ok'"
        return int(self._sql.execute(sql, [operation, of]).fetchone()[0])
