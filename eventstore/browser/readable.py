"""States as people read them: names in words, money as it is written, lines as tables, ids as links."""

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from eventstore.browser.values import Values, plain
from eventstore.sealing import ERASED
from eventstore.unopened import MARK

MOST = 100  # of a long list, the last ones
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")
SHORTHANDS = {"id": "ID", "sku": "SKU", "url": "URL"}


def words(name: str) -> str:
    """``AddressChanged``, ``address_changed``: Address changed; ``customer_id``: Customer."""
    parts = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.removesuffix("_id")).strip("_").lower().split("_")
    text = " ".join(SHORTHANDS.get(part, part) for part in parts)
    return text[:1].upper() + text[1:]


def tree(value: Any) -> Any:
    """A copy in the terms of JSON: money, and whatever else has words of its own, as these; other values as fields."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Decimal() | UUID():
            return str(value)
        case datetime() | date():
            return value.isoformat()
        case Mapping():
            some = list(value.items())[-MOST:]
            return left_out(len(value)) | {str(key): tree(inner) for key, inner in some}
        case Sequence() | Set() if not isinstance(value, bytes):
            return [*left_out(len(value)).values(), *map(tree, list(value)[-MOST:])]
        case _ if is_dataclass(value) and not isinstance(value, type):
            inner = {field.name: tree(getattr(value, field.name)) for field in fields(value)}
            said = {found for found in inner.values() if found not in (None, "")}
            if said and said <= {ERASED, MARK}:
                return said.pop()
            return inner if type(value).__str__ is object.__str__ else str(value)
        case _:
            return plain(value)


def left_out(count: int) -> dict[str, str]:
    return {"…": f"{count - MOST:,} more before these"} if count > MOST else {}


class Readable(Values):
    """How the time machine shows values: its links lead to other time machines, at ``moment``."""

    moment = ""

    def html(self, value: Any) -> SafeString:
        match value:
            case bool():
                return format_html("{}", "yes" if value else "no")
            case dict() if value:
                lines = ((self.name(name), self.html(found)) for name, found in value.items())
                return format_html(
                    '<dl class="log-object">{}</dl>', format_html_join("", "<div><dt>{}</dt><dd>{}</dd></div>", lines)
                )
            case list() if columns := self.columns(value):
                return self.table(columns, value)
            case list() if value and all(isinstance(each, str | int) for each in value) and len(value) == 1:
                return self.html(value[0])
            case str() if value in (ERASED, MARK):
                return format_html('<span class="log-erased">{}</span>', value)
            case str() if INSTANT.fullmatch(value):
                return instant(value)
            case str() if kind := self.kinds.get(value):
                place = reverse("admin:time_machine", args=[UUID(value)], current_app=self.site)
                text = f"{words(kind)} …{value[-8:]}"
                return format_html('<a href="{}{}" title="{}">{}</a>', place, self.moment, value, text)
            case _:
                return super().html(value)

    def name(self, name: str) -> SafeString:
        """A key: of a field its words; an id or a SKU as it is."""
        return self.html(name) if name in self.kinds else format_html("{}", words(name) if name.islower() else name)

    def columns(self, value: list[Any]) -> list[str]:
        """Those of a table, if the list is one: objects with the same fields."""
        if not all(isinstance(each, dict) and each for each in value):
            return []
        first = list(value[0]) if value else []
        return first if len(first) > 1 and all(list(each) == first for each in value) else []

    def table(self, columns: list[str], lines: list[dict[str, Any]]) -> SafeString:
        head = format_html_join("", '<th scope="col">{}</th>', ((words(name),) for name in columns))
        body = format_html_join(
            "",
            "<tr>{}</tr>",
            ((format_html_join("", "<td>{}</td>", ((self.html(line[name]),) for name in columns)),) for line in lines),
        )
        table = '<div class="log-lines"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>'
        return format_html(table, head, body)

    def change(self, before: Any, after: Any) -> SafeString:
        """What a field was, if it was anything, and what it became."""
        if before in (None, "", []) and not isinstance(before, bool):
            return format_html('<ins class="log-new">{}</ins>', self.html(after))
        if after in (None, "", []) and not isinstance(after, bool):
            return format_html('<del class="log-gone">{}</del> {} {}', self.html(before), ARROW, self.html(after))
        return super().change(before, after)


ARROW = format_html('<span class="log-quiet" aria-label="became">{}</span>', "→")


def instant(text: str) -> SafeString:
    at = datetime.fromisoformat(text).astimezone(UTC)
    return format_html('<time datetime="{}" title="{}">{}</time>', text, text, spoken(at))


def spoken(at: datetime) -> str:
    """29 Nov 2026, 13:46:06."""
    return f"{at.day} {at:%b %Y, %H:%M:%S}"
