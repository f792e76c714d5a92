"""What staff pages of projections and of parked events share: a list, a page for each, actions that ask first."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms.widgets import Script
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse

from projections import doors
from projections.doors import Action
from projections.projection import known

FEW = 20  # lines of a page that has more to say


FIELDS: dict[str, Any] = {
    "reason": lambda: forms.CharField(max_length=500, widget=forms.TextInput(attrs={"autofocus": True})),
    "expect_changes": lambda: forms.BooleanField(required=False, label="I expect changes: swap even where rows differ"),
    "sample": lambda: forms.TypedChoiceField(
        coerce=float, choices=[("1", "all streams"), ("0.25", "25 %"), ("0.05", "5 %"), ("0.01", "1 %")], label="Share"
    ),
    "heal": lambda: forms.BooleanField(required=False, label="Heal: put what was built in the place of what differs"),
    "even_so": lambda: forms.BooleanField(label="Even so: these are the rows that I want"),
    "sure": lambda: forms.BooleanField(label="Readers may see it empty, and fill again"),
}
ONLY_ASKED = {"sure"}  # of a person; not told


class Pages(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in its stubs alone
    """A table to look at, with actions that say first what they will do."""

    offered: dict[str, Action]
    list_per_page = 50

    class Media:
        css = {"all": ["projections/pages.css"]}
        js = [Script("projections/live.js", defer=True)]

    def __init__(self, model: Any, admin_site: Any) -> None:
        super().__init__(model, admin_site)
        self.actions = [_choice(name, action) for name, action in self.offered.items()]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        asking = path("act/<slug:name>/", self.admin_site.admin_view(self.act), name=self.place("act"))
        return [asking, *super().get_urls()]

    def place(self, page: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{page}"

    def asking(self, name: str, chosen: Iterable[Any]) -> str:
        """Where the page stands that asks for the action."""
        place = reverse(f"admin:{self.place('act')}", args=[name])
        of = urlencode([("of", key) for key in chosen])
        return f"{place}?{of}"

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """All that is known of one, and what can be asked of it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        found = self.get_object(request, object_id)
        if found is None:
            raise Http404
        may = self.has_change_permission(request, found)
        buttons = [
            (action.title, self.asking(name, [found.pk]))
            for name, action in self.offered.items()
            if may and name in self.fitting(found)
        ]
        context = {"found": found, "title": str(found), "buttons": buttons, "done": done(found)}
        return self.shown(request, self.opts.model_name or "", context | self.told(request, found))

    def history_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        return redirect(f"admin:{self.place('change')}", object_id)

    def act(self, request: HttpRequest, name: str) -> HttpResponse:
        """Say what the action will do with those chosen, and ask for what it takes; posted, do it."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        chosen = list(self.get_queryset(request).filter(pk__in=self.keys(request.GET.getlist("of"))))
        if name not in self.offered or not chosen:
            raise Http404
        action = self.offered[name]
        form = forms.Form(request.POST if request.method == "POST" else None)
        doubts = [why for each in chosen if (why := action.doubts(known().get(each.projection)))]
        form.fields = {name: make() for name, make in FIELDS.items() if name in action.asks}
        if not doubts:
            form.fields.pop("even_so", None)
        if request.method == "POST" and form.is_valid():
            for found in chosen:
                self.do(request, action, found, form.cleaned_data)
            if len(chosen) == 1 and self.get_object(request, str(chosen[0].pk)):
                return redirect(f"admin:{self.place('change')}", chosen[0].pk)
            return redirect(f"admin:{self.place('changelist')}")
        back = reverse(f"admin:{self.place('changelist')}")
        context = {
            "action": action,
            "called": [self.called(each) for each in chosen],
            "form": form,
            "doubts": doubts,
            "back": back,
            "title": action.title,
        }
        return self.shown(request, "act", context)

    def do(self, request: HttpRequest, action: Action, found: Any, asked: dict[str, Any]) -> None:
        facts = {"position": found.position, "stream_id": getattr(found, "stream_id", None)}
        asked = {name: value for name, value in asked.items() if name not in ONLY_ASKED}
        asked |= {name: facts[name] for name in action.asks if name in facts}
        try:
            said = action.do(doors.named(found.projection), by=request.user.get_username(), **asked)
        except (doors.Unknown, *doors.REFUSALS) as error:
            messages.error(request, str(error))
            return
        note(request.user, found, said)
        messages.success(request, said)

    def shown(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        request.current_app = self.admin_site.name  # type: ignore[attr-defined]  # so Django's admin has it
        context = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, f"projections/{template}.html", context)

    def keys(self, given: Sequence[str]) -> Sequence[Any]:
        return given

    def called(self, found: Any) -> str:
        return str(found)

    def fitting(self, found: Any) -> Iterable[str]:
        """The actions that make sense for it as it is."""
        return self.offered

    def told(self, request: HttpRequest, found: Any) -> dict[str, Any]:
        """What the page of one needs besides."""
        return {}


def note(user: Any, found: Any, said: str) -> None:
    """Leave a trace of what ``user`` did to a checkpoint or a parked event; without errors, which may be personal."""
    LogEntry.objects.log_actions(user.pk, [found], CHANGE, said.partition("\n")[0], single_object=True)


def done(found: Any) -> QuerySet[LogEntry]:
    """What was done to it last."""
    kind = ContentType.objects.get_for_model(found)
    return LogEntry.objects.filter(content_type=kind, object_id=str(found.pk)).select_related("user")[:FEW]


def _choice(name: str, action: Action) -> Callable[..., HttpResponse]:
    """The action of a list: it leads to the page that asks."""

    @admin.action(description=f"{action.title}…", permissions=["change"])
    def choose(pages: Pages, request: HttpRequest, chosen: QuerySet[Any]) -> HttpResponse:
        return redirect(pages.asking(name, chosen.values_list("pk", flat=True)))

    choose.__name__ = name
    return choose


def event_page(position: int) -> str:
    """Where the event browser shows it, if this project has one."""
    try:
        return reverse("admin:eventstore_event_change", args=[position])
    except NoReverseMatch:
        return ""
