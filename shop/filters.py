"""Filters that lists share."""

from datetime import datetime
from typing import Any

import django_filters
from django import forms


class InstantField(forms.Field):
    """ISO 8601 with its zone."""

    def to_python(self, value: Any) -> datetime | None:
        if not value:
            return None
        try:
            found = datetime.fromisoformat(value)
            assert found.tzinfo
        except (ValueError, AssertionError):
            raise forms.ValidationError(
                f"{value[:40]!r} is no instant with a zone, such as 2026-03-01T12:00Z. (A + in an address is %2B.)"
            ) from None
        return found


class InstantFilter(django_filters.IsoDateTimeFilter):
    field_class = InstantField
