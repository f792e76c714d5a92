"""The count sheet: numbers as they were when it was printed, what was found on the shelf, and what is made of it."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from eventsourcing.persistence import PersistenceError

from eventstore.cause import because
from eventstore.commands import CommandReused
from eventstore.domain import uuid7
from projections.models import Checkpoint
from projections.waiting import wait_until
from shop.catalog.models import ProductSummary
from shop.desk.doors import only, show
from shop.errors import Refused
from shop.inventory.commands import count_stock
from shop.inventory.domain import MOST
from shop.inventory.models import StockLevel

ON_A_SHEET = 200
COUNTED, WHY = "counted:", "why:"  # before the SKU, in the names of fields


class Counted(NamedTuple):
    """What was found of one SKU, against what the sheet says, and what has moved since."""

    sku: str
    name: str
    then: int
    now: int
    counted: int
    reason: str

    @property
    def difference(self) -> int:
        return self.counted - self.then

    @property
    def since(self) -> int:
        return self.now - self.then

    @property
    def after(self) -> int:
        return self.now + self.difference


class Came(NamedTuple):
    """What came of one line: booked, again (it was booked before) or refused."""

    line: Counted
    result: str
    detail: str = ""


@only("stock.count")
def choose(request: HttpRequest) -> HttpResponse:
    """GET: which SKUs; with ``make``, a sheet of them, as of now."""
    found = levels(request.GET)
    if "make" in request.GET:
        skus = request.GET.getlist("sku") if request.GET["make"] == "chosen" else []
        skus = skus or [row.sku for row in found[: ON_A_SHEET + 1] if request.GET["make"] == "all"]
        if 0 < len(skus) <= ON_A_SHEET:
            return redirect(f"{reverse('count-sheet-fill', args=[uuid7()])}?{_sheet(skus, request.GET)}")
        messages.error(
            request,
            f"Expected 1 to {ON_A_SHEET} SKUs on a sheet, found {'more' if skus else 'none'}: "
            f"{'filter them' if skus else 'tick some'}.",
        )
    rows = list(found[: ON_A_SHEET + 1])
    return show(
        request,
        "desk/counting/choose.html",
        "Count sheet",
        rows=named(rows[:ON_A_SHEET]),
        more=len(rows) > ON_A_SHEET,
        asked=request.GET,
    )


def levels(asked: QueryDict) -> QuerySet[StockLevel]:
    found = StockLevel.objects.order_by("sku")
    if text := asked.get("q", "").strip().replace("\0", "")[:64]:
        found = found.filter(sku__icontains=text)
    return found.filter(low=True) if asked.get("low") else found


def named(rows: Sequence[StockLevel]) -> list[tuple[StockLevel, str]]:
    found = ProductSummary.objects.filter(sku__in=[row.sku for row in rows])
    names = dict(found.values_list("sku", "name"))
    return [(row, names.get(row.sku, "")) for row in rows]


def _sheet(skus: list[str], asked: QueryDict) -> str:
    made = QueryDict(mutable=True)
    made["as_of"] = str(Checkpoint.objects.get(projection="Stock", schema="").position)
    if asked.get("blind"):
        made["blind"] = "1"
    made.setlist("sku", skus)
    return made.urlencode()


@only("stock.count")
def fill(request: HttpRequest, sheet: UUID) -> HttpResponse:
    """GET: the sheet, to print and to fill in. POST: what differs; and with ``book``, what came of it."""
    position = request.GET.get("as_of", "")
    skus = request.GET.getlist("sku")[:ON_A_SHEET]
    if not position.isascii() or not position.isdigit() or len(position) > 18 or not skus:
        messages.error(request, "Expected a sheet with a position and SKUs, found none: make one.")
        return redirect("count-sheet")
    try:
        then = {row.sku: row for row in StockLevel.objects.as_of(int(position)).filter(sku__in=skus)}
    except (LookupError, ValueError) as error:
        messages.error(request, f"The sheet cannot be read: {error}")
        return redirect("count-sheet")
    context = {"sheet": sheet, "position": position, "blind": request.GET.get("blind")}
    if request.method != "POST":
        rows = named(sorted(then.values(), key=lambda row: row.sku))
        return show(request, "desk/counting/sheet.html", "Count sheet", rows=rows, values={}, **context)
    return _posted(request, sheet, int(position), then, context)


def _posted(
    request: HttpRequest, sheet: UUID, position: int, then: dict[str, StockLevel], context: dict[str, Any]
) -> HttpResponse:
    errors: list[str] = []
    lines = list(_counted(request.POST, then, errors))
    differ = [line for line in lines if line.difference]
    missing = [line.sku for line in differ if not line.reason] if "book" in request.POST else []
    errors += [f"{sku}: expected a reason for the difference, found none." for sku in missing]
    if not lines and not errors:
        errors.append("Expected a number for at least one SKU, found none.")
    if "book" in request.POST and not errors:
        came = [_book(request, sheet, position, line) for line in differ]
        wait_until(max((each[1] for each in came), default=0), "Stock", timeout=3.0)
        results = [each[0] for each in came]
        return show(request, "desk/counting/done.html", "Counted", came=results, agree=len(lines) - len(differ))
    return show(
        request,
        "desk/counting/preview.html",
        "Differences",
        status=422 if errors else 200,
        lines=differ,
        agree=[line for line in lines if not line.difference],
        left=len(then) - len(lines),
        errors=errors,
        **context,
    )


def _counted(posted: QueryDict, then: dict[str, StockLevel], errors: list[str]) -> Iterator[Counted]:
    """The lines with a number; what is none goes to ``errors``."""
    now = dict(StockLevel.objects.filter(sku__in=list(then)).values_list("sku", "on_hand"))
    for row, name in named(sorted(then.values(), key=lambda row: row.sku)):
        text = posted.get(f"{COUNTED}{row.sku}", "").strip()
        if not text:
            continue
        if not text.isascii() or not text.isdigit() or len(text) > 10 or int(text) > MOST:
            errors.append(f"{row.sku}: expected how many there are, 0 to {MOST:,}; found {text[:40]!r}.")
            continue
        why = posted.get(f"{WHY}{row.sku}", "").strip().replace("\0", "")[:500]
        yield Counted(row.sku, name, row.on_hand, now.get(row.sku, row.on_hand), int(text), why)


def _book(request: HttpRequest, sheet: UUID, position: int, line: Counted) -> tuple[Came, int]:
    """The same line of the same sheet is booked once."""
    try:
        with because(actor=request.user.get_username(), reason=line.reason, command_id=uuid5(sheet, line.sku)):
            receipt = count_stock(line.sku, counted=line.counted, reason=line.reason, as_of=position)
    except CommandReused:
        return Came(line, "refused", "This sheet has booked another number of it before: make a new sheet."), 0
    except Refused as refused:
        return Came(line, "refused", str(refused)), 0
    except PersistenceError as error:
        return Came(line, "refused", f"Nothing was booked, try again: {error}"), 0
    return Came(line, "booked"), receipt.position or 0
