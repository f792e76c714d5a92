"""Tables to look at: lists, and a page for each object: now, its history, as of a moment, and what belongs to it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from unfold.admin import ModelAdmin, checkbox

from projections.models import ReadModel
from projections.projection import keeper
from projections.waiting import wait_until
from shop import words
from shop.admin import asking, exporting, panels, shown
from shop.admin.ask import Ask
from shop.admin.asking import Asking, Chosen
from shop.admin.pages import Bounded, Listed, page_asked
from shop.admin.panels import Panel
from shop.admin.past import BOX, Past, keeps_history, past_of
from shop.admin.told import told
from shop.roles import may

KEPT = "_changelist_filters"  # as Django calls them
KEY = "the-key-of-the-row"
BOX_OF_ROW = str(checkbox.render(helpers.ACTION_CHECKBOX_NAME, KEY))


class ReadOnlyAdmin(ModelAdmin):
    """A table to look at. Its permission to view is Django's; nobody has one to change it.

    What changes the shop is asked: ``asks`` are commands, with a reason, for the roles that the API gives them to.
    """

    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 0
    paginator = Bounded
    list_before_template = "desk/list_tools.html"
    change_form_template = "desk/object.html"
    empty_value_display = "–"
    actions = None

    search_fields: Sequence[str] = ()  # whose words are looked for: with an index of them (shop.words)
    search_numbers: Sequence[str] = ()  # that may be read out instead
    search_ids: Sequence[str] = ("pk",)  # that may be pasted instead
    asks: Sequence[Ask] = ()
    panels: Sequence[Panel] = ()  # of its own context
    also: Sequence[str] = ()  # projections that its page shows besides its own
    told_to: str = ""  # the action of shop.roles of those who are told its history here
    badge: ClassVar[str] = ""  # the field that says how an object stands

    def __init__(self, model: Any, admin_site: Any) -> None:
        super().__init__(model, admin_site)
        self.has_past = keeps_history(model)
        self.keepers = [keeper(model).name, *self.also] if issubclass(model, ReadModel) else list(self.also)

    def stream_of(self, row: Any) -> UUID | None:
        """The stream that it is the row of."""
        return row.pk if isinstance(row.pk, UUID) else None

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        def at(where: str, view: Callable[..., HttpResponse], name: str) -> URLPattern:
            return path(where, self.admin_site.admin_view(view), name=self.place(name))

        return [
            at("export/", self.export, "export"),
            at("ask/<slug:name>/", self.ask_several, "ask_several"),
            at("<path:object_id>/ask/<slug:name>/", self.ask, "ask"),
            *super().get_urls(),
        ]

    def place(self, page: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{page}"

    def page(self, name: str, *arguments: Any) -> str:
        return reverse(f"admin:{self.place(name)}", args=arguments)

    # Lists

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """As of the moment that is asked for, where history is kept."""
        shown.looking.set(shown.Looking(request.user, past_of(request).day, orders={}))
        rows = super().get_queryset(request)
        return past_of(request).of(rows) if self.has_past else rows

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[Listed]:
        return Listed

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        title = capfirst(str(self.opts.verbose_name_plural))
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def get_paginator(self, request: HttpRequest, *arguments: Any, **options: Any) -> Bounded:
        found: Bounded = super().get_paginator(request, *arguments, **options)
        found.asked = page_asked(request)
        return found

    def get_search_results(self, request: HttpRequest, rows: QuerySet[Any], text: str) -> tuple[QuerySet[Any], bool]:
        if not text.strip():
            return rows, False
        return words.found(
            rows, text, tuple(self.search_fields), tuple(self.search_ids), tuple(self.search_numbers)
        ), False

    @admin.display(description=ModelAdmin.action_checkbox.short_description)
    def action_checkbox(self, obj: Any) -> SafeString:
        """As unfold draws it, drawn once for all rows: by a template each, they took half as long as all else."""
        return mark_safe(BOX_OF_ROW.replace(KEY, escape(obj.pk)))  # noqa: S308  # escaped

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """What may be asked for several at once; of the past, nothing."""
        if past_of(request):
            return {}
        return {
            ask.slug.replace("-", "_"): (_choice(ask), ask.slug.replace("-", "_"), f"{ask.title}…")
            for ask in self.asks
            if ask.several and may(request.user, ask.action)
        }

    def export(self, request: HttpRequest) -> HttpResponse:
        """The whole list, as it is filtered and ordered, as CSV."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        listed = self.get_changelist_instance(request)
        if past_of(request).problem:
            messages.error(request, past_of(request).problem)
            return redirect(self.page("changelist"))
        moment = f"as of {listed.past}" if listed.past else ""
        return exporting.export(listed.queryset, exporting.columns_of(self.model), str(self.opts.verbose_name), moment)

    # Objects

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied  # nobody may change it
        row = self.get_object(request, unquote(object_id))
        past = past_of(request)
        if row is None and past and self.has_view_permission(request):
            messages.warning(request, f"There was none {'at' if isinstance(past.moment, int) else 'on'} {past}.")
            return redirect(self.page("change", object_id))
        if row is not None and not self.has_view_permission(request, row):
            raise PermissionDenied
        context = self.about(request, row, past) if row is not None else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})

    def about(self, request: HttpRequest, row: Any, past: Past) -> dict[str, Any]:
        """What the page of one says beside its fields."""
        both = [*self.panels, *panels.related.get(self.model, ())]
        found = list(panels.tables(request, both, row, past))
        stream = self.stream_of(row)
        asks = [] if past else [each for each in self.asks if may(request.user, each.action) and each.fits(row)]
        history = told(stream, row.version if past else None) if stream and self.may_be_told(request) else None
        return {
            "title": str(row),
            "subtitle": None,
            "past": past,
            "has_past": self.has_past,
            "status": shown.badge(getattr(row, self.badge)) if self.badge else "",
            "wide": [each for each in found if not each.panel.beside],
            "beside": [each for each in found if each.panel.beside and each.rows],
            "without": [each.panel.title for each in found if each.panel.beside and not each.rows],
            "first_asks": [(each, self.page("ask", row.pk, each.slug)) for each in asks if each.first],
            "more_asks": [(each, self.page("ask", row.pk, each.slug)) for each in asks if not each.first],
            "told": history,
            "life_page": life_page(stream) if stream and self.may_be_told(request) else "",
            "stream": stream,
            "not_yet": self.not_yet(request),
        }

    def may_be_told(self, request: HttpRequest) -> bool:
        return (bool(self.told_to) and may(request.user, self.told_to)) or may_travel(request)

    def not_yet(self, request: HttpRequest) -> int | None:
        """The position that the page was to wait for, and that it has not come to."""
        text = request.GET.get("after", "")
        if not text.isdecimal() or len(text) > 18 or not self.keepers:
            return None
        return None if wait_until(int(text), *self.keepers, timeout=0) else int(text)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """All that happened to it: the log knows, Django's own table of edits does not."""
        row = self.get_object(request, unquote(object_id))
        if row is None or not (stream := self.stream_of(row)):
            raise Http404
        return redirect(life_page(stream))

    # Commands

    def ask_called(self, request: HttpRequest, name: str) -> Ask:
        """Http404: there is none of that name; PermissionDenied: it is not theirs to ask."""
        ask = next((each for each in self.asks if each.slug == name), None)
        if ask is None:
            raise Http404(f"Nothing that can be asked of {self.opts.verbose_name_plural} is called {name}.")
        if not may(request.user, ask.action) or not self.has_view_permission(request):
            raise PermissionDenied
        return ask

    def ask(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        ask = self.ask_called(request, name)
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        seen = _seen(request).get(str(row.pk), ask.version(row))
        return asking.answer(self, Asking(ask, [Chosen(row, seen)], request), self.page("change", row.pk))

    def ask_several(self, request: HttpRequest, name: str) -> HttpResponse:
        ask = self.ask_called(request, name)
        seen = _seen(request)
        wanted = list(seen) or request.GET.getlist("of")
        rows = self.get_queryset(request).filter(pk__in=[key for key in map(self.key, wanted) if key][: asking.MOST])
        chosen = [Chosen(row, seen.get(str(row.pk), ask.version(row))) for row in rows]
        if not ask.several or not chosen:
            raise Http404
        kept = QueryDict(request.GET.get(KEPT, "")).urlencode()
        back = self.page("changelist")
        return asking.answer(self, Asking(ask, chosen, request), f"{back}?{kept}" if kept else back, is_list=True)

    def key(self, text: str) -> Any:
        """A primary key, or None for what is none."""
        try:
            return self.opts.pk.to_python(text)
        except Exception:
            return None

    def ask_for(self, name: str, keys: Sequence[Any], kept: str = "") -> str:
        """Where a list asks for those that were chosen; afterwards it is as it was: filtered and ordered."""
        found = [("of", key) for key in keys] + ([(KEPT, kept)] if kept else [])
        return f"{self.page('ask_several', name)}?{urlencode(found)}"


def _choice(ask: Ask) -> Callable[..., HttpResponse | None]:
    """The action of a list: it leads to the page that asks."""

    def choose(pages: ReadOnlyAdmin, request: HttpRequest, chosen: QuerySet[Any]) -> HttpResponse | None:
        keys = list(chosen.values_list("pk", flat=True)[: asking.MOST + 1])
        if len(keys) > asking.MOST:
            messages.error(request, f"Choose at most {asking.MOST} at once.")
            return None
        return redirect(pages.ask_for(ask.slug, keys, request.GET.urlencode()))

    return choose


def _seen(request: HttpRequest) -> Mapping[str, int | None]:
    """The versions that a form was made with, by key."""
    found = {}
    for text in request.POST.getlist("seen")[: asking.MOST]:
        key, _, version = text.rpartition(":")
        found[key] = int(version) if version.isdecimal() and len(version) < 19 else None
    return found


def may_travel(request: HttpRequest) -> bool:
    return bool(request.user.has_perm("eventstore.view_event"))  # type: ignore[union-attr]


def life_page(stream_id: UUID) -> str:
    """Where a stream's whole life is shown."""
    try:
        return reverse("admin:time_machine", args=[stream_id])
    except NoReverseMatch:
        return reverse("admin:eventstore_event_stream", args=[stream_id])


__all__ = ["BOX", "ReadOnlyAdmin", "life_page"]
