"""Registering, signing in and out, another password. Who one is, the log says; a sign-in is a password and no more."""

from hashlib import blake2b
from typing import Any

from django.contrib import messages
from django.contrib.auth import authenticate, login, logout, update_session_auth_hash
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from shop.customers.commands import holder_of, register_customer
from shop.customers.shapes import RegisterCustomer
from shop.errors import Refused
from shop.models import CustomerUser
from shop.service import SignInThrottle
from shop.storefront.asking import asking, checked, noted, way_on, who
from shop.storefront.baskets import basket_of, bring_along

NO_SUCH = "There is no such e-mail address with that password."
LONGEST = 128  # characters of a password


class Tries(SignInThrottle):
    """As over HTTP: so many tries for a name from an address. Registering counts as one name."""

    def get_cache_key(self, request: Any, view: Any) -> str:
        name = request.POST.get("email", "") if view == "sign in" else "register"
        return f"sign-in:{self.get_ident(request)}:{blake2b(name.encode(), digest_size=16).hexdigest()}"


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return shown(request)
    if (wait := too_often(request, "sign in")) is not None:
        return wait
    email = request.POST.get("email", "").strip().replace("\0", "")
    user = authenticate(request, username=username_of(email), password=request.POST.get("password", "")[:LONGEST])
    if user is None:
        return shown(request, "sign in", {"password": NO_SUCH}, status=422)
    return welcome(request, user)


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def register(request: HttpRequest) -> HttpResponse:
    """A customer, and a sign-in of theirs, in one commit."""
    if request.method != "POST":
        return shown(request)
    if who(request) is not None:  # the second click of two
        return redirect(way_on(request, "/"))
    if (wait := too_often(request, "register")) is not None:
        return wait
    password = request.POST.get("password", "")
    asked, errors = checked(RegisterCustomer, request.POST)
    errors |= wrong_with(password)
    if errors:
        return shown(request, "register", errors, status=422)
    try:
        with transaction.atomic(), asking(request):
            receipt = noted(request, register_customer(**asked))
            user, is_new = User.objects.get_or_create(username=str(receipt.id))
            if is_new:
                user.set_password(password)
                user.save()
                CustomerUser.objects.create(user=user, customer_id=receipt.id)
    except Refused as refused:
        return shown(request, "register", {"email": f"{refused} Sign in instead?"}, status=409)
    return welcome(request, user)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    messages.info(request, "You are signed out.")
    return redirect("/")


def another_password(request: HttpRequest) -> dict[str, str]:
    """Change it; answers what is wrong, by field."""
    user: Any = request.user
    if not user.check_password(request.POST.get("old", "")):
        return {"old": "That is not your present password."}
    new = request.POST.get("password", "")
    if errors := wrong_with(new, user):
        return errors
    user.set_password(new)
    user.save()
    update_session_auth_hash(request, user)
    return {}


def username_of(email: str) -> str:
    """Whose sign-in it is: by the e-mail address that the customer has now, or by a name that an operator gave."""
    customer_id = holder_of(email) if "@" in email else None
    named = User.objects.filter(customer__customer_id=customer_id) if customer_id else User.objects.none()
    return named.values_list("username", flat=True).first() or email[:150]


def wrong_with(password: str, user: User | None = None) -> dict[str, str]:
    if len(password) > LONGEST:
        return {"password": f"Expected at most {LONGEST} characters."}
    try:
        validate_password(password, user)
    except ValidationError as error:
        return {"password": " ".join(error.messages)}
    return {}


def welcome(request: HttpRequest, user: Any) -> HttpResponse:
    guests = basket_of(request)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    del request._basket  # type: ignore[attr-defined]
    bring_along(request, guests)
    return redirect(way_on(request, "/"))


def too_often(request: HttpRequest, what: str) -> HttpResponse | None:
    tries = Tries()
    if tries.allow_request(request, what):  # type: ignore[arg-type]
        return None
    seconds = int(tries.wait() or 0) + 1
    answer = shown(request, what, {"email": f"Too many tries. Wait {seconds} seconds, and try again."}, status=429)
    answer["Retry-After"] = str(seconds)
    return answer


def shown(
    request: HttpRequest, form: str = "", errors: dict[str, str] | None = None, status: int = 200
) -> HttpResponse:
    filled = {name: request.POST.get(name, "") for name in ("name", "email")}
    context = {
        "next": way_on(request, "/"),
        "of_sign_in": errors if form == "sign in" else {},
        "of_register": errors if form == "register" else {},
        "filled": filled,
        "form": form,
    }
    return render(request, "storefront/sign_in.html", context, status=status)
