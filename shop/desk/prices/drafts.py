"""What would change: looked at line by line, and then applied for a reason, or left."""

from datetime import UTC, datetime
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from rest_framework.exceptions import ValidationError

from eventstore.cause import because
from projections.waiting import wait_until
from shop.catalog.repricing.commands import plan_repricing, title_of
from shop.catalog.repricing.previews import STEEP
from shop.catalog.repricing.undo import NothingToUndo, undoing
from shop.desk.doors import only, show
from shop.desk.models import PriceDraft
from shop.desk.paging import paged, place_of
from shop.desk.prices.kept import LOOKS, Lines, keep, read
from shop.errors import Refused
from shop.forms import Text

ON_A_PAGE = 100
PATIENCE = 3.0  # seconds for the list to see what was just planned


@only("repricings.create")
def draft(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = get_object_or_404(PriceDraft.objects.defer("preview"), pk=pk)
    wrong = _apply(request, found) if request.method == "POST" else ""
    if isinstance(wrong, HttpResponse):
        return wrong
    first = next((name for name in ("conflicts", "changes", "wrong", "same") if found.counts[name]), "changes")
    look = request.GET.get("show", first if found.kind == "undo" or not found.counts["changes"] else "changes")
    page = paged(request, Lines(found, look if look in LOOKS else "changes"), ON_A_PAGE)
    return show(
        request,
        "desk/prices/draft.html",
        found.title,
        status=422 if wrong else 200,
        draft=found,
        counts=found.counts,
        planned=found.counts["changes"] + found.counts["conflicts"],
        look=look,
        page=page,
        place=place_of(request),
        wrong=wrong,
        asked=request.POST,
        steep_at=STEEP,
    )


def _must_confirm(found: PriceDraft) -> bool:
    """An undo sets back what is known; a change by more than half of a price might be a slip."""
    return found.kind != "undo" and found.counts["steep"] > 0


def _apply(request: HttpRequest, found: PriceDraft) -> HttpResponse | str:
    """To the page of the change; or what is missing."""
    if _must_confirm(found) and "steep" not in request.POST:
        return f"Say that you have looked at the changes of more than {STEEP} %: tick the box."
    if found.counts["wrong"] and "leave_out" not in request.POST:
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
                changes=read(found).changes,
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
