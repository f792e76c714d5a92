"""The log, taken elsewhere and back; and whether it is whole."""

import base64
import io
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from eventstore import checks, log, transfer
from eventstore.cause import because
from eventstore.models import Command, Event
from eventstore.persistence import LogRecorder, Stored, rows
from tests.conftest import empty_the_log
from tests.eventstore.orders import Item, add, place

pytestmark = pytest.mark.django_db(transaction=True)
TEA = Item(UUID(int=2), 2, Decimal("9.90"))


@pytest.fixture(autouse=True)
def some_events(empty_log):
    with because(actor='ada "quoted" \u2028 🦊', reason="why\nnot"):
        placed = place(customer_id=UUID(int=1), items=(TEA,))
    add(placed.id, item=TEA)
    arbitrary = [b"\xff\x00", b"[1]", b'{"a":\n1}', b'{"base64":"x"}', b'{ "spaced" : 1 }', b""]
    for data in arbitrary:
        LogRecorder().insert_events([Stored(uuid4(), 1, "Purchase.Odd", data)])
    return placed


def exported():
    return b"".join(line + b"\n" for line in transfer.lines())


def everything():
    return list(Event.objects.order_by("position").values()), list(Command.objects.order_by("pk").values())


def test_an_export_imported_into_an_empty_store_is_the_same_byte_for_byte():
    first, before = exported(), everything()
    empty_the_log()

    counts = transfer.load(io.BytesIO(first))

    assert exported() == first
    (before_events, before_commands), (events, commands) = before, everything()
    assert [{**e, "data": bytes(e["data"])} for e in events] == [{**e, "data": bytes(e["data"])} for e in before_events]
    assert [c["command_id"] for c in commands] == [c["command_id"] for c in before_commands]
    assert counts == {"key": 0, "event": 8, "command": 2}
    assert place(customer_id=UUID(int=1), items=()).position == before[0][-1]["position"] + 1


def test_a_log_is_not_imported_over_another():
    with pytest.raises(transfer.WrongFile, match="The store is not empty: there is a event"):
        transfer.load(io.BytesIO(exported()))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "whose first line is"),
        (b"a,b\n", "whose first line is"),
        (transfer.HEAD + b"\n{}\n", "Line 2: expected an event, a command or a key"),
        (transfer.HEAD + b'\n{"event":{"position":"x"}}\n', "Line 2: Expected"),
        (transfer.HEAD + b"\nnonsense\n", "Line 2: "),
    ],
)
def test_what_is_no_export_changes_nothing(content, problem):
    empty_the_log()

    with pytest.raises(transfer.WrongFile, match=problem):
        transfer.load(io.BytesIO(content))

    assert not Event.objects.exists()


def lines_of(exported):
    return exported.splitlines(keepends=True)


@pytest.mark.parametrize(
    ("tamper", "problem"),
    [
        (lambda lines: lines[:-1], 'Line 11 is the last: the file is cut off. Expected a line {"end":…} after it'),
        (lambda lines: lines[:3], "Line 3 is the last: the file is cut off"),
        (lambda lines: [*lines[:-1], lines[-1][:20]], "Line 12: Input data was truncated"),
        (lambda lines: [*lines, lines[-1]], "Line 13: expected nothing after the line that ends the export"),
        (lambda lines: [*lines[:3], *lines[2:]], "Line 4: the next event should come after 2, and is 2"),
        (
            lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
            "Line 3: the next event should come after 2,",
        ),
        (lambda lines: [*lines[:10], lines[9], *lines[10:]], "Line 11: the next command should come after "),
        (lambda lines: [lines[0], *lines[2:]], "Line 11: expected 8 events up to position 8, .* found 7 events up to"),
        (lambda lines: [*lines[:-2], lines[-1]], "Line 11: expected 8 events up to position 8, digest "),
        (lambda lines: [line.replace(b"quoted", b"changed") for line in lines], "Line 12: expected 8 events"),
        (lambda lines: [line.replace(b'"base64":"/', b'"base64":"!') for line in lines], "Line 4: .*base64"),
        (lambda lines: [line.replace(b"quoted", b"\xff") for line in lines], "Line 2: .*utf-8"),
        (
            lambda lines: [line.replace(b'"position":2', b'"position":null') for line in lines],
            "after 1, and is None",
        ),
    ],
)
def test_a_file_that_is_not_what_was_exported_is_refused_by_line_and_nothing_is_imported(tamper, problem, tmp_path):
    (tmp_path / "log.jsonl").write_bytes(b"".join(tamper(lines_of(exported()))))
    empty_the_log()

    with pytest.raises(CommandError, match=problem):
        call_command("events", "import", str(tmp_path / "log.jsonl"))

    assert not Event.objects.exists()
    assert not Command.objects.exists()


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b'"version":2', b'"version":1', "duplicate key"),
        (b'"version":2', b'"version":1' + b"0" * 30, "integer|int too|out of range"),
        (b'"version":2', b'"version":null', "null value"),
        (b"quoted", b"\\u0000", "null byte|NUL|0x00"),
    ],
)
def test_what_the_database_refuses_is_named_by_its_lines(old, new, problem, monkeypatch):
    monkeypatch.setattr(transfer, "AT_ONCE", 3)
    content = exported()
    empty_the_log()

    with pytest.raises(transfer.WrongFile, match=f"Lines [0-9]+ to [0-9]+ cannot be stored: .*({problem})"):
        transfer.load(io.BytesIO(content.replace(old, new)))

    assert not Event.objects.exists()


