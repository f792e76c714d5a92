"""The customer's own page: who they are, where they live, which cards they keep."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from projections.exact import exact
from shop import faults
from shop.application import Receipt
from shop.customers.commands import (
    add_address,
    change_address,
    change_email,
    remove_address,
    remove_payment_method,
    rename_customer,
    set_default_address,
)
from shop.customers.models import CreditSummary, CustomerSummary, today
from shop.customers.shapes import ChangeEmail, RenameCustomer
from shop.errors import Refused
from shop.forms import AddressForm
from shop.storefront.asking import asking, checked, noted, settled, who
from shop.storefront.checkout import of_a_customer
from shop.storefront.signing_in import another_password

FORMS = ("name", "email", "address", "card", "password")


@require_safe
@of_a_customer
def account(request: HttpRequest) -> HttpResponse:
    return shown(request, form=request.GET.get("change", ""), number=request.GET.get("number", ""))


def shown(
    request: HttpRequest,
    *,
    form: str = "",
    number: str = "",
    errors: dict[str, str] | None = None,
    filled: Any = None,
) -> HttpResponse:
    """``form``: which of ``FORMS`` is open; ``number``: of the address that is changed. ContextDown."""
    faults.reach("customers")
    is_up_to_date = settled(request, "Customers")
    customer_id = customer(request)
    row = CustomerSummary.objects.filter(pk=customer_id).first()
    if row is None:  # who registered a moment ago, the log knows
        row = exact(CustomerSummary, [customer_id])[customer_id]
    if form == "address" and number and filled is None:
        filled = next((each["address"] for each in row.addresses if str(each["number"]) == number), None)
        if filled is None:
            raise Http404
    context = {
        "customer": row,
        "tier": row.tier_on(today()),
        "credit": CreditSummary.objects.filter(customer_id=customer_id).first(),
        "is_up_to_date": is_up_to_date,
        "form": form if form in FORMS else "",
        "number": number,
        "errors": errors or {},
        "filled": filled or {"country": "DE", "name": row.name, "email": row.email},
    }
    return render(request, "storefront/account.html", context, status=422 if errors else 200)


@require_POST
@of_a_customer
def rename(request: HttpRequest) -> HttpResponse:
    return _change(request, "name", RenameCustomer, rename_customer)


@require_POST
@of_a_customer
def email(request: HttpRequest) -> HttpResponse:
    return _change(request, "email", ChangeEmail, change_email)


def _change(request: HttpRequest, form: str, of: Any, command: Callable[..., Receipt]) -> HttpResponse:
    asked, errors = checked(of, request.POST)
    if not errors:
        try:
            with asking(request):
                noted(request, command(customer(request), **asked))
        except Refused as refused:
            errors = {form: str(refused)}
    if errors:
        return shown(request, form=form, errors=errors, filled=request.POST.dict())
    messages.success(request, f"Your {'name' if form == 'name' else 'e-mail address'} is changed.")
    return redirect("/account/")


@require_POST
@of_a_customer
def address(request: HttpRequest, number: int | None = None) -> HttpResponse:
    """Add one, or change that one."""
    asked, errors = checked(AddressForm, request.POST.dict())
    if errors:
        filled = request.POST.dict()
        return shown(request, form="address", number=str(number or ""), errors=errors, filled=filled)
    default = bool(request.POST.get("default"))
    if number is None:
        return _done(request, add_address, customer(request), address=asked, default=default)
    return _done(request, change_address, customer(request), number, address=asked)


@require_POST
@of_a_customer
def without_address(request: HttpRequest, number: int) -> HttpResponse:
    return _done(request, remove_address, customer(request), number)


@require_POST
@of_a_customer
def default_address(request: HttpRequest, number: int) -> HttpResponse:
    return _done(request, set_default_address, customer(request), number)


@require_POST
@of_a_customer
def without_card(request: HttpRequest, number: int) -> HttpResponse:
    return _done(request, remove_payment_method, customer(request), number)


def _done(request: HttpRequest, command: Callable[..., Receipt], *args: Any, **kwargs: Any) -> HttpResponse:
    try:
        with asking(request):
            noted(request, command(*args, **kwargs))
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("/account/")


@sensitive_post_parameters()
@require_POST
@of_a_customer
def password(request: HttpRequest) -> HttpResponse:
    if errors := another_password(request):
        return shown(request, form="password", errors=errors)
    messages.success(request, "Your password is changed.")
    return redirect("/account/")


def customer(request: HttpRequest) -> UUID:
    found = who(request)
    assert found  # the pages are those of a customer
    return found
