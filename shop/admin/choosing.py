"""Filters whose choices are known: none of them looks through a table for what it has."""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest


def one_of(field: str, values: Iterable[Any], title: str = "") -> type[admin.SimpleListFilter]:
    """Rows with that value in ``field``."""
    return look(field, title or field.replace("_", " "), {str(value): Q(**{field: value}) for value in values})


def yes_or_no(field: str, title: str = "", yes: str = "Yes", no: str = "No") -> type[admin.SimpleListFilter]:
    titled = title or field.replace("_", " ")
    return look(field, titled, {"1": Q(**{field: True}), "0": Q(**{field: False})}, {"1": yes, "0": no})


def look(
    name: str, title: str, those: dict[str, Q | Callable[[], Q]], words: dict[str, str] | None = None
) -> type[admin.SimpleListFilter]:
    """Rows that are as what was chosen says."""
    called = words or {}
    of = name, title

    class Chosen(admin.SimpleListFilter):
        parameter_name, title = of

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return [(value, called.get(value, value)) for value in those]

        def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
            those_of = those.get(self.value() or "")
            if those_of is None:
                return rows
            return rows.filter(those_of() if callable(those_of) else those_of)

    return Chosen
