"""The pages of the time machine: one moment of an object's life, and the moments around it for the slider."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from eventstore import history
from eventstore.browser import life, moments
from eventstore.browser.consequences import Around, around
from eventstore.browser.life import Step
from eventstore.browser.moments import Shown
from eventstore.browser.readable import words
from eventstore.browser.told import log
from eventstore.history import Moment

MARKS = 80  # events that have a mark of their own under the slider


class Asked(NamedTuple):
    """Which moment is looked at, and which beside it; what is wrong with what was asked."""

    at: Moment | None
    against: Moment | None
    problems: list[str]


def asked(request: HttpRequest) -> Asked:
    """``?at=``, ``?version=`` (of the slider without scripts), ``?against=``, ``?effective_at=``."""
    found, problems = dict[str, Moment | None](), list[str]()
    version = request.GET.get("version", "").strip()
    texts = {"at": f"v{version}" if version else request.GET.get("at", "").strip()}
    texts["against"] = request.GET.get("against", "").strip()
    effective = request.GET.get("effective_at", "").strip()
    if effective:  # what was known then, against what was true then
        texts["at"] = texts["at"] or effective
    for name, text in texts.items():
        try:
            found[name] = moment(text) if text else None
        except ValueError as error:
            problems.append(str(error))
    if effective and not problems:
        try:
            found["against"] = history.effective(zoned(effective))
        except ValueError as error:
            problems.append(str(error))
    return Asked(found.get("at"), found.get("against"), problems)


def moment(text: str) -> Moment:
    """As ``history.moment``; a day, or a time without a zone, is in UTC."""
    return history.moment(zoned(text))


def zoned(text: str) -> str:
    """``2026-03-01`` is its first instant; ``2026-03-01 12:00`` is in UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    return text if found.tzinfo else found.replace(tzinfo=UTC).isoformat()


def page(browser: Any, request: HttpRequest, stream_id: UUID) -> HttpResponse:
    """An object as it was at a moment: what it was, what had just changed, who, why, and what came of it."""
    wanted = asked(request)
    version, last = life.version_at(stream_id, wanted.at)
    kind = permitted(browser, request, stream_id)
    assert last
    problems = wanted.problems
    if version is None:
        there_was_none = wanted.at and wanted.at.column == "version"
        problems = [f"There was no {wanted.at}: it has {last:,}." if there_was_none else "It did not exist yet."]
    version = version or (1 if wanted.at and wanted.at.column != "version" else last)
    span = moments.span(stream_id, range(version, version + 1), browser.admin_site.name, surroundings(browser, request))
    (shown,) = span.moments
    unlike = None
    if wanted.against and not problems:
        unlike = moments.compared(stream_id, Moment("version", version), wanted.against, browser.admin_site.name)
    context = {
        "stream_id": stream_id,
        "kind": words(kind),
        "called": moments.called(shown.step.state),
        "shown": shown,
        "version": version,
        "last": last,
        "previous": version - 1,
        "next": version + 1 if version < last else 0,
        "problems": problems,
        "unreadable": span.problem,
        "marks": marks(stream_id) if 1 < last <= MARKS else [],
        "unlike": unlike,
        "against": wanted.against,
        "effective": wanted.against is not None and wanted.against.column == "effective_at",
        "known": wanted.at,
        "span": moments.PAGE,
        "object_page": browser.object_page(request, kind, stream_id),
        "may_browse": browser.has_view_permission(request),
    }
    title = f"{words(kind)} {context['called'] or '…' + str(stream_id)[-8:]}"
    return browser.shown(request, "machine", title, **context)  # type: ignore[no-any-return]


def around_it(browser: Any, request: HttpRequest, stream_id: UUID) -> HttpResponse:
    """The moments around ``?v=``, as the slider fetches them: what each changes in the page of the one before."""
    kind = permitted(browser, request, stream_id)
    text = request.GET.get("v", "1")
    version, (_, last) = int(text) if text.isdecimal() and len(text) < 19 else 0, life.version_at(stream_id, None)
    if not last or not 1 <= version <= last:
        raise Http404(f"There is no version {text} of this {kind}.")
    first = (version - 1) // moments.PAGE * moments.PAGE + 1
    versions = range(first, min(first + moments.PAGE, last + 1))
    span = moments.span(stream_id, versions, browser.admin_site.name, surroundings(browser, request))
    browses = browser.has_view_permission(request)
    told = [_as_json(shown, number == 0, browses) for number, shown in enumerate(span.moments)]
    return JsonResponse({"first": first, "last": last, "problem": span.problem, "moments": told})


def _as_json(shown: Shown, whole: bool, browses: bool) -> dict[str, Any]:
    fields = shown.fields
    return {
        "version": shown.told.entry.version,
        "title": shown.title,
        "spoken": shown.spoken,
        "changed": [each.field for each in fields or () if each.changed],
        "labels": {each.field: each.label for each in fields or () if each.changed or whole},
        "fields": None if fields is None else {each.field: each.html for each in fields if each.changed or whole},
        "html": render_to_string("eventstore/browser/moment.html", {"shown": shown, "may_browse": browses}),
    }


def permitted(browser: Any, request: HttpRequest, stream_id: UUID) -> str:
    """The kind of the stream, if whoever asks may look at that kind."""
    name = log().filter(stream_id=stream_id).order_by("version").values_list("name", flat=True).first()
    if name is None:
        raise Http404(f"There is no stream {stream_id}.")
    kind = str(name.partition(".")[0])
    if not browser.sees(request, kind):
        raise PermissionDenied
    return kind


def surroundings(browser: Any, request: HttpRequest) -> Any:
    def found(steps: Iterable[Step]) -> dict[UUID, Around]:
        told = [step.told for step in steps]
        return around(told, lambda kind: browser.sees(request, kind), browser.things(request, told))

    return found


def marks(stream_id: UUID) -> list[tuple[int, str]]:
    """Each version with what happened."""
    events = log().filter(stream_id=stream_id).order_by("version").values_list("version", "name")
    return [(version, words(name.partition(".")[2])) for version, name in events]
