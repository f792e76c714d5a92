"""Objects that are a function of events and time: a price, a tier. No timer has to fire for them to be right."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import django_filters
from django import forms
from django.db.models import QuerySet
from rest_framework.request import Request

from eventstore.models import Event
from shop.filters import InstantField
from shop.resource import Resource, of_all


class UtcField(InstantField):
    """An instant that has a day in UTC."""

    def to_python(self, value: Any) -> datetime | None:
        found = super().to_python(value)
        try:
            return found and found.astimezone(UTC)
        except OverflowError:
            raise forms.ValidationError(f"{value[:40]!r} is before all time, or after it.") from None


class AtFilter(django_filters.IsoDateTimeFilter):
    field_class = UtcField


class ByTheClock(django_filters.FilterSet):
    """Filters that depend on the time ask ``instant``."""

    at = AtFilter(
        method="keep_all", help_text="How it is at this instant, by what is known; it may be to come. Usually now."
    )

    @property
    def instant(self) -> datetime:
        return self.form.cleaned_data.get("at") or datetime.now(UTC)

    def keep_all(self, rows: QuerySet[Any], name: str, value: datetime) -> QuerySet[Any]:
        return rows


class Timed(Resource):
    """Objects whose rows say what they are at an instant once they were told so.

    A list is of the instant ``at``; without it, of that of ``as_of``, and its other pages too; else of now.
    """

    def tell(self, row: Any, instant: datetime) -> None:
        """Make of the row what it is at ``instant``."""
        raise NotImplementedError

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        asked = self.asked.values
        if self.action == "list" and "at" not in asked and (instant := instant_of(asked.get("as_of", ""))):
            query = request._request.GET.copy()
            query["at"] = instant.isoformat()
            request._request.GET = query  # type: ignore[assignment]

    def made_ready(self, rows: Sequence[Any]) -> Sequence[Any]:
        instant = UtcField().to_python(self.request.query_params.get("at")) or datetime.now(UTC)
        for row in rows:
            self.tell(row, instant)
        return rows

    def row(self, pk: UUID) -> Any:
        row = super().row(pk)
        self.tell(row, datetime.now(UTC))
        return row

    def then_told(self, row: Any, aggregate: Any) -> Any:
        """``row``, told what it was at the moment that is asked about, when ``aggregate`` was as it is here."""
        asked = self.asked.values
        self.tell(row, instant_of(asked.get("effective_at") or asked.get("as_of", "")) or aggregate.modified_on)
        return row


def instant_of(moment: str) -> datetime | None:
    """When that was: an instant, or when the event at a position was recorded. None: neither."""
    try:
        found = of_all(moment)
    except ValueError:
        return None
    if isinstance(found, datetime):
        return found
    known = Event.objects.filter(position__lte=found).order_by("-position").values_list("recorded_at", flat=True)
    return known.first()
