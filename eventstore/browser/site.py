"""The pages, as the admin of ``Event``: they stand where its list and its forms would."""

import re
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from eventstore import history
from eventstore.browser import asked, causes, deeds, life, machine
from eventstore.browser.consequences import Thing
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
            path("time-machine/<uuid:stream_id>/", self.staff(machine.page), name="time_machine"),
            path("time-machine/<uuid:stream_id>/moments/", self.staff(machine.around_it), name="time_machine_moments"),
            path("who/", self.page(self.deeds), name="who_did_what"),
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

    def staff(self, view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        """For staff who may see that kind of stream: ``sees`` says which."""

        def looked_at(request: HttpRequest, stream_id: UUID) -> HttpResponse:
            if request.method not in ("GET", "HEAD"):
                return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
            return view(self, request, stream_id)

        return self.admin_site.admin_view(looked_at)

    def sees(self, request: HttpRequest, kind: str) -> bool:
        """Whether whoever asks may travel through the life of a ``kind``: a project may open some to more people."""
        return self.has_view_permission(request)

    def things(self, request: HttpRequest, told: Sequence[Told]) -> dict[UUID, list[Thing]]:
        """What came of these events and is none itself, by the event's id: a project's mails."""
        return {}

    def object_page(self, request: HttpRequest, kind: str, stream_id: UUID) -> str:
        """Where the project shows the object as it is now; empty: nowhere."""
        return ""

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

    def deeds(self, request: HttpRequest) -> HttpResponse:
        """Who did what on a day: commands with their reasons, and what they touched."""
        wanted = deeds.Asked.read(request.GET)
        last, actor = deeds.last_day(), wanted.actor
        day = min(wanted.day or last, last)
        found = deeds.on(day, actor, wanted.before, lambda kind: self.sees(request, kind))

        def place(on: date, **more: Any) -> str:
            return "?" + urlencode({"day": on} | ({"actor": actor} if actor else {}) | more)

        before, after = day - timedelta(days=1), day + timedelta(days=1)
        context = {
            "found": found,
            "actor": actor,
            "problem": wanted.problem,
            "look": deeds.LOOK,
            "earlier": (before, place(before)),
            "later": (after, place(after)) if day < last else None,
            "older": place(day, before=found.before),
        }
        return self.shown(request, "deeds", "Who did what", **context)

    def causes(self, request: HttpRequest, correlation_id: UUID) -> HttpResponse:
        """Everything that came of one request: commands, their events, and what these caused."""
        wanted = request.GET.get("after", "")
        after = int(wanted) if re.fullmatch("[0-9]{1,18}", wanted) else 0
        told, more = causes.of(correlation_id, after)
        if not told and not after:
            raise Http404(f"There is no event of correlation {correlation_id}.")
        lines, things = causes.lines(told), self.things(request, told)
        context = {
            "correlation_id": correlation_id,
            "lines": [
                line._replace(things=things.get(line.told.entry.event_id, ())) if line.told else line for line in lines
            ],
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
