"""How gunicorn serves the shop; where, and with how many processes, says the environment."""

import json
import os
import socket
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

from gunicorn import util

from shop.problems import BY_STATUS, MEDIA_TYPE, Problem

bind = f"{os.environ.get('BIND', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gthread"
threads = 8
timeout = 60  # seconds without a sign of life from a worker process
graceful_timeout = 8  # seconds for requests under way; whoever stops us waits 10
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - signs of life never wait for a disk
accesslog = "-"
access_log_format = "%(m)s %(U)s %(s)s in %(M)s ms"  # no query: it may hold what is personal
_log = {"handlers": ["console"], "level": "INFO", "propagate": False}
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"text": {"()": "shop.logs.Line"}, "json": {"()": "shop.logs.Json"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": os.environ.get("LOG_FORMAT") or "text"}},
    "root": {"handlers": [], "level": "INFO"},
    "loggers": {"gunicorn.error": _log, "gunicorn.access": _log},
}

LISTENS = 1.0  # seconds to whoever is refused before all was read


def write_problem(sock: Any, status: int, reason: str, message: str) -> None:
    """What cannot be read as HTTP is answered as everything else that goes wrong: as a problem."""
    body = json.dumps(Problem(BY_STATUS.get(status, "server_error")).body() | {"request_id": str(uuid.uuid4())})
    head = f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: {MEDIA_TYPE}\r\n"
    with suppress(OSError):  # who sent nonsense may be gone
        sock.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        sock.shutdown(socket.SHUT_WR)
        drain(sock, time.monotonic() + LISTENS)


def drain(sock: Any, until: float) -> None:
    """Read on for a moment: whoever still sends when the connection is closed never hears why."""
    while (left := until - time.monotonic()) > 0:
        sock.settimeout(left)
        if not sock.recv(65536):
            return


util.write_error = write_problem
