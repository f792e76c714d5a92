"""The whole log as JSON lines, and back into an empty store, byte for byte.

Each line is an event, a command's receipt or a person's key: its one member says which. Payloads are as they lie in
the log, personal facts sealed: an export forgets with the store. Keys are wrapped, and need its ``EVENTSTORE_KEYS``.
The last line says what came before it, so that a file that was cut off or changed is not taken for a whole one.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from datetime import datetime
from hashlib import blake2b
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.db import transaction
from eventsourcing.persistence import PersistenceError
from psycopg import Cursor, sql

from eventstore import log
from eventstore.persistence import cursor, rows

HEAD = b'{"eventstore":2}'
AT_ONCE = 10_000


class WrongFile(Exception):
    """What was to be imported is no whole export of a log, or the store is not empty."""


class End(msgspec.Struct):
    """What came before the last line."""

    events: int
    position: int  # of the last of them; 0: there is none
    digest: str  # of all lines between the first and this one

    def __str__(self) -> str:
        return f"{self.events:,} events up to position {self.position:,}, digest {self.digest}"


class Table(NamedTuple):
    name: str
    key: str
    columns: dict[str, tuple[str, Any]]  # name → PostgreSQL's type, and what JSON is read back as
    upto: str = ""  # the column that says whether a row belongs to what is exported


INT, TEXT, ID, TIME, BYTES = (
    ("int8", int | None),
    ("text", str | None),
    ("uuid", UUID | None),
    ("timestamptz", datetime | None),
    ("bytea", bytes | None),
)
TABLES = {
    "key": Table(
        "eventstore_personal_key",
        "subject_id",
        {"subject_id": ID, "wrapped": BYTES, "wrapped_by": TEXT, "forgotten_at": TIME},
    ),
    "event": Table(
        "eventstore_event",
        "position",
        {"position": INT, "stream_id": ID, "version": INT, "name": TEXT, "data": ("bytea", msgspec.Raw)}
        | {"event_id": ID, "command_id": ID, "correlation_id": ID, "causation_id": ID}
        | {"actor": TEXT, "reason": TEXT, "recorded_at": TIME, "effective_at": TIME},
        upto="position",
    ),
    "command": Table(
        "eventstore_command",
        "command_id",
        {"command_id": ID, "name": TEXT, "digest": BYTES, "stream_id": ID, "version": INT, "position": INT}
        | {"recorded_at": TIME},
        upto="coalesce(position, 0)",
    ),
}
LINES = {
    kind: msgspec.defstruct(kind, [(name, read) for name, (_, read) in table.columns.items()], gc=False)
    for kind, table in TABLES.items()
}
MEMBERS = LINES | {"end": End}
Line: Any = msgspec.defstruct("Line", [(kind, line | None, None) for kind, line in MEMBERS.items()], omit_defaults=True)


def lines() -> Iterator[bytes]:
    """The store as it is now, up to the horizon; without line ends."""
    upto = log.horizon()
    encode, digest = msgspec.json.Encoder().encode, _digest()
    events = position = 0
    yield HEAD
    for kind, table in TABLES.items():
        make, is_event = LINES[kind], kind == "event"
        for row in _rows(table, upto):
            told = (*row[:4], _embedded(row[4]), *row[5:]) if is_event else row
            line = encode(Line(**{kind: make(*told)}))
            digest.update(line + b"\n")
            if is_event:
                events, position = events + 1, row[0]
            yield line
    yield encode(Line(end=End(events, position, digest.hexdigest())))


def _rows(table: Table, upto: int) -> Iterator[tuple[Any, ...]]:
    columns, last = ", ".join(table.columns), None
    until = f"{table.upto or 0} <= %s"
    while True:
        after = f" and {table.key} > %s" if last is not None else ""
        query = f"select {columns} from {table.name} where {until}{after} order by {table.key} limit {AT_ONCE}"
        found = rows(query, upto, *([] if last is None else [last]))
        yield from found
        if len(found) < AT_ONCE:
            return
        last = found[-1][list(table.columns).index(table.key)]


def load(source: Iterable[bytes]) -> dict[str, int]:
    """Fill the empty store; all or nothing. Answers how many lines of each kind. WrongFile."""
    counts = dict.fromkeys(TABLES, 0)
    read = iter(source)
    if (first := next(read, b"").rstrip()) != HEAD:
        raise WrongFile(f"Expected an export of a log, whose first line is {HEAD.decode()}, found {first[:40]!r}.")
    number = stored = 1
    try:
        with transaction.atomic(), cursor() as c:
            for kind, table in TABLES.items():
                if c.execute(f"select 1 from {table.name} limit 1").fetchone():
                    raise WrongFile(
                        f"The store is not empty: there is a {kind}. A log is imported into an empty store only."
                    )
            batch: dict[str, list[tuple[Any, ...]]] = {kind: [] for kind in TABLES}
            for number, (kind, row) in enumerate(_parsed(read), 2):
                batch[kind].append(row)
                counts[kind] += 1
                if number % AT_ONCE == 0:
                    _copy(c, batch)
                    stored = number
            _copy(c, batch)
            c.execute(
                "select setval('eventstore_event_position_seq', max(position)) "
                "from eventstore_event having count(*) > 0"
            )
    except (PersistenceError, ValueError, OverflowError) as error:  # the database's, or there are no bytes for a value
        if number == stored:
            raise
        raise WrongFile(f"Lines {stored + 1} to {number} cannot be stored: {error}") from error
    return counts


def _parsed(read: Iterable[bytes]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """The rows of what follows the first line. WrongFile: which line is wrong, or that it is not all."""
    decode, astuple, digest = msgspec.json.Decoder(Line).decode, msgspec.structs.astuple, _digest()
    last: dict[str, Any] = {}
    events, number, end = 0, 1, None
    for number, line in enumerate(read, 2):
        if end:
            raise WrongFile(f"Line {number}: expected nothing after the line that ends the export.")
        try:
            told = decode(line)
            if told.event is not None:
                kind, row = "event", astuple(told.event)
                row = (*row[:4], _taken_out(bytes(row[4])), *row[5:])
                events += 1
            elif told.command is not None:
                kind, row = "command", astuple(told.command)
            elif told.key is not None:
                kind, row = "key", astuple(told.key)
            elif told.end is not None:
                end = told.end
                continue
            else:
                raise WrongFile(f"Line {number}: expected an event, a command or a key.")
        except (ValueError, RecursionError) as error:
            raise WrongFile(f"Line {number}: {error}") from error
        key = row[0]  # the first column of each table
        before = last.get(kind)
        if key is None or (before is not None and key <= before):
            raise WrongFile(f"Line {number}: the next {kind} should come after {before}, and is {key}.")
        last[kind] = key
        digest.update(line.rstrip() + b"\n")
        yield kind, row
    if end is None:
        raise WrongFile(f'Line {number} is the last: the file is cut off. Expected a line {{"end":…}} after it.')
    if end != (found := End(events, last.get("event", 0), digest.hexdigest())):
        raise WrongFile(f"Line {number}: expected {end}, found {found}.")


def _digest() -> Any:
    return blake2b(digest_size=16)


def _copy(c: Cursor[Any], batch: dict[str, list[tuple[Any, ...]]]) -> None:
    for kind, found in batch.items():
        if found:
            table = TABLES[kind]
            names = sql.SQL(", ").join(map(sql.Identifier, table.columns))
            into = sql.SQL("copy {} ({}) from stdin (format binary)").format(sql.Identifier(table.name), names)
            with c.copy(into) as copy:
                copy.set_types([kind for kind, _ in table.columns.values()])
                for row in found:
                    copy.write_row(row)
            found.clear()


def _embedded(data: bytes) -> msgspec.Raw:
    """A payload as JSON in its line, if it comes out again byte for byte; otherwise in base64."""
    if data[:1] == b"{" and b"\n" not in data and not data.startswith(b'{"base64":'):
        try:
            msgspec.json.decode(data)
        except (ValueError, RecursionError):
            pass
        else:
            return msgspec.Raw(data)
    return msgspec.Raw(b'{"base64":"' + b64encode(data) + b'"}')


def _taken_out(data: bytes) -> bytes:
    if data.startswith(b'{"base64":"') and data.endswith(b'"}'):
        return b64decode(data[11:-2], validate=True)
    return data
