"""The desk: what staff look at. Nothing is edited here; what changes the shop is a command."""

import json
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from eventstore.models import Event


class ReadOnlyAdmin(ModelAdmin):
    """A table to look at. Its permission to view is Django's; nobody has one to change it."""

    show_full_result_count = False
    list_per_page = 50
    actions = None

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def events_of(stream_id: Any) -> SafeString:
    """A link to all that happened to one aggregate."""
    return format_html('<a href="{}?q={}">events</a>', reverse("admin:eventstore_event_changelist"), stream_id)


def pretty(facts: Any) -> SafeString:
    """JSON as people read it."""
    return format_html("<pre>{}</pre>", json.dumps(facts, indent=2, ensure_ascii=False))


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """The log, newest first; searched by the id of a stream, a command or a request, or by who it was."""

    list_display = ("position", "name", "stream_id", "version", "actor", "recorded_at", "effective_at")
    list_filter = ("name",)
    search_help_text = "The id of a stream, a command or a correlation; or an actor."
    search_fields = ("actor",)
    fields = (
        *("position", "name", "stream_id", "version", "facts", "actor", "reason", "recorded_at", "effective_at"),
        *("event_id", "command_id", "correlation_id", "causation_id"),
    )
    readonly_fields = ("facts",)

    @admin.display(description="facts")
    def facts(self, event: Event) -> SafeString:
        return pretty(json.loads(bytes(event.data)))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Event], search_term: str
    ) -> tuple[QuerySet[Event], bool]:

        try:
            asked = UUID(search_term.strip())
        except ValueError:
            return super().get_search_results(request, queryset, search_term)  # type: ignore[no-any-return]
        return queryset.filter(Q(stream_id=asked) | Q(command_id=asked) | Q(correlation_id=asked)), False


admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class StaffAdmin(UserAdmin, ModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class RoleAdmin(GroupAdmin, ModelAdmin):
    pass
