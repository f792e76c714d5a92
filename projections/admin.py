"""Staff pages over projections and what they have parked, for any project with Django's admin::

    from projections.admin import ParkedAdmin, ProjectionAdmin

    admin.site.register(Checkpoint, ProjectionAdmin)
    admin.site.register(Parked, ParkedAdmin)

Nothing is edited there. What is asked of a projection takes the permission to change it, and leaves a ``LogEntry``.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.timesince import timesince

from eventstore import log
from projections import doors
from projections.listing import progress, why
from projections.models import Checkpoint, Parked
from projections.pages import FEW, Pages, event_page
from projections.projection import Policy, known
from projections.status import Status, alerts, statuses


class ProjectionAdmin(Pages):
    """A line for each projection and policy: where it stands, and what is wrong with it; those come first."""

    offered = doors.ON_PROJECTIONS
    list_display = ("name_of", "context", "state", "behind", "position_of", "lease", "parked", "kept", "wrong")
    list_display_links = ("name_of",)
    ordering = ("projection",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Checkpoint]:
        return live()

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changes = super().get_changelist_instance(request)
        rows = list(changes.result_list)
        found = {each.name: each for each in statuses(known()[row.projection] for row in rows)}
        wrong = {each.projection: each.text for each in reversed(alerts(found.values()))}
        end = log.horizon()
        for row in rows:
            row.horizon, row.status, row.wrong = end, found[row.projection], wrong.get(row.projection, "")
        changes.result_list = sorted(rows, key=lambda row: not row.wrong)
        return changes

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        if missing := known().keys() - set(live().values_list("projection", flat=True)):
            messages.warning(request, f"Never run yet: {', '.join(sorted(missing))}. Is a worker there?")
        return super().changelist_view(request, extra_context)

    @admin.display(description="projection")
    def name_of(self, row: Any) -> str:
        return str(row.projection)

    @admin.display
    def context(self, row: Any) -> str:
        return row.status.context or "–"

    @admin.display
    def state(self, row: Any) -> SafeString:
        return self.live_text(row, "state")

    @admin.display
    def behind(self, row: Any) -> SafeString:
        return self.live_text(row, "behind")

    @admin.display(description="position")
    def position_of(self, row: Any) -> SafeString:
        return self.live_text(row, "position")

    @admin.display
    def lease(self, row: Any) -> SafeString:
        return self.live_text(row, "lease")

    def live_text(self, row: Any, name: str) -> SafeString:
        """A text that the page keeps up to date."""
        text = live_texts(row.status, row.horizon)[name]
        found = (reverse(f"admin:{self.place('live')}"), row.status.name, name, text)
        return format_html('<span data-live="{}" data-projection="{}" data-told="{}">{}</span>', *found)

    def get_urls(self) -> list[URLPattern]:
        now = path("live/", self.admin_site.admin_view(self.now), name=self.place("live"))
        return [now, *super().get_urls()]

    def now(self, request: HttpRequest) -> HttpResponse:
        """Where projections stand, for pages that look again and again; ``?of=`` one of them."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        wanted = known()
        if name := request.GET.get("of"):
            wanted = {name: wanted[name]} if name in wanted else {}
        end = log.horizon()
        told = {each.name: live_facts(each, end) for each in statuses(wanted.values())}
        return JsonResponse({"horizon": end, "projections": told})

    @admin.display
    def parked(self, row: Any) -> str:
        return f"{row.status.parked:,}" if row.status.parked else "–"

    @admin.display(description="kept version")
    def kept(self, row: Any) -> str:
        return "–" if row.status.kept_version is None else str(row.status.kept_version)

    @admin.display(description="look at")
    def wrong(self, row: Any) -> str:
        return Truncator(row.wrong or row.status.error or "–").chars(120)

    def called(self, found: Checkpoint) -> str:
        return found.projection

    def fitting(self, found: Checkpoint) -> Iterator[str]:
        projection = known()[found.projection]
        (status,) = statuses([projection])
        yield "resume" if status.paused_at else "pause"
        if not isinstance(projection, Policy):
            busy = {each.kind for each in status.errands if each.ended_at is None}
            doing = status.progress.doing if status.progress else ""
            if "rebuild" not in busy and doing != "rebuild":
                yield "rebuild"
                if "dry_run" not in busy:
                    yield "dry-run"
            if "verify" not in busy:
                yield "verify"
            if "replay" not in busy and doing != "replay" and not status.paused_at:
                yield "replay"
            if busy - {"replay"} or doing in ("rebuild", "verify"):
                yield "abandon"
            if status.kept_version is not None:
                yield "back"

    def told(self, request: HttpRequest, found: Checkpoint) -> dict[str, Any]:
        projection = known()[found.projection]
        (status,) = statuses([projection])
        end = log.horizon()
        waiting = doors.parked().filter(projection=projection.name, skipped_at=None)
        context = {
            "title": projection.name,
            "projection": projection,
            "status": status,
            "state": doors.state(status),
            "behind": behind(status),
            "horizon": end,
            "tables": [model._meta.verbose_name_plural for model in projection.tables],
            "error_page": event_page(status.error_position) if status.error_position else "",
            "alerts": alerts([status]),
            "policy": isinstance(projection, Policy),
            "parked": waiting[:FEW],
            "live": reverse(f"admin:{self.place('live')}") + f"?of={projection.name}",
            "texts": live_texts(status, end),
            "asked": asked(status),
            "ended": [each for each in status.errands if each.ended_at],
        }
        if status.progress:
            begun = {each.kind for each in status.errands if each.begun_at and not each.ended_at}
            doing = "dry run" if begun == {"dry_run"} else status.progress.doing
            context |= {"progress": status.progress, "doing": doing, "told": progress(status.progress)}
        if status.progress or any(each.ended_at is None for each in status.errands):
            context["refresh"] = "2"  # where there are no scripts
        return context


