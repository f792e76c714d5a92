"""What was changed: how far it is, what became of each line, and its undo."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from rest_framework.exceptions import ValidationError

from eventstore.cause import because
from eventstore.log import exists
from projections.waiting import wait_until
from shop.admin import exporting
from shop.catalog.models import RepricedLine, RepricingSummary
from shop.catalog.repricing.commands import stop_repricing
from shop.desk.doors import only, show
from shop.desk.paging import paged, place_of
from shop.errors import Refused
from shop.forms import Text
from shop.roles import may

ON_A_PAGE = 100
RESULTS = ("changed", "conflict", "refused", "unchanged")
COLUMNS = ["number", "sku", "before", "after", "starts", "result", "detail"]


@only("repricings.list")
def changes(request: HttpRequest) -> HttpResponse:
    """All that were made, the last first."""
    page = paged(request, RepricingSummary.objects.order_by("-planned_at", "-id"), 50)
    return show(request, "desk/prices/changes.html", "Price changes", page=page, place=place_of(request))


@only("repricings.retrieve", to_change="repricings.stop")
def change(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One: while it runs, the page comes again by itself. POST stops it."""
    if request.method == "POST":
        return _stop(request, pk)
    row = RepricingSummary.objects.filter(pk=pk).first()
    if row is None and not exists(pk):
        raise Http404
    if row is None:
        return show(request, "desk/prices/soon.html", "Price change", status=202)
    look = request.GET.get("show", "")
    lines = RepricedLine.objects.filter(repricing_id=pk).order_by("number")
    if look in RESULTS:
        lines = lines.filter(result=look)
    undone_by = RepricingSummary.objects.filter(undoes=row.correlation_id).order_by("planned_at")
    undoes = RepricingSummary.objects.filter(correlation_id=row.undoes) if row.undoes else ()
    return show(
        request,
        "desk/prices/change.html",
        row.title,
        row=row,
        counts=[("changed", row.changed), ("conflict", row.conflicts), ("refused", row.refused)],
        look=look,
        page=paged(request, lines, ON_A_PAGE),
        place=place_of(request),
        undone_by=list(undone_by),
        undoes=list(undoes),
        may_change=may(request.user, "repricings.undo"),
    )


def _stop(request: HttpRequest, pk: UUID) -> HttpResponse:
    get_object_or_404(RepricingSummary, pk=pk)
    try:
        reason = Text(max_length=500).run_validation(request.POST.get("reason", ""))
        with because(actor=request.user.get_username()):
            receipt = stop_repricing(pk, reason=reason)
    except ValidationError as error:
        messages.error(request, f"Reason: {' '.join(map(str, error.detail))}")
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        wait_until(receipt.position or 0, "Repricings", timeout=3.0)
        messages.success(request, "Stopped. What is done stays done, and can be undone.")
    return redirect("price-change", pk)


@only("repricings.lines")
def lines(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Its lines as CSV."""
    get_object_or_404(RepricingSummary, pk=pk)
    rows = RepricedLine.objects.filter(repricing_id=pk).order_by("number")
    headers = {"Content-Disposition": f'attachment; filename="price-change-{pk}.csv"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(
        exporting.lines(rows, COLUMNS), content_type="text/csv; charset=utf-8", headers=headers
    )
