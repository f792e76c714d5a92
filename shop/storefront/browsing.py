"""Pages to look around in: the catalogue, a product, and the basket."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from projections.exact import exact
from shop.errors import Refused
from shop.ordering.checkout.api import SetItem
from shop.ordering.checkout.domain import Checkout
from shop.ordering.copies import ProductCopy
from shop.storefront import shelf
from shop.storefront.asking import checked, way_on, whole
from shop.storefront.baskets import basket_of, put
from shop.values import Money, id_of


@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    text, sort = request.GET.get("q", "")[:200].strip(), request.GET.get("sort", "")
    found = shelf.look(text.replace("\0", ""), sort, request.GET.get("page"))
    context = {"q": text, "sort": sort if sort in shelf.SORTS else "", "sorts": shelf.SORTS.items(), "found": found}
    return render(request, "storefront/catalogue.html", context)


@require_safe
def product(request: HttpRequest, sku: str) -> HttpResponse:
    found = shelf.one(sku)
    if found is None:
        raise Http404
    shown, on_sale, lowest = found
    context = {"product": shown, "on_sale": on_sale, "lowest": lowest, "others": shelf.beside(sku)}
    return render(request, "storefront/product.html", context)


class InBasket(NamedTuple):
    """A line of the basket at the price in force; None: it is not sold any more."""

    sku: str
    name: str
    quantity: int
    price: Money | None
    left: shelf.Left | None

    @property
    def total(self) -> Money | None:
        return self.price and self.price.times(self.quantity)

    @property
    def too_many(self) -> bool:
        return self.price is not None and self.left is not None and not self.left.enough(self.quantity)


def lines_in(basket: Checkout | None) -> list[InBasket]:
    """At the prices that an order would be placed at now: read from the log, as that does."""
    items = basket.items if basket else {}
    ids = {sku: id_of("product", sku) for sku in items}
    products, left = exact(ProductCopy, ids.values()), shelf.left(items) if items else {}
    lines = []
    for sku, quantity in items.items():
        copy = products.get(ids[sku])
        price = copy.price_at(datetime.now(UTC))[0] if copy and copy.on_sale else None
        lines.append(InBasket(sku, copy.name if copy else sku, quantity, price, left.get(sku)))
    return lines


@require_safe
@never_cache
def basket(request: HttpRequest) -> HttpResponse:
    lines = lines_in(basket_of(request))
    totals = [line.total for line in lines if line.total]
    is_one_currency = len({total.currency for total in totals}) == 1
    goods = sum(totals[1:], totals[0]) if totals and is_one_currency else None
    return render(request, "storefront/basket.html", {"lines": lines, "goods": goods})


@require_POST
def add(request: HttpRequest) -> HttpResponse:
    """Put so many more of a product into the basket."""
    return _set(request, more=True)


@require_POST
def change(request: HttpRequest) -> HttpResponse:
    """Have so many of a product in the basket; 0: none."""
    return _set(request, more=False)


def _set(request: HttpRequest, *, more: bool) -> HttpResponse:
    data = {"sku": request.POST.get("sku", ""), "quantity": whole(request.POST.get("quantity", "1"))}
    asked, errors = checked(SetItem, data)
    try:
        if errors:
            messages.error(request, next(iter(errors.values())))
        else:
            put(request, asked["sku"], asked["quantity"], more=more)
            _say(request, asked, more=more)
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect(way_on(request, "/basket/"))


def _say(request: Any, asked: dict[str, Any], *, more: bool) -> None:
    copy = exact(ProductCopy, [id_of("product", asked["sku"])])
    name = next((each.name for each in copy.values()), asked["sku"])
    if more:
        messages.success(request, f"{name} is in your basket.")
    elif not asked["quantity"]:
        messages.success(request, f"{name} was taken out of your basket.")
