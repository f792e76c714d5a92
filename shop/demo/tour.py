"""``/tour/``: the shop's stories, one after the other. Only in the demo."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from shop.demo.doing import DOING
from shop.demo.found import Found, address, desk
from shop.demo.route import stops
from shop.demo.signins import CUSTOMER, PASSWORD, TOKEN, USER
from shop.errors import Refused
from shop.roles import ROLES

SEEN, SAID = "tour", "tour-said"  # in the session: stops of which a page was opened; what buttons did just now

View = Callable[..., HttpResponse]


def in_the_demo(view: View) -> View:
    @wraps(view)
    def only(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not settings.DEMO:
            raise Http404
        return view(request, *args, **kwargs)

    return only


@in_the_demo
@never_cache
@require_safe
def tour(request: HttpRequest) -> HttpResponse:
    found = Found()
    there = stops(found) if found.end is not None else []
    seen = set(request.session.get(SEEN, ()))
    here = f"{request.scheme}://{request.get_host()}"
    told = [
        (number, stop.at(here), stop.slug in seen if stop.done is None else stop.done)
        for number, stop in enumerate(there, 1)
    ]
    done = sum(is_done for *_, is_done in told)
    context = {
        "stops": told,
        "done": done,
        "share": 100 * done // len(told) if told else 0,
        "next": next((stop for _, stop, is_done in told if not is_done), None),
        "said": request.session.pop(SAID, []),
        "places": [
            (title, place, words)
            for title, place, words in (
                ("Storefront", address("storefront:catalogue"), f"{CUSTOMER} / {PASSWORD}"),
                ("Desk", desk("index"), f"{USER} / {PASSWORD}"),
                ("API", reverse("docs"), "try it in the page"),
                ("Mailbox", desk("notifications_outgoingmail_changelist"), "what the shop has written"),
            )
            if place
        ],
        "roles": sorted(ROLES),
        "password": PASSWORD,
        "token": TOKEN,
    }
    return render(request, "demo/tour.html", context)


@in_the_demo
@require_safe
def go(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """To the page behind a door; that it was opened is what a check mark remembers."""
    for stop in stops(Found()):
        if stop.slug == slug and number < len(stop.do) and stop.do[number].to:
            request.session[SEEN] = sorted({*request.session.get(SEEN, ()), slug})
            return redirect(stop.do[number].to)
    raise Http404


@in_the_demo
@require_POST
def do(request: HttpRequest, slug: str) -> HttpResponse:
    """What a button of the tour does."""
    if slug not in DOING:
        raise Http404
    try:
        done = DOING[slug]()
    except Refused as refused:
        say(request, slug, "refused", str(refused))
    else:
        request.session[SEEN] = sorted({*request.session.get(SEEN, ()), slug})
        say(request, slug, "done", done.text, *done.orders)
    return redirect(f"{reverse('tour')}#{slug}")


def say(request: HttpRequest, slug: str, level: str, text: str, *orders: UUID) -> None:
    """Once, at that stop."""
    links = [desk("ordering_ordersummary_change", order) for order in orders]
    request.session[SAID] = [{"slug": slug, "level": level, "text": text, "orders": links}]
