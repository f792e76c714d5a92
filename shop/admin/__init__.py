"""The desk: what staff look at. Nothing is edited here; what changes the shop is a command."""

import json
from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from projections.admin import ParkedAdmin, ProjectionAdmin
from projections.models import Checkpoint, Parked
from shop.admin import shown
from shop.admin.ask import Ask
from shop.admin.choosing import look, one_of, yes_or_no
from shop.admin.looking import ReadOnlyAdmin
from shop.admin.panels import Panel, beside
from shop.models import CustomerUser

__all__ = ["Ask", "Panel", "ReadOnlyAdmin", "beside", "events_of", "look", "one_of", "pretty", "shown", "yes_or_no"]


def events_of(stream_id: Any) -> SafeString:
    """A link to all that happened to one aggregate."""
    return format_html('<a href="{}">events</a>', reverse("admin:eventstore_event_stream", args=[stream_id]))


def pretty(facts: Any) -> SafeString:
    """JSON as people read it."""
    return format_html("<pre>{}</pre>", json.dumps(facts, indent=2, ensure_ascii=False))


@admin.register(Checkpoint)
class ProjectionPages(ProjectionAdmin, ModelAdmin):
    pass


@admin.register(Parked)
class ParkedPages(ParkedAdmin, ModelAdmin):
    pass


admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class StaffAdmin(UserAdmin, ModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(CustomerUser)
class CustomersSignInAdmin(ModelAdmin):
    list_display = ("user", "customer_id")
    raw_id_fields = ("user",)


@admin.register(Group)
class RoleAdmin(GroupAdmin, ModelAdmin):
    pass
