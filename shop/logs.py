"""What a line of the log looks like: to people, or to programs; and what it leaves out."""

import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from eventstore.cause import cause
from shop.problems import request_id

EXTRA = ("projection", "position", "kind")  # what the engines give with `extra=`
CAUSE = ("correlation_id", "causation_id", "command_id", "actor")
ANSWERED = "{x-request-id}o"  # gunicorn's name for the header of an answer
# PostgreSQL shows rows there, and a row may be personal.
ROWS = re.compile(r"\n(?:DETAIL|CONTEXT): .*?(?=\n\n|\n[A-Z]+: |\nTraceback |\Z)", re.DOTALL)
OF_THE_BROKER = ("celery.beat", "celery.worker.consumer", "celery.worker.pidbox", "celery.worker.control", "kombu")
LOST = (OSError, RedisError, KombuError)


class Line(logging.Formatter):
    """For people."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return without_rows(super().format(record))


class Json(logging.Formatter):
    """For programs: one object a line, with the time in UTC, and why it was done, where that is known."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": without_rows(record.getMessage()),
        }
        entry |= dict(self._why(record))
        entry |= {name: record.__dict__[name] for name in EXTRA if name in record.__dict__}
        if record.exc_info:
            entry["exception"] = without_rows(self.formatException(record.exc_info))
        return json.dumps(entry, default=str, ensure_ascii=False)

    def _why(self, record: logging.LogRecord) -> Iterator[tuple[str, Any]]:
        answered = record.args.get(ANSWERED) if isinstance(record.args, dict) else None  # by then, it is over
        if of := request_id.get() or answered:
            yield "request_id", of
        now = cause.get()
        for name in CAUSE:
            if value := getattr(now, name):
                yield name, value


def without_rows(text: str) -> str:
    return ROWS.sub("", text) if "DETAIL: " in text or "CONTEXT: " in text else text


class BrokerAway(logging.Filter):
    """Makes a warning of one line of each traceback that says no more than that the broker is away."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith(OF_THE_BROKER) and record.levelno >= logging.WARNING:
            error = record.exc_info[1] if record.exc_info else None
            if error is None or _is_lost(error):
                said = record.getMessage().strip()
                line = said.partition("\n")[0] if error else " ".join(said.split())
                if error and str(error) not in line:
                    line = f"{line} ({error})"
                record.msg, record.args, record.exc_info, record.exc_text = line, (), None, None
                record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True


def _is_lost(error: BaseException | None) -> bool:
    """Beat's own errors are raised from those of the broker."""
    return error is not None and (isinstance(error, LOST) or _is_lost(error.__cause__ or error.__context__))