def test_the_export_of_nothing_is_imported_too():
    empty_the_log()

    assert transfer.load(io.BytesIO(nothing := exported())) == {"key": 0, "event": 0, "command": 0}
    assert len(lines_of(nothing)) == 2


def test_events_export_and_import_from_the_command_line(tmp_path, monkeypatch, capsysbinary):
    call_command("events", "export")
    first = capsysbinary.readouterr().out
    (tmp_path / "log.jsonl").write_bytes(first)
    empty_the_log()

    call_command("events", "import", str(tmp_path / "log.jsonl"))

    assert b"8 events, 2 commands" in capsysbinary.readouterr().out
    assert exported() == first
    with pytest.raises(CommandError, match="No such file"):
        call_command("events", "import", str(tmp_path / "none"))


def tampered(statement, *parameters):
    with connection.cursor() as c:
        c.execute("alter table eventstore_event disable trigger eventstore_append_only")
        c.execute(statement, parameters)
        c.execute("alter table eventstore_event enable trigger eventstore_append_only")


def verified(capsys):
    try:
        call_command("events", "verify")
    except CommandError as error:
        return capsys.readouterr().err + str(error)
    return capsys.readouterr().out


def test_a_whole_log_is_verified(capsys):
    tampered("delete from eventstore_event where name = 'Purchase.Odd'")

    assert "The log is whole up to position" in verified(capsys)


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("delete from eventstore_event where version = 1 and name = 'Purchase.Placed'", "found 1 from 2 to 2"),
        ("update eventstore_event set version = 3 where version = 2", "expected versions 1 to 2, found 2 from 1 to 3"),
        ("update eventstore_event set position = 0 where version = 2", "version 2 is at position 0, the one before"),
        ("delete from eventstore_event where version = 2", "its receipt names position 2, where no event of it is"),
        ("truncate eventstore_command", "it has no receipt, and 1 events, the first at position 1"),
        ("delete from eventstore_command where position = 2", "has no receipt, and 1 events, the first at position 2"),
        ("update eventstore_event set data = '\\xff' where version = 2", "Purchase.ItemAdded at position 2"),
        ("update eventstore_event set data = '{}' where version = 2", "missing required field `item`"),
        ("update eventstore_event set name = 'Purchase.Lost' where version = 2", "no class is stored as Purchase.Lost"),
    ],
)
def test_what_is_wrong_with_a_log_is_named(statement, problem, capsys):
    tampered("delete from eventstore_event where name = 'Purchase.Odd'")
    tampered(statement)

    told = verified(capsys)

    assert problem in told
    assert "problems up to position" in told


def test_who_holds_the_horizon_back_is_named(capsys):
    import psycopg

    parameters = connection.get_connection_params()
    plain = {k: v for k, v in parameters.items() if isinstance(v, str | int) and k != "options"}
    with psycopg.connect(**plain) as other:
        one = "array[gen_random_uuid()], array[1], array['A.B'], array['{}'::bytea]"
        other.execute("set application_name = 'slow writer'")
        other.execute(f"select eventstore_append({one}, {', '.join(['null'] * 10)})")
        (holder,) = log.holders()
        call_command("events", "horizon")
        other.rollback()

    told = capsys.readouterr().out
    assert (holder.application, holder.state) == ("slow writer", "idle in transaction")
    assert f"process {holder.pid} (slow writer) holds it back, idle in transaction" in told
    assert not log.holders()


def test_a_published_horizon_never_goes_back():
    log.publish()
    first = rows("select position from eventstore_published_horizon")[0][0]
    place(customer_id=UUID(int=1), items=())
    log.publish()
    log.publish()

    assert first < rows("select position from eventstore_published_horizon")[0][0] == log.horizon()


def test_a_new_key_is_one(capsys, settings):
    call_command("events", "new-key")
    name, _, key = capsys.readouterr().out.strip().partition(":")

    assert len(base64.b64decode(key)) == 32
    assert name


def test_a_transaction_that_holds_the_horizon_for_long_is_a_warning(monkeypatch):
    slow = log.Holder(41, 4711, checks.TOO_LONG * 2, "idle in transaction", "report", "select 1")
    monkeypatch.setattr(log, "holders", lambda using: [slow])

    (warning,) = checks.nothing_holds_the_horizon(databases=["default"])

    assert (
        "wait at position 41 for a transaction of process 4711 (report), idle in transaction and 20 s old"
        in warning.msg
    )
    assert checks.nothing_holds_the_horizon(databases=None) == []
