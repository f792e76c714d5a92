"""What would change: looked at line by line, and then applied for a reason, or left."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from rest_framework.exceptions import ValidationError

from eventstore.cause import because
from projections.waiting import wait_until
from shop.catalog.repricing.commands import plan_repricing, title_of
from shop.catalog.repricing.previews import STEEP, Preview
from shop.catalog.repricing.undo import NothingToUndo, undoing
from shop.desk.doors import only, show
from shop.desk.models import PriceDraft
from shop.desk.paging import paged, place_of
from shop.desk.prices.kept import keep, read
from shop.errors import Refused
from shop.forms import Text

ON_A_PAGE = 100
PATIENCE = 3.0  # seconds for the list to see what was just planned


@only("repricings.create")
def draft(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = get_object_or_404(PriceDraft, pk=pk)
    told = read(found)
    wrong = _apply(request, found, told) if request.method == "POST" else ""
    if isinstance(wrong, HttpResponse):
        return wrong
    looks: dict[str, Any] = {
        "changes": [each for each in told.planned if not each.conflict],
        "steep": [each for each in told.planned if each.steep],
        "conflicts": [each for each in told.planned if each.conflict],
        "same": told.same,
        "wrong": told.wrong,
    }
    first = next((name for name in ("conflicts", "changes", "wrong", "same") if looks[name]), "changes")
    look = request.GET.get("show", first if found.kind == "undo" else "changes" if looks["changes"] else first)
    page = paged(request, looks.get(look, told.planned), ON_A_PAGE)
    return show(
        request,
        "desk/prices/draft.html",
        found.title,
        status=422 if wrong else 200,
        draft=found,
        told=told,
        counts={name: len(lines) for name, lines in looks.items()},
        look=look,
        page=page,
        place=place_of(request),
        wrong=wrong,
        asked=request.POST,
        must_confirm=_must_confirm(found, told),
        steep_at=STEEP,
        average=average(told),
    )


def _must_confirm(found: PriceDraft, told: Preview) -> bool:
    """An undo sets back what is known; a change by more than half of a price might be a slip."""
    return found.kind != "undo" and told.steep > 0


def average(told: Preview) -> str:
    """By how much prices change, all in all."""
    known = [each.change.percent for each in told.planned if each.change.percent is not None and not each.conflict]
    return f"{sum(known) / len(known):+.1f}" if known else ""


def _apply(request: HttpRequest, found: PriceDraft, told: Preview) -> HttpResponse | str:
    """To the page of the change; or what is missing."""
    if _must_confirm(found, told) and "steep" not in request.POST:
        return f"Say that you have looked at the changes of more than {STEEP} %: tick the box."
    if told.wrong and "leave_out" not in request.POST:
        return "Say that the lines with errors are to be left out: tick the box. Or mend them, and import again."
    try:
        reason = Text(max_length=500).run_validation(request.POST.get("reason", ""))
    except ValidationError as error:
        return f"Reason: {' '.join(map(str, error.detail))}"
    try:
        with because(actor=request.user.get_username()):
            receipt = plan_repricing(
                found.id,
                kind=found.kind,
                title=found.title,
                changes=told.changes,
                reason=reason,
                undoes=found.undoes,
            )
    except Refused as refused:
        return str(refused)
    if receipt.position is not None:
        wait_until(receipt.position, "Repricings", timeout=PATIENCE)
    return redirect("price-change", found.id)


@only("repricings.undo")
def undo(request: HttpRequest, correlation_id: UUID) -> HttpResponse:
    """POST: the preview of an undo of all that happened to prices under that id."""
    back = request.POST.get("back") or ""
    place = back if back.startswith("/admin/") else reverse("price-changes")
    if request.method != "POST":
        return redirect(place)
    try:
        told = undoing(correlation_id, datetime.now(UTC))
    except NothingToUndo as nothing:
        messages.error(request, str(nothing))
        return redirect(place)
    if not (told.planned or told.wrong):
        messages.info(request, "There is nothing to undo: every price is what it was before.")
        return redirect(place)
    title = f"Undo of {title_of(correlation_id)}"[:200]
    by = request.user.get_username()
    made = keep(told, kind="undo", title=title, by=by, undoes=correlation_id)
    return redirect("price-draft", made.id)
