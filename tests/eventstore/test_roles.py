"""Least rights: what each role can do with the log, tried statement by statement."""

import io
from uuid import uuid4

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection, transaction

from eventstore import log
from eventstore.persistence import LogRecorder, Stored
from tests.conftest import empty_the_log

pytestmark = pytest.mark.django_db(transaction=True)

APPEND = (
    "select eventstore_append(array[gen_random_uuid()], array[1], array['A.B'], array['{}'::bytea], "
    "null, null, null, null, null, null, null, null, null, null)"
)
DENIED, REFUSED, ALLOWED = "42501", "23001", "allowed"  # insufficient_privilege, restrict_violation (the guard's)
NAMELESS = "23514"  # check_violation

# statement → what comes of it for the owner, the writer, the reader
MATRIX = {
    "select * from eventstore_event": (ALLOWED, ALLOWED, ALLOWED),
    "select * from eventstore_log": (ALLOWED, ALLOWED, ALLOWED),
    "select eventstore_horizon()": (ALLOWED, ALLOWED, ALLOWED),
    APPEND: (ALLOWED, ALLOWED, DENIED),
    APPEND.replace("A.B", ""): (NAMELESS, NAMELESS, DENIED),
    "insert into eventstore_event (position, stream_id, version, name, data, recorded_at, effective_at)"
    " values (9, gen_random_uuid(), 1, 'A.B', '{}', now(), now())": (ALLOWED, DENIED, DENIED),
    "copy eventstore_event from stdin": (ALLOWED, DENIED, DENIED),
    "update eventstore_event set name = 'x'": (REFUSED, DENIED, DENIED),
    "delete from eventstore_event": (REFUSED, DENIED, DENIED),
    "truncate eventstore_event": (REFUSED, DENIED, DENIED),
    "merge into eventstore_event e using (select 1) s on true when matched then delete": (REFUSED, DENIED, DENIED),
    "alter table eventstore_event disable trigger all": (None, DENIED, DENIED),
    "alter table eventstore_event add x int": (None, DENIED, DENIED),
    "drop table eventstore_event": (None, DENIED, DENIED),
    "drop trigger eventstore_append_only on eventstore_event": (None, DENIED, DENIED),
    "create trigger t after insert on eventstore_event execute function eventstore_refuse()": (None, DENIED, DENIED),
    "create or replace function eventstore_horizon() returns bigint language sql as 'select 0'": (None, DENIED, DENIED),
    "set session_replication_role = replica": (None, DENIED, DENIED),
    "select nextval('eventstore_event_position_seq')": (ALLOWED, DENIED, DENIED),
    "select setval('eventstore_event_position_seq', 1)": (None, DENIED, DENIED),
    "insert into eventstore_command values (gen_random_uuid(), 'x', '', gen_random_uuid(), 1, 1, now())": (
        ALLOWED,
        DENIED,
        DENIED,
    ),
    "update eventstore_command set name = 'x'": (None, DENIED, DENIED),
    "delete from eventstore_command": (None, DENIED, DENIED),
    "select * from eventstore_personal_key": (ALLOWED, ALLOWED, DENIED),
    "update eventstore_personal_key set wrapped = null, wrapped_by = null, forgotten_at = now()": (
        ALLOWED,
        ALLOWED,
        DENIED,
    ),
    "delete from eventstore_personal_key": (None, DENIED, DENIED),
    "delete from eventstore_snapshot": (ALLOWED, ALLOWED, DENIED),
}


@pytest.fixture
def roles(empty_log):
    with connection.cursor() as c:
        for role in ("writer", "reader"):
            c.execute(f"drop role if exists daybook_test_{role}")
            c.execute(f"create role daybook_test_{role}")
    LogRecorder().insert_events([Stored(uuid4(), 1, "A.B", b"{}")])
    out = io.StringIO()
    call_command("events", "roles", "--writer", "daybook_test_writer", "--reader", "daybook_test_reader", stdout=out)
    with connection.cursor() as c:
        c.execute(out.getvalue())
    yield {"owner": "", "writer": "daybook_test_writer", "reader": "daybook_test_reader"}
    with connection.cursor() as c:
        for role in ("writer", "reader"):
            c.execute(f"drop owned by daybook_test_{role}; drop role daybook_test_{role}")
        c.execute("grant execute on function eventstore_append, eventstore_publish_horizon to public")
    empty_the_log()


@pytest.mark.parametrize(("place", "name"), list(enumerate(["owner", "writer", "reader"])))
def test_each_role_can_do_what_it_may_and_nothing_else(roles, place, name):
    tried = {}
    for statement, expected in MATRIX.items():
        if expected[place] is not None:
            tried[statement] = tries(roles[name], statement)

    assert tried == {statement: expected[place] for statement, expected in MATRIX.items() if statement in tried}
    assert len(tried) > 10
    assert len(log.after(0)) == 1, "all was rolled back"


@pytest.mark.parametrize("version", [7, 2, -3])
def test_the_writer_cannot_leave_a_gap(roles, version):
    with transaction.atomic(), connection.cursor() as c:
        c.execute(f"set local role {roles['writer']}")

        c.execute(APPEND.replace("array[1]", f"array[{version}]"))

        assert c.fetchone() == ([-1, 1, None],), "the first of them does not follow: there is no such stream"
    assert len(log.after(0)) == 1


@pytest.mark.parametrize("floor", ["999999999", "-5"])
def test_the_writer_cannot_forge_what_holds_the_horizon_back(roles, floor):
    elsewhere = connection.copy()
    try:
        with transaction.atomic(), connection.cursor() as c:
            c.execute(f"set local role {roles['writer']}; set local eventstore.floor = '{floor}'")
            c.execute(APPEND)
            (((position,),)) = c.fetchone()
            with elsewhere.cursor() as reader:
                reader.execute("select eventstore_horizon()")
                assert reader.fetchone()[0] < position, "it is not committed yet"
    finally:
        elsewhere.close()


def tries(role, statement):
    """The SQLSTATE of ``statement`` for ``role``, or that it is allowed; nothing of it remains."""
    connection.ensure_connection()
    raw = connection.connection
    try:
        with raw.transaction(force_rollback=True), raw.cursor() as c:
            if role:
                c.execute(f'set local role "{role}"')
            if statement.startswith("copy"):
                with c.copy(statement):
                    pass
            else:
                c.execute(statement)
    except psycopg.Error as error:
        return error.sqlstate
    return ALLOWED
