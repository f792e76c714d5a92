"""How processes go, as the desk's list of them is filtered: under way, stuck, or undone."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from shop.fulfilment.models import OrderProcess

STUCK = timedelta(minutes=15)  # for which no order should be on its way to being confirmed
UNDER_WAY = Q(status__in=("running", "undoing"))


def late() -> Q:
    """Past the time at which it gives up, or without one and under way for long."""
    now = datetime.now(UTC)
    return Q(due__lt=now) | Q(due=None, started_at__lt=now - STUCK)


class Going(admin.SimpleListFilter):
    title, parameter_name = "how it goes", "how"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return [("running", "Under way"), ("stuck", "Stuck"), ("compensated", "Undone")]

    def queryset(self, request: Any, queryset: QuerySet[OrderProcess]) -> QuerySet[OrderProcess]:
        match self.value():
            case "running":
                return queryset.filter(UNDER_WAY)
            case "stuck":
                return queryset.filter(UNDER_WAY & late())
            case "compensated":
                return queryset.filter(status__in=("undoing", "rejected"))
        return queryset


def page_of(process: OrderProcess) -> SafeString:
    """A link to the process, step by step."""
    return format_html('<a href="{}">step by step</a>', reverse("process-page", args=[process.id]))