class Decided(admin.SimpleListFilter):
    """What waits for a decision, or what was skipped."""

    title, parameter_name = "what was decided", "decided"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return [("skipped", "Skipped")]

    def choices(self, changelist: Any) -> Iterator[Any]:
        waiting, *others = super().choices(changelist)
        yield {**waiting, "display": "Nothing yet"}
        yield from others

    def queryset(self, request: Any, queryset: QuerySet[Parked]) -> QuerySet[Parked]:
        return queryset.filter(skipped_at__isnull=self.value() != "skipped")


class ParkedAdmin(Pages):
    """Events that could not be applied: the first of each stream, and how many wait behind it."""

    offered = doors.ON_PARKED
    list_display = ("event", "projection", "error_told", "age", "behind", "tries")
    list_display_links = ("event",)
    list_filter = (Decided, "projection")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Parked]:
        return doors.parked()

    def keys(self, given: Sequence[str]) -> Sequence[Any]:
        return [int(each) for each in given if each.isdecimal() and len(each) < 19]

    @admin.display(ordering="position")
    def event(self, row: Any) -> str:
        return f"{row.name} at {row.position:,}"

    @admin.display(description="error")
    def error_told(self, row: Parked) -> str:
        return Truncator(why(row)).chars(160)

    @admin.display(ordering="parked_at")
    def age(self, row: Parked) -> str:
        return timesince(row.parked_at, depth=1)

    @admin.display(description="waiting behind")
    def behind(self, row: Any) -> str:
        return f"{row.behind:,}"

    def fitting(self, found: Parked) -> Iterable[str]:
        return ("unskip",) if found.skipped_at else ("retry", "skip")

    def told(self, request: HttpRequest, found: Parked) -> dict[str, Any]:
        waiting = Parked.objects.filter(
            projection=found.projection, stream_id=found.stream_id, position__gt=found.position, skipped_at=None
        ).order_by("position")
        first = doors.parked().filter(projection=found.projection, stream_id=found.stream_id, skipped_at=None)
        return {
            "next": first.first() if found.skipped_at else None,
            "title": f"{found.name} at {found.position:,}",
            "why": why(found),
            "event_page": event_page(found.position),
            "waiting": [(each, event_page(each.position)) for each in waiting[:FEW]],
        }


def live() -> QuerySet[Checkpoint]:
    """A row for each projection that has run: its checkpoint, or that of its first part."""
    first = Checkpoint.objects.filter(schema="", projection__in=known()).order_by("projection", "low")
    return Checkpoint.objects.filter(pk__in=first.distinct("projection").values("pk"))


def live_texts(status: Status, end: int) -> dict[str, str]:
    """What changes by itself while somebody looks at a projection."""
    state = doors.state(status)
    if status.progress and state in ("rebuilding", "replaying"):
        state = f"{state} {status.progress.percent} %"
    return {
        "state": state,
        "behind": behind(status),
        "position": f"{status.position:,} of {end:,}",
        "lease": status.holder or "free",
        "count": f"{status.behind_events:,}" if status.behind_events else "–",
        "seconds": f"{status.behind_seconds:,.0f}" if status.behind_events else "–",
    }


def live_facts(status: Status, end: int) -> dict[str, Any]:
    """The same with the figures that progress is reckoned from."""
    facts = {"at": status.position, "behind_events": status.behind_events, "paused": status.paused_at is not None}
    doing = status.progress and {
        "doing": status.progress.doing,
        "percent": status.progress.percent,
        "told": progress(status.progress),
    }
    return {"texts": live_texts(status, end), "asked": asked(status), "progress": doing, **facts}


def asked(status: Status) -> str:
    """Another text as soon as an errand is asked for, begins or ends."""
    return " ".join(f"{each.kind}:{each.ended_at or each.begun_at or each.asked_at}" for each in status.errands)


def behind(status: Status) -> str:
    if not status.behind_events:
        return "–"
    more = "more than " if status.behind_more else ""
    return f"{more}{doors.events(status.behind_events)}, {status.behind_seconds:,.0f} s"
