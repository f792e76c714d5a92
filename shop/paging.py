"""Pages by keyset: each begins behind the last row of the one before, however many rows come and go in between.

https://use-the-index-luke.com/no-offset. No page costs more than the first, and nothing is counted.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.core import signing
from django.db.models import F, Model, Q, QuerySet
from django.http import QueryDict
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from shop.parameters import Asked, number

USUAL, MOST = 50, 100  # rows of a page
PARAMETERS = ("cursor", "ordering", "page_size")


class Place(NamedTuple):
    """Between two rows: behind (or, going back, before) the row with that value and that key."""

    ordering: str
    back: bool
    value: str | None
    key: str
    as_of: int | None = None  # the position that the list is as of; None: now


class Order(NamedTuple):
    """By one field, and by the key among rows that are equal in it, so that no two rows are. Nulls come last."""

    field: Any  # of the model
    key: Any
    falling: bool

    def by(self, back: bool) -> list[Any]:
        falls = self.falling != back
        field = F(self.field.attname)
        nulls = {"nulls_first" if back else "nulls_last": True} if self.field.null else {}
        key = F(self.key.attname)
        return [field.desc(**nulls), key.desc()] if falls else [field.asc(**nulls), key.asc()]

    def beyond(self, place: Place) -> Q:
        """The rows on the way from ``place``."""
        name, way = self.field.attname, "lt" if self.falling != place.back else "gt"
        later = Q(**{f"{self.key.attname}__{way}": self.key.to_python(place.key)})
        if place.value is None:
            among = Q(**{f"{name}__isnull": True}) & later
            return among | Q(**{f"{name}__isnull": False}) if place.back else among
        value = self.field.to_python(place.value)
        if self.field.null:
            found = Q(**{f"{name}__{way}": value}) | Q(**{name: value}) & later
            return found if place.back else found | Q(**{f"{name}__isnull": True})
        # A range that an index can begin at; only its first few rows, the equal ones, are looked at twice.
        return Q(**{f"{name}__{way}e": value}) & (Q(**{f"{name}__{way}": value}) | later)

    def place(self, ordering: str, row: Model, *, back: bool, as_of: int | None = None) -> Place:
        value = None if getattr(row, self.field.attname) is None else self.field.value_to_string(row)
        return Place(ordering, back, value, self.key.value_to_string(row), as_of)


class KeysetPagination(BasePagination):
    """``{results, next, previous}``. The view's ``orderings`` names the fields that there are, the usual one first."""

    def read(self, asked: Asked, model: type[Model], orderings: Mapping[str, str]) -> None:
        """What is asked about the page; ``asked`` notes what is wrong with it."""

        fields = {name.removeprefix("-"): field for name, field in orderings.items()}

        def known(text: str) -> str:
            if text.removeprefix("-") not in fields:
                raise ValueError(
                    f"{text[:40]!r} is no order here; there is {', '.join(fields)}, each with or without -."
                )
            return text

        def place(text: str) -> Place:
            try:
                found = Place(*signing.loads(text, salt=self.salt))
            except signing.BadSignature:
                raise ValueError(
                    "This cursor was not given here. Take `next` or `previous` of a page as they are."
                ) from None
            if ordering and found.ordering != ordering:
                raise ValueError(f"This cursor goes with ordering={found.ordering}.")
            return found

        self.size = asked.get("page_size", size) or USUAL
        usual = next(iter(orderings))
        ordering = asked.get("ordering", known) if "ordering" in asked.values else usual
        self.ordering = ordering or usual
        self.salt = f"cursor of {model._meta.label}"
        self.here = asked.get("cursor", place)
        field = model._meta.get_field(fields[self.ordering.removeprefix("-")])
        self.order = Order(field, model._meta.pk, self.ordering.startswith("-"))

    def settle(self, asked: Asked, as_of: int | None) -> None:
        """A cursor is of the moment that the list is of."""
        self.as_of = as_of
        if self.here and self.here.as_of != self.as_of:
            goes_with = "a list without as_of" if self.here.as_of is None else f"as_of={self.here.as_of}"
            asked.wrong("cursor", f"This cursor goes with {goes_with}.")
            asked.settle()

    def paginate_queryset(self, queryset: QuerySet[Any], request: Request, view: Any = None) -> list[Any]:
        here = self.here
        back = here is not None and here.back
        if here:
            queryset = queryset.filter(self.order.beyond(here))
        found = list(queryset.order_by(*self.order.by(back))[: self.size + 1])
        rows, more = found[: self.size], len(found) > self.size
        if back:
            rows.reverse()
        self.links = {
            "next": self._link(request, rows[-1:], back=False) if more or back else None,
            "previous": self._link(request, rows[:1], back=True) if (more if back else here) else None,
        }
        return rows

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"results": data, **self.links})

    def _link(self, request: Request, row: list[Model], *, back: bool) -> str | None:
        if not row:
            return None
        query: QueryDict = request.query_params.copy()
        place = self.order.place(self.ordering, row[0], back=back, as_of=self.as_of)
        query["cursor"] = signing.dumps(place, salt=self.salt)
        if self.as_of is not None:
            query["as_of"] = str(self.as_of)  # what an instant was
        return f"{request.path}?{query.urlencode()}"

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": "string", "format": "uri-reference", "nullable": True}
        return {
            "type": "object",
            "required": ["results", "next", "previous"],
            "properties": {
                "results": schema,
                "next": link | {"example": "/api/v1/…/?cursor=WyItcGxhY2VkX2F0Iiw"},
                "previous": link | {"example": None},
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        orderings = [name.removeprefix("-") for name in getattr(view, "orderings", ())]
        schemas: list[tuple[str, str, dict[str, Any]]] = [
            ("cursor", "Where the page begins: as `next` or `previous` gave it.", {"type": "string"}),
            ("page_size", "Rows of a page.", {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL}),
        ]
        if getattr(view, "action", "") == "list":
            both = [sign + name for name in orderings for sign in ("", "-")]
            usual = next(iter(view.orderings))
            schemas.append(
                ("ordering", "The field that rows are ordered by.", {"enum": both, "type": "string", "default": usual})
            )
        return [
            {"name": name, "in": "query", "required": False, "description": description, "schema": schema}
            for name, description, schema in schemas
        ]


def size(text: str) -> int:
    if not 1 <= (rows := number(text)) <= MOST:
        raise ValueError(f"A page has 1 to {MOST} rows.")
    return rows
