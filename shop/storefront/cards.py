"""The till's edge: a card's number is posted here, becomes a token, and is known to nothing behind this."""

import re
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from shop.application import shop
from shop.customers.commands import add_payment_method
from shop.errors import Refused
from shop.ordering.checkout.commands import choose_payment
from shop.ordering.commands import Paying
from shop.storefront import account, checkout
from shop.storefront.asking import asking, checked, noted, who
from shop.vault.api import StoreCard
from shop.vault.commands import store_card
from shop.vault.domain import Card


@sensitive_post_parameters()
@require_POST
@checkout.of_a_customer
def tokenise(request: HttpRequest) -> HttpResponse:
    """For this checkout, for the account, or for both. The number is not shown again, not even if it is refused."""
    is_for_account = request.POST.get("for") == "account"
    month, year = expiry(request.POST.get("expiry", ""))
    data = {"number": request.POST.get("number", ""), "holder": request.POST.get("holder", "")}
    asked, errors = checked(StoreCard, data | {"expiry_month": month, "expiry_year": year})
    card: Any = None
    if asked:
        try:
            with asking(request, "store"):
                card = shop.load(Card, noted(request, store_card(**asked | {"customer_id": who(request)})).id)
        except Refused as refused:
            errors = {"expiry": str(refused)}
    if card is None:
        if "expiry_month" in errors or "expiry_year" in errors:
            errors["expiry"] = "Expected month and year, such as 04/29."
        filled = {"holder": data["holder"], "expiry": request.POST.get("expiry", "")}
        if is_for_account:
            return account.shown(request, form="card", errors=errors, filled=filled)
        basket = checkout.open_basket(request)
        return checkout.shown(request, basket, change="payment", errors=errors, filled=filled, status=422)
    customer_id = who(request)
    if customer_id and (is_for_account or request.POST.get("keep")):
        label = f"{card.brand.title()} card"
        with asking(request, "keep"):
            added = add_payment_method(customer_id, token=card.token, label=label, last_four=card.last_four)
            noted(request, added)
    if is_for_account:
        messages.success(request, f"Your card ending in {card.last_four} is kept.")
        return redirect("/account/")
    with asking(request, "choose"):
        noted(request, choose_payment(checkout.open_basket(request).id, payment=Paying("card", card.id)))
    return redirect("/checkout/")


def expiry(text: str) -> tuple[Any, Any]:
    """Month and year of ``04/29``; else two words that no form takes."""
    found = re.fullmatch(r"\s*(\d{1,2})\s*/\s*(?:20)?(\d{2})\s*", text)
    return (int(found[1]), 2000 + int(found[2])) if found else ("", "")
