"""The append function alone, in pgbench, 1 and 8 clients, against a bare insert into the same kind of table."""

import re
import subprocess
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from django.db import connection

from bench import common
from bench.common import Row, Sample, empty, in_turn, sql
from local.environment import DATA
from local.place import Place

PAYLOAD = (
    '{"customer_id":"00000000-0000-0000-0000-000000000001","items":'
    '[{"product_id":"00000000-0000-0000-0000-000000000002","quantity":2,"unit_price":"9.90"}]}'
)
TABLES = """
drop table if exists bare_event, bare_command;
drop sequence if exists bare_position;
create sequence bare_position;
create table bare_event (like eventstore_event including all);
create table bare_command (like eventstore_command including all);
"""
COLUMNS = (
    "position, stream_id, version, name, data, command_id, correlation_id, causation_id, actor, reason, "
    "recorded_at, effective_at"
)
CALL = (
    "select eventstore_append(array[uuidv7()], array[1::bigint], array['Purchase.Placed'], array[:payload::bytea], "
    "null, uuidv7(), uuidv7(), null, 'ada', null, {receipt});"
)
EVENT = (
    f"insert into {{table}} ({COLUMNS}) values (nextval('bare_position'), uuidv7(), 1, 'Purchase.Placed', "
    ":payload::bytea, uuidv7(), uuidv7(), null, 'ada', null, clock_timestamp(), clock_timestamp())"
)
COMMAND = (
    "insert into bare_command values (uuidv7(), 'place', decode('00112233445566778899aabbccddeeff', 'hex'), "
    "uuidv7(), 1, null, clock_timestamp())"
)
SCRIPTS = {
    "one event": {
        "ours": CALL.format(receipt="null, null, null, null"),
        "bare insert": EVENT.format(table="bare_event") + ";",
    },
    "one event and its command's receipt": {
        "ours": CALL.format(
            receipt="'place', decode('00112233445566778899aabbccddeeff', 'hex'), uuidv7(), 1",
        ),
        "bare insert": f"with receipt as ({COMMAND}) {EVENT.format(table='bare_event')};",
    },
}


def rows() -> Iterator[Row]:
    for clients in (1, 8):
        for what, scripts in SCRIPTS.items():
            empty()
            sql(TABLES)
            found = in_turn({side: partial(pgbench, script, clients) for side, script in scripts.items()})
            yield Row(
                f"append function, {what}, {clients} client{'s' if clients > 1 else ''}", found, {"bare insert": 0.75}
            )


def pgbench(script: str, clients: int) -> Sample:
    server = connection.settings_dict
    program = Place.of(DATA / "bench").postgres("pgbench")
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        Path(file.name).write_text(script + "\n")
        done = subprocess.run(
            [
                *(program, "-n", "-M", "prepared", "-c", str(clients), "-j", str(min(clients, 2)), "-f", file.name),
                *("-T", str(max(1, round(common.seconds + 1))), "-D", f"payload={PAYLOAD}"),
                *("-h", server["HOST"], "-p", str(server["PORT"]), "-U", server["USER"], server["NAME"]),
            ],
            check=True,
            capture_output=True,
            text=True,
            env={"PGPASSWORD": server["PASSWORD"] or ""},
        )
    found = re.search(r"tps = ([0-9.]+) \(without", done.stdout)
    assert found, done.stdout + done.stderr
    return Sample(float(found[1]))
