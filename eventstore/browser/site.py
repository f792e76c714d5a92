"""The pages, as the admin of ``Event``: they stand where its list and its forms would."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from eventstore import history
from eventstore.browser import asked, causes, life
from eventstore.browser.told import Told, entries, log, tell
from eventstore.browser.values import Values

AROUND = ("older", "newer", "before", "after")  # an event's neighbours: in the log, and in its stream


class EventBrowser(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in its stubs alone
    """The log, newest first; a stream's life, now or then; one event; all that came of one request."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("eventstore.view_event")

    def get_urls(self) -> list[URLPattern]:
        return [
            path("", self.page(self.events), name="eventstore_event_changelist"),
            path("<int:position>/", self.page(self.event), name="eventstore_event_change"),
            path("stream/<uuid:stream_id>/", self.page(self.stream), name="eventstore_event_stream"),
            path("causes/<uuid:correlation_id>/", self.page(self.causes), name="eventstore_event_causes"),
        ]

    def page(self, view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        """For staff who may see events: others sign in, or are refused."""

        def permitted(request: HttpRequest, **arguments: Any) -> HttpResponse:
            if not self.has_view_permission(request):
                raise PermissionDenied
            if request.method not in ("GET", "HEAD"):
                return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
            return view(request, **arguments)

        return self.admin_site.admin_view(permitted)

    def shown(self, request: HttpRequest, template: str, title: str, **context: Any) -> HttpResponse:
        request.current_app = self.admin_site.name  # type: ignore[attr-defined]  # so Django's admin has it
        context = {**self.admin_site.each_context(request), "title": title, **context}
        return TemplateResponse(request, f"eventstore/browser/{template}.html", context)

    def events(self, request: HttpRequest) -> HttpResponse:
        """Events by name, actor, period, stream, correlation and command, newest first."""
        form = asked.Asked(request.GET)
        given = form.given()
        context: dict[str, Any] = {"form": form, "given": given, "filtered": bool(given)}
        if form.is_valid():
            page = asked.find(form.cleaned_data)
            context |= {"page": page, "unknown_name": form.unknown_name()}
            for direction in ("older", "newer"):
                if (parameter := getattr(page, direction)) is not None:
                    context[direction] = f"?{urlencode(given | parameter)}"
            if form.cleaned_data["before"] is not None or form.cleaned_data["after"] is not None:
                context["newest"] = f"?{urlencode(given)}"
        return self.shown(request, "events", "Events", **context)

    def event(self, request: HttpRequest, position: int) -> HttpResponse:
        """One event with all that is known of it, and its neighbours."""
        told, around = _with_neighbours(position)
        values = self.values([told])
        facts = [(name, values.html(value)) for name, value in (told.facts or {}).items()]
        title = f"{told.entry.name} at {position:,}"
        return self.shown(request, "event", title, told=told, facts=facts, **around)

    def stream(self, request: HttpRequest, stream_id: UUID) -> HttpResponse:
        """All that happened to one aggregate, and what it came to: now, or ``?at=`` a version, position or instant."""
        wanted, problem, until = request.GET.get("at", "").strip(), "", None
        try:
            until = history.moment(wanted) if wanted else None
        except ValueError as error:
            problem = str(error)
        version, last = life.version_at(stream_id, until)
        if last is None:
            raise Http404(f"There is no stream {stream_id}.")
        if version is None:
            problem = f"There was no {until} of this stream." if str(until).startswith("v") else "It did not exist yet."
        lived = life.live(stream_id, version or last, last)
        values = self.values([step.told for step in lived.steps])
        context = {
            "stream_id": stream_id,
            "life": lived,
            "wanted": wanted,
            "bad_moment": problem,
            "fields": _fields(lived, values),
            "steps": [
                (step, [(c.field, values.change(c.before, c.after)) for c in step.changes]) for step in lived.steps
            ],
            "earlier": lived.at[0] - 1,
            "later": lived.at[-1] + 1 if lived.at[-1] < last else 0,
        }
        return self.shown(request, "stream", f"{lived.kind} …{str(stream_id)[-8:]}", **context)

    def causes(self, request: HttpRequest, correlation_id: UUID) -> HttpResponse:
        """Everything that came of one request: commands, their events, and what these caused."""
        wanted = request.GET.get("after", "")
        after = int(wanted) if re.fullmatch("[0-9]{1,18}", wanted) else 0
        told, more = causes.of(correlation_id, after)
        if not told and not after:
            raise Http404(f"There is no event of correlation {correlation_id}.")
        context = {
            "correlation_id": correlation_id,
            "lines": causes.lines(told),
            "count": len(told),
            "after": after,
            "more": told[-1].entry.position if more else None,
        }
        return self.shown(request, "causes", "Causes and consequences", **context)

    def values(self, told: list[Told]) -> Values:
        return Values(self.admin_site.name, (each.raw for each in told))


def _with_neighbours(position: int) -> tuple[Told, dict[str, Any]]:
    try:
        (entry,) = entries(log().filter(position=position))
    except ValueError:
        raise Http404(f"There is no event at position {position}.") from None
    stream = log().filter(stream_id=entry.stream_id)
    near = (
        log().filter(position__lt=position).order_by("-position"),
        log().filter(position__gt=position).order_by("position"),
        stream.filter(version__lt=entry.version).order_by("-version"),
        stream.filter(version__gt=entry.version).order_by("version"),
    )
    around = {key: found.values("position", "name", "version").first() for key, found in zip(AROUND, near, strict=True)}
    return tell([entry])[0], around


def _fields(lived: life.Life, values: Values) -> list[dict[str, Any]]:
    """Each field of the aggregate as it was then, and now where that is something else."""
    if lived.then is None:
        return []
    now = lived.now if lived.now is not None else lived.then
    return [
        {
            "name": name,
            "then": values.html(lived.then.get(name)),
            "now": values.html(now.get(name)),
            "changed": lived.then.get(name) != now.get(name),
        }
        for name in {**now, **lived.then}
    ]
