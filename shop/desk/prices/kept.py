"""Previews between two requests: each page reads the lines that it shows, and no others."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple, overload
from uuid import UUID

import msgspec
from django.utils import timezone

from eventstore.domain import uuid7
from eventstore.persistence import rows
from shop.catalog.repricing.files import Wrong
from shop.catalog.repricing.previews import Planned, Preview, Same
from shop.desk.models import PriceDraft

FOR = timedelta(days=2)


class Look(NamedTuple):
    """Some of the lines of a preview."""

    lines: str  # which of its lists
    kind: type
    condition: str = "true"


LOOKS = {
    "changes": Look("planned", Planned, "line->>'conflict' = ''"),
    "steep": Look("planned", Planned, "(line->>'steep')::boolean"),
    "conflicts": Look("planned", Planned, "line->>'conflict' <> ''"),
    "same": Look("same", Same),
    "wrong": Look("wrong", Wrong),
}
LINES = """
    select line::text from desk_pricedraft, jsonb_array_elements(preview->%s) with ordinality as t (line, place)
    where id = %s and {condition} order by place offset %s limit %s"""


class Lines(Sequence[Any]):
    """Those of a draft that ``look`` is for; asked for only as far as they are looked at."""

    def __init__(self, draft: PriceDraft, look: str) -> None:
        self._id: UUID = draft.id
        self._look = LOOKS[look]
        self._count: int = draft.counts[look]

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, place: int) -> Any: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Any]: ...
    def __getitem__(self, place: int | slice) -> Any:
        if isinstance(place, int):
            return self[place : place + 1][0]
        start, stop, _ = place.indices(self._count)
        sql = LINES.format(condition=self._look.condition)
        found = rows(sql, self._look.lines, self._id, start, max(stop - start, 0))
        return [msgspec.json.decode(line, type=self._look.kind) for (line,) in found]


def keep(found: Preview, **facts: object) -> PriceDraft:
    """As a draft; those that nobody has applied for days are forgotten."""
    PriceDraft.objects.filter(made_at__lt=timezone.now() - FOR).delete()
    return PriceDraft.objects.create(
        id=uuid7(), preview=msgspec.to_builtins(found), counts=counts(found), average=average(found), **facts
    )


def counts(told: Preview) -> dict[str, int]:
    """Of each look."""
    return {
        "changes": len(told.planned) - told.conflicts,
        "steep": told.steep,
        "conflicts": told.conflicts,
        "same": len(told.same),
        "wrong": len(told.wrong),
    }


def average(told: Preview) -> str:
    """By how much prices change, all in all."""
    known = [each.change.percent for each in told.planned if each.change.percent is not None and not each.conflict]
    return f"{sum(known) / len(known):+.1f}" if known else ""


def read(draft: PriceDraft) -> Preview:
    """All of it."""
    return msgspec.convert(draft.preview, Preview)
