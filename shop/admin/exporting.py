"""A list as CSV: all rows that it has as it is filtered, one after the other, however many."""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.db.models import JSONField, QuerySet
from django.http import StreamingHttpResponse

CHUNK = 2_000  # rows that are read at once
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class Echo:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


def export(rows: QuerySet[Any], columns: list[str], name: str, moment: str = "") -> StreamingHttpResponse:
    """A file called after what it is of, and when."""
    at = moment or datetime.now(UTC).strftime("%Y-%m-%d %H%M")
    called = "".join(c if c.isalnum() else "-" for c in f"{name} {at}")
    headers = {"Content-Disposition": f'attachment; filename="{called}.csv"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(lines(rows, columns), content_type="text/csv; charset=utf-8", headers=headers)


def lines(rows: QuerySet[Any], columns: list[str]) -> Iterator[str]:
    written = csv.writer(Echo())
    yield "\ufeff" + written.writerow(columns)  # so that spreadsheets take it for UTF-8
    part: list[str] = []
    for row in rows.values_list(*columns).iterator(chunk_size=CHUNK):
        part.append(written.writerow([cell(value) for value in row]))
        if len(part) == CHUNK:
            yield "".join(part)
            part = []
    yield "".join(part)


def cell(value: Any) -> Any:
    """As a spreadsheet may have it: what would be a formula there is text (https://owasp.org/www-community/attacks/CSV_Injection)."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA) else text


def columns_of(model: Any) -> list[str]:
    """All that fit into a cell."""
    return [field.attname for field in model._meta.concrete_fields if not isinstance(field, JSONField)]
