"""The price grid: products with a cell for a new price each, and a percentage for many at once."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse

from shop.catalog.models import ProductSummary
from shop.catalog.repricing.domain import MOST
from shop.catalog.repricing.files import SHOWN, Wanted, Wrong, amount
from shop.catalog.repricing.known import known, shown
from shop.catalog.repricing.previews import ROUNDINGS, Preview, preview, raised
from shop.desk.doors import only, show
from shop.desk.paging import paged, place_of
from shop.desk.prices.kept import keep

ON_A_PAGE = 50
STATUSES = ("published", "draft", "withdrawn")
CELL = "price:"  # before the SKU, in the name of a cell


@only("products.price")
def grid(request: HttpRequest) -> HttpResponse:
    """GET: the products; POST: a preview of what was typed, or of what a percentage makes of those that are chosen."""
    if request.method == "POST":
        return _preview(request)
    found = products(request.GET)
    page = paged(request, found, ON_A_PAGE)
    now = datetime.now(UTC)
    return show(
        request,
        "desk/prices/grid.html",
        "Price grid",
        rows=[known(row, 0, now) for row in page],
        page=page,
        place=place_of(request),
        asked=request.GET,
        query=request.GET.urlencode(),
        statuses=STATUSES,
        roundings=ROUNDINGS,
    )


def products(asked: QueryDict) -> QuerySet[ProductSummary]:
    found = ProductSummary.objects.order_by("sku")
    if text := asked.get("q", "").strip().replace("\0", "")[:200]:
        found = found.filter(Q(sku__icontains=text) | Q(name__icontains=text))
    if (status := asked.get("status")) in STATUSES:
        found = found.filter(status=status)
    return found


def _preview(request: HttpRequest) -> HttpResponse:
    back = f"{reverse('price-grid')}?{request.GET.urlencode()}"
    try:
        found = _typed(request.POST) if "typed" in request.POST else _raised(request)
    except ValueError as error:
        messages.error(request, str(error))
        return redirect(back)
    if not (found.planned or found.wrong):
        messages.info(request, "Nothing would change: no cell has another price than the present one.")
        return redirect(back)
    title = _title(request, len(found.planned))
    by = request.user.get_username()
    draft = keep(found, kind="grid", title=title, by=by)
    return redirect("price-draft", draft.id)


def _title(request: HttpRequest, count: int) -> str:
    if "typed" in request.POST:
        return f"{count} price{'' if count == 1 else 's'} typed in the grid"
    return f"{request.POST['percent'].strip()} % on {count} products"


def _typed(posted: QueryDict) -> Preview:
    wanted: list[Wanted] = []
    wrong: list[Wrong] = []
    for number, (sku, text) in enumerate(_cells(posted), 1):
        try:
            wanted.append(Wanted(number, sku, amount(text), ""))
        except ValueError as error:
            wrong.append(Wrong(number, f"{sku}: {text[:SHOWN]}", str(error)))
    now = datetime.now(UTC)
    return preview(wanted, shown([each.sku for each in wanted], now), settings.SHOP_CURRENCY, wrong)


def _cells(posted: QueryDict) -> Iterator[tuple[str, str]]:
    for name, text in posted.items():
        if name.startswith(CELL) and str(text).strip():
            yield name.removeprefix(CELL), str(text)


def _raised(request: HttpRequest) -> Preview:
    """ValueError says what is missing."""
    percent, rounding = _percent(request.POST.get("percent", "")), request.POST.get("rounding", "cent")
    if rounding not in ROUNDINGS:
        raise ValueError(f"Expected one of {', '.join(ROUNDINGS)} to round to, found {rounding[:SHOWN]!r}.")
    if request.POST.get("scope") == "all":
        skus = list(products(request.GET).values_list("sku", flat=True)[: MOST + 1])
    else:
        skus = request.POST.getlist("chosen")
    if not skus:
        raise ValueError("Expected products that the percentage is for, found none: tick some, or choose all.")
    if len(skus) > MOST:
        raise ValueError(f"Expected at most {MOST:,} products, found more: filter them.")
    there = shown(skus, datetime.now(UTC))
    priced: Any = ((sku, there[sku].price) for sku in skus if sku in there)
    wanted = [
        Wanted(number, sku, raised(price.amount, percent, rounding), price.currency)
        for number, (sku, price) in enumerate(priced, 1)
        if price is not None
    ]
    return preview(wanted, there, settings.SHOP_CURRENCY)


def _percent(text: str) -> Decimal:
    try:
        found = Decimal(text.strip().removesuffix("%").strip())
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite() or not -100 <= found <= 1000:
        raise ValueError(f"Expected a percentage from -100 to 1000 such as 5 or -2.5, found {text[:SHOWN]!r}.")
    return found
